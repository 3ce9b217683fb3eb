//! The worker half: from a transaction to an observation.

use compact_str::CompactString;
use hashbrown::HashSet;
use tapline_model::{
    AnomalySet, AuthSet, Body, Completeness, Consumer, ConsumerKey, ConsumerKind, DiscoveryStats,
    Gate, IgnoreReason, Key, Observation, ParameterLocation, RequestHead, RouteKey, SegmentClass,
    Template, TemplateSegment, Timestamp, Transaction,
};

use crate::answer;
use crate::auth::Credentials;
use crate::client_address::client_address;
use crate::consumer::Consumers;
use crate::format::{self, Format, Reading, form, json, multipart};
use crate::gate;
use crate::host::write_host;
use crate::parameter::Parameters;
use crate::path::NormalPath;
use crate::template::{self, Templates};
use crate::{Config, record};

/// Longest method that is kept.
const METHOD_BYTES_MAX: usize = 32;

/// Turns the transactions of one shard into observations. Keeps no state about the traffic but a
/// memory of the last callers, which only saves time.
#[derive(Debug)]
pub struct Discovery {
    config: Config,
    key: Key,
    observation: Observation,
    path: NormalPath,
    target: NormalPath,
    templates: Templates,
    consumers: Consumers,
    seen_names: HashSet<u64>,
    json: json::Buffers,
    scratch: Vec<u8>,
    record: record::Buffers,
    stats: DiscoveryStats,
}

impl Discovery {
    /// Hashes with `key`.
    pub fn new(config: Config, key: Key) -> Self {
        Self {
            config,
            consumers: Consumers::new(key.clone()),
            key,
            observation: blank(),
            path: NormalPath::default(),
            target: NormalPath::default(),
            templates: Templates::default(),
            seen_names: HashSet::new(),
            json: json::Buffers::default(),
            scratch: Vec::new(),
            record: record::Buffers::default(),
            stats: DiscoveryStats::default(),
        }
    }

    /// Takes one transaction. Those without a request and tunnels (CONNECT) give no observation.
    pub fn push(&mut self, transaction: &Transaction<'_>, sink: &mut impl FnMut(&Observation)) {
        self.stats.transactions.received += 1;
        let Some(request) = &transaction.request else {
            self.stats.transactions.ignore(IgnoreReason::Malformed, 1);
            return;
        };
        write_method(request.method, &mut self.observation.method);
        if self.observation.method == "CONNECT" {
            self.stats.transactions.ignore(IgnoreReason::Switched, 1);
            return;
        }
        self.name(transaction, request);
        self.read_parameters(transaction, request);
        self.judge(transaction);
        self.measure(transaction);
        self.stats.transactions.processed += 1;
        sink(&self.observation);
    }

    /// Appends the line of `transactions.jsonl` for a transaction, without its last field `endpoint`
    /// and the closing brace: those are known only when all is merged. With `raw_targets` the query is
    /// part of it, classified values masked.
    pub fn record(
        &mut self,
        transaction: &Transaction<'_>,
        observation: Option<&Observation>,
        raw_targets: bool,
        line: &mut Vec<u8>,
    ) {
        let names_max = usize::from(self.config.transaction_parameters_max);
        let masked = record::write_line(
            transaction,
            observation,
            record::Options { raw_targets, names_max },
            &mut self.record,
            line,
        );
        self.stats.values_masked += masked;
    }

    /// Counters since start.
    pub fn stats(&self) -> DiscoveryStats {
        self.stats
    }

    /// What was asked for and by whom.
    fn name(&mut self, transaction: &Transaction<'_>, request: &RequestHead<'_>) {
        let seen = &mut self.observation;
        write_host(request.authority, transaction.server, &mut seen.host);
        self.path.set(request.path);
        self.templates.build(&self.path, &mut seen.template);
        seen.route = self.templates.route(&self.key, &seen.host, &seen.method, &seen.template);
        seen.path_hash = self.key.text_hash(self.path.text());
        seen.client =
            client_address(&self.config.trusted_proxies, transaction.client.ip(), request.headers);
        let credentials = Credentials::of(request.headers, request.query, &mut self.scratch);
        seen.auth = credentials.kinds;
        seen.consumer = self.consumers.identify(&credentials, seen.client);
    }

