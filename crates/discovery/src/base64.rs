//! Base 64 (RFC 4648 sections 4 and 5), read tolerantly: both alphabets, with or without padding.

/// Decodes `text` into `out`, replacing what is there. False when it holds other characters.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut bits = 0u32;
    let mut held = 0u32;
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return false,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            let [.., byte] = (bits >> held).to_be_bytes();
            out.push(byte);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_rfc_decode() {
        for (text, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            let mut out = b"before".to_vec();
            assert!(decode(text.as_bytes(), &mut out));
            assert_eq!(out, expected.as_bytes());
        }
        assert!(!decode(b"Zm9v!", &mut Vec::new()));
    }
}
