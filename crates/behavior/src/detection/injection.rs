//! A consumer sends values that are meant to be run or followed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use smallvec::SmallVec;
use tapline_model::{
    Attack, AttackCounts, AttackDelta, AttackKey, AttackPlace, ConsumerKey, EndpointRef, Epoch,
    Evidence, Finding, FindingKind, FindingState, Key, Measure, Proof, RouteKey, Severity,
    Timestamp,
};

use super::Detection;
use crate::bounded::Bounded;
use crate::config::Injection;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "injection",
    title: "A consumer sends values that are meant to be run",
    kind: FindingKind::Behaviour,
    owasp_api: &["API8:2023", "API10:2023"],
    oat: &[],
    attack: &["T1190", "T1059"],
    settings: "behavior.injection",
    state_max: "behavior.consumers_max pairs of consumer and endpoint, and as many parameters, those \
                quiet for longest given up first; 4 096 attacks an epoch, those with the smallest \
                keys",
    wrong_when: "It misses attacks in coded bodies that were not looked into, in formats it does not \
                 read and in values that are harmless text to every grammar. Success that does not \
                 show in the answer is told as an attempt. It is wrong for a parameter that takes \
                 code, pages or queries by design, until usual_consumers_min consumers have sent \
                 such values; and it takes a failure that has another cause for success.",
};

pub(crate) const SERVER_REQUEST: Detection = Detection {
    id: "server_request_forgery",
    title: "A consumer sends addresses that only the server can reach",
    kind: FindingKind::Behaviour,
    owasp_api: &["API7:2023"],
    oat: &[],
    attack: &["T1190", "T1552.005"],
    settings: "behavior.injection",
    state_max: "that of injection",
    wrong_when: "It misses names that lead inside and do not look like it, and hosts that nobody \
                 has asked for yet. It is wrong for parameters that take addresses of the own network \
                 by design (callbacks, devices), until usual_consumers_min consumers have sent such.",
};

pub(crate) const SMUGGLING: Detection = Detection {
    id: "request_smuggling",
    title: "A consumer sends requests whose end two readers see at different places",
    kind: FindingKind::Behaviour,
    owasp_api: &["API8:2023"],
    oat: &[],
    attack: &["T1190"],
    settings: "behavior.injection",
    state_max: "that of injection",
    wrong_when: "It misses requests that a proxy has made unambiguous before they are seen. It is wrong \
                 for old clients that send a length beside a transfer coding.",
};

pub(crate) const TOKEN: Detection = Detection {
    id: "jwt_abuse",
    title: "A consumer sends tokens that it may have made itself",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &[],
    attack: &["T1606.001", "T1550.001"],
    settings: "behavior.injection",
    state_max: "that of injection",
    wrong_when: "It misses tokens that are signed with a key that was guessed or stolen. It is wrong \
                 where a gateway takes the signature off tokens before they are seen.",
};

/// The score up to which a value may be what a parameter takes.
const USUAL_SCORE_MAX: u8 = 5;
/// Consumers remembered of one parameter.
const SENDERS_MAX: usize = 8;
/// Parameters remembered of one case.
const PARAMETERS_MAX: usize = 32;
/// Client addresses remembered of one case.
const CLIENTS_MAX: usize = 10;
/// Seconds of silence after which a case begins anew.
const QUIET_SECONDS: u64 = 3_600;
/// Keeps the hashes shown apart from other keyed hashes.
const NAME_PURPOSE: u8 = b'p';

/// The detections, over all consumers.
#[derive(Debug)]
pub(crate) struct Injections {
    settings: Injection,
    cases: Bounded<CaseKey, Case>,
    /// Who sends what to a parameter.
    usual: Bounded<Parameter, SmallVec<[ConsumerKey; 4]>>,
    key: Key,
}

/// Who, where (the id of an endpoint, or the hash of a host), and which of [`DETECTIONS`] it is.
type CaseKey = (ConsumerKey, u64, usize);
/// A parameter of an endpoint or host, and an attack.
type Parameter = (u64, Attack, AttackPlace, u64);

/// The detections that this file makes.
const DETECTIONS: [&Detection; 4] = [&DETECTION, &SERVER_REQUEST, &SMUGGLING, &TOKEN];

/// Which of them an attack belongs to.
const fn detection_of(attack: Attack) -> usize {
    match attack {
        Attack::ServerRequest => 1,
        Attack::Smuggling => 2,
        Attack::Token => 3,
        _ => 0,
    }
}

