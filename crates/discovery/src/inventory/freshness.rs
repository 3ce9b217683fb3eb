//! When each part of an endpoint was seen last, and whether its silence says that it has vanished.

use std::collections::HashMap;

use tapline_model::Timestamp;

/// Parts of one endpoint whose freshness is known.
const PARTS_MAX: usize = 512;
/// How often the endpoint must have been called since.
const CALLS_MIN: u64 = 20;
/// How many times it must have been missing where it was expected: by chance that is one in 1 000.
const MISSED_MIN: u64 = 7;

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Timestamp,
    /// Calls of the endpoint up to then.
    calls: u64,
    /// It was reported as vanished.
    is_gone: bool,
}

/// When parts were seen last, by a hash of their names. Two with one hash are as fresh as each other.
#[derive(Debug, Default)]
pub(crate) struct Freshness(HashMap<u64, Last>);

impl Freshness {
    /// A part was seen. True when it had vanished.
    pub(crate) fn note(&mut self, role: u8, name: &[u8], at: Timestamp, calls: u64) -> bool {
        let key = key_of(role, name);
        if self.0.len() >= PARTS_MAX && !self.0.contains_key(&key) {
            return false;
        }
        let seen = Last { at, calls, is_gone: false };
        self.0.insert(key, seen).is_some_and(|last| last.is_gone)
    }

    /// Whether a part that `present` of the calls had has vanished since, for the first time.
    pub(crate) fn has_vanished(
        &mut self,
        role: u8,
        name: &[u8],
        present: u64,
        calls: u64,
        before: Timestamp,
    ) -> bool {
        let Some(last) = self.0.get_mut(&key_of(role, name)) else { return false };
        let since = calls.saturating_sub(last.calls);
        let is_missed = since >= CALLS_MIN
            && since.saturating_mul(present) >= MISSED_MIN.saturating_mul(last.calls);
        let has = !last.is_gone && last.at < before && is_missed;
        last.is_gone |= has;
        has
    }
}

/// FNV-1a. It takes no key: whoever makes two names equal hides that one of them has vanished.
fn key_of(role: u8, name: &[u8]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    name.iter().copied().fold(step(0xCBF2_9CE4_8422_2325, role), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_where_it_was_expected_has_vanished_once() {
        let at = Timestamp::from_seconds;
        let mut fresh = Freshness::default();
        fresh.note(1, b"page", at(100), 100);
        assert!(!fresh.has_vanished(1, b"page", 50, 119, at(200)), "too few calls");
        assert!(!fresh.has_vanished(1, b"page", 50, 200, at(100)), "not long enough");
        assert!(!fresh.has_vanished(1, b"page", 5, 200, at(200)), "it was rare");
        assert!(!fresh.has_vanished(1, b"size", 50, 200, at(200)), "never seen");
        assert!(fresh.has_vanished(1, b"page", 50, 200, at(200)));
        assert!(!fresh.has_vanished(1, b"page", 50, 300, at(300)), "said already");
        assert!(fresh.note(1, b"page", at(400), 400), "back again");
        assert!(!fresh.note(1, b"page", at(401), 401));
    }
}
