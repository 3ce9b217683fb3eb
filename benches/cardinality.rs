//! What a flood of new names leaves of the bounds: a million paths on ten thousand hosts, and a hundred
//! thousand fields, each seen once, go through discovery, fold and inventory.
//!
//! `cargo bench --bench cardinality` does it with the defaults and with a tenth of them, each in a process
//! of its own. Prints what is kept of each sort, the bound, what was left out, and by how much the memory
//! grew; ends with 1 when a bound is passed, when what is left out is not counted, or when the memory grew
//! by more than the budget.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::print_stderr, reason = "a bench says why it fails")]

use std::collections::HashSet;
use std::process::{Command, ExitCode};
use std::{env, fs};

use tapline_behavior::Fold;
use tapline_benches::exchange::Exchange;
use tapline_discovery::{Config, Discovery, Inventory};
use tapline_model::{Epoch, Feedback, Key, OwnedHeaders, ShardId, Timestamp};

const PATHS: u64 = 1_000_000;
const HOSTS: u64 = 10_000;
const FIELDS: u64 = 100_000;
/// Fields of one document.
const DOCUMENT: u64 = 50;
/// Paths of an epoch.
const EPOCH: usize = 20_000;
/// Documents of one: of more than a few thousand fields a second only a sample is looked into.
const DOCUMENTS_EPOCH: usize = 20;
/// Bytes that worker and inventory may take with the defaults: they took 1 025 MiB when this was written,
/// with the delta of an epoch that no cap of a shard cuts. With a tenth of the bounds a third of it, for the
/// worker's memories and the delta do not follow the bounds of the inventory.
const BUDGET_BYTES: u64 = 1_152 << 20;
/// Says to a child what its bounds are divided by.
const CHILD: &str = "--child=";

/// Letters that look like a word, different for every number.
fn word(number: u64) -> String {
    let mut rest = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let letter = |rest: &mut u64| {
        let at = u8::try_from(*rest % 26).unwrap_or_default();
        *rest /= 26;
        char::from(b'a' + at)
    };
    (0..12).map(|_| letter(&mut rest)).collect()
}

fn exchange(at: u64, host: u64, path: String, body: String) -> Exchange {
    let host = format!("{}.example", word(host));
    Exchange {
        client: Exchange::client(u32::try_from(at % 50_000).unwrap_or_default()),
        path,
        query: None,
        body,
        sent: OwnedHeaders::new([("Host", host.as_str())]),
        answered: OwnedHeaders::new([("Content-Type", "application/json")]),
        host,
    }
}

/// A path of its own.
fn path(at: u64) -> Exchange {
    exchange(at, at % HOSTS, format!("/{}/{}", word(at), word(!at)), String::new())
}

/// A document of fields of their own.
fn document(at: u64) -> Exchange {
    let first = at * DOCUMENT;
    let fields = (first..first + DOCUMENT).map(|at| format!("\"{}\":{at}", word(at)));
    let body = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
    // On a host of its own, so that its path is no value among others.
    exchange(at, at, "/document".to_owned(), body)
}

struct Sensor {
    shard: ShardId,
    discovery: Discovery,
    fold: Fold,
    inventory: Inventory,
    feedback: Feedback,
    epoch: u64,
    folded: u64,
}

impl Sensor {
    fn new(config: &Config) -> Self {
        // One shard stands for all, so it gets the whole budget of 64.
        let defaults = tapline_behavior::Config::default();
        let behavior = tapline_behavior::Config {
            delta_routes_max: 64 * defaults.delta_routes_max,
            delta_hosts_max: 64 * defaults.delta_hosts_max,
            ..defaults
        };
        Self {
            shard: ShardId::all().next().unwrap_or_default(),
            discovery: Discovery::new(config.clone(), Key::fixed()),
            fold: Fold::new(&behavior, 0, 0, 0),
            inventory: Inventory::new(config.clone(), Key::fixed()),
            feedback: Feedback::default(),
            epoch: 1_740_830_400,
            folded: 0,
        }
    }

