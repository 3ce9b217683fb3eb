//! Chunk to transaction: HTTP/1, recognised by content.
//!
//! Of TLS the handshake is read, as far as it is plain text. What else there is is told apart for the
//! count of its bytes alone.

mod bounds;
mod coding;
mod config;
mod detect;
mod flow;
mod http1;
mod pool;
mod protocols;
#[cfg(test)]
mod tests;
mod tls;

pub use config::Config;
pub use protocols::{Protocols, Sink, Workbench};
