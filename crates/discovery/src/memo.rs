//! Where short texts are remembered: tables in which each entry is replaced by the next one for its
//! place, so that neither order nor luck shows in an output.

/// Entries of a small table.
pub(crate) const PLACES: usize = 256;

/// The place of a text in a small table.
pub(crate) fn place_of(text: &[u8]) -> usize {
    usize::try_from(hash_of(text) >> 56).unwrap_or_default()
}

/// A hash of the ends of a text, its upper bits the best. It takes no key: whoever aims texts at one
/// place makes them be worked out anew, no more.
pub(crate) fn hash_of(text: &[u8]) -> u64 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_le_bytes(*bytes));
    let (start, end) = match (word(text.first_chunk()), word(text.last_chunk())) {
        (Some(start), Some(end)) => (start, end),
        _ => (text.iter().fold(0, |start, &byte| start << 8 | u64::from(byte)), 0),
    };
    (start ^ end.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_place_and_they_differ() {
        let places: std::collections::BTreeSet<usize> =
            (0..1_000).map(|n| place_of(format!("word-{n}").as_bytes())).collect();
        assert!(places.len() > 200 && places.iter().all(|&place| place < PLACES));
        assert!(place_of(b"") < PLACES);
    }
}
