//! Segment to chunk: both directions of every flow, in order, within bounds.
//!
//! ```text
//! reassembler   push, tick, finish: which flow a segment belongs to, when a flow ends
//!   table       the flows, dense slots, longest idle first
//!   closed      flows that just ended, so that latecomers open nothing
//!   flow        one flow: handshake, reset, replacement
//!     half      one direction: order, gaps
//!       held    bytes that came before their turn; overlap among them
//! holders       who holds most, and has to give way
//! ```
//!
//! The rules follow RFC 9293 as a receiver would apply it, so that what is delivered is what the
//! receiver took. Where receivers differ (overlap), an [`OverlapPolicy`] says whom to follow.

mod arrival;
mod closed;
mod config;
mod flow;
mod half;
mod held;
mod holders;
mod outlet;
mod overlap;
mod reassembler;
mod table;
mod tail;
mod veil;

pub use config::Config;
pub use overlap::OverlapPolicy;
pub use reassembler::Reassembler;
