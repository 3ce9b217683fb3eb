//! One flow: what it is, and what its bytes were.

use tapline_model::{Direction, EndReason, FlowId, FlowRecord, FlowTuple, IgnoreReason, Timestamp};

use crate::Sink;
use crate::detect::{PREFIX_BYTES_MAX, Verdict, classify};
use crate::http1::{Dialogue, Room, Scene};
use crate::pool::{Buffer, Use};
use crate::tls::Opening;

/// The type of a record that carries a handshake (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// The state of one flow.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    tuple: FlowTuple,
    kind: Kind,
    prefixes: [Prefix; 2],
    /// Data has come in this direction.
    seen: [bool; 2],
    /// What a direction turned into after the flow switched protocols.
    after_switch: [Option<Class>; 2],
    bytes: Classes,
    recorded: bool,
    counted: Counted,
    /// Who asks in a handshake that was read; until then the opener of the flow.
    tls_client: Direction,
    /// What a finished flow had, for the next.
    spare: Option<Box<Dialogue>>,
    /// In the list of flows that the next tick visits.
    pub(crate) touched: bool,
}

/// What a flow was counted as before it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    No,
    AsOther,
    /// As the HTTP that it was, or that made it a tunnel.
    AsHttp,
}

/// What a flow is.
#[derive(Debug)]
enum Kind {
    /// Not known; each chunk is looked at.
    Unknown,
    Http1(Box<Dialogue>),
    /// With its handshake, as long as that is read.
    Tls(Option<Box<Opening>>),
    /// Known, and not analysed.
    Opaque,
}

/// The first bytes of a direction, while they may still become a start line.
#[derive(Debug, Default)]
struct Prefix {
    bytes: Buffer,
    chunks: u64,
    since: Timestamp,
    /// The direction was met in the middle of something.
    garbage: bool,
}

impl Prefix {
    /// Nothing is kept.
    #[inline]
    fn is_unused(&self) -> bool {
        self.chunks == 0 && self.bytes.charge() == 0
    }
}

/// A class of bytes in a [`FlowRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Http,
    Tls,
    Other,
    Gap,
}

/// Bytes since the last record.
#[derive(Clone, Copy, Debug, Default)]
struct Classes {
    http: u64,
    tls: u64,
    other: u64,
    gap: u64,
}

impl Classes {
    #[inline]
    fn add(&mut self, class: Class, count: u64) {
        match class {
            Class::Http => self.http += count,
            Class::Tls => self.tls += count,
            Class::Other => self.other += count,
            Class::Gap => self.gap += count,
        }
    }

    fn total(&self) -> u64 {
        self.http + self.tls + self.other + self.gap
    }
}

impl Flow {
    pub(crate) fn new(id: FlowId, tuple: FlowTuple) -> Self {
        Self {
            id,
            tuple,
            kind: Kind::Unknown,
            prefixes: Default::default(),
            seen: [false; 2],
            after_switch: [None; 2],
            bytes: Classes::default(),
            recorded: false,
            counted: Counted::No,
            tls_client: Direction::Forward,
            spare: None,
            touched: false,
        }
    }

    /// Stands for another flow, after it was finished.
    pub(crate) fn reset(&mut self, id: FlowId, tuple: FlowTuple) {
        let spare = self.spare.take();
        *self = Self { spare, ..Self::new(id, tuple) };
    }

