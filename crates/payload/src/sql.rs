//! Text that changes a statement of SQL: read as tokens, one letter each, and compared with what
//! statements look like when they begin in the middle of another.

mod grammar;
mod words;

use self::words::Word;
use crate::bytes::{at, from, part};

/// Tokens of one reading; what lies behind is not read.
const TOKENS_MAX: usize = 4_096;
/// Bytes before a quote that ends a literal somebody else began.
const LITERAL_BYTES_MAX: usize = 256 << 10;

/// Where a text may begin: in a statement, or in a literal that a quote ends.
const CONTEXTS: [Option<u8>; 3] = [None, Some(b'\''), Some(b'"')];

/// Reads SQL; keeps its buffer.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    tokens: Vec<u8>,
}

impl Sql {
    /// How plainly a text is an injection, 0 to 10.
    pub(crate) fn score(&mut self, text: &[u8]) -> u8 {
        let mut most = 0;
        for quote in CONTEXTS {
            self.read(text, quote);
            if !self.tokens.is_empty() {
                most = most.max(grammar::score(&self.tokens));
            }
        }
        most
    }

    /// The letters of a text's tokens.
    fn read(&mut self, text: &[u8], quote: Option<u8>) {
        self.tokens.clear();
        let mut reader = Reader { text, place: 0, tokens: &mut self.tokens };
        if let Some(quote) = quote {
            let head = text.get(..LITERAL_BYTES_MAX).unwrap_or(text);
            let Some(end) = memchr::memchr(quote, head) else { return };
            // A short literal is a value; a long one may be prose with an apostrophe.
            let is_short = memchr::memchr_iter(b' ', part(text, 0, end)).count() <= 2;
            reader.tokens.push(if is_short { b'Q' } else { b'q' });
            reader.place = end + 1;
        }
        while reader.tokens.len() < TOKENS_MAX && reader.step() {}
    }
}

