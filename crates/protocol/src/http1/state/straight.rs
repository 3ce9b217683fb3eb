//! What most bytes are, read in one go: heads that lie whole in a chunk, and announced content that
//! nothing is doubtful about. What comes of it is what comes of reading in steps.

use super::{Cut, Dialogue, Room, Scene};
use crate::Sink;
use crate::http1::exchange::Answer;
use crate::http1::head::{self, Side};
use crate::http1::message::{Progress, count};
use crate::pool::Use;

impl Dialogue {
    /// Reads a head that lies whole and in good order at the start of `bytes`, as most do, from
    /// there; says how long it was. What comes of it is what comes of reading it in steps.
    pub(super) fn whole_head<S: Sink>(
        &mut self,
        side: Side,
        bytes: &[u8],
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) -> Option<usize> {
        let window = bytes.get(..room.bounds.head_bytes_max).unwrap_or(bytes);
        let headers_max = room.bounds.headers_max;
        let mut message = room.pool.take_message();
        let parts = &mut message.parts;
        let used = head::read_start(side, window, headers_max, room.lines, parts);
        room.pool.keep_fields(&message.parts.fields);
        let head = used.and_then(|used| window.get(..used)).unwrap_or_default();
        let kept = room.pool.append(&mut message.head, head, head.len(), Use::Head);
        if head.is_empty() || kept < head.len() {
            room.pool.give_message(message);
            return None;
        }
        message.begin(count(head), scene.now, scene.now);
        self.parsed(side, message, Cut::No, scene, room);
        Some(head.len())
    }

    /// Takes content of announced length that nothing is doubtful about, as mostly; says how much.
    /// What comes of it is what comes of reading it in steps.
    pub(super) fn plain_content<S: Sink>(
        &mut self,
        side: Side,
        bytes: &[u8],
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) -> Option<usize> {
        let [requests, responses] = &mut self.halves;
        let half = match side {
            Side::Request => requests,
            Side::Response => responses,
        };
        let exchange = self.exchanges.get(half.current?)?;
        let is_sure = match side {
            Side::Request => exchange.response.is_none(),
            Side::Response => exchange.answer != Answer::Inferred && exchange.request.is_some(),
        };
        let message = exchange.message(side).filter(|_| is_sure)?;
        let (used, last) = half.reader.take_content(count(bytes))?;
        let content = bytes.get(..used).unwrap_or(bytes);
        message.content(content, scene.now, room.bounds, room.pool);
        if last {
            self.end_message(side, Progress::Ended, scene, room);
        }
        Some(used)
    }
}
