//! What ids that people see are made of: 64 bits of a hash, shown as 16 hexadecimal digits.

/// The bits that stand for some texts, in their order.
pub(crate) fn bits_of(parts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let mut first = [0u8; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_be_bytes(first)
}

/// From exactly 16 hexadecimal digits.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}
