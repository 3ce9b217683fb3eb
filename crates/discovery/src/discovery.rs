//! The worker half: from a transaction to an observation.

use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{
    AnomalySet, AttackNotes, Attempts, AuthSet, Body, CallerPlace, Completeness, Consumer,
    ConsumerKey, ConsumerKind, DiscoveryStats, Epoch, Fact, FactSet, Feedback, FieldNotes,
    FieldPart, Gate, IgnoreReason, Key, Objects, Observation, ParameterLocation, ParameterSet,
    RequestHead, RouteKey, ShardId, Template, TemplateSegment, Timestamp, Transaction,
};

use crate::answer;
use crate::attacks::Attacks;
use crate::attempt::{AttemptReader, Context, Suspicion};
use crate::caller_place::CallerPlaces;
use crate::client_address::client_address;
use crate::consumer::{Consumers, Cookies};
use crate::evidence::Evidence;
use crate::format::{self, Format, Ledger, Reading, form, json, multipart};
use crate::gate;
use crate::host::Hosts;
use crate::names::{Names, NodeId};
use crate::notes::Notes;
use crate::path::NormalPath;
use crate::sampling::{Draw, Sampler};
use crate::sensitive;
use crate::shapes::Shapes;
use crate::template::{self, Routes};
use crate::token::TokenFacts;
use crate::{Config, headers, objects, record};

/// Methods that need no spelling, the most frequent first.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// Longest method that is kept.
const METHOD_BYTES_MAX: usize = 32;

/// Turns transactions into observations. Keeps no state about the traffic, only memories of what it
/// has worked out, which save time and change no output: so the shards of a worker share one.
#[derive(Debug)]
pub struct Discovery {
    config: Config,
    key: Key,
    observation: Observation,
    hosts: Hosts,
    host: CompactString,
    method: CompactString,
    path: NormalPath,
    target: NormalPath,
    routes: Routes,
    caller_places: CallerPlaces,
    consumers: Consumers,
    evidence: Evidence,
    attacks: Attacks,
    /// Of the credentials of the current transaction.
    token: TokenFacts,
    sampler: Sampler,
    attempts: AttemptReader,
    /// Of the route of the current transaction.
    context: Context,
    /// Whether the current transaction tries something.
    suspicion: Suspicion,
    /// What the transaction is that was asked about and not pushed yet.
    begun: Option<Kind>,
    names: Names,
    shapes: Shapes,
    notes: Notes,
    /// Values in the path of the current transaction that its template does not show.
    masked_in_path: u64,
    top_keys: Vec<u64>,
    scratch: Vec<u8>,
    record: record::Buffers,
    stats: DiscoveryStats,
}

/// What a transaction is to discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Observed,
    /// CONNECT.
    Tunnel,
    /// No request was seen.
    Unasked,
}

impl Discovery {
    /// Hashes with `key`.
    pub fn new(config: Config, key: Key) -> Self {
        Self {
            sampler: Sampler::new(&key, config.body_bytes_per_second, config.bodies_one_in),
            begun: None,
            routes: Routes::new(key.clone(), &config.templates),
            caller_places: CallerPlaces::new(&config),
            hosts: Hosts::new(config.hosts.clone()),
            config,
            consumers: Consumers::new(key.clone()),
            evidence: Evidence::new(key.clone()),
            attacks: Attacks::new(key.clone()),
            token: TokenFacts::default(),
            attempts: AttemptReader::new(key.clone(), 0),
            context: Context::default(),
            suspicion: Suspicion::None,
            names: Names::new(key.clone()),
            shapes: Shapes::new(),
            notes: Notes::default(),
            key,
            observation: blank(),
            host: CompactString::default(),
            method: CompactString::default(),
            path: NormalPath::default(),
            target: NormalPath::default(),
            masked_in_path: 0,
            top_keys: Vec::new(),
            scratch: Vec::new(),
            record: record::Buffers::default(),
            stats: DiscoveryStats::default(),
        }
    }

    /// The same for a run of the sensor: what must not be compared from one run to the next is hashed
    /// otherwise in each.
    #[must_use]
    pub fn in_run(mut self, run: u64) -> Self {
        self.attempts = AttemptReader::new(self.key.clone(), run);
        self
    }

