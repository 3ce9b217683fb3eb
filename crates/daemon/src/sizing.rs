//! What is not set, from what the machine and the settings give.

/// A queue's share of the memory is divided by this.
const BATCH_BYTES: u64 = 384 << 10;

/// The kernel ring of each of `handles`: as set, else an eighth of the memory among them.
pub(crate) fn ring_bytes(set: u32, memory_bytes: u64, handles: usize) -> u32 {
    if set > 0 {
        return set;
    }
    let share = memory_bytes / 8 / (handles as u64).max(1);
    // Whole MiB: the kernel wants whole blocks.
    let mib = u32::try_from(share >> 20).unwrap_or(u32::MAX).clamp(4, 64);
    mib << 20
}

/// Batches waiting in each of `queues`: as set, else a sixteenth of the memory among them.
pub(crate) fn queue_batches_max(set: u16, memory_bytes: u64, queues: usize) -> usize {
    if set > 0 {
        return usize::from(set);
    }
    let share = memory_bytes / 16 / BATCH_BYTES / (queues as u64).max(1);
    usize::try_from(share).unwrap_or(usize::MAX).clamp(8, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn rings_together_take_an_eighth_of_the_memory() {
        assert_eq!(ring_bytes(0, GIB, 1), 64 << 20);
        assert_eq!(ring_bytes(0, GIB, 2), 64 << 20);
        assert_eq!(ring_bytes(0, GIB, 8), 16 << 20);
        assert_eq!(ring_bytes(0, GIB / 4, 16), 4 << 20);
        assert_eq!(ring_bytes(3 << 20, GIB, 8), 3 << 20, "what is set is kept");
    }

    #[test]
    fn queues_together_take_a_sixteenth_of_the_memory() {
        for (queues, batches) in [(1, 64), (4, 42), (16, 10), (64, 8)] {
            assert_eq!(queue_batches_max(0, GIB, queues), batches);
        }
        assert_eq!(queue_batches_max(500, GIB, 64), 500);
    }
}
