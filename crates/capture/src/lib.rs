//! Interface or file to frames: the first arrow, and the only crate with unsafe code.
//!
//! [`Live`] reads an interface through libpcap, one handle per worker, which a [`Fanout`] shares
//! the traffic among. [`Files`] reads pcap and pcapng, merged in time order. Both hand out
//! [`tapline_model::Frame`]s borrowed from the ring or the file buffer: nothing is allocated per
//! frame.

mod affinity;
mod config;
mod error;
mod fanout;
mod files;
mod interface;
mod interrupt;
mod kernel_counters;
mod live;
mod socket;

pub use affinity::pin_thread;
pub use config::Config;
pub use error::{CaptureError, ErrorKind, Offset, Problem};
pub use fanout::Fanout;
pub use files::{Files, Progress};
pub use interface::{Interface, interfaces, probe};
pub use interrupt::Interrupt;
pub use live::{Link, Live};
