//! Who is worth a slot: a sketch that counts everybody.

use tapline_model::{ConsumerKey, ConsumerKind, Epoch};

/// Rows of the sketch.
const ROWS: usize = 4;
/// Counters of a row: a power of two.
const COLUMNS: usize = 1 << 16;
/// Requests within a window that make an address worth following.
const REQUESTS_MIN: u16 = 20;
/// Seconds of a window.
const WINDOW_SECONDS: u64 = 600;

/// Counts the requests of every address in half a megabyte, however many there are.
///
/// Source: Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch", 2005,
/// with conservative updates (Estan and Varghese, 2002).
#[derive(Debug)]
pub(crate) struct Prominence {
    /// Row by row; made when it is first needed.
    counts: Vec<u16>,
    window: u64,
}

impl Prominence {
    /// Nobody was seen.
    pub(crate) const fn new() -> Self {
        Self { counts: Vec::new(), window: 0 }
    }

    /// Counts requests of somebody who has no slot; whether they are worth one: whoever has a
    /// credential is, an address when it calls often.
    pub(crate) fn promotes(
        &mut self,
        consumer: ConsumerKey,
        kind: ConsumerKind,
        requests: u64,
        epoch: Epoch,
    ) -> bool {
        if kind != ConsumerKind::Address {
            return true;
        }
        let window = epoch.0 / WINDOW_SECONDS;
        if std::mem::replace(&mut self.window, window) != window {
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
        if self.counts.is_empty() {
            self.counts = vec![0; ROWS * COLUMNS];
        }
        let requests = u16::try_from(requests).unwrap_or(u16::MAX);
        let places = places(consumer);
        let known = places.iter().filter_map(|&at| self.counts.get(at)).min().copied();
        let count = known.unwrap_or(0).saturating_add(requests);
        for at in places {
            if let Some(held) = self.counts.get_mut(at) {
                *held = count.max(*held);
            }
        }
        count >= REQUESTS_MIN
    }
}

/// One in each row. The key is a keyed hash: sixteen bits of it choose a column.
fn places(consumer: ConsumerKey) -> [usize; ROWS] {
    std::array::from_fn(|row| {
        let column = usize::try_from(consumer.0 >> (16 * row) & (COLUMNS as u64 - 1));
        row * COLUMNS + column.unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_to_call_often_and_a_credential_has_not() {
        let mut prominence = Prominence::new();
        let mut promotes = |key, kind, requests, at| {
            prominence.promotes(ConsumerKey(key), kind, requests, Epoch(at))
        };
        assert!(promotes(1, ConsumerKind::Session, 1, 0));
        assert!(!promotes(2, ConsumerKind::Address, 19, 0));
        assert!(promotes(2, ConsumerKind::Address, 1, 1));
        assert!(!promotes(0xffff << 16, ConsumerKind::Address, 1, 1));
        assert!(!promotes(2, ConsumerKind::Address, 1, 600), "half is forgotten");
        assert!(promotes(3, ConsumerKind::Address, u64::MAX, 600));
    }
}
