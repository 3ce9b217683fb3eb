//! What tshark saw: `tshark-messages.tsv.gz`, in two passes, and `tshark-segments.tsv` beside this.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::heard::Heard;
use super::message::{self, Request};
use super::opinion::Opinion;

/// To tshark these are notifications, and its list is of requests.
const NOTIFICATIONS: [&str; 3] = ["NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE"];
/// The option of a pass that was given the keys of TLS, which the sensor has not.
const WITH_KEYS: &str = "keylog";

/// The messages of every capture; pass B only where it was made.
#[derive(Default)]
pub(super) struct Messages {
    first: HashMap<String, message::Messages>,
    second: HashMap<String, message::Messages>,
    /// Each segment by itself.
    third: HashMap<String, message::Messages>,
    with_http2: HashSet<String>,
}

impl Messages {
    pub(super) fn read(corpus: &Path) -> Self {
        let counts = fs::read_to_string(corpus.join("tshark-counts.tsv")).unwrap();
        let mut lines = counts.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
        let options = names.iter().position(|name| *name == "passB_options").unwrap();
        let mut messages = Self::default();
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            messages.first.insert(fields[0].to_owned(), message::Messages::default());
            if !matches!(fields[options], "" | WITH_KEYS) {
                messages.second.insert(fields[0].to_owned(), message::Messages::default());
            }
        }
        messages.read_messages(corpus);
        messages.read_segments();
        messages
    }

    fn read_segments(&mut self) {
        let lines =
            include_str!("tshark-segments.tsv").lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [capture, method, host, target, status] = fields[..] else { panic!("{line}") };
            let messages = self.third.entry(capture.to_owned()).or_default();
            match status.parse() {
                Ok(status) => messages.statuses.push(status),
                Err(_) => messages.requests.push(request(method, host, target)),
            }
        }
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
            if kind.starts_with("h2") {
                self.with_http2.insert(capture.to_owned());
                continue;
            }
            let pass = if pass == "A" { &mut self.first } else { &mut self.second };
            let Some(messages) = pass.get_mut(capture) else { continue };
            match kind {
                "h1req" => messages.requests.push(request(method, host, target)),
                // What has no status is no response.
                "h1resp" => messages
                    .statuses
                    .extend(status.parse().ok().filter(|status| message::is_final(*status))),
                _ => {}
            }
        }
    }

    /// Whether HTTP/1 was seen.
    pub(super) fn has_http1(&self, capture: &str) -> bool {
        let passes = [self.first.get(capture), self.second.get(capture)];
        passes.into_iter().flatten().any(|messages| !messages.is_empty())
    }

    /// Whether HTTP/2 was seen.
    pub(super) fn has_http2(&self, capture: &str) -> bool {
        self.with_http2.contains(capture)
    }

    pub(super) fn opinions(&self, capture: &str, heard: &Heard) -> Vec<Opinion> {
        let requests = heard.requests().into_iter();
        let requests: Vec<_> =
            requests.filter(|heard| !NOTIFICATIONS.contains(&heard.method.as_str())).collect();
        [("tshark A", &self.first), ("tshark B", &self.second), ("tshark C", &self.third)]
            .into_iter()
            .filter_map(|(oracle, pass)| {
                let messages = pass.get(capture)?;
                Some(Opinion {
                    oracle,
                    has_http: !messages.is_empty(),
                    agrees: messages.has_requests(&requests)
                        && messages.has_statuses(&heard.statuses()),
                    text: messages.to_string(),
                })
            })
            .collect()
    }
}

fn request(method: &str, host: &str, target: &str) -> Request {
    let text = |text: &str| Some(text.to_owned());
    Request { method: text(method), host: text(host), target: text(target) }
}
