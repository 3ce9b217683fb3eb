//! Everything that is normal of one endpoint, or of all endpoints of one host.

use std::sync::Arc;

use tapline_model::{EndpointRef, Epoch};
use tapline_sketch::Kmv;

use super::calibration::Rarity;
use super::error_share::ErrorShare;
use super::judgement::{Judgement, Signal};
use super::learning::Learning;
use super::rate::{Rate, Shift, Verdict, shift_lift};
use super::ratio::{Lesson, Ratio, RatioFloor};
use super::recurring::Recurring;
use super::scale::Scale;
use super::typical::Typical;
use crate::config::Config;
use crate::endpoint_epoch::EndpointEpoch;
use crate::number::real;

/// A gap shorter than this times the longest gap so far is no silence.
const SILENCE_OF_LONGEST: f64 = 1.5;
/// Least improbable silence that is told: ln 1e-9.
pub(crate) const LN_SILENCE: f64 = -20.7;
/// Share of what was expected that still counts as silence.
const SILENCE_SHARE_MAX: f64 = 0.1;
/// On a calm day a surge must be so many times what is normal on others.
const ABOVE_FULL: f64 = 1.1;
/// Where requests come in bunches, as many more are needed as they scatter, up to this.
const BUNCH_MAX: f64 = 2.0;
/// What is improbable at this, and large, teaches nothing.
const LN_TEACHES_MIN: f64 = -13.8;
/// Of a burst that came while an endpoint was learned: so many times what is normal.
const LEARNED_LIFT_MIN: f64 = 5.0;

/// The baselines of one endpoint or host, and the minute that is filling.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) host: Arc<str>,
    /// None for a host.
    pub(crate) endpoint: Option<EndpointRef>,
    pub(crate) rate: Rate,
    recurring: Recurring,
    client_errors: Ratio,
    auth_failures: Ratio,
    latency: Scale,
    size: Scale,
    records: Typical,
    consumers: Typical,
    filling: Filling,
    /// Distinct consumers of the last minute.
    last_consumers: f64,
    /// By signal: whether the last three minutes were odd, newest in the lowest bit.
    odd: [u8; Signal::ALL.len()],
    /// When silence has to be looked at, if it lasts.
    pub(crate) silence_due: Option<u64>,
    pub(crate) is_silent: bool,
}

/// What came in the minute that is filling.
#[derive(Clone, Debug, Default)]
struct Filling {
    is_touched: bool,
    is_incident: bool,
    answers: u64,
    client_errors: u64,
    auth_failures: u64,
    latency: (u64, f64),
    size: (u64, f64),
    records: (u64, f64),
    consumers: Kmv<64>,
}

/// The ratios of a host, in which its endpoints believe until they know their own.
#[derive(Clone, Debug)]
pub(crate) struct HostShares {
    client_errors: ErrorShare,
    auth_failures: ErrorShare,
}

impl HostShares {
    /// Nothing learned.
    pub(crate) const fn new(as_of: Epoch) -> Self {
        Self { client_errors: ErrorShare::new(as_of), auth_failures: ErrorShare::new(as_of) }
    }
}

impl Subject {
    /// First seen in `epoch`.
    pub(crate) fn new(
        host: Arc<str>,
        endpoint: Option<EndpointRef>,
        epoch: Epoch,
        learning: &mut Learning,
    ) -> Self {
        Self {
            host,
            endpoint,
            rate: Rate::new(epoch, learning),
            recurring: Recurring::default(),
            client_errors: Ratio::new(epoch),
            auth_failures: Ratio::new(epoch),
            latency: Scale::new(),
            size: Scale::new(),
            records: Typical::default(),
            consumers: Typical::default(),
            filling: Filling::default(),
            last_consumers: 0.0,
            odd: [0; Signal::ALL.len()],
            silence_due: None,
            is_silent: false,
        }
    }

