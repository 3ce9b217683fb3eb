//! Which response belongs to which request.
//!
//! Without loss the order decides: a flow's responses come in the order of its requests (RFC 9112
//! section 9.3). Two things disturb it.
//!
//! *A mirror delivers a response before its request.* The response waits; the next request takes it
//! if it began no later than the response did, give or take [`SKEW_NS`] while no request is known
//! to be missing. After [`WAIT_NS`] it is reported without a request.
//!
//! *Bytes are missing.* Then time decides. A client that does not pipeline sends a request only
//! after the response before it, so the first response after a loss belongs to the latest request
//! begun before it, and the responses of earlier requests were lost. In the same way a response
//! that began before the first request after a loss belongs to a request that was lost. Where
//! requests have been seen to be pipelined, the order decides again.

use std::collections::VecDeque;

use tapline_model::{Anomaly, DropReason, ProtocolStats, Timestamp};

use super::exchange::{Answer, Exchange};
use super::head::Side;
use super::message::Message;
use crate::bounds::Bounds;
use crate::pool::Pool;

/// How much later than its response a request may be stamped by a mirror, when nothing is missing.
const SKEW_NS: u64 = 50_000_000;
/// How long a response waits for its request: longer than a hole is waited for by default.
const WAIT_NS: u64 = 1_000_000_000;
/// What a queue keeps room for when it is empty.
const IDLE_EXCHANGES: usize = 4;
/// What the budget is charged for an exchange, without its buffers.
pub(super) const EXCHANGE_BYTES: usize = size_of::<Exchange>() + 2 * size_of::<Message>();

/// The books that pairing writes in.
pub(super) struct Books<'a> {
    pub(super) bounds: &'a Bounds,
    pub(super) pool: &'a mut Pool,
    pub(super) stats: &'a mut ProtocolStats,
}

/// The exchanges of a flow, in the order of their requests.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    queue: VecDeque<Exchange>,
    next_id: u64,
    requests: Track,
    responses: Track,
    /// A request has been seen: the flow is not one of responses alone.
    requests_seen: bool,
    /// The last request was framed beyond doubt.
    request_clear: bool,
    /// A request was seen to begin before the response to the one before it.
    pipelined: bool,
    /// Responses to come whose requests were dropped.
    responses_to_skip: u32,
}

/// One side of a flow.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    /// Messages may be missing before the next one.
    lost: bool,
    /// No more messages come.
    closed: bool,
}

impl Exchanges {
    /// `lost` says, for requests and responses, that earlier ones were not seen.
    pub(super) fn new(requests_lost: bool, responses_lost: bool) -> Self {
        Self {
            requests: Track { lost: requests_lost, closed: false },
            responses: Track { lost: responses_lost, closed: false },
            request_clear: true,
            ..Self::default()
        }
    }

