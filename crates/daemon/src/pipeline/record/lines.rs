//! The lines of `transactions.jsonl`: a record and the endpoint its route came to belong to.

use std::io;

use tapline_discovery::{Inventory, LineWriter};
use tapline_model::{EndpointId, RouteKey, RouteMap};

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
    pub(crate) fn append(
        &mut self,
        route: Option<RouteKey>,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let endpoint = route.and_then(|route| {
            *self.endpoints.entry(route).or_insert_with(|| self.inventory.resolve(route))
        });
        if self.writer.write(record, endpoint, out) {
            Ok(())
        } else {
            Err(io::Error::other("a transaction's record is damaged"))
        }
    }
}
