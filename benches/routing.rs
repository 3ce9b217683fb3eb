//! What a transaction of a known route takes from its head to the delta: naming it, telling who asks,
//! and folding it, one core, without a body.
//!
//! `cargo bench --bench routing` prints nanoseconds a transaction, of CPU time, best of five rounds, beside
//! the budget of a microsecond. The epochs are sealed as in the sensor, and that is part of the figure. Ends
//! with 1 only when a transaction was lost: the time is the machine's, too.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::print_stderr, reason = "a bench says why it fails")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fs;
use std::process::ExitCode;

use tapline_behavior::Fold;
use tapline_benches::exchange::Exchange;
use tapline_discovery::Discovery;
use tapline_model::{
    Epoch, Feedback, Key, OwnedHeaders, RouteFeedback, RouteKey, ShardId, Timestamp,
};

const ROUNDS: usize = 5;
const TRANSACTIONS: usize = 400_000;
/// Transactions of an epoch.
const EPOCH: usize = 20_000;
/// Different transactions, sent over and over.
const DIFFERENT: usize = 4_000;
const BUDGET_NANOS: f64 = 1_000.0;

/// One kind of traffic: its routes, whose ids differ from one request to the next, and who asks.
struct Traffic {
    name: &'static str,
    routes: usize,
    consumers: usize,
    query: bool,
    credential: bool,
}

const TRAFFIC: &[Traffic] = &[
    Traffic { name: "1 route", routes: 1, consumers: 10, query: false, credential: false },
    Traffic { name: "100 routes", routes: 100, consumers: 100, query: false, credential: false },
    Traffic {
        name: "100 routes, bearer tokens",
        routes: 100,
        consumers: 100,
        query: false,
        credential: true,
    },
    Traffic {
        name: "100 routes, tokens and queries",
        routes: 100,
        consumers: 100,
        query: true,
        credential: true,
    },
];

fn exchange(at: usize, traffic: &Traffic) -> Exchange {
    let route = at % traffic.routes;
    let consumer = u32::try_from(at % traffic.consumers).unwrap_or_default();
    let host = format!("host{}.example", route % 10);
    let token = format!("Bearer t{consumer}");
    let mut sent = vec![("Host", host.as_str()), ("User-Agent", "client/1.0"), ("Accept", "*/*")];
    if traffic.credential {
        sent.push(("Authorization", &token));
    }
    Exchange {
        client: Exchange::client(consumer),
        path: format!("/v1/collection{}/{}/items", route / 10, 1_000 + at * 7),
        query: traffic.query.then_some(b"limit=20&sort=name"),
        body: String::new(),
        sent: OwnedHeaders::new(sent.iter().copied()),
        answered: OwnedHeaders::new([("Content-Length", "0"), ("Cache-Control", "no-store")]),
        host,
    }
}

/// What this thread has spent on a core, so that what else runs does not show. 0 where the kernel does
/// not say.
fn cpu_nanos() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

struct Stages {
    shard: ShardId,
    discovery: Discovery,
    fold: Fold,
    feedback: Feedback,
    epoch: u64,
    requests: u64,
}

impl Stages {
    /// Knows every route of the exchanges, and well.
    fn new(exchanges: &[Exchange]) -> Self {
        let shard = ShardId::all().next().unwrap_or_default();
        let config = tapline_discovery::Config::default();
        let bodies_one_in = config.bodies_one_in;
        let mut discovery = Discovery::new(config, Key::fixed());
        let mut routes: Vec<RouteKey> = Vec::new();
        for exchange in exchanges {
            let transaction = exchange.transaction(Timestamp::from_seconds(1));
            discovery.push(&transaction, shard, &Feedback::default(), &mut |observation| {
                routes.push(observation.route);
            });
        }
        let known = routes.into_iter().map(|route| (route, RouteFeedback { bodies_one_in }));
        let feedback = Feedback::with_routes(Epoch(1), known);
        let fold = Fold::new(&tapline_behavior::Config::default(), 0, 0, 0);
        Self { shard, discovery, fold, feedback, epoch: 2, requests: 0 }
    }

    /// One epoch; CPU nanoseconds.
    fn epoch(&mut self, exchanges: &[Exchange]) -> u64 {
        self.epoch += 1;
        let started_at = Timestamp::from_seconds(self.epoch);
        let began = cpu_nanos();
        self.discovery.begin_second(Epoch(self.epoch));
        let Self { shard, discovery, fold, feedback, .. } = self;
        for at in 0..EPOCH {
            let Some(exchange) = exchanges.get(at % exchanges.len().max(1)) else { continue };
            let transaction = exchange.transaction(started_at.plus_nanos(at as u64 * 40_000));
            discovery.push(&transaction, *shard, feedback, &mut |observation| {
                fold.observe(*shard, observation, feedback);
            });
        }
        let delta = self.fold.seal(Epoch(self.epoch));
        let spent = cpu_nanos() - began;
        let routes = delta.iter().flat_map(|delta| delta.routes.values());
        self.requests += routes.map(|route| route.requests).sum::<u64>();
        spent
    }
}

/// Nanoseconds a transaction of the best round, and whether all of them were folded.
fn measure(traffic: &Traffic) -> (f64, bool) {
    let exchanges: Vec<Exchange> = (0..DIFFERENT).map(|at| exchange(at, traffic)).collect();
    let mut stages = Stages::new(&exchanges);
    let epochs = TRANSACTIONS / EPOCH;
    stages.epoch(&exchanges);
    let rounds = (0..ROUNDS).map(|_| (0..epochs).map(|_| stages.epoch(&exchanges)).sum::<u64>());
    let best = rounds.min().unwrap_or_default();
    let folded = ((1 + ROUNDS * epochs) * EPOCH) as u64;
    (best as f64 / TRANSACTIONS as f64, stages.requests == folded)
}

fn main() -> ExitCode {
    let mut holds = true;
    for traffic in TRAFFIC {
        let (nanos, is_whole) = measure(traffic);
        if nanos <= 0.0 {
            eprintln!("routing: /proc/thread-self/schedstat does not tell the time of a thread");
            return ExitCode::FAILURE;
        }
        holds &= is_whole;
        let verdict = match (is_whole, nanos <= BUDGET_NANOS) {
            (false, _) => "  not all were folded",
            (true, false) => "  over the budget",
            (true, true) => "",
        };
        println!("{:32} {nanos:8.1} ns/transaction{verdict}", traffic.name);
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
