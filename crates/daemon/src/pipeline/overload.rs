//! Which share of the flows to follow: counters and times in, a rate out. It reads no clock.

use tapline_config::Overload as Config;
use tapline_model::{Sampling, Timestamp};

/// How long a new rate may take to show before the next is tried.
const SETTLE_NANOS: u64 = 500_000_000;
/// A source that has not reported for so long presses no more.
const FRESH_NANOS: u64 = 2_000_000_000;
/// Fewer dropped frames than this between two looks are an accident, not a trend.
const DROPPED_FRAMES_MIN: u64 = 64;
/// The share of a bound below which nothing presses.
const CALM: f64 = 0.5;
/// By how much the wait for recovery grows at most, when recoveries do not last.
const PATIENCE_MAX: u32 = 8;

/// What one source sees of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Signals {
    /// Frames handed over, since start.
    pub(crate) frames: u64,
    /// Frames that the kernel dropped, since start.
    pub(crate) dropped_frames: u64,
    /// How full the fullest queue to a worker is, 0 to 1.
    pub(crate) queue_fill: f64,
    /// How far the clock is ahead of the newest packet read.
    pub(crate) lag_nanos: u64,
}

/// Why flows are shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The kernel drops frames.
    Drops,
    /// A queue to a worker is full.
    Queue,
    /// The packets that are read are old.
    Lag,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pressure {
    Calm,
    Between,
    Over(Cause),
}

/// Halves the share of flows while anything is over its bound, and doubles it again after all has
/// been well below its bound for a while.
#[derive(Debug)]
pub(crate) struct Policy {
    config: Config,
    rate: Sampling,
    changed_at: Timestamp,
    calm_since: Option<Timestamp>,
    /// The last change was a recovery.
    recovering: bool,
    patience: u32,
    sources: Vec<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    at: Timestamp,
    frames: u64,
    dropped_frames: u64,
    pressure: Pressure,
}

impl Policy {
    /// Every flow is followed.
    pub(crate) fn new(config: Config, sources: usize) -> Self {
        let silent =
            Source { at: Timestamp::ZERO, frames: 0, dropped_frames: 0, pressure: Pressure::Calm };
        Self {
            config,
            rate: Sampling::WHOLE,
            changed_at: Timestamp::ZERO,
            calm_since: None,
            recovering: false,
            patience: 1,
            sources: vec![silent; sources],
        }
    }

    /// Takes what one source sees, and says what share to follow from now on; with the cause, if
    /// that is less than before.
    pub(crate) fn decide(
        &mut self,
        now: Timestamp,
        source: usize,
        signals: Signals,
    ) -> (Sampling, Option<Cause>) {
        self.note(now, source, signals);
        let pressures = self
            .sources
            .iter()
            .filter(|source| now.nanos_since(source.at) <= FRESH_NANOS)
            .map(|source| source.pressure);
        let over = pressures.clone().find_map(|pressure| match pressure {
            Pressure::Over(cause) => Some(cause),
            Pressure::Calm | Pressure::Between => None,
        });
        if let Some(cause) = over {
            self.calm_since = None;
            let settled = now.nanos_since(self.changed_at) >= SETTLE_NANOS;
            if settled && self.rate.halvings() < self.config.halvings_max {
                self.shed(now);
                return (self.rate, Some(cause));
            }
        } else if pressures.clone().any(|pressure| pressure == Pressure::Between) {
            self.calm_since = None;
        } else {
            self.recover(now);
        }
        (self.rate, None)
    }

    fn note(&mut self, now: Timestamp, source: usize, signals: Signals) {
        let bounds = &self.config;
        let Some(source) = self.sources.get_mut(source) else { return };
        let dropped = signals.dropped_frames.saturating_sub(source.dropped_frames);
        let offered = dropped + signals.frames.saturating_sub(source.frames);
        let lag_max_nanos = bounds.lag_seconds_max * 1e9;
        let lag_nanos = real(signals.lag_nanos);
        let dropping = real(dropped) > bounds.drop_share_max * real(offered);
        source.pressure = if dropped >= DROPPED_FRAMES_MIN && dropping {
            Pressure::Over(Cause::Drops)
        } else if signals.queue_fill >= bounds.queue_fill_max {
            Pressure::Over(Cause::Queue)
        } else if lag_nanos > lag_max_nanos {
            Pressure::Over(Cause::Lag)
        } else if dropping
            || signals.queue_fill > CALM * bounds.queue_fill_max
            || lag_nanos > CALM * lag_max_nanos
        {
            Pressure::Between
        } else {
            Pressure::Calm
        };
        source.at = now;
        source.frames = signals.frames;
        source.dropped_frames = signals.dropped_frames;
    }

    fn shed(&mut self, now: Timestamp) {
        // What was taken up again was too much: the next attempt waits longer.
        if self.recovering {
            self.patience = (self.patience * 2).min(PATIENCE_MAX);
        }
        self.rate = self.rate.lower();
        self.recovering = false;
        self.changed_at = now;
    }

