//! Two hundred secrets and personal values are planted wherever a transaction has room for text; no
//! page, answer, metric, log or file shows one.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use tapline_tests::capture::{Capture, Exchange};
use tapline_tests::http;
use tapline_tests::program::{Program, free_port, until};

use crate::TAPLINE;

const HOST: &str = "bank.example.test";

/// How a value is told to be secret: by its looks, or by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Telling,
    Plain,
}

/// The values, each another one, and all of them.
#[derive(Default)]
struct Plants {
    all: Vec<String>,
}

impl Plants {
    /// A new value of one of the kinds, in turn; of kinds that look like what they are, or of all.
    fn next(&mut self, looks: Looks) -> String {
        let number = self.all.len() as u64;
        let value = match (number % 8, looks) {
            (0, _) => card(number),
            (1, _) => format!("planted.person{number}@mail.example"),
            (2, _) => format!("ghp_16C7e42F292c6912E7710c8383{number:06}"),
            (3, _) => format!("+4930{:08}", 70_000_000 + number * 7_919),
            (4, _) => format!("sk_live_51Planted{number:04}Xy7Qw9"),
            (5, _) => {
                format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVk{number:04}.c2lnbmVk{number:04}")
            }
            (6, Looks::Plain) => format!("correct horse {number} battery"),
            (7, Looks::Plain) => format!("Annegret Plantedname{number}"),
            _ => format!("AKIAPLANTED{number:05}XYZW"),
        };
        self.all.push(value.clone());
        value
    }
}

/// A card number of a test range, with its check digit.
fn card(number: u64) -> String {
    let digits = format!("411111{number:09}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Base 64 as basic credentials and the claims of tokens have it.
fn base64(text: &str) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    text.as_bytes()
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |at| digits[(bits >> (18 - 6 * at) & 63) as usize] as char)
        })
        .collect()
}

/// Request line and host, head and content of both sides.
struct Asked {
    line: String,
    host: String,
    head: String,
    sent: (&'static str, String),
    status: u16,
    answer_head: String,
    answer: (&'static str, String),
}

impl Asked {
    fn new(line: &str) -> Self {
        Self {
            line: line.to_owned(),
            host: HOST.to_owned(),
            head: String::new(),
            sent: ("application/json", String::new()),
            status: 200,
            answer_head: String::new(),
            answer: ("application/json", "{\"id\":1}".to_owned()),
        }
    }

    fn exchange(&self, at: u64, client: Ipv4Addr) -> Exchange {
        let Self { line, host, head, sent, status, answer_head, answer } = self;
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\n{head}Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
            sent.0,
            sent.1.len(),
            sent.1
        );
        let response = format!(
            "HTTP/1.1 {status} X\r\n{answer_head}Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
            answer.0,
            answer.1.len(),
            answer.1
        );
        Exchange { at, client, request: request.into_bytes(), response: response.into_bytes() }
    }
}

/// Places for what looks like what it is: it stands where names are shown.
fn telling(plants: &mut Plants) -> Vec<Asked> {
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut value = || plants.next(Looks::Telling);
        all.push(Asked::new(&format!("GET /accounts/{}", encoded(&value()))));
        all.push(Asked::new(&format!("GET /accounts/{}/entries", encoded(&value()))));
        all.push(Asked::new(&format!("GET /reset-password/{}", encoded(&value()))));
        all.push(Asked::new(&format!("GET /list?{}", encoded(&value()))));
        all.push(Asked::new(&format!("GET /list?{}=1", encoded(&value()))));
        let mut keyed = Asked::new("POST /maps");
        keyed.sent.1 = format!("{{\"{}\":1,\"in\":{{\"{}\":[1]}}}}", value(), value());
        keyed.answer.1 = format!("{{\"{}\":{{\"id\":1}}}}", value());
        all.push(keyed);
        let mut form = Asked::new("POST /form");
        form.sent = ("application/x-www-form-urlencoded", format!("{}=1&a=2", encoded(&value())));
        all.push(form);
        let mut parts = Asked::new("POST /parts");
        parts.sent = (
            "multipart/form-data; boundary=b",
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}.pdf\"\r\n\r\n{}\r\n--b--\r\n",
                value(),
                value(),
                value()
            ),
        );
        all.push(parts);
        let mut banner = Asked::new("GET /banner");
        banner.answer_head = format!("Server: {}/1.2\r\nX-Powered-By: {}\r\n", value(), value());
        all.push(banner);
        let mut media = Asked::new("POST /media");
        media.answer.0 = "application/vnd.ghp_16C7e42F292c6912E7710c838347+json";
        media.answer_head = format!("Content-Disposition: attachment; filename={}\r\n", value());
        all.push(media);
        let method = std::iter::repeat_with(&mut value).find(|value| value.starts_with("AKIA"));
        all.push(Asked::new(&format!("{} /odd", method.unwrap_or_default())));
        let mut host = Asked::new("GET /hosted");
        // Addresses and numbers are not known for what they are in a name's alphabet.
        let label = std::iter::repeat_with(&mut value).find(|value| !value.contains(['@', '+']));
        host.host = format!("{}.{HOST}", label.unwrap_or_default().replace('_', "-"));
        all.push(host);
    }
    all
}

