//! The records of a run: sorted in runs on disk, merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

use tapline_model::RouteKey;

use super::{Entry, Records, SortKey, place};

/// Bytes of records sorted in memory at once; as many are collected meanwhile.
const RUN_BYTES: usize = 40 << 20;
/// Runs merged at once: bounds open files and read buffers.
const FAN_IN_MAX: usize = 128;
/// Bytes of a run written or read at once.
const RUN_BUFFER_BYTES: usize = 64 << 10;

/// Writes one record, with its route.
pub(crate) type Writing<'a> = dyn FnMut(Option<RouteKey>, &[u8]) -> io::Result<()> + 'a;

/// Collects all records in bounded memory.
pub(crate) struct Spool {
    folder: tempfile::TempDir,
    collected: Collected,
    runs: Vec<PathBuf>,
    runs_made: usize,
    /// Writes the last run, so that nobody waits for sort and disk.
    spilling: Option<JoinHandle<io::Result<()>>>,
}

/// Records in memory.
#[derive(Default)]
struct Collected {
    entries: Vec<Entry>,
    /// The bytes that the entries lie in.
    batches: Vec<Vec<u8>>,
    bytes: usize,
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
            collected: Collected::default(),
            runs: Vec::new(),
            runs_made: 0,
            spilling: None,
        })
    }

    /// Takes records of a worker.
    ///
    /// # Errors
    /// When the disk is full.
    pub(crate) fn add(&mut self, records: Records) -> io::Result<()> {
        self.collected.add(records);
        if self.collected.bytes >= RUN_BYTES { self.spill() } else { Ok(()) }
    }

    /// Gives every record in order, with its route, to `write`.
    ///
    /// # Errors
    /// When reading the spool or writing fails.
    pub(crate) fn finish(mut self, write: &mut Writing<'_>) -> io::Result<()> {
        self.await_spilled()?;
        while self.runs.len() > FAN_IN_MAX {
            let batch: Vec<PathBuf> = self.runs.drain(..FAN_IN_MAX).collect();
            let path = self.next_run();
            let mut file = BufWriter::new(File::create(&path)?);
            let mut merging = Merging::open(&batch)?;
            while merging.give(&mut |key, route, line| write_entry(&mut file, key, route, line))? {}
            file.flush()?;
            for done in &batch {
                std::fs::remove_file(done)?;
            }
            self.runs.push(path);
        }
        let mut merging = Merging::open(&self.runs)?;
        self.collected.each(|entry, bytes| {
            while merging.next_key().is_some_and(|key| key < entry.key) {
                merging.give(&mut |_, route, line| write(route, line))?;
            }
            write(entry.route, bytes)
        })?;
        while merging.give(&mut |_, route, line| write(route, line))? {}
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.await_spilled()?;
        let path = self.next_run();
        let collected = std::mem::take(&mut self.collected);
        self.runs.push(path.clone());
        let spill = move || collected.spill(&path);
        self.spilling = Some(Builder::new().name("spill".to_owned()).spawn(spill)?);
        Ok(())
    }

    fn await_spilled(&mut self) -> io::Result<()> {
        let Some(spilling) = self.spilling.take() else { return Ok(()) };
        spilling.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the spool failed")))
    }

    fn next_run(&mut self) -> PathBuf {
        self.runs_made += 1;
        self.folder.path().join(format!("run-{}", self.runs_made))
    }
}

impl Collected {
    fn add(&mut self, records: Records) {
        let batch = place(self.batches.len());
        self.entries.extend(records.entries.iter().map(|entry| Entry { batch, ..*entry }));
        self.bytes += records.bytes.len();
        self.batches.push(records.bytes);
    }

    /// Every record in order.
    fn each(&self, mut take: impl FnMut(&Entry, &[u8]) -> io::Result<()>) -> io::Result<()> {
        in_order(&self.entries).try_for_each(|entry| take(entry, bytes_of(&self.batches, entry)))
    }

    fn spill(self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(RUN_BUFFER_BYTES, File::create(path)?);
        self.each(|entry, bytes| write_entry(&mut file, entry.key, entry.route, bytes))?;
        file.flush()
    }
}

/// The entries by their keys. What is moved about are numbers: the time, and below it the place.
fn in_order(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let nanos = |order: &u128| order >> 32;
    let mut order: Vec<u128> = (0..)
        .zip(entries)
        .map(|(index, entry)| u128::from(entry.key.started_nanos) << 32 | index)
        .collect();
    order.sort_unstable();
    let entry = |order: u128| entries.get(usize::try_from(order & 0xffff_ffff).unwrap_or_default());
    for same in order.chunk_by_mut(|left, right| nanos(left) == nanos(right)) {
        if same.len() > 1 {
            same.sort_by_key(|&order| entry(order).map(|entry| entry.key));
        }
    }
    order.into_iter().filter_map(entry)
}

/// The bytes of a record.
fn bytes_of<'a>(batches: &'a [Vec<u8>], entry: &Entry) -> &'a [u8] {
    let index = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
    let batch = batches.get(index(entry.batch));
    batch.and_then(|batch| batch.get(index(entry.start)..index(entry.end))).unwrap_or_default()
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
        let mut run = Self {
            file: BufReader::with_capacity(RUN_BUFFER_BYTES, file),
            key,
            route: None,
            line: Vec::new(),
        };
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

/// Sorted runs being read as one.
struct Merging {
    runs: Vec<Run>,
    /// The next key of each run that has one, and which run it is.
    next: BinaryHeap<Reverse<(SortKey, usize)>>,
}

impl Merging {
    fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let mut merging = Self { runs: Vec::new(), next: BinaryHeap::with_capacity(paths.len()) };
        for path in paths {
            if let Some(run) = Run::open(path)? {
                merging.next.push(Reverse((run.key, merging.runs.len())));
                merging.runs.push(run);
            }
        }
        Ok(merging)
    }

    fn next_key(&self) -> Option<SortKey> {
        self.next.peek().map(|Reverse((key, _))| *key)
    }

    /// Gives the next entry; false when there is none.
    fn give(&mut self, each: &mut Take<'_>) -> io::Result<bool> {
        let Some(mut top) = self.next.peek_mut() else { return Ok(false) };
        let Reverse((key, index)) = &mut *top;
        let run = self.runs.get_mut(*index);
        let Some(run) = run else { return Ok(false) };
        each(*key, run.route, &run.line)?;
        if run.advance()? {
            *key = run.key;
        } else {
            PeekMut::pop(top);
        }
        Ok(true)
    }
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
