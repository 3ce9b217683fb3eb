//! What all scenarios play on: clients, calls, and the tape they are recorded on.

use std::net::Ipv4Addr;

use tapline_tests::capture::{Capture, Exchange};

pub(super) const START: u64 = 1_740_960_000;
const SECOND: u64 = 1_000_000_000;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 80);

/// Dice with a fixed seed (splitmix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) address: Ipv4Addr,
    /// Which program.
    pub(super) tool: u64,
}

/// What is asked, and answered.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Header lines besides those that every program sends.
    pub(super) head: &'a str,
    /// The type of what is sent.
    pub(super) media: &'a str,
    pub(super) sent: String,
    pub(super) status: u16,
    pub(super) answer: String,
}

impl<'a> Call<'a> {
    pub(super) const fn get(path: &'a str, head: &'a str, answer: String) -> Self {
        let media = "application/json";
        Self { method: "GET", path, head, media, sent: String::new(), status: 200, answer }
    }

    pub(super) const fn post(path: &'a str, sent: String, status: u16, answer: String) -> Self {
        let (head, media) = ("", "application/json");
        Self { method: "POST", path, head, media, sent, status, answer }
    }

    pub(super) fn with_head(self, head: &'a str) -> Self {
        Self { head, ..self }
    }
}

/// The traffic of one host.
#[derive(Debug)]
pub(super) struct Stage {
    host: &'static str,
    pub(super) capture: Capture,
    pub(super) dice: Dice,
    pub(super) requests: u64,
}

impl Stage {
    pub(super) fn new(host: &'static str, seed: u64) -> Self {
        Self { host, capture: Capture::new(), dice: Dice(seed << 32), requests: 0 }
    }

    /// One exchange, at some time of a second since the beginning.
    pub(super) fn call(&mut self, second: u64, client: Client, call: &Call<'_>) {
        let Call { method, path, head, media, sent, status, answer } = call;
        let agent = format!("Browser/{}.0", client.tool);
        let order = if client.tool.is_multiple_of(2) {
            "Accept: */*\r\n"
        } else {
            "Accept-Language: en\r\n"
        };
        let content = if sent.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {media}\r\nContent-Length: {}\r\n", sent.len())
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{order}User-Agent: {agent}\r\n\
             {head}{content}\r\n{sent}",
            self.host
        );
        self.exchange(second, client, request.into_bytes(), *status, answer);
    }

    /// The same of a request as it goes over the wire.
    pub(super) fn exchange(
        &mut self,
        second: u64,
        client: Client,
        request: Vec<u8>,
        status: u16,
        answer: &str,
    ) {
        let at = (START + second) * SECOND + self.dice.below(990) * 1_000_000 + 1_000_000;
        let response = tapline_tests::capture::response(status, answer);
        let exchange = Exchange { at, client: client.address, request, response };
        self.capture.exchange(SERVER, &exchange);
        self.requests += 1;
    }
}
