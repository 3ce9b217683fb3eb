//! A keyed hash of few words, which takes one multiplication for each.

use std::fmt;

/// A strongly universal hash of up to `N` words: of any two inputs the hashes are as two numbers drawn
/// by chance, for whoever knows neither the keys nor any hash (D. Lemire and O. Kaser, "Strongly
/// universal string hashing is fast", The Computer Journal 57, 2014). So it must not leave the sensor.
#[derive(Clone)]
pub struct Multilinear<const N: usize> {
    first: u128,
    keys: [u128; N],
}

impl<const N: usize> Multilinear<N> {
    /// With keys derived from `bytes` for one context.
    pub(crate) fn derive(context: &str, bytes: &[u8; 32]) -> Self {
        let mut derived = blake3::Hasher::new_derive_key(context).update(bytes).finalize_xof();
        let mut next = || {
            let mut word = [0; 16];
            derived.fill(&mut word);
            u128::from_le_bytes(word)
        };
        Self { first: next(), keys: std::array::from_fn(|_| next()) }
    }

    /// The hash of so many words.
    #[inline]
    pub fn hash(&self, words: [u64; N]) -> u64 {
        self.of_words(words.into_iter())
    }

    /// The hash of a text in a role; none when it has more bytes than there are keys for.
    #[inline]
    pub fn hash_text(&self, text: &[u8], role: u8) -> Option<u64> {
        let (words, rest) = text.as_chunks();
        if words.len() + 2 > N {
            return None;
        }
        // Some bytes once more, as mostly there are words before them.
        let last = match text.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)),
        };
        // Of texts of different lengths one may be the other and zeros.
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let ends = [u64::from(role) | bytes << 8, last];
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        Some(self.of_words(ends.into_iter().chain(words)))
    }

    #[inline]
    fn of_words(&self, words: impl Iterator<Item = u64>) -> u64 {
        let sum = words.zip(&self.keys).fold(self.first, |sum, (word, key)| {
            sum.wrapping_add(key.wrapping_mul(u128::from(word)))
        });
        // Inputs that follow each other by steps give sums that do: not so what is made of them.
        let [_, upper] = halves(sum);
        let mixed = (upper ^ upper >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 29
    }
}

impl<const N: usize> fmt::Debug for Multilinear<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Multilinear(secret)")
    }
}

/// The lower half and the upper one.
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
#[inline]
pub(crate) const fn halves(word: u128) -> [u64; 2] {
    [word as u64, (word >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn it_is_the_upper_half_of_a_sum_of_products() {
        let hash = Multilinear { first: 5 << 64, keys: [3 << 64, 7 << 64 | 1] };
        let expected = |sum: u64| {
            let mixed = (sum ^ sum >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ mixed >> 29
        };
        assert_eq!(hash.hash([2, 11]), expected(5 + 3 * 2 + 7 * 11));
        assert_eq!(hash.hash([0, u64::MAX]), expected(5_u64.wrapping_sub(7)));
        // What the lower halves carry over counts.
        let carries = Multilinear { first: u64::MAX.into(), keys: [1] };
        assert_eq!(carries.hash([1]), expected(1));
    }

    #[test]
    fn texts_differ_by_bytes_length_and_role() {
        let hash = Multilinear::<6>::derive("test", &[7; 32]);
        let mut seen = HashSet::new();
        for length in 0..40 {
            for role in 0..3 {
                assert!(seen.insert(hash.hash_text(&vec![0; length], role)), "{length} {role}");
                assert_eq!(hash.hash_text(&vec![0; length], role).is_some(), length < 40);
            }
            for place in 0..length {
                let mut text = vec![0; length];
                text[place] = 1;
                assert!(seen.insert(hash.hash_text(&text, 0)), "{place} of {length}");
            }
        }
        assert_eq!(hash.hash_text(&[0; 40], 0), None);
    }

    #[test]
    fn contexts_and_keys_have_hashes_of_their_own() {
        let hash = |context, byte| Multilinear::<2>::derive(context, &[byte; 32]).hash([1, 2]);
        let all = HashSet::from([hash("a", 1), hash("b", 1), hash("a", 2)]);
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn it_never_prints_its_keys() {
        let hash = Multilinear::<1> { first: 0x4141, keys: [0x4141] };
        assert_eq!(format!("{hash:?}"), "Multilinear(secret)");
    }
}
