//! Lines made by several threads: one merges the spool, some make lines, the caller writes.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::thread::{Builder, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};
use tapline_model::RouteKey;

use super::{BATCH_BYTES, Lines, Spool};

/// Batches that wait before and behind each thread that makes lines.
const BATCHES_AHEAD: usize = 2;

/// Records in order, with their routes and where they end.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<(Option<RouteKey>, usize)>,
}

/// Writes the lines of a spool with `makers` threads that make them, in the same order as one would.
///
/// # Errors
/// When reading the spool or writing fails, a record is damaged, or no thread can be had.
pub(crate) fn write_ahead<'a>(
    spool: Spool,
    makers: NonZeroUsize,
    lines: impl Fn() -> Lines<'a>,
    out: &mut dyn Write,
) -> io::Result<()> {
    std::thread::scope(|scope| {
        // Batches go to the makers in turn and are taken from them in turn: so they stay in order.
        let mut before = Vec::new();
        let mut behind = Vec::new();
        for _ in 0..makers.get() {
            let (records, todo) = bounded(BATCHES_AHEAD);
            let (made, text) = bounded(BATCHES_AHEAD);
            spawn(scope, "lines", make(lines(), todo, made))?;
            before.push(records);
            behind.push(text);
        }
        let reader = Builder::new()
            .name("spool".to_owned())
            .spawn_scoped(scope, move || read(spool, &before))?;
        let written = write(&behind, out);
        // Whoever still works is told that nobody listens.
        drop(behind);
        let read = reader.join().map_err(|_| io::Error::other("the spool's reader failed"))?;
        written.and(read)
    })
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map(drop)
}

fn read(spool: Spool, makers: &[Sender<Batch>]) -> io::Result<()> {
    let mut turn = makers.iter().cycle();
    let mut send = |batch| {
        let maker = turn.next().ok_or_else(nobody_listens)?;
        maker.send(batch).map_err(|_| nobody_listens())
    };
    let mut batch = Batch::default();
    spool.finish(&mut |route, record| {
        batch.bytes.extend_from_slice(record);
        batch.ends.push((route, batch.bytes.len()));
        if batch.bytes.len() < BATCH_BYTES {
            return Ok(());
        }
        send(std::mem::take(&mut batch))
    })?;
    send(batch)
}

fn nobody_listens() -> io::Error {
    io::Error::other("the writer has ended")
}

fn make(
    mut lines: Lines<'_>,
    todo: Receiver<Batch>,
    made: Sender<io::Result<Vec<u8>>>,
) -> impl FnOnce() + Send {
    move || {
        for batch in todo {
            if made.send(batch.lines(&mut lines)).is_err() {
                break;
            }
        }
    }
}

impl Batch {
    fn lines(&self, lines: &mut Lines<'_>) -> io::Result<Vec<u8>> {
        // A line is seldom more than twice its record.
        let mut out = Vec::with_capacity(self.bytes.len() * 2);
        let mut start = 0;
        for &(route, end) in &self.ends {
            lines.append(route, self.bytes.get(start..end).unwrap_or_default(), &mut out)?;
            start = end;
        }
        Ok(out)
    }
}

fn write(makers: &[Receiver<io::Result<Vec<u8>>>], out: &mut dyn Write) -> io::Result<()> {
    for maker in makers.iter().cycle() {
        // A maker ends when the reader has: what came before it was the last.
        let Ok(made) = maker.recv() else { break };
        out.write_all(&made?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tapline_discovery::{Config, Inventory};
    use tapline_model::Key;

    use super::super::{Entry, Records, SortKey, place};
    use super::*;

    /// A record as discovery packs it, of a transaction of which only its time is known.
    fn packed(started_nanos: u64) -> Vec<u8> {
        let socket: &[u8] = &[4, 192, 0, 2, 1, 80, 0];
        [&[0; 3][..], &started_nanos.to_le_bytes(), socket, socket, &[0; 11]].concat()
    }

    fn spool(folder: &std::path::Path, record: impl Fn(u64) -> Vec<u8>) -> Spool {
        let mut spool = Spool::new(folder).unwrap();
        let mut records = Records::default();
        for started_nanos in (0..20_000).rev() {
            let start = records.bytes.len();
            records.bytes.extend_from_slice(&record(started_nanos));
            let key = SortKey { started_nanos, shard: 0, sequence: 0 };
            let (start, end) = (place(start), place(records.bytes.len()));
            records.entries.push(Entry { key, route: None, batch: 0, start, end });
        }
        spool.add(records).unwrap();
        spool
    }

    fn write(
        record: impl Fn(u64) -> Vec<u8>,
        makers: usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let inventory = Inventory::new(Config::default(), Key::fixed());
        let makers = NonZeroUsize::new(makers).unwrap();
        write_ahead(spool(folder.path(), record), makers, || Lines::new(&inventory), out)
    }

    #[test]
    fn lines_keep_their_order_however_many_make_them() {
        let mut lines = Vec::new();
        write(packed, 3, &mut lines).unwrap();
        let text = String::from_utf8(lines).unwrap();
        let times: Vec<&str> = text.lines().map(|line| line.get(7..37).unwrap()).collect();
        assert_eq!(times.len(), 20_000);
        assert!(times.is_sorted());
    }

    #[test]
    fn a_full_disk_and_a_damaged_record_end_it() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(write(packed, 2, &mut Full).unwrap_err().to_string(), "full");
        let damaged = |at| if at == 15_000 { vec![1, 2, 3] } else { packed(at) };
        let fault = write(damaged, 2, &mut Vec::new()).unwrap_err();
        assert_eq!(fault.to_string(), "a transaction's record is damaged");
    }
}
