//! A request sets a field that nobody ever sent, and that is not the sender's to set.

use std::collections::BTreeMap;

use smallvec::SmallVec;
use tapline_model::{
    ConsumerDelta, ConsumerKey, Delta, EndpointId, Epoch, Evidence, FieldDelta, FieldKey,
    FieldName, FieldPart, Finding, FindingKind, FindingState, Key, Measure, RouteDelta, Severity,
    Timestamp,
};

use super::Detection;
use crate::bounded::Bounded;
use crate::config::MassAssignment as Settings;
use crate::endpoint_epoch::EndpointEpoch;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "mass_assignment",
    title: "A request sets a field that nobody ever sent and answers have",
    kind: FindingKind::Behaviour,
    owasp_api: &["API3:2023"],
    oat: &[],
    attack: &["T1565"],
    settings: "behavior.mass_assignment",
    state_max: "behavior.baselines_max endpoints with 512 fields each, as many paths with 512 names \
                of answers each",
    wrong_when: "It misses requests whose content was not looked into, and fields that answers never \
                 show and whose names tell nothing. It is wrong for a new version of a client until \
                 three consumers have it; that the server took the field, it only guesses from the \
                 success.",
};

/// Fields of one endpoint's requests, and names in the answers of one path.
const FIELDS_MAX: usize = 512;
/// Consumers of a new field that make it a change of the API rather than an attempt.
const CONSUMERS_MAX: usize = 3;

/// Names that give their holder something, in small letters and without marks.
const PRIVILEGES: &[&str] = &[
    "accounttype",
    "admin",
    "approved",
    "balance",
    "credit",
    "credits",
    "discount",
    "emailverified",
    "group",
    "groups",
    "isadmin",
    "isapproved",
    "isowner",
    "isstaff",
    "issuperuser",
    "isverified",
    "kycstatus",
    "owner",
    "ownerid",
    "permission",
    "permissions",
    "plan",
    "price",
    "privilege",
    "privileges",
    "quota",
    "role",
    "roleid",
    "roles",
    "scope",
    "scopes",
    "staff",
    "superuser",
    "tenantid",
    "tier",
    "unitprice",
    "userid",
    "usertype",
    "verified",
];

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct MassAssignment {
    settings: Settings,
    key: Key,
    requests: Bounded<EndpointId, Known>,
    /// Keyed hashes of the names in answers, ascending, by host and path.
    answers: Bounded<u64, Vec<u64>>,
}

/// What the requests of one endpoint have.
#[derive(Debug, Default)]
struct Known {
    documents: u64,
    fields: BTreeMap<FieldKey, Option<Fresh>>,
}

/// A field that came when the endpoint was known well.
#[derive(Debug)]
struct Fresh {
    since: Epoch,
    known_by: u64,
    consumers: SmallVec<[u64; CONSUMERS_MAX]>,
}

impl MassAssignment {
    /// Nothing seen; `key` hashes names.
    pub(crate) fn new(settings: Settings, endpoints_max: u32, key: Key) -> Self {
        let (requests, answers) = (Bounded::new(endpoints_max), Bounded::new(endpoints_max));
        Self { settings, key, requests, answers }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings, endpoints_max: u32) {
        self.settings = settings;
        self.requests.set_max(endpoints_max);
        self.answers.set_max(endpoints_max);
    }

