//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! [`head`], [`body`] and [`chunked`] turn bytes into parts; [`reader`] keeps the place of one
//! direction, [`pairing`] the order of the exchanges, and [`state`] brings both together.

mod body;
mod chunked;
mod emit;
mod exchange;
mod facts;
mod head;
mod head_end;
mod lenient;
mod lines;
mod message;
mod pairing;
mod reader;
mod search;
mod state;
mod text;

pub(crate) use emit::Emitter;
pub(crate) use head::{RESPONSE_START, is_request_line, skip_blank_lines, strict_method_bytes};
pub(crate) use lines::Lines;
pub(crate) use message::Message;
pub(crate) use state::{Dialogue, Room, Scene};
