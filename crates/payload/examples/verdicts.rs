//! Reads values, one a line in hexadecimal digits, and prints what each shows: `attack:score,...`, or `-`.
//!
//! usage: verdicts [path|query|header|cookie|body] < LINES

use std::io::{BufRead, Write};

use tapline_model::AttackPlace;
use tapline_payload::Inspector;

fn main() -> std::io::Result<()> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let place = AttackPlace::ALL.iter().find(|place| place.label() == wanted);
    let place = place.copied().unwrap_or(AttackPlace::Query);
    let mut inspector = Inspector::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let value = unhex(&line?);
        let mut verdict = Vec::new();
        inspector.look(&value, place, &mut |attack, score| {
            verdict.push(format!("{}:{score}", attack.label()));
        });
        let text = if verdict.is_empty() { "-".to_owned() } else { verdict.join(",") };
        writeln!(out, "{text}")?;
    }
    out.flush()
}

/// The bytes that a line spells in hexadecimal digits; pairs that are none are left out.
fn unhex(line: &str) -> Vec<u8> {
    let digits: Vec<u8> = line.bytes().collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks_exact(2).filter_map(pair).collect()
}
