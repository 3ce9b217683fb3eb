//! One record per transaction: packed by the workers, sorted outside memory, written at the end.

mod ahead;
mod head;
mod lines;
mod spool;

use crossbeam_channel::Sender;
use tapline_discovery::Discovery;
use tapline_model::{ConsumerKey, RouteKey, ShardId, Transaction};

pub(crate) use self::ahead::write_ahead;
use self::head::{HEAD_BYTES, Head};
pub(crate) use self::lines::{Lines, write_lines};
pub(crate) use self::spool::Spool;
use super::merge::Message;

/// Bytes of records after which a worker hands them over.
const BATCH_BYTES: usize = 256 << 10;

/// Records of some shards, each behind its head.
#[derive(Default)]
pub(crate) struct Records(Vec<u8>);

/// Writes the records of the shards of one worker.
pub(crate) struct Recorder {
    raw_targets: bool,
    records: Records,
    out: Sender<Message>,
}

impl Recorder {
    /// Hands records to the merge through `out`.
    pub(crate) fn new(raw_targets: bool, out: Sender<Message>) -> Self {
        Self { raw_targets, records: Records::default(), out }
    }

    /// Writes the record of a transaction of `shard`.
    pub(crate) fn write(
        &mut self,
        shard: ShardId,
        discovery: &mut Discovery,
        transaction: &Transaction<'_>,
        named: Option<(RouteKey, ConsumerKey)>,
    ) {
        let Records(bytes) = &mut self.records;
        if bytes.capacity() == 0 {
            bytes.reserve(BATCH_BYTES + BATCH_BYTES / 8);
        }
        let (route, consumer) = named.unzip();
        let start = bytes.len();
        bytes.extend_from_slice(&[0; HEAD_BYTES]);
        discovery.record(transaction, consumer, self.raw_targets, bytes);
        let head = Head {
            started_at: transaction.started_at,
            shard: u8::try_from(shard.index()).unwrap_or(u8::MAX),
            route,
            length: u32::try_from(bytes.len() - start - HEAD_BYTES).unwrap_or(u32::MAX),
        };
        if let Some(place) = bytes.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *place = head.to_bytes();
        }
        if bytes.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Hands over what is written.
    pub(crate) fn flush(&mut self) {
        if self.records.0.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        // The merge outlives the workers; if it died of a fault, the run fails with that fault.
        if self.out.send(Message::Records(records)).is_err() {
            tracing::debug!("the merge has ended: transaction records are lost");
        }
    }
}
