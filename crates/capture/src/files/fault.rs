//! What can be wrong inside a capture file, before it is known which file and where.

use std::io;

use crate::Problem;

/// Why a file ends here.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is nothing in it.
    Empty,
    /// It starts like no capture, but like this.
    NotACapture(String),
    /// It ends inside a header or a frame.
    Truncated,
    /// It contradicts itself.
    Corrupt(Problem),
    /// The system does not read it.
    Unreadable(io::Error),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Corrupt(problem)
    }
}
