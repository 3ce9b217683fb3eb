//! A sensor from the observation on: folds, seals, and keeps what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_behavior::{Behavior, Config, Fold};
use tapline_model::{
    AnomalySet, AttackNotes, Attempts, AuthSet, CallerPlace, ClassSet, Completeness, Consumer,
    ConsumerKey, ConsumerKind, Document, EndpointId, EndpointRef, Epoch, FactSet, Feedback,
    FieldKey, FieldName, FieldNote, FieldNotes, FieldPart, Finding, Gate, JsonKind, Key, Near,
    ObjectPlace, ObjectRef, Objects, Observation, RouteFeedback, RouteKey, RouteName, SegmentClass,
    ShardId, Span, Template, TemplateSegment, Timestamp, integer_hash, noun_hash,
};

/// A Monday, at the start of a day.
pub(crate) const START: u64 = 1_740_960_000;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Every endpoint of the shop. The place in the list is its route and its id, from 1.
pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("POST", "/login"),
    ("GET", "/orders"),
    ("GET", "/orders/{orderId}"),
    ("PUT", "/orders/{orderId}"),
    ("GET", "/products"),
    ("GET", "/products/{productId}"),
    ("POST", "/cart/items"),
    ("POST", "/payments"),
    ("POST", "/checkout"),
    ("GET", "/support/tickets"),
    ("GET", "/support/tickets/{ticketId}"),
    ("GET", "/admin/users"),
    ("DELETE", "/admin/users/{userId}"),
    ("GET", "/admin/audit"),
    ("POST", "/graphql"),
    ("GET", "/partner/feed"),
    ("GET", "/partner/status"),
];

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) number: u64,
    pub(crate) kind: ConsumerKind,
    /// How many programs it calls with.
    pub(crate) agents: u64,
}

impl Who {
    pub(crate) const fn user(number: u64) -> Self {
        Self { number, kind: ConsumerKind::Subject, agents: 1 }
    }

    pub(crate) const fn address(number: u64, agents: u64) -> Self {
        Self { number, kind: ConsumerKind::Address, agents }
    }

    pub(crate) fn key(self) -> ConsumerKey {
        ConsumerKey(mix(self.number))
    }

    pub(crate) fn client(self) -> IpAddr {
        let [.., high, low] = self.number.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(203, 0, high, low))
    }
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) what: (&'static str, &'static str),
    pub(crate) id: Option<u64>,
    pub(crate) status: u16,
    pub(crate) served: Vec<u64>,
    pub(crate) bytes: u64,
    pub(crate) latency_us: u64,
    pub(crate) objects: Objects,
    pub(crate) fields: FieldNotes,
}

impl Call {
    pub(crate) fn new(method: &'static str, template: &'static str) -> Self {
        Self {
            what: (method, template),
            id: None,
            status: 200,
            served: Vec::new(),
            bytes: 2_000,
            latency_us: 20_000,
            objects: Objects::default(),
            fields: FieldNotes::default(),
        }
    }

    pub(crate) fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn serving(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.served.extend(ids);
        self
    }
}

/// The sensor.
pub(crate) struct World {
    fold: Fold,
    behavior: Behavior,
    feedback: Feedback,
    names: Vec<Arc<RouteName>>,
    seen: Observation,
    key: Key,
    /// What is to happen, by when.
    agenda: BTreeMap<(u64, u64), (Who, Call)>,
    planned: u64,
    pub(crate) now: u64,
    pub(crate) requests: u64,
    pub(crate) findings: Vec<(u64, Finding)>,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let known = (1..=ENDPOINTS.len() as u64)
            .map(|route| (RouteKey(route), RouteFeedback { bodies_one_in: 1 }));
        Self {
            fold: Fold::new(&config, 1, 1, 0),
            behavior: Behavior::new(config, Key::fixed()),
            feedback: Feedback::with_routes(Epoch(0), known),
            names: ENDPOINTS.iter().map(|&endpoint| Arc::new(name(endpoint))).collect(),
            seen: blank(),
            key: Key::fixed(),
            agenda: BTreeMap::new(),
            planned: 0,
            now: START,
            requests: 0,
            findings: Vec::new(),
        }
    }

    /// Plans a request for a second from the start.
    pub(crate) fn plan(&mut self, at: u64, who: Who, call: Call) {
        self.planned += 1;
        self.agenda.insert((START + at, self.planned), (who, call));
    }

    /// Lets everything happen that is planned up to a second from the start.
    pub(crate) fn run_until(&mut self, until: u64) {
        let until = START + until;
        let later = self.agenda.split_off(&(until, 0));
        let due = std::mem::replace(&mut self.agenda, later);
        for ((at, turn), (who, call)) in due {
            self.advance(at.max(self.now));
            self.call(turn, who, call);
        }
        self.advance(until);
    }

    fn advance(&mut self, to: u64) {
        if to <= self.now {
            return;
        }
        let Self { fold, behavior, findings, now, .. } = self;
        if let Some(delta) = fold.seal(Epoch(*now)) {
            behavior.seal(Epoch(*now), &delta, &endpoint_of, &mut |finding| {
                findings.push((*now, finding));
            });
        }
        behavior.advance(Epoch(to), &mut |finding| findings.push((*now, finding)));
        self.now = to;
    }

    fn call(&mut self, turn: u64, who: Who, call: Call) {
        let route = ENDPOINTS.iter().position(|&it| it == call.what).unwrap();
        let Self { seen, key, .. } = self;
        self.requests += 1;
        seen.route = RouteKey(route as u64 + 1);
        seen.name = Arc::clone(&self.names[route]);
        seen.consumer = Consumer { key: who.key(), kind: who.kind };
        seen.client = who.client();
        seen.agent = 1 + turn % who.agents;
        seen.started_at = Timestamp::from_nanos(self.now * 1_000_000_000 + turn % 1_000_000);
        seen.status = Some(call.status);
        seen.gate = if call.status < 300 { Gate::Learn } else { Gate::MatchOnly };
        seen.response_bytes = call.bytes;
        seen.latency_ns = Some(call.latency_us * 1_000);
        seen.objects = call.objects;
        seen.fields = call.fields;
        if let Some(id) = call.id {
            let place = call.what.1.split('/').skip(1).position(|it| it.starts_with('{'));
            let place = place.map_or(ObjectPlace::Named(noun_hash(key, "order")), |place| {
                ObjectPlace::Path(u8::try_from(place).unwrap())
            });
            seen.objects.ask(ObjectRef {
                place,
                object: integer_hash(key, id.into()),
                near: Near::of(key, id),
            });
        }
        for id in call.served {
            seen.objects.serve(integer_hash(key, id.into()));
        }
        let shard = ShardId::from_hash(mix(who.number));
        self.fold.observe(shard, seen, &self.feedback);
    }

    /// Detections that spoke, with whom they blame.
    pub(crate) fn blamed(&self) -> BTreeSet<(String, Option<ConsumerKey>)> {
        let findings = self.findings.iter();
        findings.map(|(_, finding)| (finding.detection.clone(), finding.consumer)).collect()
    }

    /// When a detection first spoke of somebody, and the first and the worst it said.
    pub(crate) fn found(&self, detection: &str, who: Who) -> Option<(u64, &Finding, &Finding)> {
        let mut of = self.findings.iter().filter(|(_, finding)| {
            finding.detection == detection && finding.consumer == Some(who.key())
        });
        let (at, first) = of.next()?;
        let worst = of.map(|(_, finding)| finding).max_by_key(|finding| finding.severity);
        let worst = worst.filter(|worst| worst.severity > first.severity).unwrap_or(first);
        Some((at - START, first, worst))
    }
}

