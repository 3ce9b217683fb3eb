//! Reads the field lines of a head in good order, remembering those that were read before.
//!
//! Messages of one service name the same fields in the same order, most with the same value. So each
//! name that was read is kept with the value it had and the names that came after it: a line that
//! is as expected is compared, not read. What is remembered is never trusted, so that a line means
//! the same whatever came before it.

use tapline_model::{HeaderFields, HeaderKind, HeaderLine};

use super::facts::{self, Facts};
use super::head::{Side, is_token_byte};
use super::text;

/// Names remembered for each side.
const NAMES: usize = 64;
/// Places of starts of lines.
const STARTS: usize = 256;
/// How many places a name may be at.
const PROBES: u8 = 4;
/// Longer names are not remembered. None of them is known by its kind.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a name, with its colon, that are compared at once.
const START_BYTES: usize = 16;
/// After so many values that were all different, one in so many is looked at, and the one after it.
const CHANGES: u8 = 16;
/// Longer lines are remembered by their name alone.
const LINE_BYTES_MAX: usize = 256;

/// The lines of a worker's messages.
#[derive(Default)]
pub(crate) struct Lines {
    requests: Memo,
    responses: Memo,
}

/// The lines of one side.
#[derive(Default)]
struct Memo {
    /// None until the first is read.
    lines: Vec<Line>,
    /// What came first last.
    first: u8,
    /// By a few bytes at the start of a line: which one that was.
    starts: Vec<u8>,
}

/// A name, and the line it was last in that came twice.
#[derive(Default)]
#[repr(align(64))]
struct Line {
    /// `Name:`, or the whole line with its end.
    text: Vec<u8>,
    /// The name and its colon, as far as they go.
    start: u128,
    /// Which of its bytes they are.
    start_mask: u128,
    /// Tells another value that came last.
    other: u64,
    /// How often a value was not the one before.
    changes: u8,
    /// What the line says; of a name alone its kind.
    says: HeaderLine,
    name_bytes: u8,
    is_whole: bool,
    /// Whether [`Facts`] are drawn from it.
    is_read: bool,
    /// The value of it names a host as it should.
    is_authority: bool,
    /// What came after it last.
    next: u8,
}

impl Lines {
    /// Reads field lines from `at` up to the blank line; says where that ends. None when there is no
    /// blank line, or any line is not as it should be, or there are more than `fields_max`.
    pub(super) fn read(
        &mut self,
        side: Side,
        bytes: &[u8],
        mut at: usize,
        fields_max: usize,
        fields: &mut HeaderFields,
        facts: &mut Facts,
    ) -> Option<usize> {
        let memo = match side {
            Side::Request => &mut self.requests,
            Side::Response => &mut self.responses,
        };
        if memo.lines.is_empty() {
            memo.lines.resize_with(NAMES, Line::default);
            memo.starts.resize(STARTS, 0);
        }
        let lines: &mut [Line; NAMES] = memo.lines.as_mut_slice().try_into().ok()?;
        let (mut before, mut next) = (None, memo.first);
        loop {
            while let Some(line) =
                known(lines, next, bytes, at).filter(|_| fields.len() < fields_max)
            {
                fields.push_line(line.says, at);
                if line.is_read {
                    line.tell(side, facts);
                }
                at += line.text.len();
                (before, next) = (Some(next), line.next);
            }
            let rest = bytes.get(at..)?;
            if rest.starts_with(b"\r\n") {
                return Some(at + 2);
            }
            if fields.len() >= fields_max {
                return None;
            }
            let expected = lines.get(usize::from(next) % NAMES)?;
            let found = if expected.is_named(rest) {
                Some((next, false))
            } else {
                find(lines, &mut memo.starts, rest)
            };
            let Some((index, is_whole)) = found else {
                // The name is not one that is remembered, if it is one.
                let (line, line_bytes) = read_other(rest)?;
                fields.push_line(line, at);
                at += line_bytes;
                continue;
            };
            let line = at_mut(lines, index)?;
            let line_bytes = if is_whole {
                fields.push_line(line.says, at);
                line.tell(side, facts);
                line.text.len()
            } else {
                let (says, line_bytes) = line.read(side, rest, facts)?;
                fields.push_line(says, at);
                line_bytes
            };
            at += line_bytes;
            let after = line.next;
            if index != next {
                match before {
                    Some(before) => at_mut(lines, before)?.next = index,
                    None => memo.first = index,
                }
            }
            (before, next) = (Some(index), after);
        }
    }
}

