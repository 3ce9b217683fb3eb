//! IP fragments, held until their datagram is whole.
//!
//! Of fragments that overlap the first one's bytes count. Everything is bounded: by count, by
//! bytes, and by age; the oldest datagram makes room.

mod datagram;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use tapline_model::{DecapStats, DropReason, IgnoreReason, Timestamp};

use self::datagram::{Added, Datagram};
use crate::Config;
use crate::decap::Left;
use crate::packet::{Fragment, Packet};

/// What a datagram costs beside its bytes: entries of two maps.
const DATAGRAM_BYTES: u64 = 256;
/// Pieces of a datagram at most: the largest one over links of 280 bytes.
const PIECES_MAX: usize = 256;
/// A fragment with fewer bytes that is not the last is tiny: links carry 1280 bytes in IPv6 and in
/// practice no less than 576 in IPv4.
const TINY_BYTES: usize = 256;

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct DatagramKey {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// Of IPv4 (RFC 791); IPv6 leaves it out (RFC 8200 section 4.5).
    protocol: u8,
    network: u32,
}

/// A datagram put together.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    /// As the first fragment says.
    pub(crate) protocol: u8,
}

/// The datagrams that are not whole.
pub(crate) struct Fragments {
    /// By what they have in common. Its order never shows.
    datagrams: HashMap<DatagramKey, Datagram>,
    /// In the order of their first fragments.
    order: BTreeMap<u64, DatagramKey>,
    next_serial: u64,
    frames: u64,
    bytes: u64,
    frames_max: u64,
    bytes_max: u64,
    timeout_ns: u64,
    now: Timestamp,
}

impl Fragments {
    /// An empty table.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            datagrams: HashMap::new(),
            order: BTreeMap::new(),
            next_serial: 0,
            frames: 0,
            bytes: 0,
            frames_max: config.fragments_max.into(),
            bytes_max: config.fragment_bytes_max,
            timeout_ns: u64::from(config.fragment_timeout_seconds) * 1_000_000_000,
            now: Timestamp::ZERO,
        }
    }

    /// Takes a fragment that lies in a frame of `wire_bytes`: the datagram, if it is whole now, or
    /// what becomes of the frame. The books of the frames that came before are kept in `stats`.
    pub(crate) fn push(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        network: u32,
        wire_bytes: u64,
        stats: &mut DecapStats,
    ) -> Result<Whole, Left> {
        let length = packet.rest.bytes.len();
        let end = usize::from(fragment.offset) + length;
        if length < packet.rest.wire_bytes {
            return Err(IgnoreReason::Fragment.into());
        }
        if length == 0 || end > 0xffff || (fragment.more && !length.is_multiple_of(8)) {
            return Err(IgnoreReason::Malformed.into());
        }
        if fragment.more && length < TINY_BYTES {
            stats.tiny_fragments += 1;
        }
        let key = DatagramKey {
            source: packet.source,
            destination: packet.destination,
            id: packet.id,
            protocol: if packet.source.is_ipv4() { packet.protocol } else { 0 },
            network,
        };
        let datagram = self.datagrams.entry(key).or_insert_with(|| {
            self.next_serial += 1;
            self.order.insert(self.next_serial, key);
            self.bytes += DATAGRAM_BYTES;
            Datagram::new(self.next_serial, self.now, DATAGRAM_BYTES)
        });
        let cost = match datagram.add(fragment, packet.protocol, packet.rest.bytes) {
            Added::New { cost } => cost,
            Added::Overlapping { cost } => {
                stats.overlapping_fragments += 1;
                cost
            }
            Added::Repeated => return Err(IgnoreReason::Duplicate.into()),
            Added::Contradicting => {
                stats.overlapping_fragments += 1;
                return Err(IgnoreReason::Malformed.into());
            }
        };
        self.bytes += cost;
        if datagram.is_whole() {
            return self.complete(&key, stats);
        }
        let is_cut_too_fine = datagram.piece_count() > PIECES_MAX;
        if is_cut_too_fine {
            self.drop(&key, DropReason::FragmentsFull, stats);
        } else {
            self.make_room(stats);
        }
        let Some(datagram) = self.datagrams.get_mut(&key) else {
            return Err(Left::Dropped(DropReason::FragmentsFull));
        };
        datagram.hold(wire_bytes);
        self.frames += 1;
        Err(Left::Held)
    }

    /// Lets time pass: what waited for too long is dropped.
    pub(crate) fn tick(&mut self, now: Timestamp, stats: &mut DecapStats) {
        self.now = self.now.max(now);
        while let Some((_, &key)) = self.order.first_key_value() {
            let began = self.datagrams.get(&key).map_or(Timestamp::ZERO, Datagram::began);
            if self.now.nanos().saturating_sub(began.nanos()) < self.timeout_ns {
                break;
            }
            self.drop(&key, DropReason::FragmentTimeout, stats);
        }
    }

    /// The capture ended: nothing more will come.
    pub(crate) fn finish(&mut self, stats: &mut DecapStats) {
        while let Some((_, &key)) = self.order.first_key_value() {
            self.drop(&key, DropReason::FragmentTimeout, stats);
        }
    }

    /// Makes room for one more frame: the oldest datagrams are dropped.
    fn make_room(&mut self, stats: &mut DecapStats) {
        while self.frames >= self.frames_max || self.bytes > self.bytes_max {
            let Some((_, &key)) = self.order.first_key_value() else { return };
            self.drop(&key, DropReason::FragmentsFull, stats);
        }
    }

    /// Hands a datagram on. The frame that completed it stands for it in the books; those that came
    /// before leave them as ignored fragments.
    fn complete(&mut self, key: &DatagramKey, stats: &mut DecapStats) -> Result<Whole, Left> {
        let datagram = self.remove(key, stats).ok_or(Left::Held)?;
        let (frames, wire_bytes) = datagram.held();
        stats.packets.ignore(IgnoreReason::Fragment, frames);
        stats.bytes.ignore(IgnoreReason::Fragment, wire_bytes);
        stats.reassembled_datagrams += 1;
        Ok(Whole { protocol: datagram.protocol(), bytes: datagram.join() })
    }

    fn drop(&mut self, key: &DatagramKey, reason: DropReason, stats: &mut DecapStats) {
        let Some(datagram) = self.remove(key, stats) else { return };
        let (frames, wire_bytes) = datagram.held();
        stats.packets.drop(reason, frames);
        stats.bytes.drop(reason, wire_bytes);
    }

    fn remove(&mut self, key: &DatagramKey, stats: &mut DecapStats) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.order.remove(&datagram.serial());
        let (frames, wire_bytes) = datagram.held();
        self.frames -= frames;
        self.bytes -= datagram.cost();
        stats.packets.held -= frames;
        stats.bytes.held -= wire_bytes;
        Some(datagram)
    }
}