/// Places for anything: what stands there is a value.
fn plain(plants: &mut Plants) -> Vec<Asked> {
    let mut all = Vec::new();
    for _ in 0..8 {
        let mut value = || plants.next(Looks::Plain);
        all.push(Asked::new(&format!("GET /search?q={}&page=1", encoded(&value()))));
        all.push(Asked::new(&format!("GET /search?password={}", encoded(&value()))));
        let mut heads = Asked::new("GET /heads");
        heads.head = format!(
            "X-Customer: {}\r\nUser-Agent: {}\r\nReferer: https://x.test/{}\r\nCookie: sid={}; note={}\r\n",
            value(),
            value(),
            encoded(&value()),
            encoded(&value()),
            encoded(&value())
        );
        heads.answer_head =
            format!("Set-Cookie: sid={}; Path=/\r\nX-Trace: {}\r\n", encoded(&value()), value());
        all.push(heads);
        for scheme in ["Bearer", "Token", "Digest"] {
            let mut known = Asked::new("GET /known");
            known.head = format!("Authorization: {scheme} {}\r\n", encoded(&value()));
            all.push(known);
        }
        let mut basic = Asked::new("GET /known");
        let (user, password) = (value(), value());
        basic.head = format!("Authorization: Basic {}\r\n", base64(&format!("{user}:{password}")));
        all.push(basic);
        let mut token = Asked::new("GET /token");
        let claims = format!("{{\"sub\":\"{}\",\"name\":\"{}\"}}", value(), value());
        let header = base64("{\"alg\":\"none\",\"kid\":\"1\"}");
        token.head = format!("Authorization: Bearer {header}.{}.\r\n", base64(&claims));
        all.push(token);
        let mut post = Asked::new("POST /transfers");
        post.sent.1 = format!(
            "{{\"password\":\"{}\",\"note\":\"{}\",\"to\":[{{\"iban\":\"{}\"}}]}}",
            value(),
            value(),
            value()
        );
        post.answer.1 =
            format!("{{\"token\":\"{}\",\"owner\":{{\"name\":\"{}\"}}}}", value(), value());
        all.push(post);
        let mut failed = Asked::new("POST /transfers");
        failed.status = 500;
        failed.answer = (
            "text/html",
            format!("Traceback (most recent call last): {} SQLSTATE[42000] '{}'", value(), value()),
        );
        all.push(failed);
        let mut away = Asked::new("GET /away");
        away.status = 302;
        away.answer_head = format!("Location: /welcome?token={}\r\n", encoded(&value()));
        all.push(away);
        let mut origin = Asked::new("GET /shared");
        let asking = format!("https://{}.invalid", encoded(&value()));
        origin.head = format!("Origin: {asking}\r\n");
        origin.answer_head = format!("Access-Control-Allow-Origin: {asking}\r\n");
        all.push(origin);
    }
    all
}

/// Every secret, with the forms it may be written in; the capture that holds them.
fn planted() -> (BTreeSet<String>, Vec<u8>) {
    let mut plants = Plants::default();
    let mut all = telling(&mut plants);
    all.extend(plain(&mut plants));
    let mut capture = Capture::new();
    let mut at = 1_700_000_000_000_000_000;
    for asked in &all {
        // Twice by the same caller: what two have sent may be shown.
        for _ in 0..2 {
            let exchange = asked.exchange(at, Ipv4Addr::new(10, 0, 1, 7));
            capture.exchange(Ipv4Addr::new(10, 0, 0, 80), &exchange);
            at += 50_000_000;
        }
    }
    let mut forms = BTreeSet::from(["ghp_16c7e42f292c6912e7710c838347".to_owned()]);
    for plant in &plants.all {
        let joined = plant.replace(['@', '+', '_'], "-");
        forms.extend([plant.to_lowercase(), encoded(plant).to_lowercase(), joined.to_lowercase()]);
    }
    assert!(plants.all.len() >= 200, "{}", plants.all.len());
    (forms, capture.bytes())
}

