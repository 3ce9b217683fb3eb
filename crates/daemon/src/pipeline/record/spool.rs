//! The records of a run: sorted in runs on disk, merged at the end.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

use tapline_model::Timestamp;

use super::Records;
use super::head::{HEAD_BYTES, Head, damaged};

/// Bytes of records sorted in memory at once; as many are collected meanwhile.
const RUN_BYTES: usize = 40 << 20;
/// Runs merged at once: bounds open files and read buffers.
const FAN_IN_MAX: usize = 128;
/// Bytes of a run written or read at once.
const RUN_BUFFER_BYTES: usize = 64 << 10;
/// Batches in memory at once; there are 24 bits for which of them a record lies in.
const BATCHES_MAX: usize = 1 << 16;

/// Takes one record, with its head.
pub(super) type Take<'a> = dyn FnMut(Head, &[u8]) -> io::Result<()> + 'a;

/// Collects all records in bounded memory.
pub(crate) struct Spool {
    folder: tempfile::TempDir,
    collected: Collected,
    /// In the order in which they were collected.
    runs: VecDeque<PathBuf>,
    runs_made: usize,
    /// Writes the last run, so that nobody waits for sort and disk.
    spilling: Option<JoinHandle<io::Result<()>>>,
}

/// Records in memory.
#[derive(Default)]
struct Collected {
    /// As the workers wrote them, those of each worker in order.
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
            runs: VecDeque::new(),
            runs_made: 0,
            spilling: None,
        })
    }

    /// Takes records of a worker.
    ///
    /// # Errors
    /// When the disk is full.
    pub(crate) fn add(&mut self, records: Records) -> io::Result<()> {
        let Collected { batches, bytes } = &mut self.collected;
        *bytes += records.0.len();
        batches.push(records.0);
        if *bytes >= RUN_BYTES || batches.len() >= BATCHES_MAX { self.spill() } else { Ok(()) }
    }

    /// Gives every record in order to `take`: by the time its request began, then by shard, then as
    /// they were written.
    ///
    /// # Errors
    /// When reading the spool fails, or taking.
    pub(super) fn finish(mut self, take: &mut Take<'_>) -> io::Result<()> {
        self.await_spilled()?;
        while self.runs.len() > FAN_IN_MAX {
            let oldest: Vec<PathBuf> = self.runs.drain(..FAN_IN_MAX).collect();
            let path = self.next_run();
            let mut file = BufWriter::new(File::create(&path)?);
            let mut merging = Merging::open(&oldest)?;
            while merging.give(&mut |head, record| write(&mut file, head, record))? {}
            file.flush()?;
            for done in &oldest {
                std::fs::remove_file(done)?;
            }
            // What is in it was written before what is in the others.
            self.runs.push_front(path);
        }
        let mut merging = Merging::open(self.runs.make_contiguous())?;
        self.collected.each(&mut |head, record| {
            while merging.next_key().is_some_and(|key| key <= head.key()) {
                merging.give(take)?;
            }
            take(head, record)
        })?;
        while merging.give(take)? {}
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.await_spilled()?;
        let path = self.next_run();
        let collected = std::mem::take(&mut self.collected);
        self.runs.push_back(path.clone());
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
    /// Every record in order.
    fn each(&self, take: &mut Take<'_>) -> io::Result<()> {
        for place in self.in_order()? {
            let index = |part: u128| usize::try_from(part).unwrap_or(usize::MAX);
            let (batch, start) = (index(place >> 32 & 0xFF_FFFF), index(place & 0xFFFF_FFFF));
            let bytes = self.batches.get(batch).and_then(|batch| batch.get(start..));
            let (head, record, _) = bytes.and_then(Head::split).ok_or_else(damaged)?;
            take(head, record)?;
        }
        Ok(())
    }

    /// Where the records lie, in order: above the places, 24 bits for the batch and 32 for the start
    /// in it, are the time and the shard, so that numbers are all that is compared and moved about.
    fn in_order(&self) -> io::Result<Vec<u128>> {
        // Records of an ordinary length; there is room for more when they are shorter.
        let mut order: Vec<u128> = Vec::with_capacity(self.bytes / 100);
        for (batch, bytes) in (0_u128..).zip(&self.batches) {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (head, _, behind) = Head::split(rest).ok_or_else(damaged)?;
                let start = (bytes.len() - rest.len()) as u128;
                let (time, shard) = (u128::from(head.started_at.nanos()), u128::from(head.shard));
                order.push(time << 64 | shard << 56 | batch << 32 | start);
                rest = behind;
            }
        }
        order.sort_unstable();
        Ok(order)
    }

    fn spill(self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(RUN_BUFFER_BYTES, File::create(path)?);
        self.each(&mut |head, record| write(&mut file, head, record))?;
        file.flush()
    }
}

