//! What is printed.

use std::collections::{BTreeMap, BTreeSet};

use tapline_behavior::Behavior;
use tapline_model::EndpointId;

use crate::rivals::{Alarms, LINES, is_rise};
use crate::world::{CALM_DAYS, Count, DAY, HOSTS, Injection, Kind, World};

/// Endpoints whose probabilities are held against how often they came: busy ones, and all that are not
/// rare, for what comes once in 10^5 minutes has to be looked for in many.
const CALIBRATED_RATES: [f64; 2] = [20.0, 1.0];

/// An endpoint that is as probable as this, as a logarithm, no longer shows what was done to it.
const DISTURBED: f64 = -1.0;

/// One case.
pub struct Alert {
    pub minute: u64,
    pub detection: String,
    pub host: String,
    pub endpoint: Option<usize>,
    pub title: String,
    pub probability: f64,
    /// What was thought normal and what was seen, and the true rate.
    pub measures: (f64, f64),
    pub mean: f64,
}

/// What a rise was, and what was made of it.
#[derive(Default)]
pub struct Trace {
    /// The true rate without it when it began, and what was thought normal.
    pub mean: f64,
    pub normal: f64,
    /// What came in its first three minutes.
    pub seen: Vec<u64>,
    /// The least probability in them, and of all its minutes.
    pub ln_soon: f64,
    pub ln_ever: f64,
}

pub struct Report<'a> {
    pub world: &'a World,
    pub alerts: &'a [Alert],
    pub rivals: &'a [Alarms],
    pub traces: &'a BTreeMap<(usize, u64), Trace>,
    pub days: u64,
}

