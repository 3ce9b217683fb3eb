//! Text to verdict: what a value in a request is meant to do to whoever reads it.
//!
//! Pure functions of the text: no state, no clock, nothing kept. A value goes through a filter that
//! lets nearly all of them pass for about a nanosecond a byte; what is left is decoded layer by layer
//! and compared with the grammars of what it may be read as. Every step is linear in the text.

mod bytes;
mod decode;
mod document;
mod html;
mod inspector;
mod lookup;
mod marks;
mod sql;
mod target;

pub use inspector::{Inspector, SCORE_MIN, VALUE_BYTES_MAX};
