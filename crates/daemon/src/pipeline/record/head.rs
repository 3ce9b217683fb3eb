//! A record behind what orders it, as they lie in a batch and in a run on disk.

use std::io;

use tapline_model::{RouteKey, Timestamp};

/// Bytes before a record.
pub(super) const HEAD_BYTES: usize = 3 * 8;

/// What stands before a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// When its request began.
    pub(super) started_at: Timestamp,
    /// Whose it is. Records of one shard that began at one time keep the order they were written in.
    pub(super) shard: u8,
    /// What its endpoint will be found by.
    pub(super) route: Option<RouteKey>,
    /// Bytes of the record.
    pub(super) length: u32,
}

impl Head {
    /// Three numbers: the time, the route, and the rest.
    pub(super) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let [a, b, c, d] = self.length.to_le_bytes();
        let rest = [a, b, c, d, self.shard, u8::from(self.route.is_some()), 0, 0];
        let time = self.started_at.nanos().to_le_bytes();
        let route = self.route.unwrap_or_default().0.to_le_bytes();
        let mut bytes = [0; HEAD_BYTES];
        bytes.copy_from_slice([time, route, rest].as_flattened());
        bytes
    }

    #[inline]
    pub(super) fn of(bytes: &[u8; HEAD_BYTES]) -> Self {
        let ([time, route, rest], _) = bytes.as_chunks::<8>() else { return Self::default() };
        let [a, b, c, d, shard, is_routed, ..] = *rest;
        let route = RouteKey(u64::from_le_bytes(*route));
        Self {
            started_at: Timestamp::from_nanos(u64::from_le_bytes(*time)),
            shard,
            route: (is_routed == 1).then_some(route),
            length: u32::from_le_bytes([a, b, c, d]),
        }
    }

    /// The head at the start of `bytes`, its record, and what follows; none when it is not whole.
    #[inline]
    pub(super) fn split(bytes: &[u8]) -> Option<(Self, &[u8], &[u8])> {
        let (head, rest) = bytes.split_first_chunk()?;
        let head = Self::of(head);
        let (record, rest) = rest.split_at_checked(usize::try_from(head.length).ok()?)?;
        Some((head, record, rest))
    }

    /// Orders heads of different runs.
    pub(super) const fn key(self) -> (Timestamp, u8) {
        (self.started_at, self.shard)
    }
}

/// What is said of a record that is not whole.
pub(super) fn damaged() -> io::Error {
    io::Error::other("a transaction's record is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for route in [None, Some(RouteKey(0)), Some(RouteKey(u64::MAX))] {
            let started_at = Timestamp::from_nanos(u64::MAX - 1);
            let head = Head { started_at, shard: 63, route, length: 3 };
            let bytes = [&head.to_bytes()[..], b"abcd"].concat();
            assert_eq!(Head::split(&bytes), Some((head, &b"abc"[..], &b"d"[..])));
            assert_eq!(Head::split(&bytes[..HEAD_BYTES + 2]), None);
        }
    }
}