    fn read_parameters(&mut self, transaction: &Transaction<'_>, request: &RequestHead<'_>) {
        let max = usize::from(self.config.transaction_parameters_max);
        let Observation { template, parameters, .. } = &mut self.observation;
        let mut parameters = Parameters::new(parameters, &mut self.seen_names, &self.key, max);
        let slots = template.segments.iter().filter_map(|segment| match segment {
            TemplateSegment::Parameter(class, _) => Some(*class),
            _ => None,
        });
        for (index, class) in slots.enumerate() {
            let kind = template::value_kind(class);
            parameters.add(ParameterLocation::Path, template::slot_name(index), kind);
            parameters.masked += u64::from(is_masked_class(class));
        }
        if let Some(query) = request.query {
            form::read(query, ParameterLocation::Query, &mut parameters, &mut self.scratch);
        }
        let mut reader = BodyReader {
            key: &self.key,
            depth_max: self.config.body_depth_max,
            json: &mut self.json,
            scratch: &mut self.scratch,
            stats: &mut self.stats,
        };
        reader.read(&transaction.request_body, ParameterLocation::Body, &mut parameters);
        reader.read(&transaction.response_body, ParameterLocation::ResponseBody, &mut parameters);
        self.stats.parameters_over_max += parameters.over_max;
        self.stats.values_masked += parameters.masked;
    }

    /// What the answer says and may teach.
    fn judge(&mut self, transaction: &Transaction<'_>) {
        let seen = &mut self.observation;
        let response = transaction.response.as_ref();
        (seen.gate, seen.redirect_hash) =
            gate::judge(&self.key, &seen.method, &self.path, response, &mut self.target);
        seen.answer_hash = answer::answer_hash(
            &self.key,
            &seen.method,
            transaction,
            &mut self.json.top_keys,
            &mut self.scratch,
        );
        seen.status = response.map(|response| response.status);
    }

    fn measure(&mut self, transaction: &Transaction<'_>) {
        let seen = &mut self.observation;
        seen.started_at = transaction.started_at;
        seen.ended_at = transaction.ended_at;
        seen.server = transaction.server;
        seen.completeness = transaction.completeness;
        seen.request_bytes = transaction.request_bytes;
        seen.response_bytes = transaction.response_bytes;
        seen.latency_ns = transaction.latency_ns;
        seen.anomalies = transaction.anomalies;
        write_media(&transaction.request_body, &mut seen.request_media);
        write_media(&transaction.response_body, &mut seen.response_media);
    }
}

/// Reads bodies into parameters.
struct BodyReader<'a> {
    key: &'a Key,
    depth_max: u8,
    json: &'a mut json::Buffers,
    scratch: &'a mut Vec<u8>,
    stats: &'a mut DiscoveryStats,
}

impl BodyReader<'_> {
    fn read(
        &mut self,
        body: &Body<'_>,
        location: ParameterLocation,
        parameters: &mut Parameters<'_>,
    ) {
        self.json.top_keys.clear();
        let text = body.sample.bytes;
        let reading = match format::format_of(body) {
            Some(Format::Json) => json::read(
                &body.sample,
                json::Place { location, depth_max: self.depth_max },
                self.key,
                parameters,
                self.json,
            ),
            // Forms are what is sent; as answers they have no names to learn.
            _ if location != ParameterLocation::Body => return,
            Some(Format::Form) => {
                form::read(text, location, parameters, self.scratch);
                Reading::Read
            }
            Some(Format::Multipart) => multipart::read(text, parameters),
            None => return,
        };
        self.stats.bodies_parsed += 1;
        self.stats.bodies_malformed += u64::from(reading == Reading::Malformed);
    }
}

/// Upper case; what is no token (RFC 9110 section 5.6.2) becomes `?`.
fn write_method(sent: &[u8], out: &mut CompactString) {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    out.clear();
    out.extend(
        sent.iter()
            .take(METHOD_BYTES_MAX)
            .map(|byte| if is_token(byte) { char::from(byte.to_ascii_uppercase()) } else { '?' }),
    );
}

fn write_media(body: &Body<'_>, out: &mut CompactString) {
    out.clear();
    if body.wire_bytes > 0 {
        out.push_str(format::shown_media(body.media_type));
    }
}

/// Classes whose values are secrets or personal wherever they stand.
const fn is_masked_class(class: SegmentClass) -> bool {
    matches!(
        class,
        SegmentClass::CardNumber | SegmentClass::Jwt | SegmentClass::Email | SegmentClass::Phone
    )
}

fn blank() -> Observation {
    Observation {
        started_at: Timestamp::ZERO,
        ended_at: Timestamp::ZERO,
        route: RouteKey::default(),
        host: CompactString::default(),
        method: CompactString::default(),
        template: Template::default(),
        path_hash: 0,
        answer_hash: 0,
        gate: Gate::MatchOnly,
        redirect_hash: None,
        consumer: Consumer { key: ConsumerKey::default(), kind: ConsumerKind::Address },
        client: std::net::Ipv4Addr::UNSPECIFIED.into(),
        server: (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        auth: AuthSet::NONE,
        status: None,
        completeness: Completeness::Whole,
        request_bytes: 0,
        response_bytes: 0,
        latency_ns: None,
        request_media: CompactString::default(),
        response_media: CompactString::default(),
        parameters: Vec::new(),
        anomalies: AnomalySet::EMPTY,
    }
}

#[cfg(test)]
mod tests;
