//! What Suricata reported: the expectations of Suricata-verify that speak of HTTP.
//!
//! A test names some events, not all. Each is taken as a statement; the sensor agrees with a test
//! when every statement holds and every transaction is one that is spoken of.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::heard::{Heard, Transaction};
use super::message::{HeardRequest, Request};
use super::opinion::Opinion;
use super::yaml::{self, Node};

/// Stands for a request that was not seen.
const UNSEEN: &str = "/libhtp::request_uri_not_seen";

/// The tests of every capture.
pub(super) struct Tests(HashMap<String, Vec<Test>>);

/// One test: its statements.
type Test = Vec<Statement>;

/// What a filter says of HTTP.
#[derive(Debug, Default)]
struct Statement {
    /// Of an event for each transaction: how many there are.
    count: Option<usize>,
    /// It says more than what is compared, so there may be more of what it describes.
    is_finer: bool,
    request: Request,
    /// No request was seen.
    no_request: bool,
    status: Option<u16>,
    /// A response was seen, whatever its status.
    answered: bool,
    /// Address and port of one side.
    ends: Vec<String>,
}

impl Tests {
    pub(super) fn read(corpus: &Path) -> Self {
        let mut tests: HashMap<String, Vec<Test>> = HashMap::new();
        let mut folders = vec![corpus.join("pcap/suricata-verify")];
        while let Some(folder) = folders.pop() {
            let paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            folders.extend(paths.filter(|path| path.is_dir()));
            let Ok(text) = fs::read_to_string(folder.join("test.yaml")) else { continue };
            let Some(root) = yaml::read(&text) else { continue };
            let Some(capture) = capture(&folder, &root) else { continue };
            let name = capture.strip_prefix(corpus).unwrap().to_str().unwrap().to_owned();
            tests.entry(name).or_default().push(statements(&root));
        }
        Self(tests)
    }

    pub(super) fn opinion(&self, capture: &str, heard: &Heard) -> Option<Opinion> {
        let tests: Vec<&Test> =
            self.0.get(capture)?.iter().filter(|statements| !statements.is_empty()).collect();
        (!tests.is_empty()).then(|| Opinion {
            oracle: "Suricata",
            has_http: true,
            agrees: tests.iter().any(|statements| agrees(statements, heard)),
            text: format!("{tests:?}"),
        })
    }
}

/// The capture that a test reads: the one it names, else the only one beside it.
fn capture(folder: &Path, root: &Node) -> Option<PathBuf> {
    if let Some(name) = root.get("pcap").and_then(Node::text) {
        let mut path = PathBuf::new();
        for part in folder.join(name).components() {
            match part {
                Component::ParentDir => drop(path.pop()),
                part => path.push(part),
            }
        }
        return path.exists().then_some(path);
    }
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut captures = paths.filter(|path| {
        path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    });
    let capture = captures.next()?;
    captures.next().is_none().then_some(capture)
}

fn statements(root: &Node) -> Test {
    let checks = root.get("checks").map(Node::items).unwrap_or_default();
    checks.iter().filter_map(|check| statement(check.get("filter")?)).collect()
}

/// What a filter says of HTTP/1, if it does.
fn statement(filter: &Node) -> Option<Statement> {
    let count: usize = filter.get("count")?.text()?.parse().ok()?;
    let mut fields = Vec::new();
    filter.get("match")?.flatten("", &mut fields);
    let find = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let event = find("event_type")?;
    let is_http2 = fields.iter().any(|(key, value)| {
        key.starts_with("http.http2") || key == "http.version" && value.starts_with('2')
    });
    let speaks = event == "http" || fields.iter().any(|(key, _)| key.starts_with("http."));
    if count == 0 || is_http2 || !speaks {
        return None;
    }
    let mut statement =
        Statement { count: (event == "http").then_some(count), ..Default::default() };
    // Events of files are of downloads, unless something was sent up.
    let method = find("http.http_method");
    statement.answered = event == "fileinfo" && method.is_some_and(|method| method == "GET");
    for (key, value) in &fields {
        match key.as_str() {
            "http.http_method" => statement.request.method = Some(value.clone()),
            "http.hostname" => statement.request.host = Some(value.clone()),
            "http.url" if value == UNSEEN => statement.no_request = true,
            "http.url" => statement.request.target = Some(value.clone()),
            "http.status" => statement.status = value.parse().ok(),
            "src_ip" | "dest_ip" if event == "http" => statement.ends.push(value.clone()),
            "src_port" | "dest_port" if event == "http" => {
                statement.ends.push(format!(":{value}"));
            }
            "event_type" | "proto" | "app_proto" | "pcap_cnt" | "http.protocol" => {}
            _ => statement.is_finer = true,
        }
    }
    Some(statement)
}

fn agrees(statements: &[Statement], heard: &Heard) -> bool {
    let all = &heard.transactions;
    let holds = statements.iter().all(|statement| {
        let count = all.iter().filter(|transaction| statement.is_of(transaction)).count();
        match statement.count {
            Some(expected) if !statement.is_finer => count == expected,
            Some(expected) => count >= expected,
            None => count > 0,
        }
    });
    holds && all.iter().all(|transaction| statements.iter().any(|s| s.is_of(transaction)))
}

impl Statement {
    fn is_of(&self, transaction: &Transaction) -> bool {
        let Transaction { client, server, request, status } = transaction;
        let is_request = match request {
            Some(request) => !self.no_request && self.request.is(request),
            None => self.no_request || self.request == Request::default(),
        };
        let is_end = |end: &String| {
            [client, server].iter().any(|side| {
                let (address, port) = side.rsplit_once(':').unwrap_or_default();
                end.strip_prefix(':').map_or(
                    end.parse::<std::net::IpAddr>().ok()
                        == address.trim_matches(['[', ']']).parse().ok(),
                    |end| end == port,
                )
            })
        };
        is_request
            && (self.status.is_none() || self.status == *status)
            && (!self.answered || status.is_some())
            && self.ends.iter().all(is_end)
    }
}

#[test]
fn a_filter_is_a_statement() {
    let root = yaml::read(
        "checks:\n- filter:\n    count: 1\n    match:\n      event_type: http\n      http:\n        \
         url: /a\n        status: 200\n- filter:\n    count: 1\n    match: {event_type: alert}\n",
    );
    let statements = statements(&root.unwrap());
    assert_eq!(statements.len(), 1);
    let request = HeardRequest { path: "/a".to_owned(), ..HeardRequest::default() };
    let transaction = |status| Transaction {
        client: "10.0.0.1:1".to_owned(),
        server: "10.0.0.2:80".to_owned(),
        request: Some(request.clone()),
        status,
    };
    assert!(statements[0].is_of(&transaction(Some(200))));
    assert!(!statements[0].is_of(&transaction(Some(404))));
    assert!(!statements[0].is_of(&transaction(None)));
}
