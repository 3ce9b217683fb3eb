//! One record per transaction: packed by the workers, sorted outside memory, written at the end.

mod ahead;
mod lines;
mod spool;

use crossbeam_channel::Sender;
use tapline_discovery::Discovery;
use tapline_model::{ConsumerKey, RouteKey, SHARDS, ShardId, Transaction};

pub(crate) use self::ahead::write_ahead;
pub(crate) use self::lines::Lines;
pub(crate) use self::spool::Spool;
use super::merge::Message;

/// Bytes of records after which a worker hands them over.
const BATCH_BYTES: usize = 256 << 10;

/// Orders records: request start, then shard and sequence, which no two records share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    started_nanos: u64,
    shard: u8,
    sequence: u64,
}

/// A line without its last field, which is known only when all is merged.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: SortKey,
    route: Option<RouteKey>,
    /// Which of the spool's batches it lies in.
    batch: u32,
    start: u32,
    end: u32,
}

/// Records of some shards.
#[derive(Default)]
pub(crate) struct Records {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

/// Writes the records of the shards of one worker.
pub(crate) struct Recorder {
    /// By shard: how many records it has written.
    written: [u64; SHARDS],
    raw_targets: bool,
    records: Records,
    out: Sender<Message>,
}

impl Recorder {
    /// Hands records to the merge through `out`.
    pub(crate) fn new(raw_targets: bool, out: Sender<Message>) -> Self {
        Self { written: [0; SHARDS], raw_targets, records: Records::default(), out }
    }

    /// Writes the record of a transaction of `shard`.
    pub(crate) fn write(
        &mut self,
        shard: ShardId,
        discovery: &mut Discovery,
        transaction: &Transaction<'_>,
        named: Option<(RouteKey, ConsumerKey)>,
    ) {
        let Records { entries, bytes } = &mut self.records;
        if bytes.capacity() == 0 {
            bytes.reserve(BATCH_BYTES + BATCH_BYTES / 8);
        }
        let start = bytes.len();
        let (route, consumer) = named.unzip();
        discovery.record(transaction, consumer, self.raw_targets, bytes);
        let written = self.written.get_mut(shard.index());
        let sequence = written.map(|written| std::mem::replace(written, *written + 1));
        let key = SortKey {
            started_nanos: transaction.started_at.nanos(),
            shard: u8::try_from(shard.index()).unwrap_or(u8::MAX),
            sequence: sequence.unwrap_or_default(),
        };
        entries.push(Entry { key, route, batch: 0, start: place(start), end: place(bytes.len()) });
        if bytes.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Hands over what is written.
    pub(crate) fn flush(&mut self) {
        if self.records.entries.is_empty() {
            return;
        }
        let next = Records {
            entries: Vec::with_capacity(self.records.entries.len()),
            ..Records::default()
        };
        let records = std::mem::replace(&mut self.records, next);
        // The merge outlives the workers; if it died of a fault, the run fails with that fault.
        if self.out.send(Message::Records(records)).is_err() {
            tracing::debug!("the merge has ended: transaction records are lost");
        }
    }
}

/// A place within what a worker hands over at once, which is far less than 4 GiB.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
