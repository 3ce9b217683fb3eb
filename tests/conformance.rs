//! In every capture of the shared corpus the sensor hears what another program hears.
//!
//! A capture agrees when the sensor's requests and final responses are exactly those of one of the
//! oracles that came with it. Each capture that does not is listed in `conformance/exceptions.tsv`
//! with who is wrong, and why.

mod arkime;
mod deepflow;
mod exceptions;
mod heard;
mod message;
mod opinion;
mod report;
mod suricata;
mod tshark;
mod yaml;
mod zeek;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use tapline_tests::skip;

use self::exceptions::{Exceptions, Wrong};
use self::heard::Heard;
use self::opinion::Opinion;
use self::report::{Report, Row};

/// Replays that run at once.
const REPLAYS: usize = 2;
/// Of the captures with HTTP, and of those without, so many in a thousand agree.
const AGREE_PER_MILLE: usize = 970;

/// The oracles of the corpus.
struct Oracles {
    corpus: PathBuf,
    tshark: tshark::Messages,
    zeek: zeek::Tests,
    suricata: suricata::Tests,
}

impl Oracles {
    fn read(corpus: &Path) -> Self {
        Self {
            corpus: corpus.to_owned(),
            tshark: tshark::Messages::read(corpus),
            zeek: zeek::Tests::read(corpus),
            suricata: suricata::Tests::read(corpus),
        }
    }

    /// What each oracle of a capture thinks of what was heard in it.
    fn opinions(&self, capture: &str, heard: &Heard) -> Vec<Opinion> {
        let mut opinions = self.tshark.opinions(capture, heard);
        opinions.extend(self.zeek.opinions(capture, heard));
        // Suricata does not always say of which version it speaks.
        if !self.tshark.has_http2(capture) {
            let is_http = self.tshark.has_http1(capture);
            opinions.extend(self.suricata.opinion(capture, is_http, heard));
        }
        opinions.extend(deepflow::opinion(&self.corpus.join(capture), heard));
        opinions.extend(arkime::opinion(&self.corpus.join(capture), heard));
        opinions
    }
}

/// One capture, judged.
fn judge(oracles: &Oracles, exceptions: &Exceptions, capture: &str) -> Row {
    let heard = match heard::replay(&oracles.corpus.join(capture)) {
        Ok(heard) => heard,
        Err(fault) => return Row::failed(capture, fault),
    };
    let opinions = oracles.opinions(capture, &heard);
    let has_http = opinions.iter().any(|opinion| opinion.has_http);
    let agrees = |opinion: &&Opinion| opinion.agrees && !opinion.is_blind(&opinions);
    let agrees_with = opinions.iter().find(agrees).map(|opinion| opinion.oracle);
    let expected = exceptions.find(capture);
    let mut faults = heard.faults.clone();
    match (agrees_with, expected) {
        (None, None) => {
            faults.push(format!("agrees with no oracle\n{}", show(&heard, &opinions)));
        }
        (Some(oracle), Some(_)) => {
            faults.push(format!("is listed as an exception and agrees with {oracle}"));
        }
        (None, Some(_)) | (Some(_), None) => {}
    }
    Row { capture: capture.to_owned(), has_http, agrees_with, wrong: expected, faults }
}

fn show(heard: &Heard, opinions: &[Opinion]) -> String {
    let said = opinions.iter().map(|opinion| format!("\n  {}: {}", opinion.oracle, opinion.text));
    format!("  tapline: {heard}{}", said.collect::<String>())
}

/// Every capture in the corpus, as a path below it.
fn captures(corpus: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![corpus.join("pcap")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(corpus).unwrap().to_str().unwrap();
            let plain = name.strip_suffix(".gz").unwrap_or(name);
            if path.is_dir() {
                folders.push(path);
            } else if [".pcap", ".pcapng", ".cap"].iter().any(|end| plain.ends_with(end)) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_capture_is_heard_as_others_hear_it() {
    let Some(corpus) = skip::corpus() else { return };
    let oracles = Oracles::read(&corpus);
    let exceptions = Exceptions::read();
    let captures = captures(&corpus);
    assert!(captures.len() > 500, "the captures were found");

    let waiting = Mutex::new(captures.iter());
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..REPLAYS {
            scope.spawn(|| {
                loop {
                    let Some(capture) = waiting.lock().unwrap().next() else { return };
                    let row = judge(&oracles, &exceptions, capture);
                    rows.lock().unwrap().push(row);
                }
            });
        }
    });

    let report = Report::new(rows.into_inner().unwrap());
    report.print();
    let missing = exceptions.captures().filter(|capture| !captures.contains(*capture));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&str>::new(), "listed, and not in the corpus");
    report.assert_no_fault();
    for has_http in [true, false] {
        let (count, agree) = (report.count(has_http), report.agree(has_http));
        let per_mille = agree * 1_000 / count;
        assert!(per_mille >= AGREE_PER_MILLE, "HTTP {has_http}: {agree} of {count} agree");
    }
}
