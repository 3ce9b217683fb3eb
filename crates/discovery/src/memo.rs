//! Where short texts are remembered: tables in which each entry is replaced by the next one for its
//! place, so that neither order nor luck shows in an output.

/// What was worked out of short texts. Two texts share a place, so that two that come in turn do not
/// drive each other out.
#[derive(Debug)]
pub(crate) struct Memo<V> {
    /// The newer text first; empty at first.
    places: Vec<[(Vec<u8>, V); 2]>,
}

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<V: Default> Memo<V> {
    /// What was worked out of a text, if it is remembered. Of the empty text nothing is.
    pub(crate) fn find(&self, text: &[u8]) -> Option<&V> {
        let [newer, older] = self.places.get(place_of(text))?;
        let found = [newer, older].into_iter().find(|(known, _)| known == text)?;
        (!text.is_empty()).then_some(&found.1)
    }

    /// Remembers what was worked out of a text.
    pub(crate) fn remember(&mut self, text: &[u8], value: V) {
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Default::default);
        }
        if let Some(place) = self.places.get_mut(place_of(text)) {
            place.swap(0, 1);
            let (known, kept) = &mut place[0];
            known.clear();
            known.extend_from_slice(text);
            *kept = value;
        }
    }
}

/// Entries of a small table.
pub(crate) const PLACES: usize = 256;

/// The place of a text in a small table.
pub(crate) fn place_of(text: &[u8]) -> usize {
    usize::try_from(hash_of(text) >> 56).unwrap_or_default()
}

/// Words of a text that are hashed, besides its last one.
const WORDS_MAX: usize = 8;

/// A hash of a text, its upper bits the best. It takes no key: whoever aims texts at one place makes
/// them be worked out anew, no more.
pub(crate) fn hash_of(text: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = text.as_chunks();
    let last = text.last_chunk().map_or_else(
        || rest.iter().fold(0, |start, &byte| start << 8 | u64::from(byte)),
        |last| u64::from_le_bytes(*last),
    );
    let hash = words.iter().take(WORDS_MAX).fold(text.len() as u64, |hash, word| {
        (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD)
    });
    (hash.rotate_left(29) ^ last).wrapping_mul(ODD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_of_one_place_are_both_remembered() {
        let (one, other) = (b"*/*".as_slice(), b"client/1.0".as_slice());
        assert_eq!(place_of(one), place_of(other), "they were chosen for that");
        let mut memo = Memo::default();
        assert_eq!((memo.find(one), memo.find(b"")), (None, None));
        memo.remember(one, 1);
        memo.remember(other, 2);
        assert_eq!((memo.find(one), memo.find(other), memo.find(b"")), (Some(&1), Some(&2), None));
    }

    #[test]
    fn every_text_has_a_place_and_they_differ() {
        let places: std::collections::BTreeSet<usize> =
            (0..1_000).map(|n| place_of(format!("word-{n}").as_bytes())).collect();
        let agents: std::collections::BTreeSet<usize> =
            (0..10).map(|n| place_of(format!("shop-app/{n}.2 (build 4711)").as_bytes())).collect();
        assert!(agents.len() > 7, "they differ in the middle");
        assert!(places.len() > 200 && places.iter().all(|&place| place < PLACES));
        assert!(place_of(b"") < PLACES);
    }
}
