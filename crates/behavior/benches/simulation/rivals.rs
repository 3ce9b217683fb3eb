//! What others do, and what could be done at best: all on requests a minute.

use std::collections::BTreeMap;

use crate::world::{DAY, Injection, Kind};

/// How many deviations, or how much evidence, raises an alarm.
pub const LINES: [f64; 18] = [
    3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 17.0, 20.0, 25.0, 30.0,
    50.0,
];
/// Alarms within half an hour are one.
const COALESCE: u64 = 30;

/// Alarms of one detector by line: false ones by day, and when each injection was first seen.
pub struct Alarms {
    pub name: &'static str,
    last: BTreeMap<usize, [u64; LINES.len()]>,
    recent: BTreeMap<usize, [u8; LINES.len()]>,
    pub made_up: [u64; LINES.len()],
    pub seen: BTreeMap<(usize, u64), [Option<u64>; LINES.len()]>,
    /// Alarms must hold in two of three minutes.
    lasting: bool,
}

impl Alarms {
    pub fn new(name: &'static str, lasting: bool) -> Self {
        Self {
            name,
            last: BTreeMap::new(),
            recent: BTreeMap::new(),
            made_up: [0; LINES.len()],
            seen: BTreeMap::new(),
            lasting,
        }
    }

    /// A minute with this much evidence; `current` is what happens to the endpoint, or just did.
    pub fn note(
        &mut self,
        minute: u64,
        endpoint: usize,
        evidence: f64,
        current: Option<&Injection>,
    ) {
        if evidence < LINES[0] && !self.recent.contains_key(&endpoint) {
            return;
        }
        let recent = self.recent.entry(endpoint).or_default();
        for (index, line) in LINES.iter().enumerate() {
            recent[index] = (recent[index] << 1 | u8::from(evidence >= *line)) & 0b111;
            let is_alarm = evidence >= *line && (!self.lasting || recent[index].count_ones() >= 2);
            if !is_alarm {
                continue;
            }
            if let Some(injection) = current {
                let seen = self.seen.entry((endpoint, injection.start)).or_default();
                seen[index].get_or_insert(minute);
                continue;
            }
            let last = self.last.entry(endpoint).or_insert([0; LINES.len()]);
            if minute > last[index] + COALESCE {
                self.made_up[index] += 1;
            }
            last[index] = minute;
        }
        if recent.iter().all(|bits| *bits == 0) {
            self.recent.remove(&endpoint);
        }
    }

    /// The first line with no more than so many false alarms in all.
    pub fn line_of(&self, most: f64) -> usize {
        let fits = |count: &u64| *count as f64 <= most;
        self.made_up.iter().position(fits).unwrap_or(LINES.len() - 1)
    }

    /// When an injection was seen.
    pub fn first(&self, injection: &Injection, line: usize) -> Option<u64> {
        *self.seen.get(&(injection.endpoint, injection.start))?.get(line)?
    }
}

/// Mean and deviation of the calm days, all hours alike.
#[derive(Clone, Copy, Default)]
pub struct Static {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Static {
    pub fn step(&mut self, minute: u64, seen: f64) -> f64 {
        if minute < 3 * DAY {
            self.count += 1.0;
            let off = seen - self.mean;
            self.mean += off / self.count;
            self.squares += off * (seen - self.mean);
            return 0.0;
        }
        (seen - self.mean) / (self.squares / self.count).sqrt().max(0.3)
    }
}

/// Exponentially weighted mean and deviation, over an hour and a half.
#[derive(Clone, Copy, Default)]
pub struct Ewma {
    mean: f64,
    variance: f64,
}

impl Ewma {
    pub fn step(&mut self, seen: f64) -> f64 {
        const ALPHA: f64 = 0.02;
        let deviation = self.variance.sqrt().max(0.3);
        let off = seen - self.mean;
        let clipped = off.clamp(-4.0 * deviation, 4.0 * deviation);
        self.mean += ALPHA * clipped;
        self.variance += ALPHA * (clipped * clipped - self.variance);
        off / deviation
    }
}

/// Holt and Winters, additive, with the season of a day in hours.
#[derive(Clone, Copy)]
pub struct HoltWinters {
    level: f64,
    season: [f64; 24],
    variance: f64,
    steps: u64,
}

impl Default for HoltWinters {
    fn default() -> Self {
        Self { level: 0.0, season: [0.0; 24], variance: 0.0, steps: 0 }
    }
}

impl HoltWinters {
    pub fn step(&mut self, minute: u64, seen: f64) -> f64 {
        let hour = (minute % DAY / 60) as usize;
        let early = self.steps < 3 * DAY;
        let alpha = 0.005f64.max(1.0 / (self.steps as f64 + 1.0));
        let gamma = if early { 0.02 } else { 0.005 };
        let deviation = self.variance.sqrt().max(0.3);
        let off = seen - self.level - self.season[hour];
        let clipped = if early { off } else { off.clamp(-4.0 * deviation, 4.0 * deviation) };
        self.level += alpha * clipped;
        self.season[hour] += gamma * clipped;
        self.variance +=
            0.001f64.max(1.0 / (self.steps as f64 + 1.0)) * (clipped * clipped - self.variance);
        self.steps += 1;
        off / deviation
    }
}

/// Knows the true rate, the true scatter and by how much it may change; sums up the logarithms of
/// likelihoods, which is the fastest test there is (Moustakides 1986).
#[derive(Clone, Copy, Default)]
pub struct Oracle {
    pub evidence: f64,
}

impl Oracle {
    pub fn step(&mut self, seen: f64, mean: f64, scatter: f64, factor: f64) -> f64 {
        let step = if scatter <= 1.0 {
            seen * factor.ln() - mean * (factor - 1.0)
        } else {
            let size = mean / (scatter - 1.0);
            let (normal, raised) = (size + mean, size + mean * factor);
            seen * (factor * normal / raised).ln() - size * (raised / normal).ln()
        };
        self.evidence = (self.evidence + step).clamp(0.0, 60.0);
        self.evidence
    }
}

/// Whether a rival could see it in the requests.
pub fn is_rise(kind: Kind) -> bool {
    matches!(kind, Kind::Spike(_) | Kind::Burst)
}
