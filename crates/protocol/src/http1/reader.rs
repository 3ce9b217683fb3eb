//! One direction's bytes to the steps of its messages.

use tapline_model::{AnomalySet, Timestamp};

use super::body::Framing;
use super::chunked::{Chunked, Piece, Skip};
use super::head::{Side, begins_well, skip_blank_lines};
use super::head_end::HeadEnd;
use super::message::count;
use super::search;
use crate::bounds::Bounds;
use crate::pool::{Buffer, Pool, Use};

/// Where a direction is. Knows the framing, not the exchange.
#[derive(Debug)]
pub(super) struct Reader {
    side: Side,
    phase: Phase,
    /// Content bytes of the current body so far, missing ones included.
    content_bytes: u64,
}

#[derive(Debug)]
enum Phase {
    /// Between messages.
    Between,
    Head(PartialHead),
    Length {
        remaining: u64,
    },
    Chunked(Chunked),
    UntilClose,
    /// Lost: looking for a start line.
    Search,
}

/// A head as far as it has come.
#[derive(Debug)]
pub(super) struct PartialHead {
    pub(super) bytes: Buffer,
    /// Its bytes on the wire; more than were kept when it passed a cap.
    pub(super) wire_bytes: u64,
    pub(super) started_at: Timestamp,
    /// The blank line came.
    pub(super) whole: bool,
    end: HeadEnd,
    begins_well: bool,
}

impl PartialHead {
    fn new(now: Timestamp) -> Self {
        Self {
            bytes: Buffer::default(),
            wire_bytes: 0,
            started_at: now,
            whole: false,
            end: HeadEnd::default(),
            begins_well: false,
        }
    }