/// A pass over a text.
struct Reader<'a> {
    text: &'a [u8],
    place: usize,
    tokens: &'a mut Vec<u8>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        at(self.text, self.place + ahead)
    }

    fn push(&mut self, token: u8, bytes: usize) {
        self.tokens.push(token);
        self.place += bytes;
    }

    /// Reads a token; whether there was one.
    fn step(&mut self) -> bool {
        let Some(&byte) = self.text.get(self.place) else { return false };
        match byte {
            0..=b' ' | b'\\' | 0x7f | 0xa0 => self.place += 1,
            b'/' if self.peek(1) == b'*' => self.comment(),
            b'*' if self.peek(1) == b'/' => self.place += 2,
            b'-' if self.peek(1) == b'-' => self.line_comment(2),
            b'#' => self.line_comment(1),
            b'\'' | b'"' => self.literal(byte),
            b'`' => self.push(b'n', 1 + self.span(1, |byte| byte != b'`') + 1),
            b'(' | b')' | b',' | b';' | b'*' | b'.' | b'{' | b'}' | b'[' | b']' | b':' | b'?' => {
                self.push(byte, 1);
            }
            b'=' | b'<' | b'>' => self.push(b'=', self.span(0, |byte| b"=<>!".contains(&byte))),
            b'!' if self.peek(1) == b'=' => self.push(b'=', 2),
            b'&' | b'|' if self.peek(1) == byte => self.push(b'&', 2),
            b'!' => self.push(b'!', 1),
            b'&' | b'|' | b'+' | b'-' | b'/' | b'%' | b'^' | b'~' => self.push(b'+', 1),
            b'@' => self.variable(),
            b'0'..=b'9' => self.number(),
            _ if is_name(byte) => self.word(),
            _ => self.push(b'x', 1),
        }
        true
    }

    /// How many bytes from `ahead` on are so.
    fn span(&self, ahead: usize, is_so: impl Fn(u8) -> bool) -> usize {
        from(self.text, self.place + ahead).iter().take_while(|&&byte| is_so(byte)).count()
    }

    /// What `MySQL` runs (`/*!50000union*/`) is read; the rest is as good as a space.
    fn comment(&mut self) {
        if self.peek(2) == b'!' {
            self.place += 3;
            self.place += self.span(0, |byte| byte.is_ascii_digit());
            return;
        }
        let rest = from(self.text, self.place + 2);
        match memchr::memmem::find(rest, b"*/") {
            Some(end) => self.place += end + 4,
            None => self.push(b'c', self.text.len()),
        }
    }

    fn line_comment(&mut self, bytes: usize) {
        let rest = from(self.text, self.place);
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.push(b'c', end.max(bytes));
    }

    /// A literal, to its end or to that of the text; doubled and escaped quotes are part of it.
    fn literal(&mut self, quote: u8) {
        let rest = from(self.text, self.place + 1);
        let mut start = 0;
        loop {
            let Some(found) = memchr::memchr2(quote, b'\\', from(rest, start)) else {
                return self.push(b's', rest.len() + 1);
            };
            let end = start + found;
            let is_pair = at(rest, end) == b'\\' || at(rest, end + 1) == quote;
            if !is_pair {
                return self.push(b's', end + 2);
            }
            start = end + 2;
        }
    }

    fn variable(&mut self) {
        let marks = self.span(0, |byte| byte == b'@');
        let name = self.span(marks, |byte| is_name(byte) || byte == b'.');
        self.push(if marks == 2 && name > 0 { b'V' } else { b'v' }, marks + name);
    }

    /// Digits, `0x`, fractions; a keyword may follow without a space (`1or 1=1`).
    fn number(&mut self) {
        let is_hex = self.peek(0) == b'0' && self.peek(1) | 0x20 == b'x';
        if is_hex {
            let digits = self.span(2, |byte| byte.is_ascii_hexdigit());
            return self.push(b'1', 2 + digits);
        }
        let mut bytes = self.span(0, |byte| byte.is_ascii_digit() || byte == b'.');
        let exponent = self.span(bytes + 1, |byte| byte.is_ascii_digit());
        if self.peek(bytes) | 0x20 == b'e' && exponent > 0 {
            bytes += 1 + exponent;
        }
        let letters = self.span(bytes, is_name);
        let tail = part(self.text, self.place + bytes, self.place + bytes + letters);
        if letters > 0 && words::find(tail).is_none() {
            return self.push(b'n', bytes + letters);
        }
        self.push(b'1', bytes);
    }

    fn word(&mut self) {
        let bytes = self.span(0, |byte| is_name(byte) || byte == b'.');
        let word = part(self.text, self.place, self.place + bytes);
        let space = self.span(bytes, |byte| byte <= b' ');
        let is_call = self.peek(bytes + space) == b'(';
        let token = match words::find(word) {
            Some(Word::Keyword(token)) => token,
            Some(Word::Danger) => b'd',
            Some(Word::Call) if is_call => b'd',
            Some(Word::Function) if is_call => b'f',
            _ if is_call && space == 0 => b'g',
            _ => b'n',
        };
        self.push(token, bytes.max(1));
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte > 0xa0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, quote: Option<u8>) -> String {
        let mut sql = Sql::default();
        sql.read(text.as_bytes(), quote);
        String::from_utf8(sql.tokens).unwrap()
    }

    #[test]
    fn tokens_are_letters() {
        for (text, quote, expected) in [
            ("1 or 1=1", None, "1&1=1"),
            ("1or 2=0x3", None, "1&1=1"),
            ("x' or 'a'='a", Some(b'\''), "Q&s=s"),
            ("x' or 'a'='a", None, "nsns"),
            ("1 union/**/all select null,@@version--", None, "1UaS1,Vc"),
            ("/*!50000union*/ select", None, "US"),
            ("sleep(5)", None, "d(1)"),
            ("sleep well", None, "nn"),
            ("5th of may", None, "nnn"),
        ] {
            let read = tokens(text, quote);
            assert!(read.starts_with(expected), "{text}: {read}");
        }
    }

    #[test]
    fn injections_score_and_prose_does_not() {
        let mut sql = Sql::default();
        for text in [
            "1' or '1'='1",
            "1 or 1=1",
            "admin'--",
            "1) and 5=5 and (1=1",
            "1 union select null,null--",
            "1;waitfor delay '0:0:5'",
            "1' in boolean mode) union all select null#",
            "1,exp(~(select * from (select 1)x))",
            "1';select pg_sleep(5)--",
            "-1' order by 10#",
            "if(now()=sysdate(),sleep(15),0)",
            "1e1 union select users from password",
        ] {
            assert!(sql.score(text.as_bytes()) >= 5, "{text}");
        }
        for text in [
            "union was a great select",
            "O'Brien",
            "D'or 1st parfume",
            "1) a-b=c",
            "rock 'n' roll and 'more'",
            "select one from the list; update it or drop it",
            "if x = 1 and y = 2 then it's fine",
            "He said 'yes' or 'no'.",
            "5' 6' -- what a height",
            "price between 10 and 20 (or more)",
        ] {
            assert!(sql.score(text.as_bytes()) < 5, "{text}");
        }
    }
}