/// One consumer at one endpoint, or at what has none on one host.
#[derive(Debug)]
struct Case {
    first_seen: Epoch,
    last_seen: Epoch,
    requests: u64,
    score_max: u8,
    attacks: BTreeMap<(Attack, AttackPlace), u64>,
    parameters: BTreeSet<u64>,
    status_classes: [u64; 6],
    proofs: BTreeMap<Proof, u64>,
    slow: u64,
    clients: BTreeSet<IpAddr>,
}

/// Where a case is.
struct Scene<'a> {
    host: &'a str,
    endpoint: Option<&'a EndpointRef>,
    consumer: ConsumerKey,
    detection: &'static Detection,
}

impl Injections {
    /// Nothing seen; `key` makes the hashes in evidence.
    pub(crate) fn new(settings: Injection, consumers_max: u32, key: Key) -> Self {
        Self {
            settings,
            cases: Bounded::new(consumers_max),
            usual: Bounded::new(consumers_max),
            key,
        }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Injection, consumers_max: u32) {
        self.settings = settings;
        self.cases.set_max(consumers_max);
        self.usual.set_max(consumers_max);
    }

    /// Takes what was sent in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        attacks: &AttackCounts,
        endpoint_of: &dyn Fn(RouteKey) -> Option<(String, EndpointRef)>,
        sink: &mut impl FnMut(Finding),
    ) {
        if !self.settings.enabled {
            return;
        }
        let mut touched: BTreeMap<CaseKey, (String, Option<EndpointRef>)> = BTreeMap::new();
        for (key, did) in &attacks.by_key {
            // Who calls itself a scanner is known by what it does.
            if key.attack == Attack::Scanner && key.place == AttackPlace::Header {
                continue;
            }
            let found = endpoint_of(key.route);
            let place = match &found {
                Some((_, endpoint)) => endpoint.id.0,
                None => self.key.text_hash(did.host.as_bytes()),
            };
            if u32::from(did.score_max) < self.settings.score_min
                || self.is_usual(epoch, place, key, did)
            {
                continue;
            }
            let case_key = (key.consumer, place, detection_of(key.attack));
            self.add(epoch, case_key, key, did);
            touched.entry(case_key).or_insert_with(|| match found {
                Some((host, endpoint)) => (host, Some(endpoint)),
                None => (did.host.to_string(), None),
            });
        }
        for (case_key, (host, endpoint)) in touched {
            let (consumer, _, which) = case_key;
            let detection = DETECTIONS.get(which).copied().unwrap_or(&DETECTION);
            let scene = Scene { host: &host, endpoint: endpoint.as_ref(), consumer, detection };
            if let Some(case) = self.cases.get(case_key) {
                sink(case.finding(&scene, &self.key));
            }
        }
    }

    fn add(&mut self, epoch: Epoch, case_key: CaseKey, key: &AttackKey, did: &AttackDelta) {
        while self.cases.make_room(case_key).is_some() {}
        let case = self.cases.touch(case_key, epoch, || Case::new(epoch));
        if case.last_seen.0 + QUIET_SECONDS < epoch.0 {
            *case = Case::new(epoch);
        }
        case.add(epoch, key, did, u64::from(self.settings.slow_milliseconds) * 1_000);
    }

    /// Whether several consumers send such values to a parameter that takes them.
    fn is_usual(&mut self, epoch: Epoch, place: u64, key: &AttackKey, did: &AttackDelta) -> bool {
        let is_taken = did.status_classes.get(2).is_some_and(|&taken| taken == did.requests);
        if did.score_max > USUAL_SCORE_MAX || !is_taken || !did.proofs.is_empty() {
            return false;
        }
        let parameter = (place, key.attack, key.place, key.name_hash);
        while self.usual.make_room(parameter).is_some() {}
        let senders = self.usual.touch(parameter, epoch, SmallVec::new);
        if !senders.contains(&key.consumer) && senders.len() < SENDERS_MAX {
            senders.push(key.consumer);
        }
        senders.len() as u64 >= u64::from(self.settings.usual_consumers_min)
    }
}

impl Case {
    const fn new(epoch: Epoch) -> Self {
        Self {
            first_seen: epoch,
            last_seen: epoch,
            requests: 0,
            score_max: 0,
            attacks: BTreeMap::new(),
            parameters: BTreeSet::new(),
            status_classes: [0; 6],
            proofs: BTreeMap::new(),
            slow: 0,
            clients: BTreeSet::new(),
        }
    }