/// Every address of the pages and the API, ids left open.
fn routes() -> Vec<String> {
    let source = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/web/src/server.rs"),
    );
    let source = source.unwrap();
    let routes = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    // What only takes orders is not read, and lists for bouncers are closed without a key.
    let is_read = |route: &&str| {
        !["/verdict", "/template"].iter().any(|end| route.ends_with(end))
            && !route.starts_with("/v1/")
    };
    let routes = routes.filter(is_read);
    let routes: Vec<String> = routes.map(str::to_owned).collect();
    assert!(routes.len() > 15, "{routes:?}");
    routes
}

struct Seen {
    forms: BTreeSet<String>,
    faults: Vec<String>,
}

impl Seen {
    fn look(&mut self, place: &str, text: &str) {
        let text = text.to_lowercase();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                self.faults.push(format!("{place} shows {form}"));
            }
        }
    }
}

/// Opens every page, with every id there is.
fn pages(base: &str, seen: &mut Seen) {
    let ids = |list: &str, key: &str| -> Vec<String> {
        let text = http::get(&format!("{base}/api/v1/{list}?per_page=500")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let listed = value[key].as_array().unwrap();
        listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (endpoints, findings) = (ids("endpoints", "endpoints"), ids("findings", "findings"));
    assert!(endpoints.len() > 10, "{endpoints:?}");
    for route in routes() {
        let ids: &[String] = if route.contains("endpoints/{id}") {
            &endpoints
        } else if route.contains("findings/{id}") {
            &findings
        } else if route.contains("{id}") {
            &[]
        } else {
            std::slice::from_ref(&route)
        };
        for id in ids {
            let page = route.replace("{id}", id);
            let text = http::get(&format!("{base}{page}")).unwrap_or_else(|| panic!("{page}"));
            seen.look(&page, &text);
        }
    }
}

#[test]
fn two_hundred_planted_values_are_seen_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (forms, capture) = planted();
    let mut seen = Seen { forms, faults: Vec::new() };
    let place = |name: &str| folder.path().join(name);
    fs::write(place("in.pcap"), capture).unwrap();
    fs::write(place("c.yaml"), "log:\n  level: trace\n").unwrap();
    let port = free_port();
    let mut sensor = Program::start(
        Command::new(TAPLINE)
            .args(["replay", place("in.pcap").to_str().unwrap()])
            .args(["--serve", &format!("127.0.0.1:{port}")])
            .args(["--config", place("c.yaml").to_str().unwrap()])
            .args(["--out", place("out").to_str().unwrap()])
            .stderr(Stdio::from(fs::File::create(place("log")).unwrap())),
    );
    let base = format!("http://127.0.0.1:{port}");
    assert!(until(30, || place("out").join("summary.json").exists()), "the replay ends");
    assert!(until(10, || http::status(&format!("{base}/-/ready")) == 200));
    pages(&base, &mut seen);
    sensor.signal("TERM");
    assert_eq!(sensor.wait(20), Some(0));
    for (command, formats) in [
        ("report", &["html", "markdown", "json"][..]),
        ("seeds", &["curl", "har", "jsonl", "openapi"]),
    ] {
        for format in formats {
            let out = place("out");
            let mut ask = Command::new(TAPLINE);
            ask.args([command, "--from", out.to_str().unwrap(), "--format", format]);
            // An OpenAPI document is of one host.
            if *format == "openapi" {
                ask.args(["--host", HOST]);
            }
            let written = ask.output().unwrap();
            assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
            seen.look(&format!("{command} {format}"), &String::from_utf8(written.stdout).unwrap());
        }
    }
    let folders = [place("out"), place("out").join("openapi")];
    let entries = folders.iter().flat_map(|folder| folder.read_dir().unwrap());
    for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        seen.look(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
    }
    seen.look("the log", &fs::read_to_string(place("log")).unwrap());
    assert!(seen.faults.is_empty(), "{} faults:\n{}", seen.faults.len(), seen.faults.join("\n"));
}
