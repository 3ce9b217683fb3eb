//! One record per transaction: packed by the workers, sorted outside memory, written at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::Sender;
use tapline_discovery::Discovery;
use tapline_model::{ConsumerKey, RouteKey, SHARDS, ShardId, Transaction};

use super::merge::Message;

/// Bytes of records after which a worker hands them over.
const BATCH_BYTES: usize = 256 << 10;
/// Bytes of records sorted in memory at once.
const RUN_BYTES: usize = 48 << 20;
/// Batches that are read before they are written.
const BATCHES_AHEAD: usize = 4;
/// Runs merged at once: bounds open files and read buffers.
const FAN_IN_MAX: usize = 128;

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
        let records = std::mem::take(&mut self.records);
        // The merge outlives the workers; if it died of a fault, the run fails with that fault.
        if self.out.send(Message::Records(records)).is_err() {
            tracing::debug!("the merge has ended: transaction records are lost");
        }
    }
}

/// Writes one record, with its route.
pub(crate) type Writing<'a> = dyn FnMut(Option<RouteKey>, &[u8]) -> io::Result<()> + 'a;

/// Collects all records in bounded memory.
pub(crate) struct Spool {
    folder: tempfile::TempDir,
    entries: Vec<Entry>,
    /// The bytes that the entries lie in.
    batches: Vec<Vec<u8>>,
    batched_bytes: usize,
    runs: Vec<PathBuf>,
    runs_made: usize,
}

impl Spool {
    /// Spills into a temporary folder inside `beside`, so that it is on the same disk.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn new(beside: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(".tapline-spool-").tempdir_in(beside)?;
        Ok(Self {
            folder,
            entries: Vec::new(),
            batches: Vec::new(),
            batched_bytes: 0,
            runs: Vec::new(),
            runs_made: 0,
        })
    }

    /// Takes records of a worker.
    ///
    /// # Errors
    /// When the disk is full.
    pub(crate) fn add(&mut self, records: Records) -> io::Result<()> {
        let batch = place(self.batches.len());
        self.entries.extend(records.entries.iter().map(|entry| Entry { batch, ..*entry }));
        self.batched_bytes += records.bytes.len();
        self.batches.push(records.bytes);
        if self.batched_bytes >= RUN_BYTES { self.spill() } else { Ok(()) }
    }

    /// Gives every record in order, with its route, to `write`.
    ///
    /// # Errors
    /// When reading the spool or writing fails.
    pub(crate) fn finish(mut self, write: &mut Writing<'_>) -> io::Result<()> {
        if self.runs.is_empty() {
            for entry in in_order(&self.entries) {
                write(entry.route, bytes_of(&self.batches, entry))?;
            }
            return Ok(());
        }
        self.spill()?;
        while self.runs.len() > FAN_IN_MAX {
            let batch: Vec<PathBuf> = self.runs.drain(..FAN_IN_MAX).collect();
            let path = self.next_run();
            let mut file = BufWriter::new(File::create(&path)?);
            merge_runs(&batch, &mut |key, route, line| write_entry(&mut file, key, route, line))?;
            file.flush()?;
            for done in &batch {
                std::fs::remove_file(done)?;
            }
            self.runs.push(path);
        }
        merge_runs(&self.runs, &mut |_, route, line| write(route, line))
    }

    /// Like [`Spool::finish`], with a thread that sorts and reads while this one writes.
    ///
    /// # Errors
    /// When reading the spool or writing fails, or no thread can be had.
    pub(crate) fn finish_ahead(self, write: &mut Writing<'_>) -> io::Result<()> {
        let (ahead, ready) = crossbeam_channel::bounded::<Ahead>(BATCHES_AHEAD);
        std::thread::scope(|scope| {
            let reader = std::thread::Builder::new()
                .name("spool".to_owned())
                .spawn_scoped(scope, move || self.read_ahead(&ahead))?;
            let mut written = Ok(());
            for batch in &ready {
                written = batch.write(write);
                if written.is_err() {
                    break;
                }
            }
            // Whoever still reads is told that nobody listens.
            drop(ready);
            let read = reader.join().map_err(|_| io::Error::other("the spool's reader failed"))?;
            written.and(read)
        })
    }

    fn read_ahead(self, ahead: &Sender<Ahead>) -> io::Result<()> {
        let closed = |_| io::Error::other("the writer has ended");
        let mut batch = Ahead::default();
        self.finish(&mut |route, record| {
            batch.bytes.extend_from_slice(record);
            batch.ends.push((route, batch.bytes.len()));
            if batch.bytes.len() < BATCH_BYTES {
                return Ok(());
            }
            ahead.send(std::mem::take(&mut batch)).map_err(closed)
        })?;
        ahead.send(batch).map_err(closed)
    }

    fn spill(&mut self) -> io::Result<()> {
        let path = self.next_run();
        let mut file = BufWriter::new(File::create(&path)?);
        for entry in in_order(&self.entries) {
            let bytes = bytes_of(&self.batches, entry);
            write_entry(&mut file, entry.key, entry.route, bytes)?;
        }
        file.flush()?;
        self.entries.clear();
        self.batches.clear();
        self.batched_bytes = 0;
        self.runs.push(path);
        Ok(())
    }

    fn next_run(&mut self) -> PathBuf {
        self.runs_made += 1;
        self.folder.path().join(format!("run-{}", self.runs_made))
    }
}

