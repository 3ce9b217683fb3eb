//! Two weeks of a company's API traffic, and what goes wrong in it.

use crate::dice::Dice;

pub const HOSTS: usize = 100;
pub const DAY: u64 = 1_440;
/// Injections begin when the hour of the day is known.
pub const CALM_DAYS: u64 = 4;
/// A holiday: half of the traffic everywhere.
const HOLIDAY: u64 = 9;

/// What is done to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// So many times the requests.
    Spike(f64),
    Silence,
    /// So much larger a share of 401.
    Refused(f64),
    /// So many times the latency.
    Slow(f64),
    /// One percent an hour.
    Ramp,
    /// A burst on an endpoint that has next to no requests.
    Burst,
}

#[derive(Clone, Copy, Debug)]
pub struct Injection {
    pub kind: Kind,
    pub endpoint: usize,
    pub start: u64,
    pub minutes: u64,
    /// The part of its first minute that is over when it begins.
    pub passed: f64,
}

impl Injection {
    pub fn end(&self) -> u64 {
        self.start + self.minutes
    }

    /// How much of a minute it holds for.
    fn share(&self, minute: u64) -> f64 {
        if minute < self.start || minute > self.end() {
            0.0
        } else if minute == self.start {
            1.0 - self.passed
        } else if minute == self.end() {
            self.passed
        } else {
            1.0
        }
    }
}

pub struct Endpoint {
    pub host: usize,
    pub rate: f64,
    pub scatter: f64,
    refused: f64,
    latency: f64,
    wander: f64,
    pub injections: Vec<Injection>,
}

struct Host {
    phase: f64,
    swing: f64,
    weekend: f64,
    wander: f64,
    /// Minute, and the factor on latency from then on.
    deploys: Vec<(u64, f64)>,
    crowds: Vec<(u64, f64)>,
}

/// One endpoint's minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub requests: u64,
    pub refused: u64,
    pub errors: u64,
    pub latency_us: f64,
    pub consumers: u64,
    /// What the oracle knows: the rate without injections.
    pub mean: f64,
}

pub struct World {
    pub endpoints: Vec<Endpoint>,
    hosts: Vec<Host>,
    dice: Dice,
}

impl World {
    pub fn new(endpoints: usize, days: u64, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let hosts = (0..HOSTS)
            .map(|host| Host {
                phase: 2.0 * dice.uniform(),
                swing: 0.4 + 0.5 * dice.uniform(),
                weekend: 0.3 + 0.5 * dice.uniform(),
                wander: 0.0,
                deploys: (0..3)
                    .map(|_| (dice.below(days * DAY), 0.85 + 0.35 * dice.uniform()))
                    .collect(),
                // A crowd comes to one host each day.
                crowds: (1..days)
                    .filter(|day| *day as usize * 37 % HOSTS == host)
                    .map(|day| (day * DAY + 500 + dice.below(700), 2.5 + 2.0 * dice.uniform()))
                    .collect(),
            })
            .collect();
        let mut endpoints: Vec<Endpoint> = (0..endpoints)
            .map(|index| Endpoint {
                host: index % HOSTS,
                // Zipf's law from 10^4 a minute to 0.01 with 10^4 endpoints.
                rate: 1e4 * ((index + 1) as f64).powf(-1.5),
                scatter: [1.0, 1.0, 1.3, 2.5][dice.below(4) as usize],
                refused: 0.002 + 0.03 * dice.uniform() * dice.uniform(),
                latency: 2_000.0 * (3.0 * dice.uniform()).exp(),
                wander: 0.0,
                injections: Vec::new(),
            })
            .collect();
        inject(&mut endpoints, days, &mut dice);
        Self { endpoints, hosts, dice }
    }

    /// Every endpoint's minute; the sink gets those with a mean, in order.
    pub fn minute(&mut self, minute: u64, sink: &mut impl FnMut(usize, Count)) {
        let Self { endpoints, hosts, dice } = self;
        let mut factors = Vec::with_capacity(hosts.len());
        for host in hosts.iter_mut() {
            // Half an hour of memory.
            host.wander = host.wander * 0.967 + 0.013 * dice.normal();
            factors.push((host.season(minute) * host.wander.exp(), host.crowd(minute)));
        }
        for (index, endpoint) in endpoints.iter_mut().enumerate() {
            let host = &hosts[endpoint.host];
            let (season, crowd) = factors[endpoint.host];
            if endpoint.rate > 0.5 {
                // An hour of memory, a tenth up and down.
                endpoint.wander = endpoint.wander * 0.983 + 0.018 * dice.normal();
            }
            let mean = endpoint.rate * season * crowd * endpoint.wander.exp();
            let mut count = endpoint.minute(minute, mean, dice);
            count.latency_us *= host.latency(minute);
            sink(index, count);
        }
    }

    /// Whether what a detection looks for really happens to a whole host, or just did.
    pub fn is_shift(&self, host: usize, detection: &str, minute: u64) -> bool {
        let host = &self.hosts[host];
        match detection {
            "rate_surge" => (minute.saturating_sub(5)..=minute).any(|it| host.crowd(it) > 1.5),
            "latency_shift" => {
                host.deploys.iter().any(|(at, by)| *by > 1.1 && (*at..at + 60).contains(&minute))
            }
            _ => false,
        }
    }

