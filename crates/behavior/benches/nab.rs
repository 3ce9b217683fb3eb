//! The Numenta Anomaly Benchmark: the series scorer of the latency and size baselines on public series.
//!
//! `cargo bench -p tapline-behavior --bench nab` reads `$TAPLINE_CORPUS/timeseries/nab` and prints
//! the score of each profile, with one threshold and one set of paces for all series. The paces were
//! chosen on the same series, so the figures are the best that the scorer does, not what it would do
//! on others. The corpus holds 31 of NAB's 58 series: scores of other detectors on all of them are
//! no measure for these.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::single_match_else,
    clippy::unwrap_used,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "a bench: figures for people, and nobody's input"
)]

#[path = "nab/score.rs"]
mod score;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use tapline_sketch::{Pace, Series, Tail};

use self::score::{PROFILES, Scored, normalized, verify};

/// One set for all series.
const PACE: Pace = Pace {
    level_points: 20.0,
    short_points: 25.0,
    long_points: 425.0,
    spread_points: 4_000.0,
    spread_min: 1e-6,
};
/// Points before anything is said; NAB ignores more than that.
const WARM_UP: usize = 100;
/// Evidence below this is no alert.
const EVIDENCE_MIN: f64 = 6.0;
/// What follows an alert is muted for as long as the long level takes to know of it, unless it is
/// stronger by this factor.
const MUTED_FACTOR: f64 = 1.5;

fn main() {
    verify();
    let corpus =
        std::env::var("TAPLINE_CORPUS").unwrap_or_else(|_| "../../../shared/corpus".to_owned());
    let nab = Path::new(&corpus).join("timeseries/nab");
    let Ok(labels) = File::open(nab.join("labels/combined_windows.json")) else {
        println!("SKIPPED: no series in {}; set TAPLINE_CORPUS", nab.display());
        return;
    };
    let labels: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_reader(BufReader::new(labels)).unwrap();
    let mut all = Vec::new();
    let mut points = 0;
    for (name, windows) in &labels {
        let (times, values) = read(&nab.join("data").join(format!("{name}.gz")));
        let place = |time: &str| {
            let time = time.split('.').next().unwrap();
            times.iter().position(|known| known == time).unwrap()
        };
        let windows = windows.iter().map(|(from, to)| (place(from), place(to))).collect();
        points += values.len();
        all.push(Scored { scores: scores(&values), windows });
    }
    let windows: usize = all.iter().map(|series| series.windows.len()).sum();
    println!("{} series, {points} points, {windows} windows; {PACE:?}", all.len());
    for profile in &PROFILES {
        let (score, threshold) = normalized(&all, profile);
        println!("{:<9} {score:.2} at a threshold of {threshold:.3}", profile.name);
    }
}

/// What the scorer says of each point: both of its deviations together, and of what follows from one
/// cause the first.
fn scores(values: &[f64]) -> Vec<f64> {
    let (mut series, mut drifts) = (Series::new(), Tail::new());
    let (mut since, mut last) = (f64::INFINITY, 0.0);
    let judge = |(index, value): (usize, &f64)| {
        let judged = series.judge(*value, &PACE);
        let drift = series.drift_spreads(*value, &PACE).abs();
        let evidence = -judged.ln_probability - drifts.ln_at_least(drift);
        if series.is_measured() {
            drifts.learn(drift);
        }
        series.learn(*value, &PACE);
        since += 1.0;
        let is_muted = since < PACE.long_points && evidence <= last * MUTED_FACTOR;
        if index < WARM_UP || evidence <= EVIDENCE_MIN || is_muted {
            return 0.0;
        }
        (since, last) = (0.0, evidence);
        evidence
    };
    values.iter().enumerate().map(judge).collect()
}

/// Times and values of a compressed table.
fn read(path: &Path) -> (Vec<String>, Vec<f64>) {
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let (time, value) = line.split_once(',').unwrap();
        (time.to_owned(), value.trim().parse::<f64>().unwrap())
    };
    text.lines().skip(1).map(row).unzip()
}