    /// Names a transaction of `shard`, and says whether its bodies are to be decoded: of what
    /// `feedback` knows well, and of more than a shard can take in, only a sample is looked into; and
    /// the answer to what looks like an attack, or like an attempt at an account, is read. What it says
    /// holds for the [`Discovery::push`] that follows.
    pub fn wants_bodies(
        &mut self,
        transaction: &Transaction<'_>,
        shard: ShardId,
        feedback: &Feedback,
    ) -> bool {
        let kind = self.begin(transaction, feedback);
        self.begun = Some(kind);
        let Some(request) = transaction.request.as_ref().filter(|_| kind == Kind::Observed) else {
            return false;
        };
        self.sample(transaction, shard, feedback);
        let is_suspect = self.attacks.read(transaction, request, self.path.is_names());
        self.suspect(transaction, shard);
        self.observation.bodies_read || is_suspect || self.suspicion == Suspicion::Content
    }

    /// Takes one transaction of `shard`. Those without a request and tunnels (CONNECT) give no
    /// observation.
    pub fn push(
        &mut self,
        transaction: &Transaction<'_>,
        shard: ShardId,
        feedback: &Feedback,
        sink: &mut impl FnMut(&Observation),
    ) {
        if self.begun.is_none() {
            self.wants_bodies(transaction, shard, feedback);
        }
        self.stats.transactions.received += 1;
        match (self.begun.take(), &transaction.request) {
            (Some(Kind::Observed), Some(request)) => {
                self.read_parameters(request);
                self.look_into(shard, transaction, request);
                self.judge(transaction);
                self.evidence.read(transaction, request, self.token, &mut self.observation);
                let has_empty = self.path.has_empty_segment();
                self.observation.facts.insert_if(Fact::EmptySegment, has_empty);
                self.attacks.finish(transaction, self.token, &mut self.observation);
                self.measure(transaction);
                self.read_attempts(transaction, request);
                self.stats.transactions.processed += 1;
                sink(&self.observation);
            }
            (Some(Kind::Tunnel), _) => {
                self.stats.transactions.ignore(IgnoreReason::Switched, 1);
            }
            _ => self.stats.transactions.ignore(IgnoreReason::Malformed, 1),
        }
    }

    /// A second of capture time begins, for every shard.
    pub fn begin_second(&mut self, second: Epoch) {
        self.sampler.begin_second(second);
        self.attempts.begin_second();
    }

    /// Appends the record of the transaction pushed last, but for its time, for
    /// [`crate::LineWriter`]; `consumer` is that of its observation, if there was one. With
    /// `raw_targets` the query is part of it, classified values masked.
    pub fn record(
        &mut self,
        transaction: &Transaction<'_>,
        consumer: Option<ConsumerKey>,
        raw_targets: bool,
        out: &mut Vec<u8>,
    ) {
        let names_max = usize::from(self.config.transaction_parameters_max);
        let known = consumer.map(|_| record::Known {
            host: &self.observation.name.host,
            is_harmless_path: self.path.is_harmless(),
            attacks: &self.observation.attacks.notes,
        });
        let options = record::Options { raw_targets, names_max };
        let masked = record::pack(transaction, consumer, known, options, &mut self.record, out);
        self.stats.values_masked += masked;
    }

    /// Counters since start.
    pub fn stats(&self) -> DiscoveryStats {
        self.stats
    }

    /// What was asked for and by whom.
    fn begin(&mut self, transaction: &Transaction<'_>, feedback: &Feedback) -> Kind {
        let Some(request) = &transaction.request else { return Kind::Unasked };
        if request.method != self.method.as_bytes() {
            write_method(request.method, &mut self.method);
        }
        if self.method == "CONNECT" {
            return Kind::Tunnel;
        }
        let seen = &mut self.observation;
        self.hosts.write(request.authority, transaction.server, &mut self.host);
        self.path.set(request.path);
        let (key, route) = self.routes.of(&self.host, &self.method, &self.path);
        seen.route = key;
        seen.name.clone_from(&route.name);
        self.masked_in_path = route.masked;
        self.context = route.context;
        seen.client =
            client_address(&self.config.trusted_proxies, transaction.client.ip(), request.headers);
        seen.client_place = self.caller_places.of(seen.client);
        let known = Cookies { host: &seen.name.host, hashes: &feedback.session_cookies };
        let caller = self.consumers.identify(request.headers, request.query, seen.client, known);
        (seen.auth, seen.consumer, self.token) = (caller.auth, caller.consumer, caller.token);
        seen.credential = caller.credential;
        Kind::Observed
    }

