//! The last bytes that were delivered. They are gone, but a second copy can still be compared.

/// How many are kept: enough to tell two texts apart, little beside what a flow costs anyway.
const TAIL_BYTES: usize = 16;

/// The end of what was delivered of one direction.
#[derive(Default)]
pub(crate) struct Tail {
    /// The last of them at the end.
    bytes: [u8; TAIL_BYTES],
    len: u8,
}

impl Tail {
    /// Delivered next.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.bytes = *last;
            self.len = u8::try_from(TAIL_BYTES).unwrap_or(u8::MAX);
        } else {
            self.append(bytes);
        }
    }

    /// Delivered next, fewer bytes than are kept.
    fn append(&mut self, bytes: &[u8]) {
        self.bytes.rotate_left(bytes.len());
        if let Some(place) = self.bytes.get_mut(TAIL_BYTES - bytes.len()..) {
            place.copy_from_slice(bytes);
        }
        let len = (usize::from(self.len) + bytes.len()).min(TAIL_BYTES);
        self.len = u8::try_from(len).unwrap_or(u8::MAX);
    }

    /// Bytes were missing.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Whether a second copy, the end of which lies `back_bytes` before the end of what was
    /// delivered, differs from the first.
    pub(crate) fn conflicts_with(&self, copy: &[u8], back_bytes: u64) -> bool {
        let Ok(back_bytes) = usize::try_from(back_bytes) else { return false };
        let kept = self.bytes.get(TAIL_BYTES - usize::from(self.len)..).unwrap_or_default();
        let kept = kept.iter().rev().skip(back_bytes);
        kept.zip(copy.iter().rev()).any(|(mine, theirs)| mine != theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers the pieces, then compares a copy that ends so far before their end.
    fn check(pieces: &[&str], copy: &str, back_bytes: u64, expected: bool) {
        let mut tail = Tail::default();
        for piece in pieces {
            if piece.is_empty() {
                tail.clear();
            } else {
                tail.push(piece.as_bytes());
            }
        }
        assert_eq!(tail.conflicts_with(copy.as_bytes(), back_bytes), expected, "{pieces:?} {copy}");
    }

    #[test]
    fn the_end_of_a_second_copy_is_compared() {
        check(&["abcdefghijklmnopqrstuvwxyz"], "uvwxyz", 0, false);
        check(&["abcdefghijklmnopqrstuvwxyz"], "uvXxyz", 0, true);
        check(&["abcdefghijklmnopqrstuvwxyz"], "uvw", 3, false);
        check(&["abcdefghijklmnopqrstuvwxyz"], "uvX", 3, true);
        check(&["abcdefghijklmnopqrstuvwxyz"], "aXcdefghijklmnopqrstuvwxyz", 0, false);
        check(&["abcdefghijklmnopqrstuvwxyz"], "XYZ", 23, false);
    }

    #[test]
    fn short_pieces_add_up() {
        check(&["ab", "cd", "efg"], "abcdefg", 0, false);
        check(&["ab", "cd", "efg"], "Xbcdefg", 0, true);
        check(&["abcdefghijklmnop", "qr"], "Xcdefghijklmnopqr", 0, false);
        check(&["abcdefghijklmnop", "qr"], "Xdefghijklmnopqr", 0, true);
        check(&["", "a"], "Xa", 0, false);
        check(&["ab", "", "c"], "XXc", 0, false);
        check(&[], "abc", 0, false);
    }
}