    /// Whether something harmless but large happens to the host.
    pub fn is_crowd(&self, host: usize, minute: u64) -> bool {
        self.hosts[host].crowd(minute) > 1.05
    }
}

impl Host {
    fn season(&self, minute: u64) -> f64 {
        let hour = (minute % DAY) as f64 / 60.0 - self.phase;
        let day = minute / DAY % 7;
        // Busy from nine to nine, most so at three in the afternoon.
        let wave = ((hour - 15.0) / 24.0 * std::f64::consts::TAU).cos();
        let mut season = 1.0 + self.swing * wave;
        if day >= 5 {
            season *= self.weekend;
        }
        if minute / DAY == HOLIDAY { season * 0.5 } else { season }
    }

    fn crowd(&self, minute: u64) -> f64 {
        let of = |&(start, factor): &(u64, f64)| {
            if !(start..start + 90).contains(&minute) {
                return 1.0;
            }
            let passed = (minute - start) as f64;
            1.0 + (factor - 1.0) * (passed / 15.0).min(1.0) * ((90.0 - passed) / 30.0).min(1.0)
        };
        self.crowds.iter().map(of).product()
    }

    fn latency(&self, minute: u64) -> f64 {
        self.deploys.iter().filter(|(at, _)| *at <= minute).map(|(_, factor)| factor).product()
    }
}

impl Endpoint {
    fn minute(&self, minute: u64, mean: f64, dice: &mut Dice) -> Count {
        let (mut rate, mut refused, mut slow) = (mean, self.refused, 1.0);
        let mut extra = 0.0;
        for injection in &self.injections {
            let share = injection.share(minute);
            if share <= 0.0 {
                continue;
            }
            match injection.kind {
                Kind::Spike(factor) => rate *= 1.0 + (factor - 1.0) * share,
                Kind::Silence => rate *= 1.0 - share,
                Kind::Refused(rise) => refused += rise * share,
                Kind::Slow(factor) => slow *= 1.0 + (factor - 1.0) * share,
                Kind::Ramp => rate *= 1.0 + (minute - injection.start) as f64 / 6_000.0,
                Kind::Burst => extra += 40.0 / injection.minutes as f64 * share,
            }
        }
        let requests = dice.count(rate, self.scatter) + dice.count(extra, 1.0);
        if requests == 0 {
            return Count { mean, ..Count::default() };
        }
        let noise = (0.5 / (requests as f64).sqrt()).hypot(0.05) * dice.normal();
        Count {
            requests,
            refused: dice.share(requests, refused),
            errors: dice.share(requests, 0.002),
            latency_us: self.latency * noise.exp() * slow,
            consumers: (requests as f64).sqrt().ceil() as u64,
            mean,
        }
    }
}

/// Every kind on endpoints of each order of magnitude, half a day apart on one endpoint.
fn inject(endpoints: &mut [Endpoint], days: u64, dice: &mut Dice) {
    let spans: &[(f64, f64)] = &[(20.0, 1e9), (1.0, 20.0), (0.1, 1.0)];
    for &(low, high) in spans {
        let mut kinds: Vec<(Kind, u64, usize)> = Vec::new();
        // Slow endpoints need long to tell anything.
        let long = if low >= 20.0 { 30 } else { (60.0 / low).min(600.0) as u64 };
        for factor in [3.0, 10.0] {
            let spans: &[u64] = if low >= 20.0 { &[1, 5, 30] } else { &[long] };
            // Times to find are told by the sums of so many: of few, one would make the figure.
            let times = if (1.0..20.0).contains(&low) { 90 } else { 30 };
            kinds.extend(spans.iter().map(|&span| (Kind::Spike(factor), span, times)));
        }
        kinds.push((
            Kind::Silence,
            if low >= 20.0 { 30 } else { (80.0 / low).min(900.0) as u64 },
            30,
        ));
        if low >= 1.0 {
            kinds.push((Kind::Refused(0.02), long.max(60), 20));
            kinds.push((Kind::Refused(0.10), long.max(60), 20));
            kinds.push((Kind::Slow(1.5), long.max(60), 20));
        }
        if low >= 20.0 {
            kinds.push((Kind::Ramp, 4 * DAY, 6));
        }
        if low < 1.0 {
            kinds.push((Kind::Burst, 3, 30));
        }
        let span: Vec<usize> = (0..endpoints.len())
            .filter(|&index| (low..high).contains(&endpoints[index].rate))
            .collect();
        for (kind, minutes, times) in kinds {
            for _ in 0..times {
                let last = days * DAY - minutes - 60;
                let found = (0..200).find_map(|_| {
                    let endpoint = span[dice.below(span.len() as u64) as usize];
                    let start = CALM_DAYS * DAY + dice.below(last - CALM_DAYS * DAY);
                    let is_free = endpoints[endpoint].injections.iter().all(|other| {
                        start > other.end() + 720 || start + minutes + 720 < other.start
                    });
                    is_free.then_some((endpoint, start))
                });
                let Some((endpoint, start)) = found else { continue };
                let passed = dice.uniform();
                endpoints[endpoint].injections.push(Injection {
                    kind,
                    endpoint,
                    start,
                    minutes,
                    passed,
                });
            }
        }
    }
}
