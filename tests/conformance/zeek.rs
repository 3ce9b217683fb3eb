//! What Zeek logged: the `http.log` baselines of its tests.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::heard::Heard;
use super::message::{Messages, Request, is_final};
use super::opinion::Opinion;

/// Names under which tests keep the log.
const LOGS: [&str; 3] = ["http.log", "http.log.cut", "http.log.tsv"];

/// The logs of every capture.
pub(super) struct Tests(HashMap<String, Vec<PathBuf>>);

impl Tests {
    pub(super) fn read(corpus: &Path) -> Self {
        let folder = corpus.join("pcap/zeek");
        let mut tests: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for line in fs::read_to_string(folder.join("trace-to-test.tsv")).unwrap().lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let baseline = folder.join("Baseline").join(fields[1]);
            let logs = LOGS.iter().map(|name| baseline.join(name)).filter(|path| path.exists());
            tests.entry(fields[0].to_owned()).or_default().extend(logs);
        }
        Self(tests)
    }

    pub(super) fn opinions(&self, capture: &str, heard: &Heard) -> Vec<Opinion> {
        let logs = self.0.get(capture).into_iter().flatten();
        logs.map(|log| Log::read(&fs::read_to_string(log).unwrap()).opinion(heard)).collect()
    }
}

/// One log; a test may have cut columns away.
#[derive(Default)]
struct Log {
    messages: Messages,
    has_targets: bool,
    has_statuses: bool,
}

impl Log {
    fn read(text: &str) -> Self {
        let mut log = Self::default();
        let mut names: Option<Vec<&str>> = None;
        for line in text.lines() {
            let fields = match line.strip_prefix("#fields\t") {
                Some(fields) => fields,
                None if line.starts_with('#') => continue,
                None => line,
            };
            let fields: Vec<&str> = fields.split('\t').collect();
            match &names {
                None => {
                    log.has_targets = fields.contains(&"uri");
                    log.has_statuses = fields.contains(&"status_code");
                    names = Some(fields);
                }
                Some(names) => log.row(names, &fields),
            }
        }
        log
    }

    fn row(&mut self, names: &[&str], fields: &[&str]) {
        let value = |name: &str| {
            let value = fields[names.iter().position(|known| *known == name)?];
            Some(if value == "-" { "" } else { value }.to_owned())
        };
        let method = value("method").filter(|method| !method.is_empty());
        if method.is_some() {
            self.messages.requests.push(Request {
                method,
                host: value("host"),
                target: value("uri"),
            });
        }
        let status = value("status_code").and_then(|status| status.parse().ok());
        self.messages.statuses.extend(status.filter(|status| is_final(*status)));
    }

    fn opinion(&self, heard: &Heard) -> Opinion {
        let requests = !self.has_targets || self.messages.has_requests(&heard.requests());
        let statuses = !self.has_statuses || self.messages.has_statuses(&heard.statuses());
        Opinion {
            oracle: "Zeek",
            has_http: !self.messages.is_empty(),
            agrees: (self.has_targets || self.has_statuses) && requests && statuses,
            text: self.messages.to_string(),
        }
    }
}