#[inline]
fn at_mut(lines: &mut [Line; NAMES], index: u8) -> Option<&mut Line> {
    lines.get_mut(usize::from(index) % NAMES)
}

/// The line that is expected, if it is there as it was.
#[inline]
fn known<'a>(lines: &'a [Line; NAMES], expected: u8, bytes: &[u8], at: usize) -> Option<&'a Line> {
    let line = lines.get(usize::from(expected) % NAMES)?;
    (line.is_whole && bytes.get(at..)?.starts_with(&line.text)).then_some(line)
}

/// Where a line is remembered that was not expected, and whether all of it is known. None when it has
/// no name, or one too long.
#[inline]
fn find(lines: &mut [Line; NAMES], starts: &mut [u8], rest: &[u8]) -> Option<(u8, bool)> {
    let start = starts.get_mut(start_of(rest))?;
    let line = at_mut(lines, *start)?;
    if line.is_whole && rest.starts_with(&line.text) {
        return Some((*start, true));
    }
    if !line.is_named(rest) {
        *start = place(lines, rest)?;
    }
    Some((*start, false))
}

/// Tells most names apart by the first bytes of a line.
#[inline]
fn start_of(line: &[u8]) -> usize {
    let Some((first, rest)) = line.split_first_chunk::<8>() else { return 0 };
    let Some(next) = rest.first_chunk::<4>() else { return 0 };
    let first = u64::from_le_bytes(*first);
    let mixed = first ^ u64::from(u32::from_le_bytes(*next)).rotate_left(23);
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    usize::try_from(mixed).unwrap_or_default() % STARTS
}

/// Where a name is remembered from now on, if it was not.
#[inline(never)]
fn place(lines: &mut [Line; NAMES], rest: &[u8]) -> Option<u8> {
    let name = name(rest).filter(|name| name.len() <= NAME_BYTES_MAX)?;
    let index = place_of(lines, name);
    let line = at_mut(lines, index)?;
    if line.name() != name {
        line.stand_for(name);
    }
    Some(index)
}

/// What a line says whose name is not remembered, and how long it is.
fn read_other(rest: &[u8]) -> Option<(HeaderLine, usize)> {
    let name = name(rest)?;
    let value = text::value(rest, name.len() + 1)?;
    let line_bytes = value.end + 2;
    Some((HeaderLine::new(HeaderKind::of(name), name.len(), value), line_bytes))
}

/// The name that a line begins with.
fn name(rest: &[u8]) -> Option<&[u8]> {
    let name_bytes = rest.iter().position(|&byte| !is_token_byte(byte))?;
    let (name, after) = rest.split_at_checked(name_bytes)?;
    (!name.is_empty() && after.first() == Some(&b':')).then_some(name)
}

/// Where a name is remembered, or is to be.
fn place_of(lines: &mut [Line; NAMES], name: &[u8]) -> u8 {
    let [.., home] = mark(name).to_le_bytes();
    let mut places = (0..PROBES).map(|step| home.wrapping_add(step));
    let is_it = |&index: &u8| at_mut(lines, index).is_some_and(|line| line.name() == name);
    if let Some(index) = places.clone().find(is_it) {
        return index;
    }
    let is_free = |&index: &u8| at_mut(lines, index).is_some_and(|line| line.name_bytes == 0);
    places.find(is_free).unwrap_or(home)
}

impl Line {
    fn name(&self) -> &[u8] {
        self.text.get(..usize::from(self.name_bytes)).unwrap_or_default()
    }

    /// Whether a line has this name.
    #[inline]
    fn is_named(&self, line: &[u8]) -> bool {
        if let Some(start) = line.first_chunk::<START_BYTES>()
            && usize::from(self.name_bytes) < START_BYTES
        {
            return (u128::from_le_bytes(*start) ^ self.start) & self.start_mask == 0
                && self.start_mask != 0;
        }
        let name = self.text.get(..=usize::from(self.name_bytes));
        name.is_some_and(|name| line.starts_with(name))
    }

    /// Stands for another name from now on.
    fn stand_for(&mut self, name: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(name);
        self.text.push(b':');
        self.name_bytes = u8::try_from(name.len()).unwrap_or_default();
        self.says = HeaderLine::new(HeaderKind::of(name), name.len(), 0..0);
        self.is_read = facts::is_read(self.says.kind());
        self.is_whole = false;
        (self.other, self.changes) = (0, 0);
        (self.start, self.start_mask) = (0, 0);
        for (&byte, place) in self.text.iter().zip(0..START_BYTES) {
            self.start |= u128::from(byte) << (8 * place);
            self.start_mask |= 0xff << (8 * place);
        }
    }

