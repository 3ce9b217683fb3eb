//! Lines made by several threads: one merges the spool, some make lines, the caller writes.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::thread::{Builder, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::head::{Head, damaged};
use super::{BATCH_BYTES, Lines, Spool};

/// Batches that wait before and behind each thread that makes lines.
const BATCHES_AHEAD: usize = 2;

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

fn read(spool: Spool, makers: &[Sender<Vec<u8>>]) -> io::Result<()> {
    let mut turn = makers.iter().cycle();
    let mut send = |batch| {
        let maker = turn.next().ok_or_else(nobody_listens)?;
        maker.send(batch).map_err(|_| nobody_listens())
    };
    let mut batch = Vec::new();
    spool.finish(&mut |head, record| {
        batch.extend_from_slice(&head.to_bytes());
        batch.extend_from_slice(record);
        if batch.len() < BATCH_BYTES {
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
    todo: Receiver<Vec<u8>>,
    made: Sender<io::Result<Vec<u8>>>,
) -> impl FnOnce() + Send {
    move || {
        for batch in todo {
            if made.send(lines_of(&batch, &mut lines)).is_err() {
                break;
            }
        }
    }
}

/// The lines of records in order, each behind its head.
fn lines_of(batch: &[u8], lines: &mut Lines<'_>) -> io::Result<Vec<u8>> {
    // A line is seldom more than three times its record.
    let mut out = Vec::with_capacity(batch.len() * 3);
    let mut rest = batch;
    while !rest.is_empty() {
        let (head, record, behind) = Head::split(rest).ok_or_else(damaged)?;
        lines.append(head, record, &mut out)?;
        rest = behind;
    }
    Ok(out)
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
    use tapline_model::{Key, Timestamp};

    use super::super::Records;
    use super::*;

    /// A record as discovery packs it, of a transaction of which only its time is known.
    fn packed(_: u64) -> Vec<u8> {
        let socket: &[u8] = &[4, 192, 0, 2, 1, 80, 0];
        [&[0; 3][..], socket, socket, &[0; 11]].concat()
    }

    fn spool(folder: &std::path::Path, record: impl Fn(u64) -> Vec<u8>) -> Spool {
        let mut bytes = Vec::new();
        for nanos in (0..20_000).rev() {
            let record = record(nanos);
            let started_at = Timestamp::from_nanos(nanos);
            let length = u32::try_from(record.len()).unwrap();
            bytes.extend(Head { started_at, shard: 0, route: None, length }.to_bytes());
            bytes.extend(record);
        }
        let mut spool = Spool::new(folder).unwrap();
        spool.add(Records(bytes)).unwrap();
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
