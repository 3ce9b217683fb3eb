//! The visibility ledger: what share of a server's bytes could be read, and why not the rest.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange, Heard, response};
use tapline_tests::http;
use tapline_tests::sensor::json;

use crate::TAPLINE;

const AT: u64 = 1_700_000_000_000_000_000;
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 1);
/// What a segment of the captures carries.
const SEGMENT_BYTES: usize = 1_448;

fn server(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, last)
}

fn exchange(request: Vec<u8>, response: Vec<u8>) -> Exchange {
    Exchange { at: AT, client: CLIENT, request, response }
}

/// A TLS record (RFC 8446 section 5.1).
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
    bytes.extend(content);
    bytes
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: a.example.test\r\n\r\n").into_bytes()
}

/// What a server should have: its name, and how many bytes of which class; all else is 0.
type Row = (String, Vec<(&'static str, u64)>);

/// A server of each kind.
fn expected() -> (Capture, Vec<Row>) {
    let mut capture = Capture::new();
    let mut all = Vec::new();
    let mut talk = |last: u8, port: u16, exchange: &Exchange, heard: Heard| {
        capture.flow_heard((server(last), port), CLIENT, std::slice::from_ref(exchange), heard);
        let sent = [exchange.request.len() as u64, exchange.response.len() as u64];
        (format!("{}:{port}", server(last)), sent)
    };

    let plain = exchange(get("/plain"), response(200, "{\"a\":1}"));
    let (name, [asked, answered]) = talk(1, 80, &plain, Heard::Whole);
    all.push((name, vec![("http_bytes", asked + answered)]));

    let secret = exchange(
        [record(0x16, &[1, 0, 0, 40]), record(0x17, &[0xaa; 300])].concat(),
        [record(0x16, &[2, 0, 0, 40]), record(0x17, &[0x55; 4_000])].concat(),
    );
    let (name, [asked, answered]) = talk(2, 443, &secret, Heard::Whole);
    all.push((name, vec![("tls_bytes", asked + answered)]));

    let (name, [asked, _]) = talk(3, 80, &plain, Heard::ClientOnly);
    all.push((name, vec![("http_bytes", asked), ("one_sided_bytes", asked)]));

    let long = exchange(get("/long"), response(200, &format!("\"{}\"", "x".repeat(9_000))));
    let (name, [asked, answered]) = talk(4, 80, &long, Heard::WithoutServerSegment(2));
    let lost = SEGMENT_BYTES as u64;
    all.push((name, vec![("http_bytes", asked + answered - lost), ("gap_bytes", lost)]));

    let odd = exchange(vec![0x80; 500], vec![0x81; 700]);
    let (name, [asked, answered]) = talk(5, 9_000, &odd, Heard::Whole);
    all.push((name, vec![("other_bytes", asked + answered)]));
    (capture, all)
}

#[test]
fn every_byte_stands_in_the_class_that_could_be_read_of_it() {
    let (capture, expected) = expected();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mixed.pcap");
    capture.write(&file);
    let out = folder.path().join("out");
    let replay = Command::new(TAPLINE).arg("replay").arg(&file).arg("--out").arg(&out).output();
    assert!(replay.unwrap().status.success());

    let summary = json(&out.join("summary.json"));
    let rows = summary["visibility"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{rows:?}");
    let classes = ["http_bytes", "tls_bytes", "other_bytes", "gap_bytes", "one_sided_bytes"];
    let mut sums = [0u64; 5];
    for (name, counts) in &expected {
        let row = rows.iter().find(|row| row["server"] == **name).unwrap();
        assert_eq!(row["flows"], 1, "{row}");
        for (sum, class) in sums.iter_mut().zip(classes) {
            let right = counts.iter().find(|(known, _)| *known == class).map_or(0, |(_, n)| *n);
            assert_eq!(row[class], Value::from(right), "{class} of {row}");
            *sum += right;
        }
    }

    // The metrics are the same numbers, summed.
    let page = fs::read_to_string(out.join("metrics.prom")).unwrap();
    let series = ["http", "tls", "other", "gap"]
        .map(|class| format!("tapline_visibility_bytes_total{{class=\"{class}\"}}"));
    let one_sided = "tapline_visibility_one_sided_bytes_total".to_owned();
    for (series, sum) in series.iter().chain([&one_sided]).zip(sums) {
        let counted = http::metric(&page, series).unwrap();
        assert_eq!(counted.to_string(), sum.to_string(), "{series}");
    }
    assert_eq!(summary["sampling_ratio"], 1.0, "a replay sheds nothing");
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
}