    /// Whether a line is to be noted. Of a name whose value changes each time, few are.
    #[inline]
    fn is_worth_a_look(&mut self) -> bool {
        self.changes += 1;
        if self.changes == 2 * CHANGES {
            self.changes = CHANGES;
        }
        self.changes < CHANGES + 2
    }

    /// Reads a line of this name; says how long it is.
    #[inline]
    fn read(&mut self, side: Side, rest: &[u8], facts: &mut Facts) -> Option<(HeaderLine, usize)> {
        let value = text::value(rest, usize::from(self.name_bytes) + 1)?;
        let line_bytes = value.end + 2;
        let says = self.says.with_value(value);
        let kind = says.kind();
        if kind == HeaderKind::ContentLength {
            facts.read_length(says.value(rest));
            return Some((says, line_bytes));
        }
        if self.is_read {
            facts.read(side, kind, says.value(rest));
        }
        if line_bytes <= LINE_BYTES_MAX && is_kept(kind) && self.is_worth_a_look() {
            self.note(says, rest.get(..line_bytes)?);
        }
        Some((says, line_bytes))
    }

    /// Takes what the whole line says.
    #[inline(never)]
    fn tell(&self, side: Side, facts: &mut Facts) {
        match self.says.kind() {
            HeaderKind::Host => facts.read_host(side, self.is_authority),
            kind => facts.read(side, kind, self.says.value(&self.text)),
        }
    }

    /// Remembers a line of this name, if it came before.
    fn note(&mut self, says: HeaderLine, text: &[u8]) {
        let mark = mark(says.value(text));
        if std::mem::replace(&mut self.other, mark) == mark && self.text != text {
            self.changes = 0;
            self.text.clear();
            self.text.extend_from_slice(text);
            (self.says, self.is_whole) = (says, true);
            self.is_authority =
                says.kind() == HeaderKind::Host && facts::is_authority(says.value(text));
        }
    }
}

/// Whether values of a kind may be remembered: not credentials, and not what is as soon read.
fn is_kept(kind: HeaderKind) -> bool {
    !matches!(
        kind,
        HeaderKind::Authorization
            | HeaderKind::Cookie
            | HeaderKind::SetCookie
            | HeaderKind::ApiKey
            | HeaderKind::ContentLength
    )
}

