//! What tshark saw: `tshark-messages.tsv.gz`, in two passes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::heard::Heard;
use super::message::{self, Request};
use super::opinion::Opinion;

/// The messages of every capture; pass B only where it was made.
pub(super) struct Messages {
    first: HashMap<String, message::Messages>,
    second: HashMap<String, message::Messages>,
}

impl Messages {
    pub(super) fn read(corpus: &Path) -> Self {
        let counts = fs::read_to_string(corpus.join("tshark-counts.tsv")).unwrap();
        let mut lines = counts.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
        let options = names.iter().position(|name| *name == "passB_options").unwrap();
        let mut messages = Self { first: HashMap::new(), second: HashMap::new() };
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            messages.first.insert(fields[0].to_owned(), message::Messages::default());
            if !fields[options].is_empty() {
                messages.second.insert(fields[0].to_owned(), message::Messages::default());
            }
        }
        messages.read_messages(corpus);
        messages
    }

    fn read_messages(&mut self, corpus: &Path) {
        let file = File::open(corpus.join("tshark-messages.tsv.gz")).unwrap();
        let mut bytes = Vec::new();
        GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        for line in String::from_utf8_lossy(&bytes).lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [capture, pass, _, _, _, kind, method, host, target, status] = fields[..] else {
                panic!("{line}")
            };
            let pass = if pass == "A" { &mut self.first } else { &mut self.second };
            let messages = pass.entry(capture.to_owned()).or_default();
            let text = |text: &str| Some(text.to_owned());
            match kind {
                "h1req" => messages.requests.push(Request {
                    method: text(method),
                    host: text(host),
                    target: text(target),
                }),
                // What has no status is no response.
                "h1resp" => messages
                    .statuses
                    .extend(status.parse().ok().filter(|status| message::is_final(*status))),
                _ => {}
            }
        }
    }

    pub(super) fn opinions(&self, capture: &str, heard: &Heard) -> Vec<Opinion> {
        [("tshark A", &self.first), ("tshark B", &self.second)]
            .into_iter()
            .filter_map(|(oracle, pass)| {
                let messages = pass.get(capture)?;
                Some(Opinion {
                    oracle,
                    has_http: !messages.is_empty(),
                    agrees: messages.has_requests(&heard.requests())
                        && messages.has_statuses(&heard.statuses()),
                    text: messages.to_string(),
                })
            })
            .collect()
    }
}
