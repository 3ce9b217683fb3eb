//! The lines of `transactions.jsonl`: a record and the endpoint its route came to belong to.

use std::io::{self, Write};

use tapline_discovery::{Inventory, LineWriter};
use tapline_model::{EndpointId, RouteMap};

use super::Spool;
use super::head::{Head, damaged};

/// Bytes of lines that are written at once.
const LINES_BYTES: usize = 128 << 10;

/// Makes lines of records, once the inventory is done.
pub(crate) struct Lines<'a> {
    inventory: &'a Inventory,
    /// What the inventory said of a route, which it would say again.
    endpoints: RouteMap<Option<EndpointId>>,
    writer: LineWriter,
}

impl<'a> Lines<'a> {
    /// Lines with the endpoints of a finished inventory.
    pub(crate) fn new(inventory: &'a Inventory) -> Self {
        Self { inventory, endpoints: RouteMap::default(), writer: LineWriter::default() }
    }

    /// Appends the line of a record.
    ///
    /// # Errors
    /// When the bytes are no record.
    pub(super) fn append(
        &mut self,
        head: Head,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let endpoint = head.route.and_then(|route| {
            *self.endpoints.entry(route).or_insert_with(|| self.inventory.resolve(route))
        });
        if self.writer.write(head.started_at, record, endpoint, out) {
            Ok(())
        } else {
            Err(damaged())
        }
    }
}

/// Writes the lines of a spool, one after the other.
///
/// # Errors
/// When reading the spool or writing fails, or a record is damaged.
pub(crate) fn write_lines(
    spool: Spool,
    mut lines: Lines<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = Vec::with_capacity(2 * LINES_BYTES);
    spool.finish(&mut |head, record| {
        lines.append(head, record, &mut text)?;
        if text.len() >= LINES_BYTES {
            out.write_all(&text)?;
            text.clear();
        }
        Ok(())
    })?;
    out.write_all(&text)
}