/// Tells most texts apart.
fn mark(text: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (chunks, rest) = text.as_chunks::<8>();
    let mix = |mark: u64, more: u64| (mark.rotate_left(29) ^ more).wrapping_mul(ODD);
    let mark = chunks.iter().fold(1, |mark, chunk| mix(mark, u64::from_le_bytes(*chunk)));
    let last = match text.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(1, |all, &byte| all << 8 | u64::from(byte)),
    };
    mix(mark, last)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use crate::http1::head::{parse_start, strict_start};

    fn field() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec![
            "Host",
            "host",
            "Content-Length",
            "Content-Type",
            "Transfer-Encoding",
            "Content-Encoding",
            "Cookie",
            "Authorization",
            "X-Id",
            "A",
            "B",
            "X-Api-Key",
            "X-A-Name-That-Is-Much-Longer-Than-Anyone-Has-Use-For-Or-Would-Remember",
            "",
            "X Y",
            "X\u{7f}",
            " X",
            "\tX",
            "Naïve",
            "Host ",
        ]);
        let colon = prop::sample::select(vec![":", ": ", ": ", ": ", ":\t ", " :", ""]);
        let value = prop_oneof![
            4 => prop::sample::select(vec![
                "x", "shop.example:8080", "a b", "a/b", "5", "5, 5", "7,8", "-1", "chunked",
                "gzip, chunked", "br", "identity", "", " ", "application/json", "x ", "x\t",
                "a\tb", "\u{1}", "\u{7f}", "é", "a\rb", "a\nb", "a\r\n b",
            ]).prop_map(str::to_owned),
            1 => "[ -~]{0,40}",
            1 => (240usize..300).prop_map(|count| "v".repeat(count)),
        ];
        let end = prop_oneof![
            20 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just(""), 1 => Just("\r\r\n")
        ];
        (name, colon, value, end)
            .prop_map(|(name, colon, value, end)| [name, colon, &value, end].concat())
    }

    /// In the main fields that are read strictly.
    fn plain() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "Host: x\r\n",
            "Host: shop.example:8080\r\n",
            "Host: a b\r\n",
            "Content-Length: 5\r\n",
            "Content-Length: 6\r\n",
            "Content-Type: application/json\r\n",
            "Content-Type: a\r\n",
            "Accept: */*\r\n",
            "Accept:*/*\r\n",
            "Server: s\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Encoding: gzip\r\n",
            "Cookie: a=b\r\n",
            "X-Id: 1\r\n",
            "X-Id: 2\r\n",
            "X-Id:\r\n",
            "X-Id: \r\n",
            "X-Id:  1\r\n",
        ])
        .prop_map(str::to_owned)
    }

    fn head() -> impl Strategy<Value = (Side, Vec<u8>)> {
        let request = prop_oneof![
            8 => prop::sample::select(vec![
                "GET / HTTP/1.1\r\n", "POST /a?b=c HTTP/1.1\r\n", "BREW /\u{e9} HTTP/1.0\r\n",
            ]),
            1 => prop::sample::select(vec![
                "\r\nGET / HTTP/1.1\r\n", "GET  HTTP/1.1\r\n", "GET / HTTP/1.2\r\n",
                "GET  / HTTP/1.1\r\n", "GET /\u{7f} HTTP/1.1\r\n", "GET / HTTP/1.1\n", "G(T / HTTP/1.1\r\n",
                "GET / HTTP/1.1 \r\n", "GET /\t HTTP/1.1\r\n", " / HTTP/1.1\r\n", "GET / HTTP/1.1\r\r\n",
                "GET / x HTTP/1.1\r\n", "GET /", "",
            ]),
        ];
        let response = prop_oneof![
            8 => prop::sample::select(vec!["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 Not Found\r\n"]),
            1 => prop::sample::select(vec![
                "HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\n", "HTTP/1.1 099 A\r\n", "HTTP/1.1 20 A\r\n",
                "HTTP/1.1 2000 A\r\n", "HTTP/1.1 200 A\n", "HTTP/1.1 200 \u{e9}\r\n", "HTTP/1.1  200 A\r\n",
                "HTTP/1.2 200 A\r\n", "HTTP/1.1 200 a\u{1}\r\n", "HTTP/1.1 200 a\tb \r\n", "\nHTTP/1.1 200 A\r\n",
            ]),
        ];
        let start = prop_oneof![
            request.prop_map(|line| (Side::Request, line)),
            response.prop_map(|line| (Side::Response, line)),
        ];
        let fields = prop::collection::vec(prop_oneof![12 => plain(), 1 => field()], 0..18);
        let end = prop_oneof![10 => Just("\r\n"), 1 => Just("\n"), 1 => Just(""), 1 => Just("\r")];
        let flip = prop::option::weighted(0.05, (any::<prop::sample::Index>(), any::<u8>()));
        (start, fields, end, flip, "[a-z]{0,3}").prop_map(
            |((side, start), fields, end, flip, body)| {
                let mut bytes = [start, &fields.concat(), end, &body].concat().into_bytes();
                if let Some((at, byte)) = flip.filter(|_| !bytes.is_empty()) {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                (side, bytes)
            },
        )
    }

    thread_local! {
        /// One memory for all cases.
        static LINES: RefCell<Lines> = RefCell::default();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_head_reads_as_a_strict_parser_reads_it((side, bytes) in head()) {
            let wanted = strict_start(side, &bytes, 16);
            LINES.with_borrow_mut(|lines| {
                for _ in 0..3 {
                    let read = parse_start(side, &bytes, 16, lines, HeaderFields::default());
                    prop_assert_eq!(format!("{:?}", read.ok()), format!("{:?}", &wanted));
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_credential_is_not_remembered() {
        let mut lines = Lines::default();
        let head = b"GET / HTTP/1.1\r\nCookie: hush\r\nAuthorization: hush\r\nX-Api-Key: hush\r\nA: b\r\n\r\n";
        for _ in 0..3 {
            let fields = HeaderFields::default();
            assert!(parse_start(Side::Request, head, 16, &mut lines, fields).is_ok());
        }
        let texts = |memo: &Memo| {
            memo.lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>().concat()
        };
        let kept =
            String::from_utf8([texts(&lines.requests), texts(&lines.responses)].concat()).unwrap();
        assert!(kept.contains("A: b\r\n"), "{kept}");
        assert!(!kept.contains("hush"), "{kept}");
    }
}
