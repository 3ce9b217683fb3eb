//! Places in a document: JSON pointers (RFC 6901), made only when they are told.

use std::fmt;

/// A place, as a chain up to the top.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    up: Option<&'p At<'p>>,
    token: &'p str,
    is_verbatim: bool,
}

impl<'p> At<'p> {
    /// The whole document.
    pub(super) const fn top() -> At<'static> {
        At { up: None, token: "", is_verbatim: false }
    }

    /// One step down.
    pub(super) const fn then(&'p self, token: &'p str) -> Self {
        At { up: Some(self), token, is_verbatim: false }
    }

    /// The same, its last step being a pointer already.
    pub(super) const fn verbatim(self) -> Self {
        At { is_verbatim: true, ..self }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As deep as the schemas are nested, which is bounded.
        let Some(up) = self.up else { return Ok(()) };
        up.fmt(f)?;
        if self.is_verbatim {
            write!(f, "/{}", self.token)
        } else {
            write!(f, "/{}", escaped(self.token))
        }
    }
}

/// A step of a pointer.
pub(crate) fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The pointer of a reference into the same document.
pub(super) fn local(reference: &str) -> Option<String> {
    let pointer = percent_decoded(reference.strip_prefix('#')?);
    (pointer.is_empty() || pointer.starts_with('/')).then_some(pointer)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if let (b'%', [high, low, after @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_pointers() {
        let top = At::top();
        let paths = top.then("paths");
        assert_eq!(paths.then("/a~b").to_string(), "/paths/~1a~0b");
        assert_eq!(local("#/paths/~1a%7Bx%7D").unwrap(), "/paths/~1a{x}");
        assert_eq!(local("other.yaml#/a"), None);
        assert_eq!(local("#name"), None);
    }
}
