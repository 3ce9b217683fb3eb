//! A value as the validators read it: trimmed, measured once, its separators apart.

use smallvec::SmallVec;

/// Longest identifier that any validator knows, separators apart: a Maltese IBAN is 31 long.
const COMPACT_BYTES_MAX: usize = 34;
/// Groups that identifiers are written in: an IBAN in fours has nine.
const GROUPS_MAX: usize = 12;

/// The letters and digits of an identifier in upper case, and the lengths of its groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Compact {
    /// Upper case.
    pub(super) bytes: SmallVec<[u8; COMPACT_BYTES_MAX]>,
    /// Lengths of what stands between separators.
    pub(super) groups: SmallVec<[usize; GROUPS_MAX]>,
    /// The separators, in order.
    pub(super) separators: SmallVec<[u8; GROUPS_MAX]>,
    /// How many are digits.
    pub(super) digits: usize,
}

impl Compact {
    /// None when the text is no identifier: something else stands in it, or it is too long.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let mut compact = Self::default();
        let mut group = 0;
        for &byte in text {
            if byte.is_ascii_alphanumeric() {
                if compact.bytes.len() == COMPACT_BYTES_MAX {
                    return None;
                }
                compact.bytes.push(byte.to_ascii_uppercase());
                compact.digits += usize::from(byte.is_ascii_digit());
                group += 1;
            } else if b" -./+".contains(&byte) && group > 0 {
                if compact.groups.len() + 1 == GROUPS_MAX {
                    return None;
                }
                compact.groups.push(std::mem::take(&mut group));
                compact.separators.push(byte);
            } else {
                return None;
            }
        }
        if group == 0 {
            return None;
        }
        compact.groups.push(group);
        Some(compact)
    }

    /// Whether only digits stand in it.
    pub(super) fn is_digits(&self) -> bool {
        self.digits == self.bytes.len()
    }

    /// Whether nothing separates them.
    pub(super) fn is_plain(&self) -> bool {
        self.separators.is_empty()
    }

    /// Whether it is written in groups of these lengths with only these separators.
    pub(super) fn is_grouped(&self, groups: &[usize], separators: &[u8]) -> bool {
        self.groups.as_slice() == groups
            && self.separators.iter().all(|separator| separators.contains(separator))
    }

    /// Plain, or grouped so.
    pub(super) fn is_plain_or(&self, groups: &[usize], separators: &[u8]) -> bool {
        self.is_plain() || self.is_grouped(groups, separators)
    }

    /// As many bytes as asked for from `start`; fewer where it ends.
    pub(super) fn part(&self, start: usize, len: usize) -> &[u8] {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.get(..len).unwrap_or(rest)
    }

    /// The byte at a place; 0 where there is none.
    pub(super) fn at(&self, place: usize) -> u8 {
        self.bytes.get(place).copied().unwrap_or_default()
    }

    /// The number that so many digits at a place spell; none when they are not all digits.
    pub(super) fn number(&self, start: usize, len: usize) -> Option<u64> {
        number(self.bytes.get(start..start + len)?)
    }
}

/// The number that digits spell, at most 18 of them.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let fits = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0')))
}

/// Whether all bytes are the same.
pub(super) fn is_uniform(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|first| bytes.iter().all(|byte| byte == first))
}

/// Whether there is such a day in some year.
pub(super) const fn is_day(month: u64, day: u64) -> bool {
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 29,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    day >= 1 && day <= days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_what_is_left_without_separators() {
        let compact = Compact::of(b"de89 3704-0044").unwrap();
        assert_eq!(compact.bytes.as_slice(), b"DE8937040044");
        assert_eq!(compact.groups.as_slice(), [4, 4, 4]);
        assert_eq!(compact.number(2, 4), Some(8937));
        for text in ["", "-1", "1--2", "a_b", "1-", "0123456789012345678901234567890123456789"] {
            assert!(Compact::of(text.as_bytes()).is_none(), "{text}");
        }
    }
}