/// Records in order, with their routes and where they end.
#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    ends: Vec<(Option<RouteKey>, usize)>,
}

impl Ahead {
    fn write(&self, write: &mut Writing<'_>) -> io::Result<()> {
        let mut start = 0;
        for &(route, end) in &self.ends {
            write(route, self.bytes.get(start..end).unwrap_or_default())?;
            start = end;
        }
        Ok(())
    }
}

/// The entries by their keys. What is moved about is small, and a stable sort takes advantage of what
/// is in order already.
fn in_order(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let mut order: Vec<(u64, u32)> =
        (0..).zip(entries).map(|(index, entry)| (entry.key.started_nanos, index)).collect();
    let entry = |index: u32| entries.get(usize::try_from(index).unwrap_or(usize::MAX));
    order.sort_by(|(left_nanos, left), (right_nanos, right)| {
        let key = |index| entry(index).map(|entry| entry.key);
        left_nanos.cmp(right_nanos).then_with(|| key(*left).cmp(&key(*right)))
    });
    order.into_iter().filter_map(move |(_, index)| entry(index))
}

/// The bytes of a record.
fn bytes_of<'a>(batches: &'a [Vec<u8>], entry: &Entry) -> &'a [u8] {
    let index = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    let batch = batches.get(index(entry.batch));
    batch.and_then(|batch| batch.get(index(entry.start)..index(entry.end))).unwrap_or_default()
}

/// A place within what a worker hands over at once, which is far less than 4 GiB.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

const ENTRY_HEAD_BYTES: usize = 8 + 1 + 8 + 1 + 8 + 4;

fn write_entry(
    out: &mut impl Write,
    key: SortKey,
    route: Option<RouteKey>,
    line: &[u8],
) -> io::Result<()> {
    out.write_all(&key.started_nanos.to_le_bytes())?;
    out.write_all(&[key.shard])?;
    out.write_all(&key.sequence.to_le_bytes())?;
    out.write_all(&[u8::from(route.is_some())])?;
    out.write_all(&route.unwrap_or_default().0.to_le_bytes())?;
    let length = u32::try_from(line.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(line)
}

/// A sorted run being read.
struct Run {
    file: BufReader<File>,
    key: SortKey,
    route: Option<RouteKey>,
    line: Vec<u8>,
}

impl Run {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(0))?;
        let key = SortKey { started_nanos: 0, shard: 0, sequence: 0 };
        let mut run = Self { file: BufReader::new(file), key, route: None, line: Vec::new() };
        Ok(run.advance()?.then_some(run))
    }

    /// Reads the next entry; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0u8; ENTRY_HEAD_BYTES];
        let first = self.file.read(&mut head)?;
        if first == 0 {
            return Ok(false);
        }
        if let Some(rest) = head.get_mut(first..) {
            self.file.read_exact(rest)?;
        }
        let word = |at: usize, bytes: usize| {
            head.get(at..at + bytes)
                .unwrap_or_default()
                .iter()
                .rev()
                .fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        };
        self.key = SortKey {
            started_nanos: word(0, 8),
            shard: u8::try_from(word(8, 1)).unwrap_or_default(),
            sequence: word(9, 8),
        };
        self.route = (word(17, 1) == 1).then_some(RouteKey(word(18, 8)));
        self.line.resize(usize::try_from(word(26, 4)).unwrap_or_default(), 0);
        self.file.read_exact(&mut self.line)?;
        Ok(true)
    }
}

