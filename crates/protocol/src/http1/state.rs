//! The two directions of a flow to transactions.

mod straight;

use tapline_model::{
    Anomaly, AnomalySet, Direction, DropReason, EndReason, FlowId, FlowTuple, HeaderFields,
    ProtocolStats, Timestamp,
};

use super::body::{self, Asked, Framing, Switch};
use super::emit::{Emitter, count_anomalies, emit};
use super::exchange::{Answer, Exchange};
use super::head::{self, Side, StartLine};
use super::lines::Lines;
use super::message::{Message, Progress, count};
use super::pairing::{Books, EXCHANGE_BYTES, Exchanges};
use super::reader::{Event, Loss, PartialHead, Reader};
use super::search;
use crate::Sink;
use crate::bounds::Bounds;
use crate::pool::Pool;

/// What the shard lends while one chunk is read.
pub(crate) struct Room<'a, S> {
    pub(crate) bounds: &'a Bounds,
    pub(crate) pool: &'a mut Pool,
    pub(crate) lines: &'a mut Lines,
    pub(crate) emitter: &'a mut Emitter,
    pub(crate) stats: &'a mut ProtocolStats,
    pub(crate) sink: &'a mut S,
}

/// Where and when a chunk comes from.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) flow: FlowId,
    pub(crate) tuple: FlowTuple,
    /// The direction that sends requests.
    pub(crate) client: Direction,
    pub(crate) now: Timestamp,
}

/// What the bytes of a chunk were: how many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) http: u64,
    /// Passed over while lost.
    pub(crate) other: u64,
    /// After the flow turned into something else.
    pub(crate) switched: u64,
}

/// Why a head was handed out before its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    No,
    Gap,
    End,
}

/// One side of the dialogue.
#[derive(Debug)]
struct Half {
    reader: Reader,
    /// The exchange whose message is coming; None while one is discarded or none has begun.
    current: Option<u64>,
    /// Seen between messages; goes to the next one.
    pending: AnomalySet,
    closed: bool,
}

/// The HTTP/1 state of one flow.
#[derive(Debug)]
pub(crate) struct Dialogue {
    client: Direction,
    halves: [Half; 2],
    exchanges: Exchanges,
    /// Bytes of interim responses that belong to no request seen so far.
    interim_bytes: u64,
    switched: Option<Switch>,
}

impl Dialogue {
    /// `client` sends requests. `lost` says per side (requests, responses) that the direction was
    /// met in the middle of something; `requests_missed` that requests came before the first seen.
    pub(crate) fn new(client: Direction, lost: [bool; 2], requests_missed: bool) -> Self {
        let half = |side, lost| Half {
            reader: Reader::new(side, lost),
            current: None,
            pending: AnomalySet::EMPTY,
            closed: false,
        };
        let [requests_lost, responses_lost] = lost;
        Self {
            client,
            halves: [half(Side::Request, requests_lost), half(Side::Response, responses_lost)],
            exchanges: Exchanges::new(requests_lost || requests_missed, responses_lost),
            interim_bytes: 0,
            switched: None,
        }
    }

    /// Begins anew, as [`Self::new`], after it was finished.
    pub(crate) fn reset(&mut self, client: Direction, lost: [bool; 2], requests_missed: bool) {
        let Self { client: own_client, halves, exchanges, interim_bytes, switched } = self;
        for (half, lost) in halves.iter_mut().zip(lost) {
            let Half { reader, current, pending, closed } = half;
            reader.reset(lost);
            (*current, *pending, *closed) = (None, AnomalySet::EMPTY, false);
        }
        let [requests_lost, responses_lost] = lost;
        exchanges.reset(requests_lost || requests_missed, responses_lost);
        (*own_client, *interim_bytes, *switched) = (client, 0, None);
    }

    /// The direction that sends requests.
    #[inline]
    pub(crate) fn client(&self) -> Direction {
        self.client
    }

    /// The flow has turned into something else.
    #[inline]
    pub(crate) fn is_switched(&self) -> bool {
        self.switched.is_some()
    }

    /// The flow has turned into a tunnel.
    #[inline]
    pub(crate) fn is_tunnel(&self) -> bool {
        self.switched == Some(Switch::Tunnel)
    }

    /// Which messages a direction sends.
    #[inline]
    pub(crate) fn side(&self, direction: Direction) -> Side {
        if direction == self.client { Side::Request } else { Side::Response }
    }

