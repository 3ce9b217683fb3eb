//! Frame to segment: link layer, tunnels, IP, fragments, TCP header.
//!
//! Every frame becomes one segment, is ignored or dropped with a reason, or is held: [`Decap`] holds
//! IP fragments until their datagram is whole, within bounds. The frame that completes a datagram
//! becomes its segment; those that brought the rest of it leave the books as ignored fragments.
//! Packets that a mirror delivered twice are ignored the second time. Checksums are never judged: a
//! capture taken before offload shows wrong ones.

mod config;
mod decap;
mod duplicates;
mod ether_type;
mod fragments;
mod layer;
mod link;
mod packet;
mod plain;
mod rest;
mod tunnel;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use decap::{Decap, Sink};
