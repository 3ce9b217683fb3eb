//! What each arrow costs: one core, the stages as plain calls, cumulative.
//!
//! `cargo bench --bench pipeline -- CAPTURE...` (default: the recorded shop). Prints nanoseconds a frame,
//! Gbit/s and transactions a second for each prefix of the pipeline, best of five rounds.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::path::PathBuf;
use std::time::Instant;

use tapline_benches::stages::{self, Recorded, Until};

const ROUNDS: usize = 5;

/// One round; nanoseconds and transactions.
fn round(recorded: &Recorded, until: Until) -> (u64, u64) {
    let began = Instant::now();
    let transactions = stages::run(recorded, until);
    (u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX), transactions)
}

fn report(name: &str, recorded: &Recorded) {
    let frames = recorded.len().max(1) as f64;
    println!("{name}: {} frames, {} bytes", recorded.len(), recorded.byte_count());
    for (label, until) in [
        ("frame -> segment", Until::Segment),
        ("   ... -> chunk", Until::Chunk),
        ("   ... -> transaction", Until::Transaction),
        ("   ... -> observation", Until::Observation),
        ("   ... -> delta", Until::Delta),
    ] {
        let best = (0..ROUNDS).map(|_| round(recorded, until)).min().unwrap_or_default();
        let nanos = best.0.max(1) as f64;
        println!(
            "  {label:24} {:8.0} ns/frame {:8.2} Gbit/s {:10.0} transactions/s",
            nanos / frames,
            recorded.byte_count() as f64 * 8.0 / nanos,
            best.1 as f64 * 1e9 / nanos,
        );
    }
}

fn main() -> Result<(), tapline_capture::CaptureError> {
    let named: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pcap/http1-shop/input.pcap.zst");
    let captures = if named.is_empty() { vec![PathBuf::from(shop)] } else { named };
    for path in captures {
        let name = path.display().to_string();
        report(&name, &Recorded::read(path)?);
    }
    Ok(())
}