    /// Reads the bytes of one chunk.
    pub(crate) fn data<S: Sink>(
        &mut self,
        side: Side,
        bytes: &[u8],
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) -> Spent {
        let mut spent = Spent::default();
        let mut rest = bytes;
        let mut idle_steps = 0;
        while !rest.is_empty() && self.switched.is_none() {
            let plain = if self.half(side).reader.is_between() {
                self.whole_head(side, rest, scene, room)
            } else {
                self.plain_content(side, rest, scene, room)
            };
            if let Some(used) = plain {
                let (taken, after) = rest.split_at_checked(used).unwrap_or((rest, &[]));
                spent.http += count(taken);
                rest = after;
                idle_steps = 0;
                continue;
            }
            self.notice_missing_body(side, rest, scene, room);
            let reader = &mut self.half(side).reader;
            let (used, event) = reader.step(rest, scene.now, room.bounds, room.pool);
            // A reader may change its mind once; twice would be for ever.
            idle_steps = if used == 0 { idle_steps + 1 } else { 0 };
            let used = if idle_steps > 1 { rest.len() } else { used };
            let (taken, after) = rest.split_at_checked(used).unwrap_or((rest, &[]));
            rest = after;
            if matches!(event, Event::Skipped | Event::Desynchronised) {
                spent.other += count(taken);
            } else {
                spent.http += count(taken);
            }
            self.apply(side, event, taken, scene, room);
        }
        spent.switched = count(rest);
        spent
    }

    /// Passes over bytes that are missing.
    pub(crate) fn gap<S: Sink>(
        &mut self,
        side: Side,
        missing_bytes: u64,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let loss = self.half(side).reader.gap(missing_bytes);
        if !matches!(loss, Loss::Content { .. }) {
            self.exchanges.lose(side);
        }
        match loss {
            Loss::Idle | Loss::Lost => {}
            Loss::Head(partial) => self.head(side, partial, Cut::Gap, scene, room),
            Loss::Content { bytes, last } => {
                self.with_current(side, |message| message.gap(bytes, scene.now));
                if last {
                    self.end_message(side, Progress::Ended, scene, room);
                }
                return;
            }
            Loss::Beyond { bytes, ended } => {
                self.with_current(side, |message| message.gap(bytes, scene.now));
                if ended {
                    self.end_message(side, Progress::Ended, scene, room);
                } else {
                    self.break_message(side, room);
                }
                return;
            }
        }
        // What is missing most likely belongs to the message that it broke.
        self.with_current(side, |message| message.gap(missing_bytes, scene.now));
    }

    /// One direction ends.
    pub(crate) fn end<S: Sink>(
        &mut self,
        side: Side,
        reason: EndReason,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        if self.switched.is_some() || std::mem::replace(&mut self.half(side).closed, true) {
            return;
        }
        match self.half(side).reader.end() {
            Loss::Head(partial) if side == Side::Request && !self.counts(&partial) => {
                // Its sender never finished asking.
                self.half(side).pending.insert(Anomaly::Desynchronised);
                room.pool.give(partial.bytes);
            }
            Loss::Head(partial) => self.head(side, partial, Cut::End, scene, room),
            Loss::Content { .. } if matches!(reason, EndReason::Fin | EndReason::Reset) => {
                self.end_message(side, Progress::Ended, scene, room);
            }
            Loss::Idle | Loss::Lost | Loss::Content { .. } | Loss::Beyond { .. } => {}
        }
        self.end_message(side, Progress::Cut, scene, room);
        self.exchanges.close(side);
        self.emit_over(scene, room);
    }

    /// Whether a request whose head does not end is one all the same: it was answered, or its end
    /// was not kept, or it has no more than a line.
    fn counts(&self, partial: &PartialHead) -> bool {
        self.exchanges.any_waiting()
            || partial.is_too_long()
            || head::is_versionless(partial.bytes.bytes())
    }

