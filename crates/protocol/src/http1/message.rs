//! One message of an exchange: its head and the kept start of its body.

use tapline_model::{HeaderKind, Headers, Timestamp};

use super::head::Head;
use crate::bounds::Bounds;
use crate::coding::Codings;
use crate::pool::{Buffer, Pool, Use, charge_of};

/// How far a message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is expected.
    #[default]
    Running,
    /// Its framing was lost; what ends it is the next start line.
    Broken,
    /// Complete.
    Ended,
    /// Nothing more comes, though more was announced.
    Cut,
}

/// A request or a final response. Large: it is filled where it lies, and used again by the pool.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// What its head says, as places in `head`.
    pub(super) parts: Head,
    pub(crate) head: Buffer,
    pub(super) codings: Codings,
    pub(super) progress: Progress,
    /// The head was cut, so where its content begins is not known.
    pub(super) head_cut: bool,
    /// Bytes are missing inside.
    pub(super) gapped: bool,
    /// Head and framed content on the wire.
    pub(super) wire_bytes: u64,
    /// Content on the wire, framing removed.
    pub(super) content_bytes: u64,
    /// The kept start of the content.
    pub(crate) sample: Buffer,
    /// The content goes on after `sample`.
    pub(super) truncated: bool,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
}

impl Message {
    /// Stands for another whose head has `wire_bytes` and is read.
    #[inline]
    pub(super) fn begin(&mut self, wire_bytes: u64, started_at: Timestamp, now: Timestamp) {
        self.codings = self.parts.facts.codings();
        self.progress = Progress::Running;
        self.head_cut = false;
        self.gapped = false;
        self.wire_bytes = wire_bytes;
        self.content_bytes = 0;
        self.truncated = false;
        self.started_at = started_at;
        self.ended_at = now;
    }

    /// Takes content.
    pub(super) fn content(
        &mut self,
        bytes: &[u8],
        now: Timestamp,
        bounds: &Bounds,
        pool: &mut Pool,
    ) {
        self.framing(count(bytes), now);
        self.content_bytes += count(bytes);
        if self.truncated {
            return;
        }
        let bytes_max = if self.codings.is_identity() {
            bounds.sample_bytes_max
        } else {
            bounds.coded_bytes_max
        };
        let announced =
            self.parts.facts.content_length().filter(|_| !self.parts.facts.is_chunked());
        let announced = usize::try_from(announced.unwrap_or(0)).unwrap_or(usize::MAX);
        let kept = pool.append_some(&mut self.sample, bytes, announced, bytes_max, Use::Body);
        self.truncated = kept < bytes.len();
    }

    /// Takes framing, or anything else that belongs to it on the wire.
    #[inline]
    pub(super) fn framing(&mut self, count: u64, now: Timestamp) {
        self.wire_bytes += count;
        self.ended_at = now;
    }

    /// Takes bytes that are missing, or passed over after some were: content, if the head is known.
    pub(super) fn gap(&mut self, count: u64, now: Timestamp) {
        self.framing(count, now);
        if !self.head_cut {
            self.content_bytes += count;
        }
        self.truncated = true;
        self.gapped = true;
    }

    /// Waits for an interim response before its content (RFC 9110 section 10.1.1).
    pub(super) fn expects_continue(&self) -> bool {
        let expected = self.headers().first(HeaderKind::Expect);
        expected.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    /// Its header fields.
    #[inline]
    pub(super) fn headers(&self) -> Headers<'_> {
        self.parts.fields.of(self.head.bytes())
    }

    /// Nothing of it is expected any more.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Ended | Progress::Cut)
    }

    /// What the budget is charged for it.
    #[inline]
    pub(crate) fn charge(&self) -> u64 {
        self.head.charge() + self.sample.charge() + charge_of(&self.parts.fields)
    }

    /// Forgets its fields; says what the budget was charged for them.
    #[inline]
    pub(crate) fn empty_fields(&mut self) -> u64 {
        let charge = charge_of(&self.parts.fields);
        self.parts.fields.clear();
        charge
    }

    /// How many fields there is room for.
    #[inline]
    pub(crate) fn fields_capacity(&self) -> usize {
        self.parts.fields.capacity()
    }

    #[cfg(test)]
    pub(crate) fn parts_mut(&mut self) -> &mut Head {
        &mut self.parts
    }
}

#[inline]
pub(super) fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
