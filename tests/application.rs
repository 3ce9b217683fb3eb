//! A real application, written with a framework that describes it, driven by its clients and by a
//! tester of APIs, seen over a mirror: the inventory against what the application itself says it served.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tapline_tests::program::{Program, free_port, pause, until};
use tapline_tests::{http, sensor, skip};

use crate::TAPLINE;

/// Status codes by method and route, as the application names them.
type Served = BTreeMap<(String, String), BTreeSet<u16>>;

#[test]
fn an_application_is_found_whole() {
    let needed = skip::programs(&["tcpdump"]) && skip::root();
    let python = skip::python_with("fastapi").zip(skip::python_with("schemathesis"));
    let Some((python, tester)) = python.filter(|_| needed) else { return };
    let folder = tempfile::tempdir().unwrap();
    let capture = record(folder.path(), &python, &tester);
    let out = folder.path().join("out");
    let replay =
        sensor::command(TAPLINE).args(["replay", "--out"]).args([&out, &capture]).output().unwrap();
    assert!(replay.status.success(), "{}", sensor::stderr(&replay));

    let served = served(&folder.path().join("log"));
    let inventory = sensor::json(&out.join("inventory.json"));
    let mut found = BTreeSet::new();
    let mut invented = Vec::new();
    for endpoint in inventory["services"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|service| service["endpoints"].as_array().unwrap())
    {
        let method = endpoint["method"].as_str().unwrap();
        let template = endpoint["template"].as_str().unwrap();
        match served
            .keys()
            .filter(|(m, route)| m == method && stands_for(template, route))
            .min_by_key(
                // Of several the one that says the same in words.
                |(_, route)| route.matches('{').count(),
            ) {
            Some(operation) => drop(found.insert(operation.clone())),
            None => invented.push(format!("{method} {template}")),
        }
    }
    let succeeded: BTreeSet<_> = served
        .iter()
        .filter(|(_, statuses)| statuses.range(200..400).next().is_some())
        .map(|(operation, _)| operation.clone())
        .collect();
    let missing: Vec<_> = succeeded.difference(&found).collect();
    let slots = listed_slots(&inventory);
    assert!(missing.is_empty(), "not found: {missing:?} among {slots:?}");
    assert!(succeeded.len() >= 30, "the application was driven: {succeeded:?}");
    assert!(invented.len() * 50 <= found.len(), "invented: {invented:?}");
    for route in ["/v1/users/{}", "/v1/products/{}", "/v1/orders/{}/items/{}", "/v1/files/{}"] {
        assert!(slots.iter().any(|slot| slot.starts_with(route)), "{route} is not among {slots:?}");
    }
}

/// The templates with every parameter as `{}`.
fn listed_slots(inventory: &serde_json::Value) -> BTreeSet<String> {
    let endpoints = inventory["services"].as_array().unwrap().iter();
    endpoints
        .flat_map(|service| service["endpoints"].as_array().unwrap())
        .map(|endpoint| {
            let template = endpoint["template"].as_str().unwrap();
            let parts =
                template.split('{').map(|part| part.split_once('}').map_or(part, |it| it.1));
            parts.collect::<Vec<_>>().join("{}")
        })
        .collect()
}

/// Runs the application, its clients and the tester, and records the wire.
fn record(folder: &Path, python: &Path, tester: &Path) -> PathBuf {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("app");
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let capture = folder.join("capture.pcap");
    let _application = Program::start(
        Command::new(python).arg(app.join("shop.py")).arg(port.to_string()).arg(folder.join("log")),
    );
    assert!(
        until(60, || http::get(&format!("http://{address}/health")).is_some()),
        "the application answers"
    );
    let mut dump = Program::start(
        Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-w"])
            .arg(&capture)
            .args(["port", &port.to_string()])
            .stderr(Stdio::null()),
    );
    let begun = || std::fs::metadata(&capture).is_ok_and(|file| file.len() >= 24);
    assert!(until(10, begun), "tcpdump listens");
    // What the tester remembers of a run lies where it runs.
    let drive = |command: &mut Command| {
        command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let customers =
        drive(Command::new(python).arg(app.join("client.py")).args([&address, "60", "1"]));
    assert!(customers.unwrap().success(), "the customers have shopped");
    // What it finds wrong with the application is not the question here.
    drive(Command::new(tester).args([
        "-c",
        "from schemathesis.cli import schemathesis; schemathesis()",
        "run",
        &format!("http://{address}/openapi.json"),
        "--max-examples=20",
        "--seed=1",
        "--phases=examples,coverage,fuzzing",
        "--header=Authorization: Bearer tester",
        "--exclude-path=/v1/logout",
    ]))
    .unwrap();
    pause(500);
    dump.signal("INT");
    dump.wait(10);
    capture
}

/// What the application says it answered, by method and route.
fn served(log: &Path) -> Served {
    let mut served = Served::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let [method, route, status] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let statuses = served.entry((method.to_owned(), route.to_owned())).or_default();
        statuses.insert(status.parse().unwrap());
    }
    served
}

/// Whether a listed template stands for a route: words are the same, a parameter is one, or one of a
/// few words that it may be.
fn stands_for(template: &str, route: &str) -> bool {
    let (ours, theirs) = (template.split('/'), route.split('/'));
    ours.clone().count() == theirs.clone().count()
        && ours.zip(theirs).all(|(our, their)| {
            our == their || (their.starts_with('{') && (our.starts_with('{') || is_closed(route)))
        })
}

/// Routes of whose parameter only two or three values are sent by people: nobody can tell them from
/// words, unless a tester sends others.
fn is_closed(route: &str) -> bool {
    ["/v1/coupons/{code}", "/v1/reports/{period}", "/admin/settings/{name}"].contains(&route)
}
