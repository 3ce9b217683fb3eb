//! How many instructions each arrow takes, held against a recorded table: a gate that no busy machine
//! moves.
//!
//! `cargo bench --bench instructions` (valgrind must be there) counts, for the recorded shop, the
//! instructions a frame of each prefix of the pipeline, and fails when one is more than 3 % above
//! `instructions.tsv`; `-- --write` records what it counts. Another capture is counted and compared with
//! nothing: `-- CAPTURE`.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::print_stderr, reason = "a bench says why it fails")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use tapline_benches::stages::{self, Recorded, Until};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pcap/http1-shop/input.pcap.zst");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.tsv");
/// Rounds that are counted, besides one that warms up.
const ROUNDS: u64 = 4;
/// How much more is let pass, in percent.
const TOLERANCE: u64 = 3;
/// Says to a child what it is to run.
const CHILD: &str = "--child=";

/// Runs one prefix so many times, for the parent to count.
fn child(job: &str, path: PathBuf) -> Result<(), Box<dyn Error>> {
    let (label, rounds) = job.split_once(' ').ok_or("no job")?;
    let until = Until::ALL.into_iter().find(|until| until.label() == label).ok_or("no prefix")?;
    let recorded = Recorded::read(path)?;
    for _ in 0..rounds.parse()? {
        std::hint::black_box(stages::run(&recorded, until));
    }
    Ok(())
}

/// Instructions of a whole child.
fn count(path: &Path, until: Until, rounds: u64) -> Result<u64, Box<dyn Error>> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .arg(path)
        .arg(format!("{CHILD}{} {rounds}", until.label()));
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind: {said}").into());
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    Ok(collected.ok_or("valgrind says no count")?.1.trim().parse()?)
}

/// Instructions a frame of one prefix, start and reading left out.
fn per_frame(path: &Path, until: Until, frames: u64) -> Result<u64, Box<dyn Error>> {
    let many = count(path, until, 1 + ROUNDS)?;
    let one = count(path, until, 1)?;
    Ok(many.saturating_sub(one) / (ROUNDS * frames))
}

fn recorded_table() -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let text = fs::read_to_string(TABLE)?;
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let (label, count) = line.split_once('\t').ok_or("a row without a tab")?;
        Ok((label.to_owned(), count.parse()?))
    })
    .collect()
}

fn run() -> Result<bool, Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let named = words.iter().find(|word| !word.starts_with("--")).map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| PathBuf::from(SHOP));
    if let Some(job) = words.iter().find_map(|word| word.strip_prefix(CHILD)) {
        child(job, path)?;
        return Ok(true);
    }
    let frames = u64::try_from(Recorded::read(path.clone())?.len().max(1))?;
    let expected = if named.is_none() { recorded_table().unwrap_or_default() } else { Vec::new() };
    let mut table = String::from("# instructions a frame of the recorded shop, cumulative\n");
    let mut holds = true;
    for until in Until::ALL {
        let counted = per_frame(&path, until, frames)?;
        writeln!(table, "{}\t{counted}", until.label())?;
        let known = expected.iter().find(|(label, _)| label == until.label()).map(|row| row.1);
        let is_fine = known.is_none_or(|known| counted * 100 <= known * (100 + TOLERANCE));
        holds &= is_fine;
        let verdict = if is_fine { "" } else { "  too many" };
        let known = known.map_or_else(|| "-".to_owned(), |known| known.to_string());
        println!(
            "{:12} {counted:8} instructions a frame, recorded {known}{verdict}",
            until.label()
        );
    }
    if words.iter().any(|word| word == "--write") {
        fs::write(TABLE, table)?;
        return Ok(true);
    }
    Ok(holds)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}