    /// Begins anew, as [`Self::new`], with the room that it has.
    pub(super) fn reset(&mut self, requests_lost: bool, responses_lost: bool) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        *self = Self { queue, ..Self::new(requests_lost, responses_lost) };
    }

    /// The exchange of a request that began at `started_at`; None when it is dropped.
    #[inline]
    pub(super) fn begin_request(
        &mut self,
        started_at: Timestamp,
        clear: bool,
        books: &mut Books<'_>,
    ) -> Option<u64> {
        let was_clear = std::mem::replace(&mut self.request_clear, clear);
        let in_step = !std::mem::replace(&mut self.requests.lost, false);
        let requests_seen = std::mem::replace(&mut self.requests_seen, true);
        for exchange in self.queue.iter_mut().filter(|exchange| exchange.awaits_request) {
            let skew_ns = if exchange.in_step && was_clear { SKEW_NS } else { 0 };
            exchange.awaits_request = false;
            if started_at <= exchange.started_at.plus_nanos(skew_ns) {
                exchange.started_at = started_at;
                return Some(exchange.id);
            }
            abandon(exchange, requests_seen);
        }
        self.push(self.queue.len(), started_at, in_step, books)
    }

    /// The exchange of a final response that began at `started_at`; None when it is dropped.
    pub(super) fn begin_response(
        &mut self,
        started_at: Timestamp,
        books: &mut Books<'_>,
    ) -> Option<u64> {
        if self.responses_to_skip > 0 {
            self.responses_to_skip -= 1;
            return None;
        }
        let asked_before = |exchange: &Exchange| exchange.started_at <= started_at;
        if self.queue.len() == 1 && !self.responses.lost {
            // As mostly: it answers the one request there is.
            let is_it = |e: &&Exchange| e.is_unanswered() && (e.in_step || asked_before(e));
            if let Some(only) = self.queue.front().filter(is_it) {
                return Some(only.id);
            }
        }
        self.abandon_old(started_at);
        let lost = std::mem::replace(&mut self.responses.lost, false);
        let first = self.queue.iter().position(Exchange::is_unanswered);
        let Some(first) = first else { return self.await_request(started_at, books) };
        let chosen = if lost && !self.pipelined {
            self.queue.iter().rposition(|e| e.is_unanswered() && asked_before(e))
        } else {
            self.queue.get(first).filter(|e| e.in_step || asked_before(e)).map(|_| first)
        };
        let Some(chosen) = chosen else {
            return self.push(first, started_at, false, books);
        };
        let mut later = self.queue.iter().skip(chosen + 1);
        self.pipelined |= !lost && later.any(|e| e.is_unanswered() && asked_before(e));
        for exchange in self.queue.iter_mut().take(chosen).skip(first) {
            if exchange.is_unanswered() {
                exchange.answer = Answer::Lost;
            }
        }
        let exchange = self.queue.get_mut(chosen)?;
        if lost {
            exchange.answer = Answer::Inferred;
        }
        Some(exchange.id)
    }

    /// The exchange that an interim response belongs to.
    pub(super) fn interim(&mut self) -> Option<&mut Exchange> {
        self.queue.iter_mut().find(|exchange| exchange.is_unanswered())
    }

    #[inline]
    pub(super) fn get(&mut self, id: u64) -> Option<&mut Exchange> {
        // Mostly there is but one.
        let is_it = |exchange: &Exchange| exchange.id == id;
        if self.queue.front().is_some_and(is_it) {
            return self.queue.front_mut();
        }
        self.queue.iter_mut().find(|exchange| exchange.id == id)
    }

    /// Whether a request waits for a response that has not begun.
    #[inline]
    pub(super) fn any_unanswered(&self) -> bool {
        self.queue.iter().any(Exchange::is_unanswered)
    }

    /// Whether a response waits for its request.
    #[inline]
    pub(super) fn any_waiting(&self) -> bool {
        self.queue.iter().any(|exchange| exchange.awaits_request)
    }

    /// The oldest exchange when nothing more is expected of it.
    #[inline]
    pub(super) fn first_over(&self) -> Option<&Exchange> {
        let closed = (self.requests.closed, self.responses.closed);
        self.first().filter(|front| front.is_over(closed.0, closed.1))
    }

    /// The oldest exchange.
    #[inline]
    pub(super) fn first(&self) -> Option<&Exchange> {
        self.queue.front()
    }

    /// Removes the oldest exchange, and gives its buffers back.
    #[inline]
    pub(super) fn remove_first(&mut self, pool: &mut Pool) {
        let Some(exchange) = self.queue.front_mut() else { return };
        self.responses_to_skip += exchange.dropped_after;
        for message in [exchange.request.take(), exchange.response.take()].into_iter().flatten() {
            pool.give_message(message);
        }
        if self.queue.len() > 1 {
            drop(self.queue.pop_front());
        } else {
            self.queue.clear();
            if self.queue.capacity() > IDLE_EXCHANGES {
                self.queue.shrink_to(IDLE_EXCHANGES);
            }
        }
        pool.refund(EXCHANGE_BYTES);
    }

    /// Messages of this side may be missing from here on.
    pub(super) fn lose(&mut self, side: Side) {
        match side {
            Side::Request => {
                self.requests.lost = true;
                for exchange in self.queue.iter_mut().filter(|exchange| exchange.awaits_request) {
                    exchange.in_step = false;
                }
            }
            Side::Response => {
                self.responses.lost = true;
                self.responses_to_skip = 0;
            }
        }
    }

    /// No message of this side begins any more.
    pub(super) fn close(&mut self, side: Side) {
        match side {
            Side::Request => {
                self.requests.closed = true;
                self.abandon_where(|_| true);
            }
            Side::Response => self.responses.closed = true,
        }
    }

    /// Responses that began long before `now` no longer wait for their request.
    #[inline]
    pub(super) fn abandon_old(&mut self, now: Timestamp) {
        self.abandon_where(|exchange| now.nanos_since(exchange.started_at) > WAIT_NS);
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.queue.iter()
    }

    fn abandon_where(&mut self, is_chosen: impl Fn(&Exchange) -> bool) {
        let requests_seen = self.requests_seen;
        for exchange in self.queue.iter_mut().filter(|e| e.awaits_request && is_chosen(e)) {
            abandon(exchange, requests_seen);
        }
    }

    /// A response without request, at the end of the queue.
    fn await_request(&mut self, started_at: Timestamp, books: &mut Books<'_>) -> Option<u64> {
        let in_step = !self.requests.lost;
        let id = self.push(self.queue.len(), started_at, in_step, books)?;
        let exchange = self.queue.back_mut()?;
        exchange.awaits_request = true;
        if self.requests.closed {
            self.abandon_where(|_| true);
        } else if self.queue.len() >= books.bounds.pipeline_max {
            // Make room: the oldest goes on without its request.
            let oldest = self.queue.iter().find(|exchange| exchange.awaits_request).map(|e| e.id);
            self.abandon_where(|exchange| Some(exchange.id) == oldest);
        }
        Some(id)
    }

    /// Begins an exchange, or drops it at a cap.
    #[inline]
    fn push(
        &mut self,
        place: usize,
        started_at: Timestamp,
        in_step: bool,
        books: &mut Books<'_>,
    ) -> Option<u64> {
        let ledger = &mut books.stats.transactions;
        ledger.received += 1;
        let is_full = self.queue.len() >= books.bounds.pipeline_max;
        if is_full || !books.pool.charge(EXCHANGE_BYTES) {
            ledger.drop(if is_full { DropReason::PipelineFull } else { DropReason::BufferFull }, 1);
            if let Some(last) = self.queue.back_mut().filter(|_| is_full) {
                last.anomalies.insert(Anomaly::PipelineTooDeep);
            }
            return None;
        }
        ledger.held += 1;
        let id = self.next_id;
        self.next_id += 1;
        let exchange = Exchange::new(id, started_at, in_step);
        if self.queue.capacity() == 0 {
            // Most flows never have more at once.
            self.queue.reserve_exact(1);
        }
        if place == self.queue.len() {
            self.queue.push_back(exchange);
        } else {
            self.queue.insert(place, exchange);
        }
        Some(id)
    }

    /// The response to a dropped request will still come, after those of the queue.
    pub(super) fn expect_unpaired_response(&mut self) {
        match self.queue.back_mut() {
            Some(last) => last.dropped_after += 1,
            None => self.responses_to_skip += 1,
        }
    }
}

/// The response has no request. When none can be missing, nothing could have caused it.
fn abandon(exchange: &mut Exchange, requests_seen: bool) {
    exchange.awaits_request = false;
    if exchange.in_step && requests_seen {
        exchange.anomalies.insert(Anomaly::UnrequestedResponse);
    }
}
