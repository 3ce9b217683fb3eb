//! The kernel's loss counters, which are 32 bits wide and wrap, as totals that do not.

use pcap::Stat;

/// Losses since [`KernelCounters::restart`], in frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelCounters {
    last: Stat,
    /// Dropped because the ring was full.
    pub(crate) dropped: u64,
    /// Dropped by the interface or its driver.
    pub(crate) interface_dropped: u64,
}

impl KernelCounters {
    /// Counts from `now` on.
    pub(crate) fn restart(now: Stat) -> Self {
        Self { last: now, dropped: 0, interface_dropped: 0 }
    }

    /// Adds what was counted since the last look.
    pub(crate) fn advance(&mut self, now: Stat) {
        self.dropped += since(self.last.dropped, now.dropped);
        self.interface_dropped += since(self.last.if_dropped, now.if_dropped);
        self.last = now;
    }
}

/// How far a counter moved. One that moved back was reset, by a driver for example: what it counted
/// between the reset and this look is small, what wrapping would make of it is not.
fn since(last: u32, now: u32) -> u64 {
    let moved = now.wrapping_sub(last);
    if moved > u32::MAX / 2 { 0 } else { u64::from(moved) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(dropped: u32, if_dropped: u32) -> Stat {
        Stat { received: 0, dropped, if_dropped }
    }

    #[test]
    fn totals_go_on_where_the_kernel_wraps() {
        let mut counters = KernelCounters::restart(stat(u32::MAX - 1, 7));
        counters.advance(stat(3, 7));
        counters.advance(stat(4, 9));
        assert_eq!((counters.dropped, counters.interface_dropped), (6, 2));
    }

    #[test]
    fn a_counter_that_was_reset_adds_nothing() {
        let mut counters = KernelCounters::restart(stat(0, 1_000));
        counters.advance(stat(0, 10));
        counters.advance(stat(0, 15));
        assert_eq!(counters.interface_dropped, 5);
    }
}