    /// The flow ends: everything begun is handed on.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        reason: EndReason,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        self.end(Side::Request, reason, scene, room);
        self.end(Side::Response, reason, scene, room);
        while let Some(exchange) = self.exchanges.first() {
            emit(exchange, scene, room);
            self.exchanges.remove_first(room.pool);
        }
        for half in &mut self.halves {
            count_anomalies(half.pending, room.stats);
            half.reader.lose(room.pool);
        }
    }

    /// Time passes: responses stop waiting for their request. Says whether others still wait.
    pub(crate) fn tick<S: Sink>(&mut self, scene: &Scene, room: &mut Room<'_, S>) -> bool {
        self.exchanges.abandon_old(scene.now);
        self.emit_over(scene, room);
        self.exchanges.any_waiting()
    }

    /// How many transactions are begun and not handed on.
    pub(crate) fn held(&self) -> u64 {
        u64::try_from(self.exchanges.len()).unwrap_or(u64::MAX)
    }

    /// What the budget is charged for it.
    pub(crate) fn charge(&self) -> u64 {
        let own = u64::try_from(EXCHANGE_BYTES).unwrap_or(u64::MAX);
        let messages = |exchange: &Exchange| {
            let both = [exchange.request.as_deref(), exchange.response.as_deref()];
            own + both.into_iter().flatten().map(Message::charge).sum::<u64>()
        };
        let readers = self.halves.iter().map(|half| half.reader.charge()).sum::<u64>();
        self.exchanges.iter().map(messages).sum::<u64>() + readers
    }

    #[inline]
    fn half(&mut self, side: Side) -> &mut Half {
        let [requests, responses] = &mut self.halves;
        match side {
            Side::Request => requests,
            Side::Response => responses,
        }
    }

    #[inline]
    fn current(&mut self, side: Side) -> Option<&mut Exchange> {
        let id = self.half(side).current?;
        self.exchanges.get(id)
    }

    fn with_current(&mut self, side: Side, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.current(side).and_then(|exchange| exchange.message(side)) {
            change(message);
        }
    }

    fn apply<S: Sink>(
        &mut self,
        side: Side,
        event: Event,
        bytes: &[u8],
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        match event {
            Event::Blank | Event::Head => {}
            Event::HeadEnded(partial) => self.head(side, partial, Cut::No, scene, room),
            Event::Content { last } => {
                if let Some(message) = self.current(side).and_then(|e| e.message(side)) {
                    message.content(bytes, scene.now, room.bounds, room.pool);
                }
                if last {
                    self.end_message(side, Progress::Ended, scene, room);
                }
            }
            Event::Framing { last } => {
                self.with_current(side, |message| message.framing(count(bytes), scene.now));
                if last {
                    let anomalies = self.half(side).reader.end_body();
                    self.with_current(side, |message| message.parts.anomalies.extend(anomalies));
                    self.end_message(side, Progress::Ended, scene, room);
                }
            }
            Event::InvalidChunk => {
                // As far as anyone can tell the message ends here.
                let anomalies = self.half(side).reader.lose(room.pool);
                self.with_current(side, |message| {
                    message.framing(count(bytes), scene.now);
                    message.parts.anomalies.extend(anomalies);
                    message.truncated = true;
                });
                self.exchanges.lose(side);
                self.end_message(side, Progress::Ended, scene, room);
            }
            Event::Desynchronised => {
                self.half(side).pending.insert(Anomaly::Desynchronised);
                self.exchanges.lose(side);
            }
            // Most likely the rest of the message that a gap broke.
            Event::Skipped => self.with_current(side, |message| {
                message.gap(count(bytes), scene.now);
            }),
        }
    }

    /// A body that the head announced and that never comes: the sender goes on with its next
    /// message.
    fn notice_missing_body<S: Sink>(
        &mut self,
        side: Side,
        bytes: &[u8],
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let reader = &self.half(side).reader;
        let (untouched, until_close) = (reader.awaits_content(), reader.is_until_close());
        let doubtful = match side {
            // The response to a HEAD that was not seen.
            Side::Response if untouched => self
                .current(side)
                .is_none_or(|e| e.answer == Answer::Inferred || e.request.is_none()),
            Side::Response if until_close => self.exchanges.any_unanswered(),
            // Told not to send it (RFC 9110 section 10.1.1).
            Side::Request if untouched => self.current(side).is_some_and(|e| {
                e.response.is_some() && e.request.as_deref().is_some_and(Message::expects_continue)
            }),
            _ => false,
        };
        if doubtful && search::begins_chunk(side, bytes) {
            self.half(side).reader.end_body();
            self.end_message(side, Progress::Ended, scene, room);
        }
    }

    /// A head is complete, or as complete as it will get.
    fn head<S: Sink>(
        &mut self,
        side: Side,
        mut partial: PartialHead,
        cut: Cut,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        // Of a message that lost its framing, the next head is the end.
        self.end_message(side, Progress::Cut, scene, room);
        let whole = cut == Cut::No && !partial.is_too_long();
        let headers_max = room.bounds.headers_max;
        let bytes = partial.bytes.bytes_mut();
        let Some(parsed) = head::parse(side, bytes, whole, headers_max, HeaderFields::default())
        else {
            if side == Side::Request && partial.bytes.is_empty() && cut != Cut::Gap {
                room.stats.transactions.received += 1;
                room.stats.transactions.drop(DropReason::BufferFull, 1);
            } else if cut == Cut::No {
                self.half(side).pending.insert(Anomaly::Desynchronised);
            }
            self.exchanges.lose(side);
            room.pool.give(partial.bytes);
            return;
        };
        let mut message = Box::new(Message { parts: parsed, ..Message::default() });
        if partial.is_too_long() {
            message.parts.anomalies.insert(Anomaly::HeadTooLong);
        }
        message.head = partial.bytes;
        room.pool.keep_fields(&message.parts.fields);
        message.begin(partial.wire_bytes, partial.started_at, scene.now);
        self.parsed(side, message, cut, scene, room);
    }

    /// A head was read.
    #[inline]
    fn parsed<S: Sink>(
        &mut self,
        side: Side,
        mut message: Box<Message>,
        cut: Cut,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        message.parts.anomalies.extend(std::mem::take(&mut self.half(side).pending));
        match message.parts.start {
            StartLine::Request { .. } => self.request(message, cut, scene, room),
            StartLine::Response { status: 100 | 102..=199 } => {
                self.interim(message, cut, room);
            }
            StartLine::Response { status } => self.response(message, cut, status, scene, room),
        }
        self.emit_over(scene, room);
    }

    fn request<S: Sink>(
        &mut self,
        message: Box<Message>,
        cut: Cut,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let framing = body::of_request(&message.parts.facts, is_whole(&message, cut));
        let anomalies = message.parts.anomalies;
        let clear = anomalies.is_empty()
            || ![
                Anomaly::ConflictingBodyLength,
                Anomaly::DuplicateContentLength,
                Anomaly::InvalidContentLength,
                Anomaly::InvalidTransferEncoding,
            ]
            .into_iter()
            .any(|anomaly| anomalies.contains(anomaly));
        let mut books = Books { bounds: room.bounds, pool: room.pool, stats: room.stats };
        let id = self.exchanges.begin_request(message.started_at, clear, &mut books);
        if id.is_none() {
            self.exchanges.expect_unpaired_response();
        }
        self.begin_message(Side::Request, id, message, cut, framing, scene, room);
        self.notice_request_of_response(id, scene, room);
    }

    /// A response that came first was framed without knowing its request.
    fn notice_request_of_response<S: Sink>(
        &mut self,
        id: Option<u64>,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let exchange = id.and_then(|id| self.exchanges.get(id));
        let Some(exchange) = exchange else { return };
        let asked = exchange.asked();
        let Some(response) = &exchange.response else { return };
        let StartLine::Response { status } = response.parts.start else { return };
        let is_current = self.half(Side::Response).current == id;
        let reader = &mut self.half(Side::Response).reader;
        if asked == Asked::Head && is_current && reader.awaits_content() {
            reader.end_body();
            self.end_message(Side::Response, Progress::Ended, scene, room);
        } else if let Some(switch) = body::switch(status, asked) {
            self.switch(id, switch, scene, room);
        }
    }

    fn interim<S>(&mut self, message: Box<Message>, cut: Cut, room: &mut Room<'_, S>) {
        room.stats.interim_responses += 1;
        if let Some(exchange) = self.exchanges.interim() {
            exchange.interim_bytes += message.wire_bytes;
            exchange.anomalies.extend(message.parts.anomalies);
        } else {
            self.interim_bytes += message.wire_bytes;
            self.half(Side::Response).pending.extend(message.parts.anomalies);
        }
        if cut == Cut::No {
            self.half(Side::Response).reader.begin_body(Framing::None);
        }
        room.pool.give_message(message);
    }

    fn response<S: Sink>(
        &mut self,
        message: Box<Message>,
        cut: Cut,
        status: u16,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let mut books = Books { bounds: room.bounds, pool: room.pool, stats: room.stats };
        let id = self.exchanges.begin_response(message.started_at, &mut books);
        let exchange = id.and_then(|id| self.exchanges.get(id));
        let asked = exchange.as_ref().map(|exchange| exchange.asked()).unwrap_or_default();
        if let Some(exchange) = exchange {
            exchange.interim_bytes += std::mem::take(&mut self.interim_bytes);
        }
        let switch = body::switch(status, asked);
        let whole = is_whole(&message, cut);
        let framing = match switch {
            Some(_) => Framing::None,
            None => body::of_response(&message.parts.facts, status, asked, whole),
        };
        self.begin_message(Side::Response, id, message, cut, framing, scene, room);
        if let Some(switch) = switch {
            self.switch(id, switch, scene, room);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call for both sides, of parts read apart")]
    fn begin_message<S: Sink>(
        &mut self,
        side: Side,
        id: Option<u64>,
        mut message: Box<Message>,
        cut: Cut,
        framing: Framing,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        let framing = if cut == Cut::No { framing } else { Framing::Unknown };
        let half = self.half(side);
        half.reader.begin_body(framing);
        half.current = id;
        message.gapped = cut == Cut::Gap;
        message.head_cut = cut != Cut::No;
        if framing == Framing::Unknown {
            message.progress = Progress::Broken;
            message.truncated = true;
        }
        let place = id.and_then(|id| self.exchanges.get(id)).map(|exchange| match side {
            Side::Request => &mut exchange.request,
            Side::Response => &mut exchange.response,
        });
        match place {
            Some(place) => *place = Some(message),
            None => room.pool.give_message(message),
        }
        match (cut, framing) {
            (Cut::End, _) => self.end_message(side, Progress::Cut, scene, room),
            // Of a head that was too long to keep, whatever follows is passed over.
            (Cut::No, Framing::None | Framing::Unknown) => {
                self.end_message(side, Progress::Ended, scene, room);
            }
            _ => {}
        }
    }

    /// The current message of a side, if there is one, goes no further.
    #[inline]
    fn end_message<S: Sink>(
        &mut self,
        side: Side,
        progress: Progress,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        self.with_current(side, |message| {
            message.progress = progress;
        });
        if self.half(side).current.take().is_some() {
            self.emit_over(scene, room);
        }
    }

    /// The current message of a side lost its framing.
    fn break_message<S>(&mut self, side: Side, room: &mut Room<'_, S>) {
        let anomalies = self.half(side).reader.lose(room.pool);
        self.with_current(side, |message| {
            message.progress = Progress::Broken;
            message.parts.anomalies.extend(anomalies);
        });
    }

    /// The flow turns into something else: all that was asked is handed on.
    fn switch<S: Sink>(
        &mut self,
        id: Option<u64>,
        switch: Switch,
        scene: &Scene,
        room: &mut Room<'_, S>,
    ) {
        self.end_message(Side::Request, Progress::Ended, scene, room);
        self.end_message(Side::Response, Progress::Ended, scene, room);
        if let Some(request) = id.and_then(|id| self.exchanges.get(id)?.request.as_mut()) {
            request.progress = Progress::Ended;
        }
        self.exchanges.close(Side::Request);
        self.exchanges.close(Side::Response);
        while let Some(exchange) = self.exchanges.first() {
            emit(exchange, scene, room);
            self.exchanges.remove_first(room.pool);
        }
        for half in &mut self.halves {
            half.reader.lose(room.pool);
        }
        self.switched = Some(switch);
    }

    /// Hands on what nothing more is expected of, in order.
    #[inline]
    fn emit_over<S: Sink>(&mut self, scene: &Scene, room: &mut Room<'_, S>) {
        while let Some(exchange) = self.exchanges.first_over() {
            for half in &mut self.halves {
                half.current = half.current.filter(|&id| id != exchange.id);
            }
            emit(exchange, scene, room);
            self.exchanges.remove_first(room.pool);
        }
    }
}

/// All of the head of a message was read.
#[inline]
fn is_whole(message: &Message, cut: Cut) -> bool {
    cut == Cut::No && message.wire_bytes <= count(message.head.bytes())
}
