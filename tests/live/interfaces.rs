//! Interfaces that go and come back: the sensor stays, says so, and hears again.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use tapline_tests::program::{pause, until};
use tapline_tests::sensor::json;
use tapline_tests::{http, skip};

use super::conservation;
use super::stage::{Mirror, Stage};
use crate::TAPLINE;

fn is_up(page: &str, port: &str) -> Option<f64> {
    http::metric(page, &format!("tapline_capture_source_up{{source=\"{port}\"}}"))
}

fn frames(page: &str, port: &str) -> f64 {
    http::sum(page, "tapline_capture_frames_total", &format!("source=\"{port}\""))
}

fn waits_for(stage: &Stage, port: &str, up: f64) {
    let holds = until(20, || is_up(&stage.scrape(), port) == Some(up));
    assert!(holds, "{port}: up is {up}\n{}", stage.ready());
}

/// Lets a client ask; what the sensor has understood afterwards.
fn understood(stage: &Stage, requests: u64) -> f64 {
    let before = http::sum(&stage.scrape(), "tapline_transactions_total", "");
    assert_eq!(stage.client(1, requests).wait(60), Some(0), "the client ended well");
    pause(3_000);
    let page = stage.scrape();
    conservation(&page).unwrap();
    http::sum(&page, "tapline_transactions_total", "") - before
}

/// Both mirror ports vanish, one after the other, and are made again.
#[test]
fn ports_that_vanish_and_return_are_heard_again() {
    let Some(mut stage) = Stage::start(Mirror::TwoPorts, 2, "") else { return };
    assert!(until(10, || stage.ready().ends_with("200")), "{}", stage.ready());
    assert!((understood(&stage, 300) - 300.0).abs() < 0.5, "all is heard");
    let before = stage.scrape();

    stage.net.delete_port("m1");
    waits_for(&stage, "m1", 0.0);
    assert_eq!(is_up(&stage.scrape(), "m0"), Some(1.0), "the other goes on");
    assert!(stage.ready().ends_with("200"), "half is heard: {}", stage.ready());
    understood(&stage, 50);
    assert!(frames(&stage.scrape(), "m0") > frames(&before, "m0"), "the other is heard");

    stage.net.delete_port("m0");
    waits_for(&stage, "m0", 0.0);
    let said = stage.ready();
    assert!(said.ends_with("503") && said.contains("m0: the interface is down"), "{said}");
    pause(2_000);
    assert!(until(5, || stage.scrape().contains("tapline_build_info")), "it waits");

    for port in ["m0", "m1"] {
        stage.net.make_port(port);
    }
    stage.net.start_mirror();
    for port in ["m0", "m1"] {
        waits_for(&stage, port, 1.0);
        let page = stage.scrape();
        assert!(frames(&page, port) >= frames(&before, port), "counters never fall");
        let outages = format!("tapline_capture_outages_total{{source=\"{port}\"}}");
        assert_eq!(http::metric(&page, &outages), Some(1.0), "{port}");
    }
    assert!(stage.ready().ends_with("200"), "{}", stage.ready());
    assert!((understood(&stage, 300) - 300.0).abs() < 0.5, "all is heard again");
    stage.end();
    let summary = json(&stage.out().join("summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
}

/// A port is made anew under its old name before anyone looks; another is only taken down.
#[test]
fn a_port_made_anew_and_a_link_taken_down_are_noticed() {
    let Some(mut stage) = Stage::start(Mirror::OnePort, 1, "") else { return };
    assert!((understood(&stage, 100) - 100.0).abs() < 0.5, "all is heard");
    stage.net.delete_port("m0");
    stage.net.make_port("m0");
    stage.net.start_mirror();
    let outages = "tapline_capture_outages_total{source=\"m0\"}";
    assert!(until(20, || http::metric(&stage.scrape(), outages) == Some(1.0)), "it is noticed");
    waits_for(&stage, "m0", 1.0);
    assert!((understood(&stage, 100) - 100.0).abs() < 0.5, "all is heard again");

    stage.net.set_port("m0", "down");
    waits_for(&stage, "m0", 0.0);
    assert!(stage.ready().ends_with("503"), "{}", stage.ready());
    stage.net.set_port("m0", "up");
    waits_for(&stage, "m0", 1.0);
    assert_eq!(http::metric(&stage.scrape(), outages), Some(2.0));
    assert!((understood(&stage, 100) - 100.0).abs() < 0.5, "all is heard once more");
    stage.end();
}

/// The threads of a process that stay on core 0.
fn pinned(process: u32) -> BTreeSet<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let statuses =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    let names = statuses.filter_map(|status| {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let is_pinned = field("Cpus_allowed_list:")?.trim() == "0";
        is_pinned.then(|| field("Name:").unwrap_or_default().trim().to_owned())
    });
    names.collect()
}

/// Workers have the first cores named, readers the next.
#[test]
fn threads_stay_on_their_cores() {
    let extra = "  cpus: [0]\n  queue_batches_max: 8\n";
    let Some(mut stage) = Stage::start(Mirror::OnePort, 2, extra) else { return };
    let expected = ["capture-0", "capture-1", "worker-0", "worker-1"];
    let process = stage.tapline.id();
    // A thread names and pins itself when it first runs.
    assert!(until(10, || expected.iter().all(|name| pinned(process).contains(*name))));
    assert!((understood(&stage, 100) - 100.0).abs() < 0.5, "all is heard");
    stage.end();
}

#[test]
fn the_table_of_interfaces_says_what_can_be_captured() {
    let output = Command::new(TAPLINE).arg("interfaces").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("NAME"), "{text}");
    let loopback = text.lines().find(|line| line.starts_with("lo ")).unwrap();
    assert!(loopback.contains("127.0.0.1") && loopback.contains("no need"), "{loopback}");
    if skip::root() {
        assert!(loopback.contains("EN10MB") && loopback.contains("yes"), "{loopback}");
    }
}
