//! What Zeek logged: the `http.log` baselines of its tests, or else the files that it took from
//! responses.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::heard::{Heard, Transaction};
use super::message::{Messages, Request, is_final};
use super::opinion::Opinion;

/// Names under which tests keep the log.
const LOGS: [&str; 3] = ["http.log", "http.log.cut", "http.log.tsv"];

/// How the names of extracted files begin.
const FILE: &str = "extract_files.";
/// In the names of tests that have the keys of TLS, which the sensor has not.
const WITH_KEYS: &str = ".decryption";

/// The baselines of every capture.
pub(super) struct Tests(HashMap<String, Vec<Test>>);

/// What a test expects.
#[derive(Default)]
struct Test {
    logs: Vec<PathBuf>,
    /// How many files were extracted.
    files: usize,
}

impl Tests {
    pub(super) fn read(corpus: &Path) -> Self {
        let folder = corpus.join("pcap/zeek");
        let mut tests: HashMap<String, Vec<Test>> = HashMap::new();
        for line in fs::read_to_string(folder.join("trace-to-test.tsv")).unwrap().lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            if fields[1].contains(WITH_KEYS) {
                continue;
            }
            let test = Test::read(&folder.join("Baseline").join(fields[1]));
            tests.entry(fields[0].to_owned()).or_default().push(test);
        }
        Self(tests)
    }

    pub(super) fn opinions(&self, capture: &str, heard: &Heard) -> Vec<Opinion> {
        let tests = self.0.get(capture).into_iter().flatten();
        tests.flat_map(|test| test.opinions(heard)).collect()
    }
}

impl Test {
    fn read(baseline: &Path) -> Self {
        let mut test = Self::default();
        for entry in fs::read_dir(baseline).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            test.files += usize::from(name.starts_with(FILE));
            if LOGS.contains(&name.as_str()) {
                test.logs.push(baseline.join(name));
            }
        }
        test
    }

    fn opinions(&self, heard: &Heard) -> Vec<Opinion> {
        if self.logs.is_empty() && self.files > 0 {
            let is_whole = |transaction: &Transaction| {
                transaction.request.is_some() && transaction.status.is_some()
            };
            return vec![Opinion {
                oracle: "Zeek files",
                has_http: true,
                agrees: heard.transactions.len() == self.files
                    && heard.transactions.iter().all(is_whole),
                text: format!("{} responses with a file", self.files),
            }];
        }
        let read = |log: &PathBuf| Log::read(&fs::read_to_string(log).unwrap());
        self.logs.iter().map(|log| read(log).opinion(heard)).collect()
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
