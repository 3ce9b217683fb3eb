//! Overload: whole flows are shed, the sensor says so, and comes back by itself.

use std::collections::BTreeMap;

use tapline_tests::http;
use tapline_tests::program::{pause, until};
use tapline_tests::sensor::{json, json_lines};

use super::conservation;
use super::stage::{CLIENTS, Mirror, Stage};

const SETTINGS: &str = "\
overload:
  lag_seconds_max: 0.5
  recovery_seconds: 3
capture:
  buffer_bytes: 4MiB
";

fn ratio(page: &str) -> Option<f64> {
    http::metric(page, "tapline_sampling_ratio")
}

/// The sensor is held for a while, so that what it reads is old and the ring runs over.
#[test]
fn a_sensor_that_falls_behind_sheds_whole_flows_and_recovers() {
    let Some(mut stage) = Stage::start(Mirror::OnePort, 2, SETTINGS) else { return };
    // Enough that they are still at it when the sensor goes on, on a fast machine too.
    let clients: Vec<_> = (1..=CLIENTS).map(|last| stage.client(last, 15_000)).collect();
    pause(2_000);
    assert_eq!(ratio(&stage.scrape()), Some(1.0), "ordinary load sheds nothing");
    stage.tapline.signal("STOP");
    pause(3_000);
    stage.tapline.signal("CONT");
    let mut least = 1.0f64;
    let shed = |page: &str| http::sum(page, "tapline_pipeline_dropped_total", "reason=\"shed\"");
    let sheds = until(15, || {
        let page = stage.scrape();
        conservation(&page).unwrap();
        least = least.min(ratio(&page).unwrap_or(1.0));
        least < 1.0 && shed(&page) > 0.0
    });
    assert!(sheds, "flows are shed");
    for mut client in clients {
        assert_eq!(client.wait(120), Some(0), "the client ended well");
    }
    assert!(until(60, || ratio(&stage.scrape()) == Some(1.0)), "it recovers by itself");
    conservation(&stage.scrape()).unwrap();
    stage.end();
    let summary = json(&stage.out().join("summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);

    // Flows are kept or shed whole, but for those that were under way when the rate changed.
    let mut flows: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for line in json_lines(&stage.out().join("transactions.jsonl")) {
        let (all, broken) = flows.entry(line["client"].to_string()).or_default();
        *all += 1;
        *broken += u64::from(line["completeness"] != "whole");
    }
    let broken = flows.values().filter(|(_, broken)| *broken > 0).count();
    assert!(broken * 5 < flows.len(), "{broken} of {} flows", flows.len());
    assert!(flows.values().all(|(_, broken)| *broken <= 6), "{flows:?}");
}