impl Report<'_> {
    pub fn print(&self) {
        let judged = (self.days - CALM_DAYS) as f64;
        let mut made_up: BTreeMap<&str, u64> = BTreeMap::new();
        let mut by_day: BTreeMap<u64, u64> = BTreeMap::new();
        let shifts = self.alerts.iter().filter(|alert| self.is_shift(alert)).count();
        let made_up_of = |alert: &&Alert| self.cause(alert).is_none() && !self.is_shift(alert);
        for alert in self.alerts.iter().filter(made_up_of) {
            *made_up.entry(&alert.detection).or_default() += 1;
            *by_day.entry(alert.minute / DAY).or_default() += 1;
            if std::env::var("TAPLINE_SIMULATION_LIST").is_ok() {
                println!(
                    "false: day {} minute {} {} {} {:?} {:.1e} crowd {} normal and seen {:.2?} truly {:.2}",
                    alert.minute / DAY,
                    alert.minute % DAY,
                    alert.detection,
                    alert.title,
                    alert.endpoint,
                    alert.probability,
                    alert.endpoint.is_some_and(|it| {
                        self.world.is_crowd(self.world.endpoints[it].host, alert.minute)
                    }),
                    alert.measures,
                    alert.mean,
                );
            }
        }
        let all: u64 = made_up.values().sum();
        let late: u64 = by_day.range(CALM_DAYS..).map(|(_, count)| count).sum();
        println!(
            "false alerts: {:.2} a day over all days ({} in all), {:.2} a day from day {} on; by \
             detection {made_up:?}; by day {by_day:?}",
            all as f64 / self.days as f64,
            all,
            late as f64 / judged,
            CALM_DAYS + 1
        );
        println!("{shifts} alerts tell of a host or of all that changed indeed");
        self.print_found();
        self.print_rivals(judged);
    }

    /// Whether it tells of a whole host, or of all, while that really changes: a crowd, or a new
    /// level of latency after a deploy.
    fn is_shift(&self, alert: &Alert) -> bool {
        let host =
            alert.host.strip_prefix("host").and_then(|it| it.split('.').next()?.parse().ok());
        alert.endpoint.is_none()
            && (0..HOSTS)
                .filter(|&one| host.is_none_or(|host: usize| host == one))
                .any(|one| self.world.is_shift(one, &alert.detection, alert.minute))
    }

    /// The injection that an alert is about, if it is about one.
    fn cause(&self, alert: &Alert) -> Option<&Injection> {
        let is_near = |it: &&Injection| (it.start..=it.end() + 60).contains(&alert.minute);
        let endpoints = &self.world.endpoints;
        if let Some(endpoint) = alert.endpoint {
            return endpoints[endpoint].injections.iter().find(is_near);
        }
        let of_host = |index: usize| alert.host == format!("host{}.example", index % HOSTS);
        (0..endpoints.len())
            .filter(|&index| of_host(index))
            .flat_map(|index| &endpoints[index].injections)
            .find(is_near)
    }

    /// When an injection was found: by a detection that is meant for it, on the endpoint, or on its
    /// host while nothing else goes on there.
    fn found(&self, injection: &Injection) -> Option<u64> {
        let wanted: &[&str] = match injection.kind {
            Kind::Spike(_) | Kind::Burst => &["rate_surge"],
            Kind::Silence => &["went_silent"],
            Kind::Refused(_) => &["auth_failures"],
            Kind::Slow(_) => &["latency_shift"],
            Kind::Ramp => &["slow_shift", "rate_surge"],
        };
        let host = format!("host{}.example", injection.endpoint % HOSTS);
        self.alerts
            .iter()
            .find(|alert| {
                let is_here = alert.endpoint == Some(injection.endpoint)
                    || alert.endpoint.is_none() && alert.host == host;
                is_here
                    && wanted.contains(&alert.detection.as_str())
                    && (injection.start..=injection.end() + 10).contains(&alert.minute)
            })
            .map(|alert| alert.minute)
    }

    fn all(&self) -> impl Iterator<Item = &Injection> {
        self.world.endpoints.iter().flat_map(|endpoint| &endpoint.injections)
    }

    fn print_found(&self) {
        println!(
            "\nwhat was done                    rate     times found  <=3 min  median minutes"
        );
        let mut groups: BTreeMap<(String, &str), Vec<Option<u64>>> = BTreeMap::new();
        for injection in self.all() {
            let name = format!("{:?} {} min", injection.kind, injection.minutes);
            let delay = self.found(injection).map(|at| at + 1 - injection.start);
            groups.entry((name, self.span(injection))).or_default().push(delay);
        }
        for ((name, span), delays) in groups {
            let mut found: Vec<u64> = delays.iter().copied().flatten().collect();
            found.sort_unstable();
            let soon = found.iter().filter(|&&minutes| minutes <= 3).count();
            println!(
                "{name:<32} {span:<8} {:>5} {:>5.2}  {:>7.2}  {:?}",
                delays.len(),
                found.len() as f64 / delays.len() as f64,
                soon as f64 / delays.len() as f64,
                found.get(found.len() / 2)
            );
        }
        let wanted: Vec<&Injection> = self
            .all()
            .filter(|it| matches!(it.kind, Kind::Spike(_)) && it.minutes >= 5)
            .filter(|it| self.rate(it) >= 20.0)
            .collect();
        let then: Vec<&Injection> =
            wanted.iter().copied().filter(|it| self.mean(it) >= 20.0).collect();
        for (what, of) in [("in the mean", wanted), ("at that time", then)] {
            let is_soon =
                |it: &&&Injection| self.found(it).is_some_and(|at| at + 1 - it.start <= 3);
            let soon = of.iter().filter(is_soon).count();
            println!(
                "recall of x3 and more for five minutes and more, at 20 a minute and more {what}, \
                 within 3 minutes: {soon} of {} = {:.3}",
                of.len(),
                soon as f64 / of.len() as f64
            );
        }
        if std::env::var("TAPLINE_SIMULATION_LIST").is_ok() {
            self.print_late();
        }
    }

    /// Rises that were not found within three minutes, and what was made of them.
    fn print_late(&self) {
        for it in self.all().filter(|it| is_rise(it.kind) && it.minutes >= 5) {
            let found = self.found(it).map(|at| at + 1 - it.start);
            let Some(trace) = self.traces.get(&(it.endpoint, it.start)) else { continue };
            if found.is_some_and(|minutes| minutes <= 3) {
                continue;
            }
            println!(
                "late: {:?} {} min at {:.1}/min (mean {:.2}, thought {:.2}) endpoint {} day {} \
                 minute {} found {found:?} seen {:?} ln p {:.1}, at last {:.1}",
                it.kind,
                it.minutes,
                self.rate(it),
                trace.mean,
                trace.normal,
                it.endpoint,
                it.start / DAY,
                it.start % DAY,
                trace.seen,
                trace.ln_soon,
                trace.ln_ever
            );
        }
    }

    /// The true rate when it began, had nothing been done.
    fn mean(&self, injection: &Injection) -> f64 {
        self.traces.get(&(injection.endpoint, injection.start)).map_or(0.0, |trace| trace.mean)
    }

    fn print_rivals(&self, judged: f64) {
        println!(
            "\nrises of requests             line    false/day  x3: found, <=3 min  x10: found, <=3 min   (5 min and more at 20 a minute and more)"
        );
        let rises: Vec<&Injection> = self.all().filter(|it| is_rise(it.kind)).collect();
        let large: Vec<&&Injection> =
            rises.iter().filter(|it| it.minutes >= 5 && self.rate(it) >= 20.0).collect();
        for alarms in self.rivals {
            let budget = alarms.line_of(10.0 * judged);
            for line in [0, budget] {
                let share = |factor: f64, most: u64| {
                    let of: Vec<_> =
                        large.iter().filter(|it| it.kind == Kind::Spike(factor)).collect();
                    let found = of.iter().filter(|it| {
                        alarms
                            .first(it, line)
                            .is_some_and(|at| at + 1 - it.start <= most && at <= it.end() + 10)
                    });
                    found.count() as f64 / of.len().max(1) as f64
                };
                println!(
                    "{:<28} {:>5} {:>12.1}      {:>6.2} {:>6.2}      {:>6.2} {:>6.2}",
                    alarms.name,
                    LINES[line],
                    alarms.made_up[line] as f64 / judged,
                    share(3.0, u64::MAX),
                    share(3.0, 3),
                    share(10.0, u64::MAX),
                    share(10.0, 3)
                );
            }
        }
        println!(
            "\nagainst the oracle at 10 false alarms a day: minutes to find, and the ratio of the sums"
        );
        for (factor, oracle) in [(3.0, 3), (10.0, 4)] {
            let alarms = &self.rivals[oracle];
            let line = alarms.line_of(10.0 * judged);
            for span in ["20", "1", "0.1"] {
                let of: Vec<_> = rises
                    .iter()
                    .filter(|it| {
                        it.kind == Kind::Spike(factor) && self.span(it) == span && it.minutes > 5
                    })
                    .collect();
                let pairs: Vec<(u64, u64)> = of
                    .iter()
                    .filter_map(|it| {
                        let best = alarms.first(it, line)? + 1 - it.start;
                        Some((self.found(it)? + 1 - it.start, best))
                    })
                    .collect();
                if std::env::var("TAPLINE_SIMULATION_LIST").is_ok() {
                    for it in &of {
                        println!(
                            "pair: x{factor} at {:.2}/min (mean {:.2}, scatter {}) endpoint {} day {} ours {:?} oracle {:?}",
                            self.rate(it),
                            self.mean(it),
                            self.world.endpoints[it.endpoint].scatter,
                            it.endpoint,
                            it.start / DAY,
                            self.found(it).map(|at| at + 1 - it.start),
                            alarms.first(it, line).map(|at| at + 1 - it.start),
                        );
                    }
                }
                let sum = |pick: fn(&(u64, u64)) -> u64| pairs.iter().map(pick).sum::<u64>() as f64;
                let oracle_found = of.iter().filter(|it| alarms.first(it, line).is_some()).count();
                let (ours, best) = (sum(|pair| pair.0), sum(|pair| pair.1));
                println!(
                    "x{factor} at {span}/min and more: found {} of {} (oracle {oracle_found}), mean \
                     {:.1} min, oracle {:.1}, ratio {:.2}",
                    pairs.len(),
                    of.len(),
                    ours / pairs.len().max(1) as f64,
                    best / pairs.len().max(1) as f64,
                    ours / best.max(1.0)
                );
            }
        }
    }

    fn rate(&self, injection: &Injection) -> f64 {
        self.world.endpoints[injection.endpoint].rate
    }

    fn span(&self, injection: &Injection) -> &'static str {
        match self.rate(injection) {
            rate if rate >= 20.0 => "20",
            rate if rate >= 1.0 => "1",
            rate if rate >= 0.1 => "0.1",
            _ => "0.01",
        }
    }
}