/// Takes one line with its key and route.
type Take<'a> = dyn FnMut(SortKey, Option<RouteKey>, &[u8]) -> io::Result<()> + 'a;

fn merge_runs(paths: &[PathBuf], each: &mut Take<'_>) -> io::Result<()> {
    let mut runs = Vec::with_capacity(paths.len());
    let mut next = BinaryHeap::with_capacity(paths.len());
    for path in paths {
        if let Some(run) = Run::open(path)? {
            next.push(Reverse((run.key, runs.len())));
            runs.push(run);
        }
    }
    while let Some(Reverse((key, index))) = next.pop() {
        let Some(run) = runs.get_mut(index) else { continue };
        each(key, run.route, &run.line)?;
        if run.advance()? {
            next.push(Reverse((run.key, index)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(keys: &[(u64, u8)]) -> Records {
        let mut records = Records::default();
        for (sequence, &(started_nanos, shard)) in keys.iter().enumerate() {
            let start = records.bytes.len();
            records.bytes.extend_from_slice(started_nanos.to_string().as_bytes());
            let key = SortKey { started_nanos, shard, sequence: sequence as u64 };
            let route = (started_nanos % 2 == 0).then_some(RouteKey(started_nanos));
            records.entries.push(Entry {
                key,
                route,
                batch: 0,
                start: place(start),
                end: place(records.bytes.len()),
            });
        }
        records
    }

    fn written(spool: Spool) -> String {
        let mut out = Vec::new();
        spool
            .finish(&mut |route, record| {
                out.extend_from_slice(record);
                out.extend_from_slice(if route.is_some() { b" routed\n" } else { b"\n" });
                Ok(())
            })
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    const EXPECTED: &str = "1\n2 routed\n3\n4 routed\n";

    #[test]
    fn reading_ahead_changes_nothing_and_passes_faults_on() {
        let spool = |folder: &Path| {
            let mut spool = Spool::new(folder).unwrap();
            let keys: Vec<(u64, u8)> = (0..100_000).rev().map(|key| (key, 0)).collect();
            spool.add(records(&keys)).unwrap();
            spool.spill().unwrap();
            spool
        };
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        spool(folder.path())
            .finish_ahead(&mut |_, record| {
                out.push(String::from_utf8(record.to_vec()).unwrap());
                Ok(())
            })
            .unwrap();
        assert_eq!(out, (0..100_000).map(|key| key.to_string()).collect::<Vec<_>>());
        let full = spool(folder.path()).finish_ahead(&mut |_, _| Err(io::Error::other("full")));
        assert_eq!(full.unwrap_err().to_string(), "full");
    }

    #[test]
    fn lines_come_out_in_order_of_request_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        spool.add(records(&[(3, 0), (1, 0)])).unwrap();
        spool.add(records(&[(4, 1), (2, 1)])).unwrap();
        assert_eq!(written(spool), EXPECTED);
    }

    #[test]
    fn spilling_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        spool.add(records(&[(3, 0), (1, 0)])).unwrap();
        spool.spill().unwrap();
        spool.add(records(&[(4, 1), (2, 1)])).unwrap();
        assert_eq!(written(spool), EXPECTED);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "the spool removes itself");
    }
}