    /// Reads the bytes of one chunk, and enters them and the chunk in the books.
    pub(crate) fn data<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let is_first =
            self.seen.get_mut(direction.index()).is_some_and(|seen| !std::mem::replace(seen, true));
        if matches!(self.kind, Kind::Tls(_)) && is_first && classify(bytes) == Verdict::Response {
            // Whoever speaks TLS to a server that does not is told so in plain text.
            self.end_opening(room);
            self.note_garbage(direction.reverse());
            self.begin_http1(direction.reverse(), direction, bytes, 1, now, room);
        } else {
            self.pass(direction, bytes, 1, now, room);
        }
    }

    /// Gives bytes to whoever reads this kind of flow. `chunks` is 0 for the rest of a chunk that is
    /// in the books.
    fn pass<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        chunks: u64,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        match &self.kind {
            Kind::Unknown => self.detect(direction, bytes, chunks, now, room),
            Kind::Http1(_) => self.read(direction, bytes, chunks, now, room),
            Kind::Tls(opening) => {
                if opening.is_some() {
                    self.read_opening(direction, bytes, now, room);
                }
                self.ignore(Class::Tls, bytes, chunks, room);
            }
            Kind::Opaque => self.ignore(Class::Other, bytes, chunks, room),
        }
    }

    /// Passes over bytes that are missing.
    pub(crate) fn gap<S: Sink>(
        &mut self,
        direction: Direction,
        missing_bytes: u64,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        self.bytes.add(Class::Gap, missing_bytes);
        let scene = self.scene(now);
        let ignored = match &mut self.kind {
            Kind::Http1(dialogue) if dialogue.is_switched() => Some(IgnoreReason::Switched),
            Kind::Http1(dialogue) => {
                let side = dialogue.side(direction);
                dialogue.gap(side, missing_bytes, &scene, room);
                None
            }
            Kind::Unknown => {
                self.give_up_prefix(direction, Class::Other, room);
                self.note_garbage(direction);
                Some(IgnoreReason::UnknownProtocol)
            }
            Kind::Tls(opening) => {
                let is_over =
                    opening.as_mut().is_some_and(|opening| opening.gap(direction, room.pool));
                if is_over {
                    self.end_opening(room);
                }
                Some(IgnoreReason::UnknownProtocol)
            }
            Kind::Opaque => Some(IgnoreReason::UnknownProtocol),
        };
        if let Some(reason) = ignored {
            room.stats.chunks.ignore(reason, 1);
            room.stats.chunk_bytes.ignore(reason, missing_bytes);
        } else {
            room.stats.chunks.processed += 1;
            room.stats.chunk_bytes.processed += missing_bytes;
        }
    }

    /// One direction ends.
    pub(crate) fn end<S: Sink>(
        &mut self,
        direction: Direction,
        reason: EndReason,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let scene = self.scene(now);
        if let Kind::Http1(dialogue) = &mut self.kind {
            let side = dialogue.side(direction);
            dialogue.end(side, reason, &scene, room);
        }
    }

    /// The flow ends: everything begun is handed on, the record last.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        reason: EndReason,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        for direction in [Direction::Forward, Direction::Backward] {
            self.give_up_prefix(direction, Class::Other, room);
        }
        self.end_opening(room);
        let scene = self.scene(now);
        let client = self.client();
        if let Kind::Http1(mut dialogue) = std::mem::replace(&mut self.kind, Kind::Opaque) {
            // It is HTTP, whatever became of it: keep it from being counted as other.
            self.counted = Counted::AsHttp;
            dialogue.finish(reason, &scene, room);
            self.spare = Some(dialogue);
        }
        self.record(client, now, room);
    }

    /// Time passes. Says whether the flow wants the next tick too.
    pub(crate) fn tick<S: Sink>(&mut self, now: Timestamp, room: &mut Room<'_, S>) -> bool {
        let scene = self.scene(now);
        let waiting = match &mut self.kind {
            Kind::Http1(dialogue) => dialogue.tick(&scene, room),
            Kind::Tls(Some(opening)) if opening.is_late(now) => {
                self.end_opening(room);
                false
            }
            Kind::Tls(Some(opening)) => opening.waits(),
            Kind::Unknown | Kind::Tls(None) | Kind::Opaque => false,
        };
        self.record(self.client(), now, room);
        waiting
    }

    /// Transactions begun and not handed on.
    pub(crate) fn held(&self) -> u64 {
        match &self.kind {
            Kind::Http1(dialogue) => dialogue.held(),
            Kind::Unknown | Kind::Tls(_) | Kind::Opaque => 0,
        }
    }

    /// Handshakes begun and not handed on.
    pub(crate) fn held_handshakes(&self) -> u64 {
        u64::from(matches!(self.kind, Kind::Tls(Some(_))))
    }

    /// Chunks whose bytes wait to be recognised, and those bytes.
    pub(crate) fn held_chunks(&self) -> (u64, u64) {
        let add = |(chunks, bytes), prefix: &Prefix| {
            (chunks + prefix.chunks, bytes + count(prefix.bytes.bytes()))
        };
        self.prefixes.iter().fold((0, 0), add)
    }

    /// What the budget is charged for it.
    pub(crate) fn charge(&self) -> u64 {
        let read = match &self.kind {
            Kind::Http1(dialogue) => dialogue.charge(),
            Kind::Tls(Some(opening)) => opening.charge(),
            Kind::Unknown | Kind::Tls(None) | Kind::Opaque => 0,
        };
        self.prefixes.iter().map(|prefix| prefix.bytes.charge()).sum::<u64>() + read
    }

    /// The direction that asks, as best known: the one that opened the flow, until told better.
    #[inline]
    fn client(&self) -> Direction {
        match &self.kind {
            Kind::Http1(dialogue) => dialogue.client(),
            Kind::Tls(_) => self.tls_client,
            Kind::Unknown | Kind::Opaque => Direction::Forward,
        }
    }

    #[inline]
    fn scene(&self, now: Timestamp) -> Scene {
        Scene { flow: self.id, tuple: self.tuple, client: self.client(), now }
    }

    /// Judges a chunk of a flow that is not known, together with what is kept from before it.
    fn detect<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        chunks: u64,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let Some(prefix) = self.prefixes.get_mut(direction.index()) else { return };
        let kept_before = prefix.bytes.len();
        let mut verdict = classify(bytes);
        if kept_before > 0 || verdict == Verdict::More {
            let kept = room.pool.append(&mut prefix.bytes, bytes, PREFIX_BYTES_MAX, Use::Head);
            let joined = classify(prefix.bytes.bytes());
            if joined == Verdict::More && kept == bytes.len() {
                if kept_before == 0 {
                    prefix.since = now;
                }
                prefix.chunks += chunks;
                room.stats.chunks.held += chunks;
                room.stats.chunk_bytes.held += count(bytes);
                return;
            }
            prefix.bytes.truncate(kept_before);
            if matches!(joined, Verdict::More | Verdict::Unknown) {
                // It may still begin something by itself.
                self.give_up_prefix(direction, Class::Other, room);
            } else {
                verdict = joined;
            }
        }
        match verdict {
            Verdict::Request => self.begin_http1(direction, direction, bytes, chunks, now, room),
            Verdict::Response => {
                self.begin_http1(direction.reverse(), direction, bytes, chunks, now, room);
            }
            Verdict::Tls => {
                self.begin_tls(direction, bytes, now, room);
                self.ignore(Class::Tls, bytes, chunks, room);
            }
            Verdict::Opaque => {
                self.settle(Kind::Opaque, Class::Other, room);
                self.ignore(Class::Other, bytes, chunks, room);
            }
            Verdict::Unknown | Verdict::More => {
                self.note_garbage(direction);
                self.ignore(Class::Other, bytes, chunks, room);
            }
        }
    }

    /// The flow is TLS: reads what was kept and the chunk that told, if they begin a handshake.
    fn begin_tls<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        room.stats.tls_flows += u64::from(self.counted != Counted::AsHttp);
        let prefixes = std::mem::take(&mut self.prefixes);
        let kept = prefixes.get(direction.index()).map_or(&[][..], |one| one.bytes.bytes());
        let first = kept.first().or(bytes.first());
        if first == Some(&HANDSHAKE_RECORD) {
            self.kind = Kind::Tls(Some(Box::new(Opening::begin(room.stats))));
            for side in [direction, direction.reverse()] {
                if let Some(prefix) = prefixes.get(side.index()) {
                    self.read_opening(side, prefix.bytes.bytes(), now, room);
                }
                if side == direction {
                    self.read_opening(side, bytes, now, room);
                }
            }
        } else {
            self.kind = Kind::Tls(None);
        }
        self.prefixes = prefixes;
        for direction in [Direction::Forward, Direction::Backward] {
            self.give_up_prefix(direction, Class::Tls, room);
        }
    }

    /// Reads bytes of a handshake.
    fn read_opening<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let Kind::Tls(Some(opening)) = &mut self.kind else { return };
        if opening.data(direction, bytes, now, room.bounds.handshake_bytes_max, room.pool) {
            self.end_opening(room);
        }
    }

    /// The handshake is read, or never will be.
    fn end_opening<S: Sink>(&mut self, room: &mut Room<'_, S>) {
        let Kind::Tls(opening) = &mut self.kind else { return };
        if let Some(opening) = opening.take() {
            self.tls_client = opening.client().unwrap_or(self.tls_client);
            opening.finish(self.tuple, room.pool, room.stats, room.sink);
        }
    }

    /// The flow is HTTP/1: reads what was kept and the chunk that told.
    fn begin_http1<S: Sink>(
        &mut self,
        client: Direction,
        told_by: Direction,
        bytes: &[u8],
        chunks: u64,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        room.stats.http1_flows += u64::from(self.counted != Counted::AsHttp);
        let garbage = |direction: Direction| {
            self.prefixes.get(direction.index()).is_some_and(|prefix| prefix.garbage)
        };
        let server = client.reverse();
        // The opener of a flow whose handshake was seen is its client; a response from the side
        // that counts as the opener means that the flow was met while it was waited for.
        let requests_missed = told_by == server && server == Direction::Forward;
        let lost = [garbage(client), garbage(server)];
        let dialogue = match self.spare.take() {
            Some(mut spare) => {
                spare.reset(client, lost, requests_missed);
                spare
            }
            None => Box::new(Dialogue::new(client, lost, requests_missed)),
        };
        self.kind = Kind::Http1(dialogue);
        for direction in [client, server] {
            self.read_prefix(direction, room);
            if direction == told_by {
                self.pass(direction, bytes, chunks, now, room);
            }
        }
    }

    /// Reads what was kept of a direction.
    fn read_prefix<S: Sink>(&mut self, direction: Direction, room: &mut Room<'_, S>) {
        let Some(prefix) = self.prefixes.get_mut(direction.index()) else { return };
        prefix.garbage = false;
        if prefix.is_unused() {
            return;
        }
        let Prefix { bytes, chunks, since, .. } = std::mem::take(prefix);
        room.stats.chunks.held = room.stats.chunks.held.saturating_sub(chunks);
        let held = &mut room.stats.chunk_bytes.held;
        *held = held.saturating_sub(count(bytes.bytes()));
        if !bytes.is_empty() {
            // Unless what came before it opened a tunnel, it is HTTP/1.
            self.pass(direction, bytes.bytes(), chunks, since, room);
        }
        room.pool.give(bytes);
    }

    /// Gives bytes of HTTP/1 to the dialogue.
    #[inline]
    fn read<S: Sink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        chunks: u64,
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let scene = self.scene(now);
        let Kind::Http1(dialogue) = &mut self.kind else { return };
        let was_switched = dialogue.is_switched();
        let side = dialogue.side(direction);
        let spent = dialogue.data(side, bytes, &scene, room);
        let is_tunnel = dialogue.is_tunnel();
        self.bytes.add(Class::Http, spent.http);
        self.bytes.add(Class::Other, spent.other);
        let stats = &mut *room.stats;
        stats.chunk_bytes.processed += spent.http + spent.other;
        if was_switched {
            stats.chunks.ignore(IgnoreReason::Switched, chunks);
        } else {
            stats.chunks.processed += chunks;
        }
        let switched_at = bytes.len() - usize::try_from(spent.switched).unwrap_or(0);
        let switched = bytes.get(switched_at..).unwrap_or_default();
        if is_tunnel {
            self.enter_tunnel(direction, switched, now, room);
        } else {
            stats.chunk_bytes.ignore(IgnoreReason::Switched, spent.switched);
            self.add_switched(direction, switched);
        }
    }

    /// A proxy was asked for a tunnel, and made it: whatever goes through is told by its content.
    fn enter_tunnel<S: Sink>(
        &mut self,
        direction: Direction,
        rest: &[u8],
        now: Timestamp,
        room: &mut Room<'_, S>,
    ) {
        let scene = self.scene(now);
        if let Kind::Http1(mut dialogue) = std::mem::replace(&mut self.kind, Kind::Unknown) {
            dialogue.finish(EndReason::Fin, &scene, room);
        }
        self.counted = Counted::AsHttp;
        if !rest.is_empty() {
            self.detect(direction, rest, 0, now, room);
        }
    }

    /// Bytes after a switch are told apart by the first of them in each direction.
    #[inline]
    fn add_switched(&mut self, direction: Direction, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(class) = self.after_switch.get_mut(direction.index()) else { return };
        let is_tls = || classify(bytes) == Verdict::Tls;
        let class = *class.get_or_insert_with(|| if is_tls() { Class::Tls } else { Class::Other });
        self.bytes.add(class, count(bytes));
    }

    /// The flow is known, and not analysed.
    fn settle<S>(&mut self, kind: Kind, class: Class, room: &mut Room<'_, S>) {
        self.kind = kind;
        for direction in [Direction::Forward, Direction::Backward] {
            self.give_up_prefix(direction, class, room);
        }
    }

    /// What was kept of a direction is nothing that is analysed.
    fn give_up_prefix<S>(&mut self, direction: Direction, class: Class, room: &mut Room<'_, S>) {
        let Some(prefix) = self.prefixes.get_mut(direction.index()) else { return };
        prefix.garbage = false;
        if prefix.is_unused() {
            return;
        }
        let Prefix { bytes, chunks, .. } = std::mem::take(prefix);
        if chunks > 0 {
            prefix.garbage = true;
        }
        let byte_count = count(bytes.bytes());
        let stats = &mut *room.stats;
        stats.chunks.held = stats.chunks.held.saturating_sub(chunks);
        stats.chunks.ignore(IgnoreReason::UnknownProtocol, chunks);
        stats.chunk_bytes.held = stats.chunk_bytes.held.saturating_sub(byte_count);
        stats.chunk_bytes.ignore(IgnoreReason::UnknownProtocol, byte_count);
        self.bytes.add(class, byte_count);
        room.pool.give(bytes);
    }

    /// The direction is met in the middle of something.
    fn note_garbage(&mut self, direction: Direction) {
        if let Some(prefix) = self.prefixes.get_mut(direction.index()) {
            prefix.garbage = true;
        }
    }

    fn ignore<S>(&mut self, class: Class, bytes: &[u8], chunks: u64, room: &mut Room<'_, S>) {
        self.bytes.add(class, count(bytes));
        room.stats.chunks.ignore(IgnoreReason::UnknownProtocol, chunks);
        room.stats.chunk_bytes.ignore(IgnoreReason::UnknownProtocol, count(bytes));
    }

    /// Hands on what the flow carried since the last record.
    fn record<S: Sink>(&mut self, client: Direction, now: Timestamp, room: &mut Room<'_, S>) {
        let bytes = std::mem::take(&mut self.bytes);
        let total_bytes = bytes.total();
        if total_bytes == 0 {
            return;
        }
        let is_other = matches!(self.kind, Kind::Unknown | Kind::Opaque) && bytes.other > 0;
        if is_other && self.counted == Counted::No {
            self.counted = Counted::AsOther;
            room.stats.other_flows += 1;
        }
        let one_sided = self.seen != [true; 2];
        room.sink.flow_record(&FlowRecord {
            client: Some(self.tuple.sender(client)),
            server: Some(self.tuple.sender(client.reverse())),
            at: now,
            opened: !std::mem::replace(&mut self.recorded, true),
            http_bytes: bytes.http,
            tls_bytes: bytes.tls,
            other_bytes: bytes.other,
            gap_bytes: bytes.gap,
            one_sided_bytes: if one_sided { total_bytes } else { 0 },
        });
    }
}

#[inline]
fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