/// How often probabilities came, against how often they should.
#[derive(Default)]
pub struct Calibration {
    lists: bool,
    /// Endpoints that still show what was done to them.
    disturbed: BTreeSet<usize>,
    tails: [Tail; CALIBRATED_RATES.len()],
}

#[derive(Default)]
struct Tail {
    minutes: u64,
    /// Minutes as improbable as 0.1, 0.01, and so on.
    below: [u64; 6],
}

impl Calibration {
    /// Nothing counted; what is improbable is listed, if asked for.
    pub fn new(lists: bool) -> Self {
        Self { lists, ..Self::default() }
    }

    pub fn note(&mut self, behavior: &Behavior, world: &World, minute: u64, counts: &[Count]) {
        for (index, endpoint) in world.endpoints.iter().enumerate() {
            if endpoint.rate < CALIBRATED_RATES[1] {
                break;
            }
            let is_near = |it: &Injection| (it.start..=it.end() + 60).contains(&minute);
            let id = EndpointId(index as u64);
            let Some(ln_probability) = behavior.ln_surge(id) else { continue };
            if endpoint.injections.iter().any(is_near) || world.is_crowd(endpoint.host, minute) {
                self.disturbed.insert(index);
            } else if ln_probability > DISTURBED {
                self.disturbed.remove(&index);
            }
            if self.disturbed.contains(&index) {
                continue;
            }
            // A minute without requests is not judged: it is none of more requests than normal.
            let ln_probability = if counts[index].requests > 0 { ln_probability } else { 0.0 };
            if self.lists && ln_probability < -11.5 {
                println!(
                    "improbable: day {} minute {} endpoint {index} ln p {ln_probability:.1} normal \
                     {:.2} seen {} truly {:.2}",
                    minute / DAY,
                    minute % DAY,
                    behavior.baseline(id).map_or(0.0, |it| it.normal),
                    counts[index].requests,
                    counts[index].mean,
                );
            }
            for (tail, rate) in self.tails.iter_mut().zip(CALIBRATED_RATES) {
                if endpoint.rate >= rate {
                    tail.note(ln_probability);
                }
            }
        }
    }

    pub fn print(&self) {
        for (tail, rate) in self.tails.iter().zip(CALIBRATED_RATES) {
            println!(
                "\ncalibration of more requests than normal, {} minutes of calm endpoints with {rate} a \
                 minute and more:",
                tail.minutes
            );
            for (power, below) in (1..).zip(&tail.below) {
                let predicted = tail.minutes as f64 * 10f64.powi(-power);
                println!(
                    "p <= 1e-{power}: {below} seen, {predicted:.1} predicted, ratio {:.2}",
                    *below as f64 / predicted
                );
            }
        }
    }
}

impl Tail {
    fn note(&mut self, ln_probability: f64) {
        self.minutes += 1;
        for (power, below) in (1..).zip(self.below.iter_mut()) {
            let line = -f64::from(power) * std::f64::consts::LN_10;
            *below += u64::from(ln_probability <= line);
        }
    }
}
