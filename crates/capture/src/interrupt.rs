//! Ending a wait for frames from another thread.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// Ends the wait of one [`crate::Live::poll`]: the one under way, else the next. May be sent to
/// other threads and outlive the handle. libpcap's own `pcap_breakloop` wakes only waits of
/// libpcap, and those do not end on a quiet link.
#[derive(Clone, Debug)]
pub struct Interrupt {
    sender: Arc<UnixStream>,
}

impl Interrupt {
    /// Ends the wait.
    pub fn interrupt(&self) {
        // An error means that an earlier interrupt still waits to be seen, or that the handle is
        // gone: either way no wait is left to end.
        let (Ok(_) | Err(_)) = (&*self.sender).write(&[1]);
    }
}

/// The end that the wait watches.
#[derive(Debug)]
pub(crate) struct Wakeup {
    sender: Arc<UnixStream>,
    receiver: UnixStream,
}

impl Wakeup {
    /// A pair of ends.
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, receiver) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Self { sender: Arc::new(sender), receiver })
    }

    /// The other end.
    pub(crate) fn interrupt(&self) -> Interrupt {
        Interrupt { sender: Arc::clone(&self.sender) }
    }

    /// Becomes readable on an interrupt.
    pub(crate) fn watched(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }

    /// Forgets the interrupts so far, so that the next wait waits.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let mut seen = [0; 64];
        loop {
            match self.receiver.read(&mut seen) {
                Ok(count) if count == seen.len() => {}
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::socket;

    #[test]
    fn an_interrupt_ends_one_wait_however_often_it_was_sent() {
        let mut wakeup = Wakeup::new().unwrap();
        let quiet = UnixStream::pair().unwrap();
        let wait = |wakeup: &Wakeup, ms| {
            socket::wait(quiet.0.as_fd(), wakeup.watched(), Duration::from_millis(ms)).unwrap()
        };
        let interrupt = wakeup.interrupt();
        // Far more than the socket holds: none of them may block.
        for _ in 0..100_000 {
            interrupt.interrupt();
        }
        assert_eq!(wait(&wakeup, 10_000), [false, true]);
        wakeup.clear().unwrap();
        assert_eq!(wait(&wakeup, 1), [false, false]);
    }

    #[test]
    fn an_interrupt_may_outlive_what_it_interrupts() {
        let interrupt = Wakeup::new().unwrap().interrupt();
        interrupt.interrupt();
    }
}