    fn add(&mut self, epoch: Epoch, key: &AttackKey, did: &AttackDelta, slow_us: u64) {
        self.last_seen = epoch;
        self.requests += did.requests;
        self.score_max = self.score_max.max(did.score_max);
        *self.attacks.entry((key.attack, key.place)).or_default() += did.requests;
        if key.name_hash != 0 && self.parameters.len() < PARAMETERS_MAX {
            self.parameters.insert(key.name_hash);
        }
        for (sum, count) in self.status_classes.iter_mut().zip(did.status_classes) {
            *sum += count;
        }
        for (&proof, &count) in &did.proofs {
            *self.proofs.entry(proof).or_default() += count;
        }
        let can_wait = matches!(key.attack, Attack::Sql | Attack::Command | Attack::Nosql);
        self.slow += u64::from(can_wait && did.latency_us_max >= slow_us);
        for &client in &did.clients {
            if self.clients.len() < CLIENTS_MAX {
                self.clients.insert(client);
            }
        }
    }

    /// An attempt is the weather of the internet; what the answer tells of success is not.
    fn severity(&self) -> Severity {
        let proven = |proof| self.proofs.contains_key(&proof);
        if proven(Proof::FileShown) || proven(Proof::Metadata) {
            return Severity::Critical;
        }
        let is_shown = [Proof::DatabaseError, Proof::Reflected, Proof::StackTrace, Proof::Granted];
        let is_smuggled = self.attacks.keys().any(|(attack, _)| *attack == Attack::Smuggling);
        if is_shown.into_iter().any(proven) || is_smuggled {
            return Severity::High;
        }
        let is_odd = proven(Proof::ServerError) || self.slow > 0;
        let is_refused =
            self.status_classes.get(4).is_some_and(|&refused| refused == self.requests);
        let is_plain = self.score_max >= 7 || self.requests >= 3 || self.attacks.len() > 1;
        match (is_odd, is_plain, is_refused) {
            (true, true, _) => Severity::High,
            (true, false, _) | (false, true, false) => Severity::Medium,
            (false, _, _) => Severity::Low,
        }
    }

    fn is_success(&self) -> bool {
        !self.proofs.is_empty() || self.slow > 0
    }

    /// What is worst first.
    fn names(&self) -> String {
        let attacks: BTreeSet<Attack> = self.attacks.keys().map(|(attack, _)| *attack).collect();
        let names: Vec<&str> = attacks.iter().take(3).map(|attack| attack.title()).collect();
        match attacks.len().saturating_sub(3) {
            0 => names.join(", "),
            others => format!("{} and {others} more", names.join(", ")),
        }
    }

    fn finding(&self, scene: &Scene<'_>, key: &Key) -> Finding {
        let detection = scene.detection;
        let outcome = if self.is_success() { "probable success" } else { "attempt" };
        let requests = self.requests;
        let plural = if requests == 1 { "" } else { "s" };
        let confidence =
            0.05 * f64::from(self.score_max) + if self.is_success() { 0.45 } else { 0.3 };
        Finding {
            id: String::new(),
            detection: detection.id.to_owned(),
            kind: detection.kind,
            severity: self.severity(),
            confidence: confidence.min(0.99),
            state: FindingState::Open,
            title: format!("{}: {outcome}", self.names()),
            host: scene.host.to_owned(),
            endpoint: scene.endpoint.cloned(),
            consumer: Some(scene.consumer),
            owner: None,
            client_addresses: self.clients.iter().copied().collect(),
            first_seen: self.first_seen.start(),
            last_seen: self.last_seen.start(),
            found_at: Timestamp::ZERO,
            normal: Measure {
                value: 0.0,
                unit: "requests".to_owned(),
                text: "no value that is meant to be run".to_owned(),
            },
            seen: Measure {
                value: real(requests),
                unit: "requests".to_owned(),
                text: format!("{requests} request{plural} with such a value"),
            },
            // One harmless value in so many is as plain: what the score was made for.
            probability: 10_f64.powi(2 - i32::from(self.score_max)),
            lift: real(requests),
            mappings: detection.mappings(),
            evidence: self.evidence(outcome, key),
        }
    }