    /// Takes what it did in an epoch; whether that is the first of the minute.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        did: &EndpointEpoch,
        incident: bool,
        learning: &mut Learning,
    ) -> bool {
        self.rate.observe(epoch, did.requests, incident, learning);
        self.is_silent &= did.requests == 0;
        let filling = &mut self.filling;
        filling.is_incident |= incident;
        filling.answers += did.answers;
        filling.client_errors += did.client_errors;
        filling.auth_failures += did.auth_failures;
        for (sum, part) in [
            (&mut filling.latency, did.latency),
            (&mut filling.size, did.size),
            (&mut filling.records, did.record_logs),
        ] {
            sum.0 += part.0;
            sum.1 += part.1;
        }
        filling.consumers.merge(&did.consumers);
        !std::mem::replace(&mut filling.is_touched, true)
    }

    /// The minute ends: every judgement of it goes to `sink`. What it was held against is from
    /// before.
    pub(crate) fn close(
        &mut self,
        minute: u64,
        shares: &mut HostShares,
        settings: &Config,
        learning: &mut Learning,
        sink: &mut impl FnMut(Judgement),
    ) -> Option<Verdict> {
        let verdict = self.rate.advance(minute.saturating_add(1), learning);
        let filling = std::mem::take(&mut self.filling);
        let is_ready = self.rate.is_ready(learning);
        let is_whole = learning.partial.count(minute, minute) == 0;
        let teaches = !filling.is_incident;
        let mut tell = |judged: Judgement| {
            if is_ready {
                sink(judged);
            }
        };
        if let Some(verdict) = verdict.filter(|_| is_whole) {
            let mut judged = surge(minute, &verdict, settings);
            let is_learned = !is_ready && judged.lift() >= LEARNED_LIFT_MIN;
            let ln_probability = judged.rarity.ln_probability;
            if judged.is_large
                && self.recurring.note(minute, judged.seen, ln_probability, is_learned)
            {
                judged.rarity = Rarity::NORMAL;
                judged.is_large = false;
            }
            let is_odd = judged.is_large && judged.rarity.ln_probability < LN_TEACHES_MIN;
            self.rate.settle(is_odd && is_ready);
            tell(judged);
        }
        let lesson = Lesson { teaches, memory_minutes: learning.memory_minutes };
        let refused = settings.auth_failures.rise_min;
        for (signal, ratio, share, count, rise_min) in [
            (
                Signal::ClientErrors,
                &mut self.client_errors,
                &mut shares.client_errors,
                filling.client_errors,
                settings.client_errors.rise_min,
            ),
            (
                Signal::AuthFailures,
                &mut self.auth_failures,
                &mut shares.auth_failures,
                filling.auth_failures,
                refused,
            ),
        ] {
            let floor = RatioFloor { rise_min, lift_min: 2.0 };
            let counts = (filling.answers, count);
            if let Some(judged) = ratio.close(signal, minute, counts, share, lesson, floor) {
                tell(judged);
            }
        }
        let (slow, large) = (settings.latency_shift.lift_min, settings.size_shift.lift_min);
        let scales = [
            (Signal::Latency, &mut self.latency, filling.latency, slow),
            (Signal::Size, &mut self.size, filling.size, large),
        ];
        for (signal, scale, values, lift_min) in scales {
            if let Some(judged) = scale.close(signal, minute, values, teaches, lift_min) {
                tell(judged);
            }
        }
        self.learn_unjudged(&filling, teaches);
        if let Some(judged) = self.slow_shift(minute, settings) {
            tell(judged);
        }
        verdict
    }

    /// Records and consumers explain; other detections judge them.
    fn learn_unjudged(&mut self, filling: &Filling, teaches: bool) {
        let consumers = filling.consumers.distinct();
        self.last_consumers = real(consumers);
        if !teaches {
            return;
        }
        let (records, sum_of_logs) = filling.records;
        self.records.learn(records, sum_of_logs);
        if consumers > 0 {
            self.consumers.learn_point(libm::log(real(consumers)));
        }
    }

    /// The silence since it was last heard, up to the start of `minute`, if it is one.
    pub(crate) fn silence(
        &mut self,
        minute: u64,
        settings: &Config,
        learning: &mut Learning,
    ) -> Option<Judgement> {
        let longest = self.rate.silence_max();
        let mut until = self.rate.clone();
        until.advance(minute, learning);
        let run = until.lull();
        let silent = self.rate.silent_minutes(minute);
        let is_long = real(silent) >= (longest * SILENCE_OF_LONGEST).max(3.0);
        if !self.rate.is_ready(learning) || -run.evidence > LN_SILENCE || !is_long {
            return None;
        }
        Some(Judgement {
            signal: Signal::Silence,
            rarity: Rarity::by(-run.evidence),
            seen: real(run.seen) / real(run.minutes.max(1)),
            normal: run.expected / real(run.minutes.max(1)),
            weight: run.seen,
            from: run.from,
            minutes: run.minutes,
            is_large: real(run.seen) <= SILENCE_SHARE_MAX * run.expected
                && run.expected >= f64::from(settings.went_silent.requests_min),
        })
    }

    fn slow_shift(&self, minute: u64, settings: &Config) -> Option<Judgement> {
        let evidence = self.rate.shift().evidence()?;
        let (fast, slow) = self.rate.levels();
        let lift = shift_lift(fast, slow);
        let hours = Shift::hours(self.rate.shift());
        let least = settings.slow_shift.lift_min;
        Some(Judgement {
            signal: Signal::SlowShift,
            rarity: Rarity::by(-evidence),
            seen: fast,
            normal: slow,
            weight: self.rate.learned(),
            from: minute.saturating_sub(hours * 60),
            minutes: hours * 60,
            is_large: lift >= least || lift <= 1.0 / least,
        })
    }

    /// Whether this signal was odd in two of the last three minutes, this one included.
    pub(crate) fn note_odd(&mut self, signal: Signal, is_odd: bool) -> bool {
        let Some(bits) = self.odd.get_mut(signal.index()) else { return false };
        *bits = (*bits << 1 | u8::from(is_odd)) & 0b111;
        bits.count_ones() >= 2
    }

    /// What it does now is normal from now on.
    pub(crate) fn accept(&mut self, signal: Signal, epoch: Epoch) {
        match signal {
            Signal::Surge | Signal::Silence | Signal::SlowShift => self.rate.accept(),
            Signal::ClientErrors => self.client_errors.accept(epoch),
            Signal::AuthFailures => self.auth_failures.accept(epoch),
            Signal::Latency => self.latency.accept(),
            Signal::Size => self.size.accept(),
        }
    }

    /// How much its normal was learned from, in words.
    pub(crate) fn learned_from(&self, signal: Signal) -> String {
        match signal {
            Signal::Surge | Signal::Silence | Signal::SlowShift => {
                format!("{} minutes", self.rate.learned())
            }
            Signal::ClientErrors => format!("{:.0} answers", self.client_errors.learned()),
            Signal::AuthFailures => format!("{:.0} answers", self.auth_failures.learned()),
            Signal::Latency => format!("{} means of 20 answers or more", self.latency.points()),
            Signal::Size => format!("{} means of 20 answers or more", self.size.points()),
        }
    }

    /// Typical distinct consumers of a minute.
    pub(crate) fn consumers(&self) -> Option<f64> {
        self.consumers.typical()
    }

    /// Distinct consumers of the last minute.
    pub(crate) const fn last_consumers(&self) -> f64 {
        self.last_consumers
    }

    /// Typical records of an answer.
    pub(crate) fn records(&self) -> Option<f64> {
        self.records.typical()
    }
}

