//! Live: a mirror port, a real nginx and real clients, and every request is there.

mod interfaces;
mod overload;
mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tapline_tests::http;
use tapline_tests::program::{Program, pause};
use tapline_tests::sensor::{json, json_lines};

use self::stage::{CLIENTS, Mirror, Stage};

const REQUESTS: u64 = 20_000;

/// Scrapes until told to stop; every scrape must conserve.
fn conservation(page: &str) -> Result<(), String> {
    let ledgers: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| {
            let labels = line.strip_prefix("tapline_pipeline_received_total{")?;
            let value = |name: &str| {
                let rest = labels.split_once(&format!("{name}=\""))?.1;
                Some(rest.split_once('"')?.0.to_owned())
            };
            Some((value("stage")?, value("unit")?))
        })
        .collect();
    if ledgers.is_empty() {
        return Err(format!("no ledger in the scrape: {page:?}"));
    }
    for (stage, unit) in ledgers {
        let of = |metric: &str| {
            page.lines()
                .filter(|line| {
                    line.starts_with(&format!("{metric}{{"))
                        && line.contains(&format!("stage=\"{stage}\""))
                        && line.contains(&format!("unit=\"{unit}\""))
                })
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum::<f64>()
        };
        let received = of("tapline_pipeline_received_total");
        let accounted = of("tapline_pipeline_processed_total")
            + of("tapline_pipeline_dropped_total")
            + of("tapline_pipeline_ignored_total")
            + of("tapline_pipeline_held");
        if (received - accounted).abs() > 0.5 {
            return Err(format!("{stage} {unit}: received {received}, accounted {accounted}"));
        }
    }
    Ok(())
}

fn check(mirror: Mirror, workers: u16, requests: u64) {
    let Some(mut stage) = Stage::start(mirror, workers, "") else { return };
    let running: Vec<Program> =
        (1..=CLIENTS).map(|last| stage.client(last, requests / CLIENTS)).collect();
    let mut scrapes = 0;
    for mut client in running {
        loop {
            conservation(&stage.scrape()).unwrap();
            scrapes += 1;
            if let Some(code) = client.wait(1) {
                assert_eq!(code, 0, "the client ended well");
                break;
            }
        }
    }
    assert!(scrapes > 3);
    pause(3_000);
    let page = stage.scrape();
    conservation(&page).unwrap();
    assert!(http::sum(&page, "tapline_pipeline_dropped_total", "") < 0.5, "nothing was dropped");
    assert_eq!(http::metric(&page, "tapline_sampling_ratio"), Some(1.0), "nothing was shed");
    stage.end();
    judge(&stage.out(), stage.folder(), requests);
}

/// Everything that nginx logged is in the output, with the right endpoints.
fn judge(out: &Path, folder: &Path, requests: u64) {
    let logged = fs::read_to_string(folder.join("access.log")).unwrap();
    assert_eq!(logged.lines().count() as u64, requests);
    let lines = json_lines(&out.join("transactions.jsonl"));
    let broken: Vec<_> = lines.iter().filter(|line| line["completeness"] != "whole").collect();
    assert!(broken.is_empty(), "{} are not whole: {:?}", broken.len(), broken.first());
    let mut heard: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line["path"].as_str().unwrap(), line["status"]))
        .collect();
    let mut expected: Vec<String> = logged
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            format!("{} {}", fields[1].split('?').next().unwrap(), fields[2])
        })
        .collect();
    heard.sort();
    expected.sort();
    assert_eq!(heard.len(), expected.len());
    let odd: Vec<_> =
        heard.iter().zip(&expected).filter(|(heard, logged)| heard != logged).collect();
    assert!(odd.is_empty(), "the paths and statuses are those of the access log: {odd:?}");
    let inventory = json(&out.join("inventory.json"));
    let endpoints: BTreeSet<String> = inventory["services"][0]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| {
            format!(
                "{} {}",
                endpoint["method"].as_str().unwrap(),
                endpoint["template"].as_str().unwrap()
            )
        })
        .collect();
    let right = [
        "GET /api/v1/items",
        "GET /api/v1/items/{itemId}",
        "GET /api/v1/items/{itemId}/parts",
        "GET /files/{fileId}",
        "GET /health",
    ];
    assert_eq!(endpoints, right.iter().map(|&text| text.to_owned()).collect());
    let summary = json(&out.join("summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
}

#[test]
fn a_mirror_port_is_heard_whole() {
    check(Mirror::OnePort, 1, REQUESTS);
}

#[test]
fn two_workers_hear_it_whole_as_well() {
    check(Mirror::OnePort, 2, REQUESTS);
}

#[test]
fn two_mirror_ports_of_one_direction_each_are_joined() {
    check(Mirror::TwoPorts, 1, REQUESTS / 4);
}

#[test]
fn two_mirror_ports_are_joined_by_two_workers_as_well() {
    check(Mirror::TwoPorts, 2, REQUESTS / 4);
}
