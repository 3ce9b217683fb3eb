//! Where short texts are remembered: tables in which each entry is replaced by the next one for its
//! place, so that neither order nor luck shows in an output.

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
