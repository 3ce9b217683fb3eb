//! Finds the blank line that ends a head, however the bytes are cut.

use memchr::memchr;

/// Looks at each byte once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadEnd(Place);

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    InLine,
    LineStart,
    /// A carriage return at the start of a line.
    BlankCr,
}

impl HeadEnd {
    /// Begins at the start of a line: a blank line there is the end.
    pub(super) const fn at_line_start() -> Self {
        Self(Place::LineStart)
    }

    /// How many of `bytes` belong to the head, when it ends in them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            self.0 = match (self.0, byte) {
                (Place::LineStart | Place::BlankCr, b'\n') => return Some(at + 1),
                (Place::LineStart, b'\r') => Place::BlankCr,
                _ => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(line_feed) = memchr(b'\n', rest) else {
                        self.0 = Place::InLine;
                        return None;
                    };
                    at += line_feed;
                    Place::LineStart
                }
            };
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_for_every_cut() {
        for (head, rest) in [
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), b"\r\nbody".as_slice()),
            (b"GET / HTTP/1.1\n\n", b"\n"),
            (b"GET / HTTP/1.1\n\r\n", b"\r\n"),
            (b"a\r\n\rb\r\n\r\r\n \r\n\r\n", b""),
        ] {
            let bytes = [head, rest].concat();
            for cut in 0..head.len() {
                let mut end = HeadEnd::default();
                assert_eq!(end.find(&bytes[..cut]), None);
                assert_eq!(end.find(&bytes[cut..]), Some(head.len() - cut), "{cut}");
            }
        }
    }
}
