//! The unit in which a pcapng interface stamps its frames.

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// How many nanoseconds a tick has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeUnit {
    /// So many.
    NanosPerTick(u64),
    /// Less than one: so many ticks are one.
    TicksPerNano(u64),
    /// A second has two to the power of this many ticks.
    SecondInBinary(u8),
}

impl TimeUnit {
    /// Microseconds, which hold where nothing is said.
    pub(super) const MICROSECOND: Self = Self::NanosPerTick(1_000);

    /// From the option `if_tsresol` (draft-ietf-opsawg-pcapng section 4.2): a negative power of
    /// ten, or of two when the highest bit is set.
    pub(super) fn from_tsresol(code: u8) -> Self {
        match (code >> 7, code & 0x7f) {
            (1, power) => Self::SecondInBinary(power),
            (_, power @ 0..=9) => Self::NanosPerTick(10_u64.pow(9 - u32::from(power))),
            // So fine a unit that 64 bits of it do not last for a second may be rounded away.
            (_, power) => Self::TicksPerNano(10_u64.saturating_pow(u32::from(power) - 9)),
        }
    }

    /// Nanoseconds, rounded down.
    pub(super) fn nanos(self, ticks: u64) -> u64 {
        match self {
            Self::NanosPerTick(nanos) => ticks.saturating_mul(nanos),
            Self::TicksPerNano(ticks_per_nano) => ticks / ticks_per_nano.max(1),
            Self::SecondInBinary(power) => {
                let nanos = (u128::from(ticks) * NANOS_PER_SECOND) >> power.min(127);
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_gives_the_same_instant() {
        let check = |code, ticks| {
            assert_eq!(TimeUnit::from_tsresol(code).nanos(ticks), 1_500_000_000, "{code:#x}");
        };
        check(1, 15);
        check(3, 1_500);
        check(6, 1_500_000);
        check(9, 1_500_000_000);
        check(12, 1_500_000_000_999);
        check(0x80 | 1, 3);
        check(0x80 | 32, 3 << 31);
        check(0x80 | 63, 3 << 62);
        assert_eq!(TimeUnit::from_tsresol(6), TimeUnit::MICROSECOND);
    }

    #[test]
    fn no_resolution_overflows() {
        for code in 0..=u8::MAX {
            let unit = TimeUnit::from_tsresol(code);
            assert_eq!(unit.nanos(0), 0);
            assert!(unit.nanos(u64::MAX) >= unit.nanos(u64::MAX / 2), "{code:#x}");
        }
        assert_eq!(TimeUnit::from_tsresol(0).nanos(u64::MAX), u64::MAX);
        assert_eq!(TimeUnit::from_tsresol(0xff).nanos(u64::MAX), 0);
    }
}