fn surge(minute: u64, verdict: &Verdict, settings: &Config) -> Judgement {
    let Verdict { seen, normal, full, rarity, run, scatter } = *verdict;
    let least = f64::from(settings.rate_surge.requests_min) * scatter.clamp(1.0, BUNCH_MAX);
    // What comes back after a calm time is no surge.
    let floor = |count: u64, expected: f64, full: f64| {
        real(count) >= least
            && real(count) >= settings.rate_surge.lift_min * expected
            && real(count) >= ABOVE_FULL * full
    };
    let by_minute = floor(seen, normal, full);
    let (from, minutes, weight, expected) = if by_minute || run.minutes == 0 {
        (minute, 1, seen, normal)
    } else {
        (run.from, run.minutes, run.seen, run.expected)
    };
    Judgement {
        signal: Signal::Surge,
        rarity,
        seen: real(weight) / real(minutes),
        normal: expected / real(minutes),
        weight,
        from,
        minutes: minutes.max(run.minutes),
        is_large: by_minute || floor(run.seen, run.expected, run.full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::rate::Run;

    #[test]
    fn bunches_must_be_larger_than_requests_one_by_one() {
        let is_large = |seen: u64, scatter: f64| {
            let (rarity, run) = (Rarity::by(-30.0), Run::default());
            let verdict = Verdict { seen, normal: 0.1, full: 0.1, rarity, run, scatter };
            surge(0, &verdict, &Config::default()).is_large
        };
        assert!(is_large(10, 1.0) && !is_large(9, 1.0));
        assert!(is_large(15, 1.5) && !is_large(14, 1.5));
        assert!(is_large(20, 9.0) && !is_large(19, 9.0));
    }
}
