//! Reads the field lines of a head in good order, remembering those that were read before.
//!
//! Messages of one service name the same fields, most with the same value, though not always in one
//! order. So each name that was read is kept with the value it had, to be found by its first bytes: a
//! line that is as it was is compared, not read. What is remembered is never trusted, so that a line
//! means the same whatever came before it.

use tapline_model::{HeaderFields, HeaderKind, HeaderLine};

use super::facts::{self, Facts};
use super::head::{Side, is_token_byte};
use super::text;

/// Names remembered for each side.
const NAMES: usize = 64;
/// Places of starts of names.
const STARTS: usize = 1_024;
/// How many places a name may be at.
const PROBES: u8 = 4;
/// Longer names are not remembered. None of them is known by its kind.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a line that its name is found by.
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
    /// By the start of a name: which line has it.
    starts: Vec<u8>,
}

/// How a line begins, up to the colon of its name if that is so near.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Start {
    first: u64,
    second: u64,
}

/// A name, and the line it was last in that came twice.
#[derive(Default)]
#[repr(align(64))]
struct Line {
    /// `Name:`, or the whole line with its end.
    text: Vec<u8>,
    /// What [`start_of`] gives for the name.
    start: Start,
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
        let starts: &mut [u8; STARTS] = memo.starts.as_mut_slice().try_into().ok()?;
        loop {
            let rest = bytes.get(at..)?;
            if let [b'\r', b'\n', ..] = rest {
                return Some(at + 2);
            }
            if fields.len() >= fields_max {
                return None;
            }
            let start = start_of(rest);
            let line = at_mut(lines, *starts.get(place_of_start(start))?)?;
            if line.is_whole && begins_with(rest, &line.text) {
                fields.push_line(line.says, at);
                if line.is_read {
                    line.tell(side, facts);
                }
                at += line.text.len();
                continue;
            }
            let line = if line.is_named(start, rest) {
                Some(line)
            } else {
                place(lines, starts, start, rest)
            };
            let (says, line_bytes) = match line {
                Some(line) => line.read(side, rest, facts)?,
                // The name is not one that is remembered, if it is one.
                None => read_other(rest)?,
            };
            fields.push_line(says, at);
            at += line_bytes;
        }
    }
}

#[inline]
fn at_mut(lines: &mut [Line; NAMES], index: u8) -> Option<&mut Line> {
    lines.get_mut(usize::from(index) % NAMES)
}

/// The first bytes of a line up to its colon, as words, the others 0.
#[inline]
fn start_of(line: &[u8]) -> Start {
    match line.first_chunk() {
        Some(start) => start_of_block(start),
        None => start_of_block(&padded(line)),
    }
}

#[inline]
fn start_of_block(start: &[u8; START_BYTES]) -> Start {
    let ([first, second], _) = start.as_chunks::<8>() else { return Start::default() };
    let (first, second) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
    let colon = first_colon(first);
    // Nothing of the second word if the colon is in the first.
    let second = second & before(first_colon(second)) & u64::from(colon != 0).wrapping_sub(1);
    Start { first: first & before(colon), second }
}

/// A short line, and nothing behind it.
#[inline(never)]
fn padded(line: &[u8]) -> [u8; START_BYTES] {
    let mut start = [0; START_BYTES];
    for (to, from) in start.iter_mut().zip(line) {
        *to = *from;
    }
    start
}

/// Marks the first colon of a word, if there is one.
#[inline]
const fn first_colon(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let other = word ^ (ONES * 0x3a);
    let colons = other.wrapping_sub(ONES) & !other & (ONES << 7);
    // What lies above the first may be marked wrongly.
    colons & colons.wrapping_neg()
}

/// All bits before a mark, or all there are.
#[inline]
const fn before(mark: u64) -> u64 {
    mark.wrapping_sub(1)
}

/// Where the line is noted whose name starts so.
#[inline]
fn place_of_start(start: Start) -> usize {
    let mixed = start.first ^ start.second.rotate_left(23);
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    usize::try_from(mixed).unwrap_or_default() % STARTS
}

/// Whether `text` is what `rest` begins with. Texts as long as lines mostly are compare in blocks that
/// may overlap: two at either end.
#[inline]
fn begins_with(rest: &[u8], text: &[u8]) -> bool {
    let Some(rest) = rest.get(..text.len()) else { return false };
    let Some(differ) = differ_at_ends(rest, text) else { return rest == text };
    if differ != 0 || text.len() <= 2 * START_BYTES {
        return differ == 0;
    }
    let first = differ_first(rest.get(START_BYTES..), text.get(START_BYTES..));
    let before_last = ..text.len().saturating_sub(START_BYTES);
    let last = differ_last(rest.get(before_last), text.get(before_last));
    match (first, last) {
        (Some(first), Some(last)) if text.len() <= 4 * START_BYTES => first | last == 0,
        _ => rest == text,
    }
}

/// Where the first or the last blocks of two texts differ.
#[inline]
fn differ_at_ends(one: &[u8], other: &[u8]) -> Option<u128> {
    Some(differ_first(Some(one), Some(other))? | differ_last(Some(one), Some(other))?)
}

/// Where the first blocks of two texts differ.
#[inline]
fn differ_first(one: Option<&[u8]>, other: Option<&[u8]>) -> Option<u128> {
    let (one, other) = (one?.first_chunk()?, other?.first_chunk()?);
    Some(u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other))
}

/// Where the last blocks of two texts differ.
#[inline]
fn differ_last(one: Option<&[u8]>, other: Option<&[u8]>) -> Option<u128> {
    let (one, other) = (one?.last_chunk()?, other?.last_chunk()?);
    Some(u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other))
}

/// The line of a name from now on, if it was not known or not found. None when there is no name, or
/// one too long.
#[inline(never)]
fn place<'a>(
    lines: &'a mut [Line; NAMES],
    starts: &mut [u8; STARTS],
    start: Start,
    rest: &[u8],
) -> Option<&'a mut Line> {
    let name = name(rest).filter(|name| name.len() <= NAME_BYTES_MAX)?;
    let index = place_of(lines, name);
    *starts.get_mut(place_of_start(start))? = index;
    let line = at_mut(lines, index)?;
    if line.name() != name {
        line.stand_for(name);
    }
    Some(line)
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

    /// Whether a line has this name, which starts so.
    #[inline]
    fn is_named(&self, start: Start, line: &[u8]) -> bool {
        if (start.first ^ self.start.first) | (start.second ^ self.start.second) != 0 {
            return false;
        }
        if usize::from(self.name_bytes) < START_BYTES {
            // The colon is in it. A line of nothing stands for none.
            return self.name_bytes > 0;
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
        self.start = start_of(&self.text);
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
