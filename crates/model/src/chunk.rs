//! reassembly → protocol.

use std::fmt;

use crate::{Direction, FlowId, FlowTuple, Timestamp};

/// Why nothing more comes in a direction, or in the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// This direction was finished in order (FIN).
    Fin,
    /// The flow was reset.
    Reset,
    /// The flow was idle for longer than the idle timeout.
    Idle,
    /// The flow was evicted because its table was full.
    Evicted,
    /// A new flow with the same 5-tuple began.
    Replaced,
    /// The capture ended.
    CaptureEnd,
}

/// What a [`Chunk`] brings.
#[derive(Clone, Copy)]
pub enum ChunkKind<'a> {
    /// The next bytes of this direction, in order. Never empty.
    Data(&'a [u8]),
    /// Bytes that were on the wire and will not come.
    Gap {
        /// How many. Never 0.
        missing_bytes: u64,
    },
    /// Nothing more comes. [`EndReason::Fin`] ends the chunk's direction only; every other reason
    /// ends both directions, is sent once a flow, and frees the flow's id.
    ///
    /// After both directions ended by FIN the flow ends with a second `Fin` for the other
    /// direction; `last` is then true and the id is free.
    End {
        /// Why.
        reason: EndReason,
        /// The flow id is free for reuse after this chunk.
        last: bool,
    },
}

/// A step of one direction of one flow. Chunks of a direction arrive in stream order.
#[derive(Clone, Copy)]
pub struct Chunk<'a> {
    /// Whose.
    pub flow: FlowId,
    /// The ends of the flow.
    pub tuple: FlowTuple,
    /// Who sent it.
    pub direction: Direction,
    /// When the segment that completed it was captured (when held back, that of the held segment).
    pub captured_at: Timestamp,
    /// The content.
    pub kind: ChunkKind<'a>,
}

impl fmt::Debug for ChunkKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::Gap { missing_bytes } => write!(f, "Gap({missing_bytes} bytes)"),
            Self::End { reason, last } => write!(f, "End({reason:?}, last: {last})"),
        }
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("flow", &self.flow)
            .field("direction", &self.direction)
            .field("captured_at", &self.captured_at)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
