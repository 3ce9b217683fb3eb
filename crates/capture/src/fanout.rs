//! One interface shared among the handles of many workers.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use crate::socket;

/// A group of handles among which the kernel shares the frames of one interface, by the hash of
/// the outer flow (`PACKET_FANOUT_HASH`, packet(7)), so that both directions come to one handle.
///
/// Give the same one, or clones of it, to every [`crate::Live::open`] of the interface, and
/// another group to another interface. The kernel chooses the group's number when the first handle
/// joins, so no other process on the host can be in it.
#[derive(Clone, Debug, Default)]
pub struct Fanout {
    number: Arc<Mutex<Option<u16>>>,
}

impl Fanout {
    /// A group that no handle has joined.
    pub fn new_group() -> Self {
        Self::default()
    }

    /// Lets a packet socket join; true for the first one.
    pub(crate) fn join(&self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        // A panic elsewhere leaves the number as it was before or after a whole join.
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = *number {
            return socket::join_fanout(socket, number).map(|()| false);
        }
        *number = Some(socket::found_fanout(socket)?);
        Ok(true)
    }
}