pub(crate) fn endpoint_of(route: RouteKey) -> Option<(String, EndpointRef)> {
    let (method, template) = *ENDPOINTS.get(usize::try_from(route.0).unwrap().checked_sub(1)?)?;
    let id = EndpointId(route.0);
    let (method, template) = (method.to_owned(), template.to_owned());
    Some(("shop".to_owned(), EndpointRef { id, method, template }))
}

fn name((method, template): (&str, &str)) -> RouteName {
    let segments = template.split('/').skip(1).map(|segment| {
        if segment.starts_with('{') {
            TemplateSegment::Parameter(SegmentClass::Integer, CompactString::default())
        } else {
            TemplateSegment::Word(segment.into())
        }
    });
    let template = Template { segments: segments.collect(), trailing_slash: false };
    RouteName { host: "shop".into(), method: method.into(), template }
}

fn blank() -> Observation {
    Observation {
        started_at: Timestamp::ZERO,
        ended_at: Timestamp::ZERO,
        route: RouteKey(0),
        name: Arc::default(),
        path_hash: 0,
        answer_hash: None,
        gate: Gate::Learn,
        redirect_hash: None,
        consumer: Consumer { key: ConsumerKey(0), kind: ConsumerKind::Subject },
        client: Ipv4Addr::UNSPECIFIED.into(),
        server: "10.9.9.9:80".parse().unwrap(),
        credential: 0,
        client_place: CallerPlace::Internal,
        auth: AuthSet::NONE,
        facts: FactSet::EMPTY,
        software: None,
        session_cookie: None,
        reflected_origin: None,
        agent: 0,
        status: None,
        completeness: Completeness::Whole,
        request_bytes: 300,
        response_bytes: 0,
        latency_ns: None,
        request_media: CompactString::default(),
        response_media: "application/json".into(),
        parameters: SmallVec::new(),
        bodies_read: true,
        fields: FieldNotes::default(),
        objects: Objects::default(),
        attempts: Attempts::default(),
        attacks: AttackNotes::default(),
        anomalies: AnomalySet::default(),
    }
}

/// A request and an answer with members of these names.
pub(crate) fn sent(request: &[&str], response: &[&str]) -> FieldNotes {
    let media = || CompactString::from("application/json");
    let mut fields = FieldNotes::default();
    for (part, names) in
        [(FieldPart::Request(media()), request), (FieldPart::Response(200, media()), response)]
    {
        let start = fields.notes.len();
        let end = u32::try_from(names.len()).unwrap() + 1;
        fields.notes.push(note(FieldName::Root, JsonKind::Object, end));
        let members = names
            .iter()
            .zip(2..)
            .map(|(&name, end)| note(FieldName::Member(name.into()), JsonKind::String, end));
        fields.notes.extend(members);
        fields.documents.push(Document { part, notes: start..fields.notes.len() });
    }
    fields
}

fn note(name: FieldName, kind: JsonKind, end: u32) -> FieldNote {
    FieldNote {
        field: FieldKey::ROOT.below(&Key::fixed(), &name),
        name,
        parent: 0,
        end,
        kind,
        is_whole: kind == JsonKind::Object,
        is_repeat: false,
        is_tag: false,
        format: None,
        key_class: None,
        number: Span::NONE,
        size: Span::NONE,
        value: None,
        classes: ClassSet::NONE,
        sample: None,
    }
}

/// splitmix64: hashes, and dice with a fixed seed.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
