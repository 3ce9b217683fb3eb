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
#[derive(Debug, Default)]
struct Test {
    /// Of HTTP.
    http: Vec<Statement>,
    /// Of files, whatever protocol carried them.
    files: Vec<Statement>,
}

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
            tests.entry(name).or_default().push(Test::read(&root));
        }
        Self(tests)
    }

    /// `is_http` says that the files of the capture went over HTTP/1.
    pub(super) fn opinion(&self, capture: &str, is_http: bool, heard: &Heard) -> Option<Opinion> {
        let tests = self.0.get(capture)?.iter().map(|test| test.statements(is_http));
        let tests: Vec<&[Statement]> = tests.filter(|test| !test.is_empty()).collect();
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

impl Test {
    fn statements(&self, is_http: bool) -> &[Statement] {
        if self.http.is_empty() && is_http { &self.files } else { &self.http }
    }

    fn read(root: &Node) -> Self {
        let mut test = Self::default();
        let checks = root.get("checks").map(Node::items).unwrap_or_default();
        for filter in checks.iter().filter_map(|check| check.get("filter")) {
            let Some(fields) = filter.get("match").map(Node::flatten) else { continue };
            let count = filter.get("count").and_then(Node::text).and_then(|text| text.parse().ok());
            let Some(count) = count.filter(|count| *count > 0) else { continue };
            match Subject::of(&fields) {
                Subject::Http => test.http.push(Statement::of_http(count, &fields)),
                Subject::Files => test.files.push(Statement {
                    count: Some(count),
                    is_finer: fields.len() > 1,
                    answered: true,
                    ..Statement::default()
                }),
                Subject::Transactions(count) => {
                    test.http.push(Statement { count: Some(count), ..Statement::default() });
                }
                Subject::Other => {}
            }
        }
        test
    }
}

/// What a filter is about.
enum Subject {
    Http,
    Files,
    /// How many transactions there are.
    Transactions(usize),
    Other,
}

impl Subject {
    fn of(fields: &[(String, String)]) -> Self {
        let find = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name);
            field.map(|(_, value)| value.as_str())
        };
        let is_http2 = fields.iter().any(|(key, value)| {
            key.starts_with("http.http2") || key == "http.version" && value.starts_with('2')
        });
        let count = find("stats.app_layer.tx.http").and_then(|count| count.parse().ok());
        match find("event_type") {
            _ if is_http2 => Self::Other,
            Some("http") => Self::Http,
            _ if fields.iter().any(|(key, _)| key.starts_with("http.")) => Self::Http,
            Some("fileinfo") => Self::Files,
            Some("stats") => count.map_or(Self::Other, Self::Transactions),
            _ => Self::Other,
        }
    }
}

impl Statement {
    /// What a filter says of HTTP.
    fn of_http(count: usize, fields: &[(String, String)]) -> Self {
        let is =
            |name: &str, text: &str| fields.iter().any(|(key, value)| key == name && value == text);
        let is_event = is("event_type", "http");
        let mut statement = Self {
            count: is_event.then_some(count),
            // Files come down, unless something was sent up.
            answered: is("event_type", "fileinfo") && is("http.http_method", "GET"),
            ..Self::default()
        };
        for (key, value) in fields {
            match key.as_str() {
                "http.http_method" => statement.request.method = Some(value.clone()),
                "http.hostname" => statement.request.host = Some(value.clone()),
                "http.url" if value == UNSEEN => statement.no_request = true,
                "http.url" => statement.request.target = Some(value.clone()),
                "http.status" => statement.status = value.parse().ok(),
                "src_ip" | "dest_ip" if is_event => statement.ends.push(value.clone()),
                "src_port" | "dest_port" if is_event => statement.ends.push(format!(":{value}")),
                "event_type" | "proto" | "app_proto" | "pcap_cnt" | "http.protocol" => {}
                _ => statement.is_finer = true,
            }
        }
        statement
    }
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
    let statements = Test::read(&root.unwrap()).http;
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
