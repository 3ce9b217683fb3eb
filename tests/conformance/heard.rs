//! What the sensor hears in a capture.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tapline_tests::sensor::{json, json_lines};

use super::message::HeardRequest;
use crate::TAPLINE;

/// A replay that takes longer hangs.
const SECONDS_MAX: &str = "60";
/// The budget of the default settings, and a tenth.
const RESIDENT_BYTES_MAX: f64 = 1.1 * 1_073_741_824.0;

/// One transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) client: String,
    pub(super) server: String,
    pub(super) request: Option<HeardRequest>,
    pub(super) status: Option<u16>,
}

/// All of them, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) transactions: Vec<Transaction>,
    /// Rules of the sensor that were broken: it is not asked for perfection, but for these.
    pub(super) faults: Vec<String>,
}

impl Heard {
    pub(super) fn requests(&self) -> Vec<&HeardRequest> {
        self.transactions.iter().filter_map(|transaction| transaction.request.as_ref()).collect()
    }

    pub(super) fn statuses(&self) -> Vec<u16> {
        self.transactions.iter().filter_map(|transaction| transaction.status).collect()
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for HeardRequest { method, host, path, query, .. } in self.requests() {
            let query = query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            write!(f, "{method} {host} {path}{query}, ")?;
        }
        write!(f, "{:?}", self.statuses())
    }
}

/// Replays a capture.
///
/// # Errors
/// When the sensor dies or hangs.
pub(super) fn replay(capture: &Path) -> Result<Heard, String> {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["--signal=KILL", SECONDS_MAX, TAPLINE, "replay"])
        .arg(capture)
        .arg("--out")
        .arg(out.path())
        .args(["--workers", "1", "--raw-targets"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let summary = out.path().join("summary.json");
    if !summary.exists() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("the sensor ended with {}: {said}", output.status));
    }
    let transactions = json_lines(&out.path().join("transactions.jsonl"));
    Ok(Heard {
        transactions: transactions.iter().map(transaction).collect(),
        faults: faults(&json(&summary), &out.path().join("metrics.prom")),
    })
}

fn transaction(line: &Value) -> Transaction {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    let server = text("server").unwrap();
    let request = text("method").map(|method| HeardRequest {
        method,
        host: text("host").unwrap(),
        path: text("path").unwrap(),
        query: text("query"),
        server: server.clone(),
    });
    let status = line["status"].as_u64().map(|status| status.try_into().unwrap());
    Transaction { client: text("client").unwrap(), server, request, status }
}

/// What no capture may bring about.
fn faults(summary: &Value, metrics: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let conservation = &summary["conservation"];
    if conservation["holds"] != true {
        faults.push(format!("conservation does not hold: {}", conservation["imbalances"]));
    }
    for (stage, counts) in summary["stages"].as_object().unwrap() {
        if counts.get("internal_faults").is_some_and(|count| count != 0) {
            faults.push(format!("{stage} failed inside"));
        }
    }
    let metrics = std::fs::read_to_string(metrics).unwrap();
    let resident = tapline_tests::http::metric(&metrics, "process_resident_memory_bytes").unwrap();
    if resident > RESIDENT_BYTES_MAX {
        faults.push(format!("{resident} bytes are resident"));
    }
    faults
}
