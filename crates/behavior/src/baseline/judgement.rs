//! What a baseline says of the newest of what it has seen.

use super::calibration::Rarity;

/// The kinds of change that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Signal {
    /// More requests.
    Surge,
    /// None, where there should be some.
    Silence,
    /// More 4xx, 401 and 403 apart.
    ClientErrors,
    /// More 401 and 403.
    AuthFailures,
    /// Answers take longer.
    Latency,
    /// Answers are larger.
    Size,
    /// Another level for good.
    SlowShift,
}

impl Signal {
    /// Every signal, in declaration order.
    pub(crate) const ALL: [Self; 7] = [
        Self::Surge,
        Self::Silence,
        Self::ClientErrors,
        Self::AuthFailures,
        Self::Latency,
        Self::Size,
        Self::SlowShift,
    ];

    /// Its place among them.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// One number held against what is normal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judgement {
    pub(crate) signal: Signal,
    /// How probable it is, were all normal, and how often that comes.
    pub(crate) rarity: Rarity,
    pub(crate) seen: f64,
    pub(crate) normal: f64,
    /// Requests or answers it was seen in.
    pub(crate) weight: u64,
    /// The first minute of the window it was seen in, and how many minutes that has.
    pub(crate) from: u64,
    pub(crate) minutes: u64,
    /// It is large enough to be told.
    pub(crate) is_large: bool,
}

impl Judgement {
    /// Seen over normal.
    pub(crate) fn lift(&self) -> f64 {
        if self.normal > 0.0 { self.seen / self.normal } else { f64::MAX.min(self.seen * 1e6) }
    }
}