    /// Not all of it was kept.
    #[inline]
    pub(super) fn is_too_long(&self) -> bool {
        self.wire_bytes > u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

/// What some bytes were.
#[derive(Debug)]
pub(super) enum Event {
    /// Blank lines between messages.
    Blank,
    /// Part of a head.
    Head,
    /// A head's last bytes.
    HeadEnded(PartialHead),
    /// Content; `last` when the message ends with it.
    Content { last: bool },
    /// Chunked framing; `last` when the message ends with it.
    Framing { last: bool },
    /// No chunked framing where it should be: the direction is lost.
    InvalidChunk,
    /// No start line where one should be: the direction is lost.
    Desynchronised,
    /// Passed over while lost.
    Skipped,
}

/// What a gap, or the end, did.
#[derive(Debug)]
pub(super) enum Loss {
    /// Nothing was going on.
    Idle,
    /// It cut a head.
    Head(PartialHead),
    /// It lies within the content; `last` when the message ends with it.
    Content { bytes: u64, last: bool },
    /// The content, and what comes after it: this many bytes were still content.
    Beyond { bytes: u64, ended: bool },
    /// The direction was lost before.
    Lost,
}

impl Reader {
    pub(super) fn new(side: Side, lost: bool) -> Self {
        let phase = if lost { Phase::Search } else { Phase::Between };
        Self { side, phase, content_bytes: 0 }
    }

    /// Begins anew, as [`Self::new`].
    pub(super) fn reset(&mut self, lost: bool) {
        self.phase = if lost { Phase::Search } else { Phase::Between };
        self.content_bytes = 0;
    }

    /// Between messages: what comes next is a head, or blank lines before it.
    #[inline]
    pub(super) fn is_between(&self) -> bool {
        matches!(self.phase, Phase::Between)
    }

    /// Reads on. Takes at least one byte, except when it has to change its mind about what it took
    /// for a head ([`Event::Desynchronised`]).
    pub(super) fn step(
        &mut self,
        bytes: &[u8],
        now: Timestamp,
        bounds: &Bounds,
        pool: &mut Pool,
    ) -> (usize, Event) {
        if matches!(self.phase, Phase::Search) {
            match search::start_line(self.side, bytes) {
                None => return (bytes.len(), Event::Skipped),
                Some(0) => self.phase = Phase::Between,
                Some(at) => {
                    self.phase = Phase::Between;
                    return (at, Event::Skipped);
                }
            }
        }
        if matches!(self.phase, Phase::Between) {
            let blank = bytes.len() - skip_blank_lines(bytes).len();
            if blank > 0 {
                return (blank, Event::Blank);
            }
            self.phase = Phase::Head(PartialHead::new(now));
        }
        match &mut self.phase {
            Phase::Head(_) => self.head(bytes, bounds, pool),
            Phase::Length { .. } => match self.take_content(count(bytes)) {
                Some((used, last)) => (used, Event::Content { last }),
                None => (bytes.len(), Event::Skipped),
            },
            Phase::Chunked(chunked) => {
                let (used, piece) = chunked.step(bytes);
                match piece {
                    Piece::Framing => (used, Event::Framing { last: false }),
                    Piece::Content => {
                        let here = u64::try_from(used).unwrap_or(u64::MAX);
                        (self.content(here, false), Event::Content { last: false })
                    }
                    // The phase stays until the anomalies are fetched with `end_body`.
                    Piece::End => (used, Event::Framing { last: true }),
                    Piece::Invalid => (used, Event::InvalidChunk),
                }
            }
            Phase::UntilClose => {
                (self.content(count(bytes), false), Event::Content { last: false })
            }
            Phase::Between | Phase::Search => (bytes.len(), Event::Skipped),
        }
    }

    /// Takes content of announced length, if that is what comes next, of so many bytes: how many of
    /// them, and whether the message ends with it.
    #[inline]
    pub(super) fn take_content(&mut self, count: u64) -> Option<(usize, bool)> {
        let Phase::Length { remaining } = &mut self.phase else { return None };
        let here = count.min(*remaining);
        *remaining -= here;
        let last = *remaining == 0;
        Some((self.content(here, last), last))
    }

    /// The body that follows the head just handed out.
    #[inline]
    pub(super) fn begin_body(&mut self, framing: Framing) {
        self.content_bytes = 0;
        self.phase = match framing {
            Framing::None => Phase::Between,
            Framing::Length(remaining) => Phase::Length { remaining },
            Framing::Chunked => Phase::Chunked(Chunked::default()),
            Framing::UntilClose => Phase::UntilClose,
            Framing::Unknown => Phase::Search,
        };
    }

    /// The body is over, by itself or by what else is known. Says what was wrong with its framing.
    pub(super) fn end_body(&mut self) -> AnomalySet {
        let anomalies = match &self.phase {
            Phase::Chunked(chunked) => chunked.anomalies(),
            _ => AnomalySet::EMPTY,
        };
        self.phase = Phase::Between;
        anomalies
    }

    /// From here on the next start line is looked for.
    pub(super) fn lose(&mut self, pool: &mut Pool) -> AnomalySet {
        let anomalies = self.end_body_or_head(pool);
        self.phase = Phase::Search;
        anomalies
    }

    /// A body is expected of which nothing has come.
    #[inline]
    pub(super) fn awaits_content(&self) -> bool {
        self.content_bytes == 0 && self.is_in_body()
    }

    /// In a body that only the end of the direction ends.
    #[inline]
    pub(super) fn is_until_close(&self) -> bool {
        matches!(self.phase, Phase::UntilClose)
    }

    fn is_in_body(&self) -> bool {
        matches!(self.phase, Phase::Length { .. } | Phase::Chunked(_) | Phase::UntilClose)
    }

    /// Passes over bytes that are missing.
    pub(super) fn gap(&mut self, missing_bytes: u64) -> Loss {
        match &mut self.phase {
            Phase::Between => {
                self.phase = Phase::Search;
                Loss::Idle
            }
            Phase::Search => Loss::Lost,
            Phase::Head(_) => self.cut_head(),
            Phase::UntilClose => {
                self.content_bytes += missing_bytes;
                Loss::Content { bytes: missing_bytes, last: false }
            }
            Phase::Length { remaining } => {
                let bytes = missing_bytes.min(*remaining);
                *remaining -= bytes;
                let last = *remaining == 0;
                self.content_bytes += bytes;
                if last {
                    self.phase = Phase::Between;
                }
                if bytes == missing_bytes {
                    Loss::Content { bytes, last }
                } else {
                    self.phase = Phase::Search;
                    Loss::Beyond { bytes, ended: true }
                }
            }
            Phase::Chunked(chunked) => match chunked.skip(missing_bytes) {
                Skip::Within(bytes) => {
                    self.content_bytes += missing_bytes;
                    Loss::Content { bytes, last: false }
                }
                // What comes after is most likely of the same body.
                Skip::Lost(_) => Loss::Beyond { bytes: missing_bytes, ended: false },
            },
        }
    }

    /// The direction ends. What remains is handed out as if cut.
    pub(super) fn end(&mut self) -> Loss {
        match &self.phase {
            Phase::Between => Loss::Idle,
            Phase::Search => Loss::Lost,
            Phase::Head(_) => self.cut_head(),
            Phase::UntilClose => {
                self.phase = Phase::Between;
                Loss::Content { bytes: 0, last: true }
            }
            Phase::Length { .. } | Phase::Chunked(_) => Loss::Beyond { bytes: 0, ended: false },
        }
    }

    /// What the budget is charged for it.
    pub(super) fn charge(&self) -> u64 {
        match &self.phase {
            Phase::Head(head) => head.bytes.charge(),
            _ => 0,
        }
    }

    fn head(&mut self, bytes: &[u8], bounds: &Bounds, pool: &mut Pool) -> (usize, Event) {
        let Phase::Head(head) = &mut self.phase else { return (bytes.len(), Event::Skipped) };
        let ended = head.end.find(bytes);
        let used = ended.unwrap_or(bytes.len());
        if !head.is_too_long() {
            let more = bytes.get(..used).unwrap_or_default();
            pool.append(&mut head.bytes, more, bounds.head_bytes_max, Use::Head);
        }
        head.wire_bytes += u64::try_from(used).unwrap_or(u64::MAX);
        if !head.begins_well && !head.bytes.is_empty() {
            match begins_well(self.side, head.bytes.bytes()) {
                Some(true) => head.begins_well = true,
                Some(false) => {
                    self.lose(pool);
                    return (0, Event::Desynchronised);
                }
                None => {}
            }
        }
        if ended.is_none() {
            return (used, Event::Head);
        }
        head.whole = true;
        match self.cut_head() {
            Loss::Head(head) => (used, Event::HeadEnded(head)),
            _ => (used, Event::Skipped),
        }
    }

    /// Hands out the head; the direction is lost until a body is begun.
    fn cut_head(&mut self) -> Loss {
        match std::mem::replace(&mut self.phase, Phase::Search) {
            Phase::Head(head) => Loss::Head(head),
            other => {
                self.phase = other;
                Loss::Lost
            }
        }
    }

    #[inline]
    fn content(&mut self, here: u64, last: bool) -> usize {
        self.content_bytes += here;
        if last {
            self.phase = Phase::Between;
        }
        usize::try_from(here).unwrap_or(usize::MAX)
    }

    fn end_body_or_head(&mut self, pool: &mut Pool) -> AnomalySet {
        match std::mem::replace(&mut self.phase, Phase::Search) {
            Phase::Head(head) => {
                pool.give(head.bytes);
                AnomalySet::EMPTY
            }
            Phase::Chunked(chunked) => chunked.anomalies(),
            _ => AnomalySet::EMPTY,
        }
    }
}
