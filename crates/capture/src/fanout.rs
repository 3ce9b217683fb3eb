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
/// joins, so no other process on the host can be in it. Handles that are opened again after their
/// interface was gone join again: the first of them founds the group anew.
#[derive(Clone, Debug, Default)]
pub struct Fanout {
    group: Arc<Mutex<Group>>,
}

#[derive(Debug, Default)]
struct Group {
    number: Option<u16>,
    members: usize,
}

impl Fanout {
    /// A group that no handle has joined.
    pub fn new_group() -> Self {
        Self::default()
    }

    /// Lets a packet socket join. The socket must be closed before the membership is dropped.
    pub(crate) fn join(&self, socket: BorrowedFd<'_>) -> io::Result<Membership> {
        // A panic elsewhere leaves the group as it was before or after a whole join.
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = group.number {
            match socket::join_fanout(socket, number) {
                Ok(()) => {
                    group.members += 1;
                    return Ok(Membership { fanout: self.clone(), number, founder: false });
                }
                // The group is bound to the interface as it was before it vanished.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                Err(error) => return Err(error),
            }
        }
        let number = socket::found_fanout(socket)?;
        *group = Group { number: Some(number), members: 1 };
        Ok(Membership { fanout: self.clone(), number, founder: true })
    }
}

/// That one handle is in a group. The number is forgotten with the last member: the kernel may give
/// it to another process then.
#[derive(Debug)]
pub(crate) struct Membership {
    fanout: Fanout,
    number: u16,
    /// It made the group.
    pub(crate) founder: bool,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut group = self.fanout.group.lock().unwrap_or_else(PoisonError::into_inner);
        if group.number == Some(self.number) {
            group.members = group.members.saturating_sub(1);
            if group.members == 0 {
                group.number = None;
            }
        }
    }
}