    fn sample(&mut self, transaction: &Transaction<'_>, shard: ShardId, feedback: &Feedback) {
        let seen = &mut self.observation;
        let luck = self.sampler.luck(transaction.started_at, transaction.client.port(), seen.route);
        let bodies = [transaction.request_body.wire_bytes, transaction.response_body.wire_bytes];
        let body_bytes = bodies.iter().sum();
        let known_one_in = feedback.bodies_one_in(seen.route);
        seen.bodies_read =
            self.sampler.choose(shard, seen.route, known_one_in, Draw { luck, body_bytes });
        // Nobody asks for it where the answer is not read.
        seen.path_hash = if seen.bodies_read { self.key.text_hash(self.path.text()) } else { 0 };
        let with_bodies = bodies.iter().filter(|&&bytes| bytes > 0).count() as u64;
        self.stats.bodies_seen += with_bodies;
        self.stats.bodies_sampled += if seen.bodies_read { with_bodies } else { 0 };
    }

    /// Whatever is tried against accounts is looked into, sample or not.
    fn suspect(&mut self, transaction: &Transaction<'_>, shard: ShardId) {
        let (method, auth) = (self.method.as_str(), self.observation.auth);
        let (suspicion, is_whole) =
            self.attempts.suspect(transaction, shard, self.context, (method, auth));
        self.suspicion = suspicion;
        self.stats.attempts_over_max += u64::from(!is_whole);
    }

    fn read_attempts(&mut self, transaction: &Transaction<'_>, request: &RequestHead<'_>) {
        let Self { attempts, suspicion, context, observation, .. } = self;
        let leads_back = observation.gate != Gate::Learn;
        attempts.read(*suspicion, transaction, request, (*context, leads_back), observation);
        self.stats.attempts += self.observation.attempts.tried.len() as u64;
    }

    /// What is noted of every transaction: the slots of the path and the names in the query.
    fn read_parameters(&mut self, request: &RequestHead<'_>) {
        let Self { observation, names, shapes, notes, scratch, .. } = self;
        if names.start() {
            shapes.forget();
        }
        shapes.start(usize::from(self.config.transaction_parameters_max));
        notes.start(usize::from(self.config.body_fields_max));
        observation.parameters.clear();
        let slots = self.routes.slots(observation.route).filter(|set| shapes.repeat(set));
        let slots = slots.map(Arc::clone).or_else(|| {
            let set = read_slots(&observation.name.template, shapes, names)?;
            if shapes.over_max == 0 {
                self.routes.remember_slots(observation.route, &set);
            }
            Some(set)
        });
        observation.parameters.extend(slots);
        objects::note_path(
            &observation.name.template,
            &self.path,
            &mut notes.objects,
            &self.key,
            scratch,
        );
        if let Some(query) = request.query {
            let mut ledger = Ledger { notes, names };
            let is_noted = observation.bodies_read;
            let set = form::read_query(query, is_noted, shapes, &mut ledger, scratch);
            observation.parameters.extend(set);
        }
        self.stats.parameters_over_max += self.shapes.over_max;
    }

    /// What is noted of a sample: header fields, and what bodies and values look like.
    fn look_into(
        &mut self,
        shard: ShardId,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
    ) {
        self.top_keys.clear();
        let mut answer = None;
        if self.observation.bodies_read {
            let mut ledger = Ledger { notes: &mut self.notes, names: &mut self.names };
            headers::read(request.headers, &mut ledger, &mut self.scratch);
            let sent = &transaction.request_body;
            self.read_body(sent, |media| FieldPart::Request(media.into()));
            if objects::is_graph(&self.observation.name.template, sent.media_type) {
                self.notes.objects.graph = objects::graph_query(sent.sample.bytes);
            }
            if let Some(response) = &transaction.response {
                let part = |media: &str| FieldPart::Response(response.status, media.into());
                answer = self.read_body(&transaction.response_body, part);
            } else {
                self.top_keys.clear();
            }
        }
        self.stats.parameters_over_max += self.notes.over_max;
        self.stats.values_masked += self.names.masked + self.masked_in_path;
        self.sampler.spend_notes(shard, self.notes.len());
        self.notes.objects.is_blind |= objects::may_name_more(transaction, answer);
        self.notes.swap(&mut self.observation.fields, &mut self.observation.objects);
    }