    fn recover(&mut self, now: Timestamp) {
        let since = *self.calm_since.get_or_insert(now);
        let wait_nanos =
            u64::from(self.config.recovery_seconds) * u64::from(self.patience) * 1_000_000_000;
        if now.nanos_since(since) < wait_nanos {
            return;
        }
        if self.rate.is_whole() {
            self.patience = 1;
            self.recovering = false;
            return;
        }
        self.rate = self.rate.higher();
        self.recovering = true;
        self.changed_at = now;
        self.calm_since = Some(now);
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are not met to the last of 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK_NANOS: u64 = 100_000_000;

    /// One source, looked at ten times a second.
    struct Bench {
        policy: Policy,
        now: Timestamp,
        signals: Signals,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                policy: Policy::new(Config::default(), 1),
                now: Timestamp::from_seconds(1_000),
                signals: Signals::default(),
            }
        }

        /// Goes on for a while as things are; how often the traffic is halved then.
        fn pass(&mut self, seconds: u64, frames: u64, dropped_frames: u64) -> u8 {
            for _ in 0..seconds * 1_000_000_000 / LOOK_NANOS {
                self.now = self.now.plus_nanos(LOOK_NANOS);
                self.signals.frames += frames / 10;
                self.signals.dropped_frames += dropped_frames / 10;
                self.policy.decide(self.now, 0, self.signals);
            }
            self.policy.rate.halvings()
        }
    }

    #[test]
    fn ordinary_load_sheds_nothing() {
        let mut bench = Bench::new();
        bench.signals = Signals { queue_fill: 0.7, lag_nanos: 1_500_000_000, ..bench.signals };
        assert_eq!(bench.pass(60, 1_000_000, 400), 0, "0.04 % of the frames are lost");
    }

    #[test]
    fn each_sign_of_overload_halves_the_traffic_and_is_named() {
        let calm = Signals { frames: 100_000, ..Signals::default() };
        let signs = [
            (Signals { dropped_frames: 1_000, ..calm }, Cause::Drops),
            (Signals { queue_fill: 0.8, ..calm }, Cause::Queue),
            (Signals { lag_nanos: 2_100_000_000, ..calm }, Cause::Lag),
        ];
        for (signals, cause) in signs {
            let mut policy = Policy::new(Config::default(), 1);
            let now = Timestamp::from_seconds(9);
            assert_eq!(policy.decide(now, 0, calm), (Sampling::WHOLE, None));
            assert_eq!(policy.decide(now, 0, signals), (Sampling::halved(1), Some(cause)));
        }
    }

    #[test]
    fn a_lasting_overload_leaves_one_flow_in_64_within_four_seconds() {
        let mut bench = Bench::new();
        bench.signals.queue_fill = 1.0;
        assert_eq!(bench.pass(1, 0, 0), 2);
        assert_eq!(bench.pass(3, 0, 0), 6);
        assert_eq!(bench.pass(60, 0, 0), 6);
    }

    #[test]
    fn it_stops_where_it_is_told_to() {
        let mut bench = Bench::new();
        bench.policy.config.halvings_max = 2;
        bench.signals.queue_fill = 1.0;
        assert_eq!(bench.pass(60, 0, 0), 2);
    }

    #[test]
    fn what_is_below_the_bound_and_not_well_below_changes_nothing() {
        let mut bench = Bench::new();
        bench.signals.queue_fill = 0.9;
        assert_eq!(bench.pass(1, 0, 0), 2);
        bench.signals.queue_fill = 0.6;
        assert_eq!(bench.pass(600, 0, 0), 2);
    }

    #[test]
    fn it_comes_back_step_by_step() {
        let mut bench = Bench::new();
        bench.signals.lag_nanos = 5_000_000_000;
        assert_eq!(bench.pass(1, 0, 0), 2);
        bench.signals.lag_nanos = 0;
        assert_eq!(bench.pass(9, 1_000, 0), 2);
        assert_eq!(bench.pass(2, 1_000, 0), 1);
        assert_eq!(bench.pass(10, 1_000, 0), 0);
    }

    #[test]
    fn recoveries_that_do_not_last_come_more_and_more_seldom() {
        let mut bench = Bench::new();
        let mut sheds = 0;
        for _ in 0..600 {
            // The sensor can follow half of the traffic.
            bench.signals.queue_fill = if bench.policy.rate.is_whole() { 1.0 } else { 0.1 };
            let before = bench.policy.rate;
            bench.pass(1, 1_000, 0);
            sheds += u32::from(bench.policy.rate > before);
        }
        assert!(sheds <= 12, "{sheds} in ten minutes");
        bench.signals.queue_fill = 0.0;
        assert_eq!(bench.pass(200, 1_000, 0), 0);
        assert_eq!(bench.policy.patience, 1, "and are forgotten when all is well");
    }

    #[test]
    fn a_few_frames_lost_on_a_quiet_link_are_no_overload() {
        let mut bench = Bench::new();
        assert_eq!(bench.pass(10, 1_000, 100), 0);
        assert_eq!(bench.pass(1, 1_000, 10_000), 2);
    }

    #[test]
    fn any_source_presses_and_one_that_is_gone_does_not() {
        let mut policy = Policy::new(Config::default(), 2);
        let at = |seconds| Timestamp::from_seconds(seconds);
        let full = Signals { queue_fill: 1.0, ..Signals::default() };
        assert_eq!(policy.decide(at(10), 1, full).0, Sampling::halved(1));
        assert_eq!(policy.decide(at(11), 0, Signals::default()).0, Sampling::halved(2));
        assert_eq!(policy.decide(at(14), 0, Signals::default()).0, Sampling::halved(2));
        assert_eq!(policy.decide(at(25), 0, Signals::default()).0, Sampling::halved(1));
    }
}