    fn evidence(&self, outcome: &str, key: &Key) -> Vec<Evidence> {
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        let listed = |parts: Vec<String>| parts.join(", ");
        let attacks = self.attacks.iter().map(|((attack, place), count)| {
            format!("{} in {} x {count}", attack.label(), place.label())
        });
        let classes = ["no answer", "1xx", "2xx", "3xx", "4xx", "5xx"];
        let answers = classes.iter().zip(self.status_classes).filter(|(_, count)| *count > 0);
        let answers = answers.map(|(class, count)| format!("{class} x {count}"));
        let mut proofs: Vec<String> = self
            .proofs
            .iter()
            .map(|(proof, count)| format!("{} x {count}", proof.label()))
            .collect();
        if self.slow > 0 {
            proofs.push(format!("slow answers in {} epochs", self.slow));
        }
        let names = self
            .parameters
            .iter()
            .take(8)
            .map(|name| format!("{:016x}", key.secret_hash(NAME_PURPOSE, &name.to_be_bytes())));
        let mut evidence = vec![
            fact("outcome", outcome.to_owned()),
            fact("attacks", listed(attacks.collect())),
            fact("score", format!("{} of 10", self.score_max)),
            fact("answers", listed(answers.collect())),
        ];
        if !proofs.is_empty() {
            evidence.push(fact("signs of success", listed(proofs)));
        }
        if !self.parameters.is_empty() {
            evidence.push(fact("parameter hashes", listed(names.collect())));
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::EndpointId;

    use super::*;
    use crate::Config;

    fn attack(consumer: u64, attack: Attack, score: u8, status: usize) -> (AttackKey, AttackDelta) {
        let key = AttackKey {
            consumer: ConsumerKey(consumer),
            route: RouteKey(1),
            attack,
            place: AttackPlace::Query,
            name_hash: 7,
        };
        let mut did = AttackDelta { host: "shop".into(), requests: 1, ..AttackDelta::default() };
        did.score_max = score;
        did.status_classes[status] = 1;
        (key, did)
    }

    fn seen(
        injections: &mut Injections,
        epoch: u64,
        did: (AttackKey, AttackDelta),
    ) -> Vec<Finding> {
        let attacks = AttackCounts { by_key: BTreeMap::from([did]), notes: 1 };
        let endpoint = |_| {
            let (method, template) = ("GET".to_owned(), "/a".to_owned());
            Some(("shop".to_owned(), EndpointRef { id: EndpointId(1), method, template }))
        };
        let mut found = Vec::new();
        injections.observe(Epoch(epoch), &attacks, &endpoint, &mut |it| found.push(it));
        found
    }

    fn new() -> Injections {
        Injections::new(Config::default().injection, 64, Key::fixed())
    }

    #[test]
    fn an_attempt_is_told_from_success() {
        let mut injections = new();
        let found = seen(&mut injections, 1, attack(1, Attack::Sql, 6, 4));
        assert_eq!(found[0].title, "SQL injection: attempt");
        assert_eq!(found[0].severity, Severity::Low);
        let (key, mut did) = attack(1, Attack::Sql, 7, 5);
        did.proofs.insert(Proof::DatabaseError, 1);
        let found = seen(&mut injections, 2, (key, did));
        assert_eq!(found[0].title, "SQL injection: probable success");
        assert_eq!(found[0].severity, Severity::High);
        assert_eq!(found[0].seen.text, "2 requests with such a value");
    }

    #[test]
    fn a_slow_answer_is_a_sign_where_the_attack_can_wait() {
        for (kind, expected) in [(Attack::Sql, "probable success"), (Attack::Ldap, "attempt")] {
            let (key, mut did) = attack(1, kind, 6, 2);
            did.latency_us_max = 5_000_000;
            let found = seen(&mut new(), 1, (key, did));
            assert!(found[0].title.ends_with(expected), "{}", found[0].title);
        }
    }

    #[test]
    fn what_many_send_is_what_a_parameter_takes_unless_it_is_plain() {
        let mut injections = new();
        for consumer in 1..=6 {
            let found = seen(&mut injections, consumer, attack(consumer, Attack::Script, 5, 2));
            assert_eq!(found.is_empty(), consumer >= 4, "{consumer}");
        }
        assert!(!seen(&mut injections, 9, attack(9, Attack::Script, 6, 2)).is_empty());
        assert!(!seen(&mut injections, 9, attack(8, Attack::Script, 5, 5)).is_empty());
    }

    #[test]
    fn requests_of_the_server_are_a_case_of_their_own() {
        let found = seen(&mut new(), 1, attack(1, Attack::ServerRequest, 9, 2));
        assert_eq!(found[0].detection, "server_request_forgery");
        assert_eq!(found[0].severity, Severity::Medium);
        let found = seen(&mut new(), 1, attack(1, Attack::Smuggling, 8, 2));
        assert_eq!(found[0].detection, "request_smuggling");
        assert_eq!(found[0].severity, Severity::High);
        let (key, mut did) = attack(1, Attack::Token, 7, 2);
        did.proofs.insert(Proof::Granted, 1);
        let found = seen(&mut new(), 1, (key, did));
        assert_eq!(found[0].detection, "jwt_abuse");
        assert_eq!(found[0].title, "forged token: probable success");
    }
}
