//! Exchanges for tests, and the folding of what they show into a delta.

use std::net::SocketAddr;
use std::sync::Arc;

use tapline_model::{
    AnomalySet, Body, BodySample, Completeness, Delta, DeltaId, Feedback, FieldName, FieldNotes,
    FlowId, Gate, HostDelta, Key, Observation, Outcome, OwnedHeaders, Protocol, RequestHead,
    ResponseHead, RouteDelta, SegmentClass, ShardId, TextFormat, Timestamp, Transaction,
};

use crate::{Config, Discovery};

/// One request and its response, owned.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) sent: (&'static str, String),
    pub(crate) status: Option<u16>,
    pub(crate) location: Option<String>,
    /// Fields of the answer, besides `Location`.
    pub(crate) answered: Vec<(String, String)>,
    pub(crate) answer: (&'static str, String),
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Exchange {
    pub(crate) fn new(method: &'static str, target: &str, status: u16) -> Self {
        Self {
            method,
            host: "shop.example.test".to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            sent: ("", String::new()),
            status: Some(status),
            location: None,
            answered: Vec::new(),
            answer: ("application/json", r#"{"id":1}"#.to_owned()),
            client: "192.0.2.1:40000".parse().unwrap(),
            server: "10.0.0.1:80".parse().unwrap(),
        }
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn sent(mut self, media: &'static str, text: &str) -> Self {
        self.sent = (media, text.to_owned());
        self
    }

    pub(crate) fn answer(mut self, media: &'static str, text: &str) -> Self {
        self.answer = (media, text.to_owned());
        self
    }

    pub(crate) fn location(mut self, location: &str) -> Self {
        self.location = Some(location.to_owned());
        self
    }

    pub(crate) fn answered(mut self, name: &str, value: &str) -> Self {
        self.answered.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn client(mut self, last: u8) -> Self {
        self.client = ([192, 0, 2, last], 40_000).into();
        self
    }

    pub(crate) fn client_port(mut self, port: u16) -> Self {
        self.client.set_port(port);
        self
    }

    /// Calls `with` with the transaction.
    pub(crate) fn with<R>(&self, with: impl FnOnce(&Transaction<'_>) -> R) -> R {
        let host = [("Host", self.host.as_str())];
        let others = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = OwnedHeaders::new(host.into_iter().chain(others));
        let answered = self.answered.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let location = self.location.iter().map(|text| ("Location", text.as_str()));
        let location = OwnedHeaders::new(location.chain(answered));
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query.as_bytes())),
            None => (self.target.as_str(), None),
        };
        let body = |(media_type, text): &'_ (&'static str, String)| Body {
            wire_bytes: text.len() as u64,
            media_type,
            sample: BodySample {
                bytes: Box::leak(text.clone().into_boxed_str()).as_bytes(),
                truncated: false,
            },
        };
        with(&Transaction {
            flow: FlowId { slot: 0, generation: 0 },
            client: self.client,
            server: self.server,
            protocol: Protocol::Http11,
            request: Some(RequestHead {
                method: self.method.as_bytes(),
                target: self.target.as_bytes(),
                authority: Some(self.host.as_bytes()),
                path: path.as_bytes(),
                query,
                headers: fields.headers(),
            }),
            response: self
                .status
                .map(|status| ResponseHead { status, headers: location.headers() }),
            request_body: body(&self.sent),
            response_body: body(&self.answer),
            request_bytes: 100,
            response_bytes: 200,
            started_at: Timestamp::from_nanos(1_740_830_400_000_000_042),
            ended_at: Timestamp::from_nanos(1_740_830_400_100_000_042),
            latency_ns: self.status.map(|_| 5_000_000),
            completeness: Completeness::Whole,
            anomalies: AnomalySet::EMPTY,
        })
    }

    /// What is observed of it.
    pub(crate) fn observed(&self) -> Observation {
        let mut seen = None;
        Discovery::new(Config::default(), Key::fixed()).push_exchange(self, &mut seen);
        seen.unwrap()
    }
}

impl Discovery {
    pub(crate) fn push_exchange(&mut self, exchange: &Exchange, seen: &mut Option<Observation>) {
        exchange.with(|transaction| {
            self.push(transaction, ShardId::default(), &Feedback::default(), &mut |observation| {
                *seen = Some(observation.clone());
            });
        });
    }
}

/// Every member and what it looks like, in the order noted: `items[].sku:string`.
pub(crate) fn spelled_notes(fields: &FieldNotes) -> Vec<String> {
    let mut spelled = Vec::new();
    for document in &fields.documents {
        let mut names: Vec<String> = Vec::new();
        for note in fields.of(document) {
            let above = names.get(note.parent as usize).cloned().unwrap_or_default();
            let name = match &note.name {
                FieldName::Root => String::new(),
                FieldName::Member(name) if above.is_empty() => name.to_string(),
                FieldName::Member(name) => format!("{above}.{name}"),
                FieldName::Element => format!("{above}[]"),
                FieldName::AnyMember => {
                    let class = note.key_class.map_or("text", SegmentClass::label);
                    format!("{above}{{{class}}}")
                }
            };
            let looks = note.format.map_or(note.kind.label(), TextFormat::label);
            if note.name != FieldName::Root {
                spelled.push(format!("{name}:{looks}"));
            }
            names.push(name);
        }
    }
    spelled
}

/// What the exchanges of one epoch add up to.
pub(crate) fn delta_of(exchanges: &[Exchange]) -> Delta {
    let mut delta = Delta::new(DeltaId::default());
    for exchange in exchanges {
        fold(&mut delta, &exchange.observed());
    }
    delta
}

fn fold(delta: &mut Delta, seen: &Observation) {
    let route =
        delta.routes.entry(seen.route).or_insert_with(|| RouteDelta::new(Arc::clone(&seen.name)));
    let status = seen.status.unwrap_or(0);
    route.first_seen = route.first_seen.min(seen.started_at);
    route.last_seen = route.last_seen.max(seen.started_at);
    route.requests += 1;
    route.places.count(seen.client_place);
    match seen.gate {
        Gate::Learn => {
            route.learnable += 1;
            if let Some(target) = seen.redirect_hash {
                route.count_redirect(target);
            }
        }
        Gate::Candidate => route.refused += 1,
        Gate::MatchOnly => {}
    }
    *route.statuses.entry(status).or_default() += 1;
    *route.auth.entry((seen.auth, Outcome::of(seen.status))).or_default() += 1;
    for fact in seen.facts.iter() {
        *route.facts.entry(fact).or_default() += 1;
    }
    if let Some(origin) = seen.reflected_origin {
        route.add_reflected_origin(origin);
    }
    route.consumers.insert(seen.consumer.key.0);
    route.latency_us.record(seen.latency_ns.unwrap_or_default() / 1_000);
    route.request_bytes.record(seen.request_bytes);
    route.response_bytes.record(seen.response_bytes);
    if (1..400).contains(&status) {
        for (media, counts) in [
            (&seen.request_media, &mut route.request_media),
            (&seen.response_media, &mut route.response_media),
        ] {
            if !media.is_empty() {
                *counts.entry(media.clone()).or_default() += 1;
            }
        }
        for shape in seen.parameters.iter().flat_map(|set| &set.shapes) {
            let parameter =
                route.parameters.entry((shape.location, shape.name.clone())).or_default();
            parameter.present += 1;
            *parameter.kinds.entry(shape.kind).or_default() += 1;
        }
    }
    if seen.bodies_read {
        route.learn_fields(seen);
    }
    let host: &mut HostDelta = delta.hosts.entry(seen.name.host.clone()).or_default();
    host.requests += 1;
    host.add_server(seen.server);
    if seen.name.method == "GET" && (200..400).contains(&status) {
        host.add_answer(seen.path_hash, seen.answer_hash.unwrap_or_default());
    }
}
