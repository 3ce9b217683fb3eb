//! Numbers for people.

use tapline_model::Timestamp;

/// Keeps a number and its unit on one line.
const SPACE: char = '\u{a0}';
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// `1 234 567` as `1.2 M`.
pub(crate) fn count(value: u64) -> String {
    scaled(value, &["", "k", "M", "G", "T", "P", "E"])
}

/// Bytes, in decimal units as links are measured.
pub(crate) fn bytes(value: u64) -> String {
    scaled(value, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// Microseconds, as µs, ms or seconds.
pub(crate) fn micros(value: u64) -> String {
    scaled(value, &["µs", "ms", "s", "ks", "Ms", "Gs", "Ts"])
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

/// A part of a whole in percent; a dash of nothing. A little is never shown as none, nor almost
/// all as all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 1_000 + whole / 2) / whole;
    match tenths {
        0 if part > 0 => format!("<0.1{SPACE}%"),
        1_000 if part < whole => format!(">99.9{SPACE}%"),
        _ if tenths.is_multiple_of(10) => format!("{}{SPACE}%", tenths / 10),
        _ => format!("{}.{}{SPACE}%", tenths / 10, tenths % 10),
    }
}

/// A real number with about three digits.
pub(crate) fn real(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    for (from, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if size >= from {
            let divisor = if unit == "k" { 1e3 } else { from };
            let number = value / divisor;
            let digits = usize::from(number.abs() < 100.0);
            return format!("{number:.digits$}{SPACE}{unit}");
        }
    }
    let digits = if size >= 100.0 {
        0
    } else if size >= 1.0 {
        1
    } else if size >= 0.01 {
        3
    } else {
        5
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A probability, small ones as `1 in 1.3 M`.
pub(crate) fn probability(value: f64) -> String {
    if !(0.0..=1.0).contains(&value) {
        return "unknown".to_owned();
    }
    if value >= 0.01 {
        return format!("{value:.2}");
    }
    if value < 1e-12 {
        return "less than 1 in 10¹²".to_owned();
    }
    format!("1 in {}", real(1.0 / value))
}

/// How long ago `then` was at `now`. Both are capture time.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.nanos_since(then) / NANOS_PER_SECOND;
    if seconds < 2 {
        return "just now".to_owned();
    }
    format!("{} ago", span(seconds))
}

/// A span of seconds in its largest unit.
pub(crate) fn span(seconds: u64) -> String {
    let (size, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{size}{SPACE}{unit}")
}

/// An instant as `2025-03-01 12:00:00 UTC`.
pub(crate) fn instant(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// `part` of `whole`, on a scale of `of`; at least 2 when it is not nothing, so that it is seen.
pub(crate) fn scale(part: u64, whole: u64, of: u64) -> u64 {
    if part == 0 || whole == 0 {
        return 0;
    }
    let scaled = u128::from(part) * u128::from(of) / u128::from(whole);
    u64::try_from(scaled).unwrap_or(of).clamp(2, of)
}

fn scaled(value: u64, units: &[&str]) -> String {
    let mut divisor = 1u128;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or("");
    let value = u128::from(value);
    // Rounds to a tenth below 100 and to one above, and takes the next unit when that is 1000.
    while (value + divisor / 2) / divisor >= 1_000 {
        let Some(next) = units.next() else { break };
        divisor *= 1_000;
        unit = next;
    }
    let tenths = (value * 10 + divisor / 2) / divisor;
    let number = if divisor == 1 || tenths >= 1_000 {
        ((value + divisor / 2) / divisor).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    if unit.is_empty() { number } else { format!("{number}{SPACE}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace([SPACE, '\u{202f}'], " ")
    }

    #[test]
    fn counts_take_the_unit_that_fits() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0 k"),
            (1_249, "1.2 k"),
            (99_949, "99.9 k"),
            (99_951, "100 k"),
            (999_499, "999 k"),
            (999_500, "1.0 M"),
            (u64::MAX, "18.4 E"),
        ] {
            assert_eq!(plain(&count(value)), text);
        }
        assert_eq!(plain(&micros(3_400)), "3.4 ms");
        assert_eq!(plain(&bytes(12)), "12 B");
        assert_eq!(plain(&exact(1_234_567)), "1 234 567");
    }

    #[test]
    fn a_little_is_not_nothing_and_almost_all_is_not_all() {
        assert_eq!(plain(&share(0, 5)), "0 %");
        assert_eq!(plain(&share(1, 1_000_000)), "<0.1 %");
        assert_eq!(plain(&share(999_999, 1_000_000)), ">99.9 %");
        assert_eq!(plain(&share(1, 3)), "33.3 %");
        assert_eq!(plain(&share(5, 5)), "100 %");
        assert_eq!(share(5, 0), "–");
    }

    #[test]
    fn probabilities_read_as_odds_when_small() {
        assert_eq!(probability(0.714), "0.71");
        assert_eq!(plain(&probability(7.7e-7)), "1 in 1.3 M");
        assert_eq!(probability(0.0), "less than 1 in 10¹²");
        assert_eq!(probability(f64::NAN), "unknown");
    }

    #[test]
    fn reals_keep_about_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.0123, "0.012"),
            (4.25, "4.2"),
            (42.0, "42"),
            (1_234.0, "1234"),
            (12_340.0, "12.3 k"),
            (312_500_000.0, "312 M"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(plain(&real(value)), text);
        }
    }

    #[test]
    fn ages_are_relative_to_capture_time() {
        let now = Timestamp::from_seconds(1_000_000);
        assert_eq!(ago(now, now), "just now");
        assert_eq!(plain(&ago(now, Timestamp::from_seconds(1_000_000 - 125))), "2 min ago");
        assert_eq!(ago(now, Timestamp::from_seconds(2_000_000)), "just now");
        assert_eq!(instant(Timestamp::from_seconds(0)), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn scaling_never_leaves_the_scale() {
        assert_eq!(scale(0, 10, 1_000), 0);
        assert_eq!(scale(1, u64::MAX, 1_000), 2);
        assert_eq!(scale(u64::MAX, u64::MAX, 1_000), 1_000);
        assert_eq!(scale(u64::MAX, 1, 1_000), 1_000);
    }
}