    /// Takes what an endpoint was sent and answered.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        delta: &Delta,
        did: &EndpointEpoch,
        sink: &mut impl FnMut(Finding),
    ) {
        let routes = || did.routes.iter().filter_map(|route| delta.routes.get(route));
        if !self.settings.enabled || routes().all(|route| route.schemas.is_empty()) {
            return;
        }
        routes().for_each(|route| self.learn_answers(epoch, did, route));
        if !matches!(did.endpoint.method.as_str(), "POST" | "PUT" | "PATCH") {
            return;
        }
        for route in routes() {
            for (part, schema) in &route.schemas {
                if !matches!(part, FieldPart::Request(_)) {
                    continue;
                }
                for (&at, field) in &schema.fields {
                    if let FieldName::Member(name) = &field.name
                        && let Some(seen) = self.take(epoch, did, at, field)
                        && let Some(why) = self.what_is_wrong(did, name)
                    {
                        sink(finding(epoch, delta, did, (name, why), seen));
                    }
                }
                let id = did.endpoint.id;
                if let Some(known) = self.requests.get_mut(id) {
                    known.documents += schema.documents;
                }
            }
        }
    }

    fn learn_answers(&mut self, epoch: Epoch, did: &EndpointEpoch, route: &RouteDelta) {
        let path = self.path_of(did);
        for (part, schema) in &route.schemas {
            if !matches!(part, FieldPart::Response(200..300, _)) {
                continue;
            }
            while self.answers.make_room(path).is_some() {}
            let names = self.answers.touch(path, epoch, Vec::new);
            for field in schema.fields.values() {
                if let FieldName::Member(name) = &field.name {
                    let hash = self.key.text_hash(name.as_bytes());
                    if names.len() < FIELDS_MAX
                        && let Err(at) = names.binary_search(&hash)
                    {
                        names.insert(at, hash);
                    }
                }
            }
        }
    }

    fn path_of(&self, did: &EndpointEpoch) -> u64 {
        self.key.text_hash(format!("{}\0{}", did.host, did.endpoint.template).as_bytes())
    }

    /// Notes a field: the documents that came without it and who sent it, if it came late.
    fn take(
        &mut self,
        epoch: Epoch,
        did: &EndpointEpoch,
        at: FieldKey,
        field: &FieldDelta,
    ) -> Option<(u64, Epoch, ConsumerKey)> {
        let id = did.endpoint.id;
        while self.requests.make_room(id).is_some() {}
        let documents_min = u64::from(self.settings.documents_min);
        let known = self.requests.touch(id, epoch, Known::default);
        let is_full = known.fields.len() >= FIELDS_MAX;
        if !known.fields.contains_key(&at) {
            if is_full {
                return None;
            }
            let fresh = (known.documents >= documents_min).then(|| Fresh {
                since: epoch,
                known_by: known.documents,
                consumers: SmallVec::new(),
            });
            known.fields.insert(at, fresh);
        }
        let entry = known.fields.get_mut(&at)?;
        let fresh = entry.as_mut()?;
        for consumer in field.witnesses.ends() {
            if !fresh.consumers.contains(&consumer.0) && fresh.consumers.len() < CONSUMERS_MAX {
                fresh.consumers.push(consumer.0);
            }
        }
        if fresh.consumers.len() >= CONSUMERS_MAX {
            // The API has changed: that is drift, and told elsewhere.
            *entry = None;
            return None;
        }
        let [consumer, _] = field.witnesses.ends();
        Some((fresh.known_by, fresh.since, consumer))
    }

    /// Why a field is not the sender's to set.
    fn what_is_wrong(&self, did: &EndpointEpoch, name: &str) -> Option<&'static str> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if PRIVILEGES.contains(&plain.as_str()) {
            return Some("its name speaks of a privilege");
        }
        let hash = self.key.text_hash(name.as_bytes());
        let names = self.answers.get(self.path_of(did))?;
        names.binary_search(&hash).ok().map(|_| "answers of the path have a field of this name")
    }
}

fn finding(
    epoch: Epoch,
    delta: &Delta,
    did: &EndpointEpoch,
    (name, why): (&str, &str),
    (known_by, since, consumer): (u64, Epoch, ConsumerKey),
) -> Finding {
    let measure = |value, text| Measure { value, unit: "requests".to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let caller: Option<&ConsumerDelta> = delta.consumers.get(&consumer);
    let probability = 1.0 / (real(known_by) + 2.0);
    let is_privilege = why.contains("privilege");
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity: if is_privilege { Severity::High } else { Severity::Medium },
        confidence: if is_privilege { 0.85 } else { 0.7 },
        state: FindingState::Open,
        title: format!(
            "{} {} was sent `{name}`, which no request had before",
            did.endpoint.method, did.endpoint.template
        ),
        host: did.host.clone(),
        endpoint: Some(did.endpoint.clone()),
        consumer: Some(consumer),
        owner: None,
        client_addresses: caller.map(|it| it.clients.iter().copied().collect()).unwrap_or_default(),
        first_seen: since.start(),
        last_seen: epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(0.0, format!("none of {known_by} requests had the field")),
        seen: measure(1.0, format!("`{name}` was sent and not refused")),
        probability,
        lift: 1.0 / probability,
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("field", name.to_owned()),
            fact("why it matters", why.to_owned()),
            fact(
                "why it is no false alarm",
                format!(
                    "{known_by} requests came without it, and fewer than three consumers have it"
                ),
            ),
        ],
    }
}
