//! One request and its response while either is still coming.

use tapline_model::{AnomalySet, Completeness, Timestamp};

use super::body::Asked;
use super::head::{Side, StartLine};
use super::message::{Message, Progress};

/// How the response of an exchange is known to be its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// By the order of the flow.
    InOrder,
    /// By inference after a loss.
    Inferred,
    /// Not at all: it passed unseen.
    Lost,
}

/// A transaction in the making.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) id: u64,
    pub(super) request: Option<Box<Message>>,
    pub(super) response: Option<Box<Message>>,
    /// When its first message began.
    pub(super) started_at: Timestamp,
    /// Bytes of interim responses.
    pub(super) interim_bytes: u64,
    /// The response came first; its request may still come.
    pub(super) awaits_request: bool,
    /// No request was missed before this exchange, as far as is known.
    pub(super) in_step: bool,
    pub(super) answer: Answer,
    /// Requests right after this one that were dropped, whose responses will still come.
    pub(super) dropped_after: u32,
    pub(super) anomalies: AnomalySet,
}

impl Exchange {
    #[inline]
    pub(super) fn new(id: u64, started_at: Timestamp, in_step: bool) -> Self {
        Self {
            id,
            request: None,
            response: None,
            started_at,
            interim_bytes: 0,
            awaits_request: false,
            in_step,
            answer: Answer::InOrder,
            dropped_after: 0,
            anomalies: AnomalySet::EMPTY,
        }
    }

    #[inline]
    pub(super) fn message(&mut self, side: Side) -> Option<&mut Message> {
        match side {
            Side::Request => self.request.as_deref_mut(),
            Side::Response => self.response.as_deref_mut(),
        }
    }

    /// A request whose response has not begun.
    #[inline]
    pub(super) fn is_unanswered(&self) -> bool {
        self.request.is_some() && self.response.is_none() && self.answer != Answer::Lost
    }

    /// What of the request frames the response.
    #[inline]
    pub(super) fn asked(&self) -> Asked {
        let Some(request) = &self.request else { return Asked::Other };
        match request.parts.start {
            StartLine::Request { method, .. } => Asked::by(method.of_bytes(request.head.bytes())),
            StartLine::Response { .. } => Asked::Other,
        }
    }

    /// Nothing more is expected of it.
    #[inline]
    pub(super) fn is_over(&self, requests_closed: bool, responses_closed: bool) -> bool {
        let response_over = match &self.response {
            Some(response) => response.is_over(),
            None => self.answer == Answer::Lost || responses_closed,
        };
        response_over
            && match &self.request {
                Some(request) => request.progress != Progress::Running,
                None => !self.awaits_request || requests_closed,
            }
    }

    /// How much of it was seen.
    #[inline]
    pub(super) fn completeness(&self) -> Completeness {
        let ended = |message: &Message| message.progress == Progress::Ended;
        match (&self.request, &self.response) {
            (None, _) => Completeness::RequestMissing,
            (Some(_), None) => Completeness::ResponseMissing,
            (Some(_), Some(response)) if !ended(response) && !response.gapped => {
                Completeness::ResponseMissing
            }
            // The client was told not to send its body, and did not (RFC 9110 section 10.1.1).
            (Some(request), Some(response))
                if ended(response) && request.expects_continue() && request.content_bytes == 0 =>
            {
                if response.gapped {
                    Completeness::Gapped
                } else {
                    Completeness::Whole
                }
            }
            (Some(request), Some(response)) => {
                let gapped = request.gapped || response.gapped;
                if gapped || !ended(request) { Completeness::Gapped } else { Completeness::Whole }
            }
        }
    }
}
