//! A short text put together on the stack.

/// Up to `N` bytes; what is more is left out.
#[derive(Clone, Copy)]
pub(super) struct Text<const N: usize> {
    bytes: [u8; N],
    end: usize,
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> std::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.end)
    }
}

impl<const N: usize> Text<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], end: 0 }
    }

    /// Begins anew.
    #[inline]
    pub(super) const fn clear(&mut self) {
        self.end = 0;
    }

    /// Appends a constant, or a block of known length.
    #[inline]
    pub(super) fn put<const M: usize>(&mut self, block: &[u8; M]) {
        self.put_part(block, M);
    }

    /// Appends a block of which the first `used` bytes count.
    #[inline]
    pub(super) fn put_part<const M: usize>(&mut self, block: &[u8; M], used: usize) {
        debug_assert!(self.end + M <= N, "the callers reckon the longest text");
        let rest = self.bytes.get_mut(self.end..).unwrap_or_default();
        if let Some(place) = rest.first_chunk_mut() {
            *place = *block;
            self.end += used.min(M);
        }
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn put_bytes(&mut self, part: &[u8]) {
        debug_assert!(self.end + part.len() <= N, "the callers reckon the longest text");
        if let Some(place) = self.bytes.get_mut(self.end..self.end + part.len()) {
            place.copy_from_slice(part);
            self.end += part.len();
        }
    }

    /// Appends a shorter text.
    #[inline]
    pub(super) fn put_text<const M: usize>(&mut self, text: &Text<M>) {
        self.put_part(&text.bytes, text.end);
    }

    /// Takes back the last byte.
    pub(super) const fn pop(&mut self) {
        self.end = self.end.saturating_sub(1);
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }
}