    /// Sends exchanges, and merges what an epoch has brought.
    fn send(&mut self, exchanges: impl Iterator<Item = Exchange>, per_epoch: usize) {
        let mut rest = exchanges.peekable();
        while rest.peek().is_some() {
            self.epoch += 1;
            let started_at = Timestamp::from_seconds(self.epoch);
            self.discovery.begin_second(Epoch(self.epoch));
            for exchange in rest.by_ref().take(per_epoch) {
                let Self { shard, discovery, fold, feedback, .. } = self;
                let transaction = exchange.transaction(started_at);
                discovery.push(&transaction, *shard, feedback, &mut |observation| {
                    fold.observe(*shard, observation, feedback);
                });
            }
            let Some(delta) = self.fold.seal(Epoch(self.epoch)) else { continue };
            self.folded += delta.routes.values().map(|route| route.requests).sum::<u64>();
            self.inventory.apply(&delta);
            self.inventory.tick(Timestamp::from_seconds(self.epoch + 1));
            if self.inventory.routes_changed() {
                let routes = self.inventory.known_routes();
                self.feedback = Feedback::with_routes(Epoch(self.epoch), routes);
            }
        }
    }
}

fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// Prints what is kept of one sort. Whether it is no more than its bound, and whether it is known that
/// something was left out, if something was.
fn row(name: &str, offered: u64, kept: u64, max: u64, left_out: u64) -> bool {
    let is_fine = kept <= max && (kept >= offered.min(max) || left_out > 0);
    let verdict = if is_fine { "" } else { "  not bounded, or not counted" };
    println!(
        "  {name:10} offered {offered:8} kept {kept:7} of {max:7} left out {left_out:8}{verdict}"
    );
    is_fine
}

/// Bounds divided by `divisor`; whether they hold.
fn child(divisor: u64) -> bool {
    let part = |max: u32| max / u32::try_from(divisor).unwrap_or(1).max(1);
    let defaults = Config::default();
    let config = Config {
        hosts_max: part(defaults.hosts_max),
        endpoints_max: part(defaults.endpoints_max),
        path_places_max: part(defaults.path_places_max),
        fields_max: part(defaults.fields_max),
        // One shard stands for all, and every document is to be read.
        body_bytes_per_second: 64 * 64 * defaults.body_bytes_per_second,
        ..defaults
    };
    let before = resident_bytes();
    let mut sensor = Sensor::new(&config);
    // Fields first: what comes first has its endpoints.
    sensor.send((0..FIELDS / DOCUMENT).map(document), DOCUMENTS_EPOCH);
    sensor.send((0..PATHS).map(path), EPOCH);
    sensor.inventory.settle();
    let grown = resident_bytes().saturating_sub(before);

    let inventory = &mut sensor.inventory;
    let endpoints = inventory.endpoints();
    let hosts: HashSet<&str> = endpoints.iter().map(|it| it.host.as_str()).collect();
    let requests: u64 = endpoints.iter().map(|it| it.requests).sum();
    let rejected = inventory.rejected();
    let overflowed = sensor.fold.stats().observations.dropped_total();
    println!("bounds: the defaults divided by {divisor}");
    let sent = PATHS + FIELDS / DOCUMENT;
    let kept = endpoints.len() as u64;
    let rows = [
        row("hosts", HOSTS, hosts.len() as u64, config.hosts_max.into(), rejected.hosts),
        row(
            "endpoints",
            sent,
            kept,
            config.endpoints_max.into(),
            rejected.endpoints + rejected.routes,
        ),
        row(
            "fields",
            FIELDS,
            inventory.fields(),
            config.fields_max.into(),
            inventory.fields_evicted() + rejected.field_values,
        ),
        // Each is of an endpoint, of none, or was left out of a delta.
        row("requests", sent, requests + inventory.unmatched_requests(), sensor.folded, overflowed),
    ];
    let budget = if divisor == 1 { BUDGET_BYTES } else { BUDGET_BYTES / 3 };
    println!(
        "  memory     grew by {} MiB, budget {} MiB; {} paths found no room to be learned from",
        grown >> 20,
        budget >> 20,
        rejected.paths
    );
    rows.iter().all(|is_fine| *is_fine) && grown <= budget
}

fn main() -> ExitCode {
    let divisor = env::args().find_map(|word| word.strip_prefix(CHILD)?.parse().ok());
    if let Some(divisor) = divisor {
        return if child(divisor) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let run = |divisor: u64| {
        let mut again = Command::new(env::current_exe()?);
        again.arg(format!("{CHILD}{divisor}")).status()
    };
    let mut holds = true;
    for divisor in [1, 10] {
        match run(divisor) {
            Ok(status) => holds &= status.success(),
            Err(error) => {
                eprintln!("cardinality: {error}");
                holds = false;
            }
        }
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
