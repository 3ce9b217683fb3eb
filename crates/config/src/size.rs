//! Sizes in bytes as people write them.

const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// Reads `65536`, `64KiB`, `128 MiB` or `1GiB`; `None` when it is none of these.
pub(crate) fn parse(text: &str) -> Option<u64> {
    for (unit, shift) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return digits(number.trim_end())?.checked_mul(1 << shift);
        }
    }
    digits(text)
}

/// Decimal digits and nothing else; what does not fit is as large as can be.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// Writes bytes in the largest unit that loses nothing.
pub(crate) fn print(bytes: u64) -> String {
    for (unit, shift) in UNITS {
        let whole = bytes >> shift;
        if whole > 0 && whole << shift == bytes {
            return format!("{whole}{unit}");
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_unit() {
        assert_eq!(parse("65536"), Some(65_536));
        assert_eq!(parse("64KiB"), Some(65_536));
        assert_eq!(parse("128 MiB"), Some(128 << 20));
        assert_eq!(parse("1GiB"), Some(1 << 30));
        for text in ["", "KiB", "64KB", "64kib", "1.5MiB", "-1", "0x10", "99999999999GiB", "1 2"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn printing_loses_nothing() {
        for bytes in [0, 1, 1_000, 1_024, 1_536, 1 << 20, (1 << 30) + 1_024, 1 << 40, u64::MAX] {
            assert_eq!(parse(&print(bytes)), Some(bytes));
        }
    }
}
