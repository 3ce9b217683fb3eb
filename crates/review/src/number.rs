//! Numbers for people.

/// `n thing` or `n things`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", exact(count), if count == 1 { "" } else { "s" })
}

/// Every digit, in groups of three.
pub(crate) fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in percent; a little is never none, nor almost all all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    match (part * 100 + whole / 2) / whole {
        0 if part > 0 => "<1 %".to_owned(),
        100 if part < whole => ">99 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// Bytes, in decimal units.
pub(crate) fn bytes(value: u64) -> String {
    let mut unit = 1;
    for name in ["B", "kB", "MB", "GB", "TB"] {
        if value < unit * 1_000 || name == "TB" {
            return format!("{} {name}", value / unit);
        }
        unit *= 1_000;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_round_to_nothing_or_all() {
        assert_eq!(share(1, 10_000), "<1 %");
        assert_eq!(share(9_999, 10_000), ">99 %");
        assert_eq!(share(1, 2), "50 %");
        assert_eq!(share(0, 0), "–");
        assert_eq!(exact(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(bytes(12_345), "12 kB");
    }
}
