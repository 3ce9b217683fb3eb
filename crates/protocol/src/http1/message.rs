//! One message of an exchange: its head and the kept start of its body.

use tapline_model::{AnomalySet, HeaderFields, HeaderKind, Headers, Protocol, Timestamp};

use super::head::{Head, StartLine};
use crate::bounds::Bounds;
use crate::coding::Codings;
use crate::pool::{Buffer, Pool, Use, charge_of};

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is expected.
    Running,
    /// Its framing was lost; what ends it is the next start line.
    Broken,
    /// Complete.
    Ended,
    /// Nothing more comes, though more was announced.
    Cut,
}

/// A request or a final response.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) start: StartLine,
    pub(super) version: Protocol,
    pub(super) head: Buffer,
    pub(super) fields: HeaderFields,
    pub(super) codings: Codings,
    pub(super) anomalies: AnomalySet,
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
    pub(super) sample: Buffer,
    /// The content goes on after `sample`.
    pub(super) truncated: bool,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
}

impl Message {
    #[inline]
    pub(super) fn new(
        parts: Head,
        head: Buffer,
        wire_bytes: u64,
        started_at: Timestamp,
        now: Timestamp,
        pool: &mut Pool,
    ) -> Self {
        pool.keep_fields(&parts.fields);
        Self {
            start: parts.start,
            version: parts.version,
            head,
            fields: parts.fields,
            codings: parts.facts.codings(),
            anomalies: parts.anomalies,
            progress: Progress::Running,
            head_cut: false,
            gapped: false,
            wire_bytes,
            content_bytes: 0,
            sample: Buffer::default(),
            truncated: false,
            started_at,
            ended_at: now,
        }
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
        let kept = pool.append(&mut self.sample, bytes, bytes_max, Use::Body);
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
        self.fields.of(self.head.bytes())
    }

    /// Nothing of it is expected any more.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Ended | Progress::Cut)
    }

    /// Gives its buffers back.
    #[inline]
    pub(super) fn recycle(&mut self, pool: &mut Pool) {
        pool.give(std::mem::take(&mut self.head));
        pool.give(std::mem::take(&mut self.sample));
        pool.give_fields(std::mem::take(&mut self.fields));
    }

    /// What the budget is charged for it.
    pub(super) fn charge(&self) -> u64 {
        self.head.charge() + self.sample.charge() + charge_of(&self.fields)
    }
}

#[inline]
pub(super) fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