    /// What became of reading it; none when there is nothing that can be read.
    fn read_body(
        &mut self,
        body: &Body<'_>,
        part: impl FnOnce(&str) -> FieldPart,
    ) -> Option<Reading> {
        let Self { names, notes, top_keys, scratch, stats, .. } = self;
        top_keys.clear();
        if body.wire_bytes == 0 {
            return None;
        }
        let part = part(format::shown_media(body.media_type));
        notes.begin();
        let mut ledger = Ledger { notes, names };
        let is_request = matches!(part, FieldPart::Request(_));
        let reading = match format::format_of(body) {
            Some(Format::Json) => {
                let depth_max = self.config.body_depth_max;
                Some(json::read(&body.sample, depth_max, &mut ledger, top_keys))
            }
            // Forms are what is sent; as answers they have no names to learn.
            Some(Format::Form) if is_request => {
                form::read_body(body.sample.bytes, body.sample.truncated, &mut ledger, scratch);
                Some(Reading::Read)
            }
            Some(Format::Multipart) if is_request => {
                Some(multipart::read(body.sample.bytes, body.sample.truncated, &mut ledger))
            }
            _ => None,
        };
        stats.bodies_parsed += u64::from(reading.is_some());
        if reading == Some(Reading::Malformed) {
            stats.bodies_malformed += 1;
            notes.discard();
        }
        // What cannot be read was there all the same.
        notes.finish(part);
        reading
    }

    /// What the answer says and may teach.
    fn judge(&mut self, transaction: &Transaction<'_>) {
        let seen = &mut self.observation;
        let response = transaction.response.as_ref();
        (seen.gate, seen.redirect_hash) =
            gate::judge(&self.key, &seen.name.method, &self.path, response, &mut self.target);
        seen.answer_hash = seen.bodies_read.then(|| {
            let Self { key, top_keys, scratch, .. } = self;
            answer::answer_hash(key, &seen.name.method, transaction, top_keys, scratch)
        });
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

/// The parameters in the slots of a path.
fn read_slots(
    template: &Template,
    shapes: &mut Shapes,
    names: &mut Names,
) -> Option<Arc<ParameterSet>> {
    let root = shapes.begin(ParameterLocation::Path, names);
    let mut before = NodeId::NOWHERE;
    for (place, segment) in template.segments.iter().enumerate() {
        if let TemplateSegment::Parameter(class, _) = segment {
            before = names.enter_plain(root, before, template::place_name(place));
            shapes.note(before, template::value_kind(*class), names);
        }
    }
    shapes.finish(names)
}

/// Upper case; what is no token (RFC 9110 section 5.6.2) becomes `?`, and so does a secret.
fn write_method(sent: &[u8], out: &mut CompactString) {
    if let Some(known) = METHODS.iter().find(|known| known.as_bytes() == sent) {
        out.clear();
        out.push_str(known);
        return;
    }
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    out.clear();
    if sensitive::find(sent).is_some() {
        out.push('?');
        return;
    }
    out.extend(
        sent.iter()
            .take(METHOD_BYTES_MAX)
            .map(|byte| if is_token(byte) { char::from(byte.to_ascii_uppercase()) } else { '?' }),
    );
}

/// `out` holds what was written for the transaction before.
fn write_media(body: &Body<'_>, out: &mut CompactString) {
    if body.wire_bytes == 0 {
        out.clear();
    } else if out != body.media_type {
        // What is shown of what is shown is the same.
        out.clear();
        out.push_str(format::shown_media(body.media_type));
    }
}

fn blank() -> Observation {
    Observation {
        started_at: Timestamp::ZERO,
        ended_at: Timestamp::ZERO,
        route: RouteKey::default(),
        name: Arc::default(),
        path_hash: 0,
        answer_hash: None,
        gate: Gate::MatchOnly,
        redirect_hash: None,
        consumer: Consumer { key: ConsumerKey::default(), kind: ConsumerKind::Address },
        client: std::net::Ipv4Addr::UNSPECIFIED.into(),
        client_place: CallerPlace::External,
        server: (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        credential: 0,
        auth: AuthSet::NONE,
        facts: FactSet::EMPTY,
        software: None,
        session_cookie: None,
        reflected_origin: None,
        agent: 0,
        status: None,
        completeness: Completeness::Whole,
        request_bytes: 0,
        response_bytes: 0,
        latency_ns: None,
        request_media: CompactString::default(),
        response_media: CompactString::default(),
        parameters: SmallVec::new(),
        bodies_read: true,
        fields: FieldNotes::default(),
        attempts: Attempts::default(),
        objects: Objects::default(),
        anomalies: AnomalySet::EMPTY,
        attacks: AttackNotes::default(),
    }
}

#[cfg(test)]
mod tests;
