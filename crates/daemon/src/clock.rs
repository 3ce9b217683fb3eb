//! The only reader of the wall clock outside capture.

use std::time::{Instant, SystemTime};

use tapline_model::Timestamp;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the daemon is the room that reads the clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The wall clock as a capture time.
pub(crate) fn timestamp() -> Timestamp {
    Timestamp::from(now())
}

/// A monotone clock, for measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "the daemon is the room that reads the clock")]
pub(crate) fn monotone() -> Instant {
    Instant::now()
}