fn write(out: &mut impl Write, head: Head, record: &[u8]) -> io::Result<()> {
    out.write_all(&head.to_bytes())?;
    out.write_all(record)
}

/// A sorted run being read.
struct Run {
    file: BufReader<File>,
    head: Head,
    record: Vec<u8>,
}

impl Run {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = BufReader::with_capacity(RUN_BUFFER_BYTES, File::open(path)?);
        let mut run = Self { file, head: Head::default(), record: Vec::new() };
        Ok(run.advance()?.then_some(run))
    }

    /// Reads the next record; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut head = [0; HEAD_BYTES];
        self.file.read_exact(&mut head)?;
        self.head = Head::of(&head);
        self.record.resize(usize::try_from(self.head.length).map_err(io::Error::other)?, 0);
        self.file.read_exact(&mut self.record)?;
        Ok(true)
    }
}

/// Sorted runs being read as one.
struct Merging {
    runs: Vec<Run>,
    /// The next key of each run that has one, and which run it is: the first of those that have the
    /// same was written first.
    next: BinaryHeap<Reverse<((Timestamp, u8), usize)>>,
}

impl Merging {
    fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let mut merging = Self { runs: Vec::new(), next: BinaryHeap::with_capacity(paths.len()) };
        for path in paths {
            if let Some(run) = Run::open(path)? {
                merging.next.push(Reverse((run.head.key(), merging.runs.len())));
                merging.runs.push(run);
            }
        }
        Ok(merging)
    }

    fn next_key(&self) -> Option<(Timestamp, u8)> {
        self.next.peek().map(|Reverse((key, _))| *key)
    }

    /// Gives the next record; false when there is none.
    fn give(&mut self, take: &mut Take<'_>) -> io::Result<bool> {
        let Some(mut top) = self.next.peek_mut() else { return Ok(false) };
        let Reverse((key, index)) = &mut *top;
        let Some(run) = self.runs.get_mut(*index) else { return Ok(false) };
        take(run.head, &run.record)?;
        if run.advance()? {
            *key = run.head.key();
        } else {
            PeekMut::pop(top);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tapline_model::RouteKey;

    use super::*;

    /// Records that name their places, of these times and shards.
    fn records(first: usize, keys: &[(u64, u8)]) -> Records {
        let mut bytes = Vec::new();
        for (place, &(nanos, shard)) in (first..).zip(keys) {
            let record = format!("{nanos}-{shard}-{place}");
            let started_at = Timestamp::from_nanos(nanos);
            let route = (nanos % 2 == 0).then_some(RouteKey(nanos));
            let length = u32::try_from(record.len()).unwrap();
            bytes.extend(Head { started_at, shard, route, length }.to_bytes());
            bytes.extend_from_slice(record.as_bytes());
        }
        Records(bytes)
    }

    fn written(spool: Spool) -> Vec<String> {
        let mut out = Vec::new();
        spool
            .finish(&mut |head, record| {
                let routed = if head.route.is_some() { " routed" } else { "" };
                out.push(format!("{}{routed}", std::str::from_utf8(record).unwrap()));
                Ok(())
            })
            .unwrap();
        out
    }

    #[test]
    fn records_come_out_by_time_then_shard_then_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        spool.add(records(0, &[(3, 0), (1, 1), (1, 1), (1, 0)])).unwrap();
        spool.add(records(4, &[(4, 1), (2, 1), (1, 1)])).unwrap();
        let expected =
            ["1-0-3", "1-1-1", "1-1-2", "1-1-6", "2-1-5 routed", "3-0-0", "4-1-4 routed"];
        assert_eq!(written(spool), expected);
    }

    #[test]
    fn a_record_that_is_cut_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        let Records(mut bytes) = records(0, &[(3, 0), (1, 1)]);
        bytes.pop();
        spool.add(Records(bytes)).unwrap();
        let fault = spool.finish(&mut |_, _| Ok(())).unwrap_err();
        assert_eq!(fault.to_string(), "a transaction's record is damaged");
    }

    proptest! {
        // Each makes a hundred files and threads.
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn spilling_changes_nothing(
            batches in prop::collection::vec(
                (prop::collection::vec((0_u64..6, 0_u8..3), 0..4), any::<bool>()), 0..300,
            ),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spools = [(); 2].map(|()| Spool::new(folder.path()).unwrap());
            let [whole, spilled] = &mut spools;
            for (index, (keys, spills)) in batches.iter().enumerate() {
                whole.add(records(10 * index, keys)).unwrap();
                spilled.add(records(10 * index, keys)).unwrap();
                if *spills {
                    spilled.spill().unwrap();
                }
            }
            let [whole, spilled] = spools.map(written);
            prop_assert_eq!(whole, spilled);
            prop_assert_eq!(folder.path().read_dir().unwrap().count(), 0, "they remove themselves");
        }
    }
}
