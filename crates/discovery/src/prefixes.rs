//! Texts that are known by how they begin.

/// Beginnings, each with the fewest bytes that follow it: at most 64, found by their first byte.
#[derive(Debug)]
pub(crate) struct Prefixes<const N: usize> {
    known: [(&'static [u8], usize); N],
    /// By first byte: bit `n` stands for the `n`th beginning.
    by_first: [u64; 256],
}

impl<const N: usize> Prefixes<N> {
    /// None of `known` is empty.
    #[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
    pub(crate) const fn new(known: [(&'static [u8], usize); N]) -> Self {
        assert!(N <= u64::BITS as usize, "a mask has 64 bits");
        let mut by_first = [0; 256];
        let mut place = 0;
        while place < N {
            by_first[known[place].0[0] as usize] |= 1 << place;
            place += 1;
        }
        Self { known, by_first }
    }

    /// What follows each beginning that `text` has, if it is long enough.
    pub(crate) fn rests<'a>(
        &'static self,
        text: &'a [u8],
    ) -> impl Iterator<Item = (&'static [u8], &'a [u8])> {
        let first = text.first().map(|&first| usize::from(first));
        let mut left = first.and_then(|first| self.by_first.get(first)).copied().unwrap_or(0);
        let places = std::iter::from_fn(move || {
            let place = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            self.known.get(place)
        });
        places.filter_map(|&(prefix, least)| {
            let rest = text.strip_prefix(prefix)?;
            (rest.len() >= least).then_some((prefix, rest))
        })
    }

    /// The fewest bytes of a text that begins so and is long enough.
    #[cfg(test)]
    pub(crate) fn bytes_min(&self) -> usize {
        self.known.iter().map(|(prefix, least)| prefix.len() + least).min().unwrap_or(0)
    }

    /// Whether `text` begins so, however short it is.
    pub(crate) fn begin(&self, text: &[u8]) -> bool {
        let first = text.first().map(|&first| usize::from(first));
        first.and_then(|first| self.by_first.get(first)).is_some_and(|&left| left != 0)
            && self.known.iter().any(|(prefix, _)| text.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beginning_that_fits_is_found() {
        static KNOWN: Prefixes<3> = Prefixes::new([(b"sk_", 2), (b"sk_live_", 2), (b"AC", 1)]);
        let rests = |text: &'static str| -> Vec<&[u8]> {
            KNOWN.rests(text.as_bytes()).map(|(_, rest)| rest).collect()
        };
        assert_eq!(rests("sk_live_42"), [b"live_42".as_slice(), b"42"]);
        assert_eq!(rests("AC1"), [b"1"]);
        for text in ["", "AC", "s", "x", "\u{ff}"] {
            assert!(rests(text).is_empty(), "{text}");
        }
        assert!(KNOWN.begin(b"AC") && !KNOWN.begin(b"A") && !KNOWN.begin(b""));
    }
}
