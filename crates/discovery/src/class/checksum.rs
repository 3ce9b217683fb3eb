//! Check digits, as the standards define them. Digits are ASCII; what is no digit never checks.

/// Luhn's sum (ISO/IEC 7812-1 annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let Some(values) = values(digits) else { return false };
    let doubled = |(place, value): (usize, u64)| {
        let twice = value * 2;
        match (place % 2, twice > 9) {
            (0, _) => value,
            (_, true) => twice - 9,
            (_, false) => twice,
        }
    };
    values.rev().enumerate().map(doubled).sum::<u64>().is_multiple_of(10)
}

/// The sum of the digits, each times its weight; as many as there are weights.
pub(super) fn weighted(digits: &[u8], weights: &[u64]) -> Option<u64> {
    (digits.len() >= weights.len()).then_some(())?;
    Some(values(digits)?.zip(weights).map(|(value, weight)| value * weight).sum())
}

/// The remainder of a number of any length.
pub(super) fn remainder(digits: &[u8], modulus: u64) -> Option<u64> {
    Some(values(digits)?.fold(0, |rest, value| (rest * 10 + value) % modulus))
}

/// ISO/IEC 7064 MOD 97-10 over letters and digits in upper case, letters being 10 to 35.
pub(super) fn mod_97(bytes: impl Iterator<Item = u8>) -> Option<u64> {
    let mut rest = 0;
    for byte in bytes {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u64::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u64::from(byte - b'A') + 10,
            _ => return None,
        } % 97;
    }
    Some(rest)
}

/// ISO/IEC 7064 MOD 11,10: the last digit checks those before.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((&check, rest)) = digits.split_last() else { return false };
    let Some(values) = values(rest) else { return false };
    let product = values.fold(10, |product, value| {
        let sum = (product + value) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    u64::from(check) == u64::from(b'0') + (11 - product) % 10
}

/// ISO/IEC 7064 MOD 11-2: the last character, a digit or X, checks the digits before.
pub(super) fn mod_11_2(bytes: &[u8]) -> bool {
    let Some((&check, rest)) = bytes.split_last() else { return false };
    let Some(values) = values(rest) else { return false };
    let sum = values.fold(0, |sum, value| (sum + value) * 2 % 11);
    match (12 - sum) % 11 {
        10 => check == b'X',
        digit => u64::from(check) == u64::from(b'0') + digit,
    }
}

/// Verhoeff's scheme: multiplication in the dihedral group of ten elements.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let Some(values) = values(digits) else { return false };
    let checked = values.rev().enumerate().fold(0, |sum, (place, value)| {
        multiply(sum, (0..place % 8).fold(value, |value, _| permute(value)))
    });
    checked == 0
}

/// In the group of rotations (0 to 4) and reflections (5 to 9) of a pentagon.
const fn multiply(left: u64, right: u64) -> u64 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - 5 + 5 - right) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

/// Verhoeff's permutation: (0 1 5 8 9 4 2 7)(3 6).
const fn permute(value: u64) -> u64 {
    match value {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    }
}

fn values(digits: &[u8]) -> Option<impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + '_> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().map(|&digit| u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_check_and_a_changed_digit_does_not() {
        type Check = fn(&[u8]) -> bool;
        // ISO/IEC 7812 test number, the German tax office's example, ISO/IEC 7064's, Verhoeff's.
        let cases: &[(Check, &str)] = &[
            (luhn, "4111111111111111"),
            (mod_11_10, "86095742719"),
            (mod_11_2, "079X"),
            (mod_11_2, "11010519491231002X"),
            (verhoeff, "2363"),
            (verhoeff, "123451"),
        ];
        for (check, text) in cases {
            assert!(check(text.as_bytes()), "{text}");
            for place in 0..text.len() - 1 {
                let mut wrong = text.as_bytes().to_vec();
                wrong[place] = if wrong[place] == b'9' { b'0' } else { wrong[place] + 1 };
                assert!(!check(&wrong), "{text} at {place}");
            }
        }
        assert_eq!(mod_97(b"WEST12345698765432GB82".iter().copied()), Some(1));
    }

    #[test]
    fn what_is_no_number_never_checks() {
        for check in [luhn, mod_11_10, mod_11_2, verhoeff] {
            assert!(!check(b"") && !check(b"12a4") && !check(b"\xff"));
        }
    }
}
