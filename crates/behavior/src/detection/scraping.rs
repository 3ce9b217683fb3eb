//! A consumer collects what there is.

use libm::exp;
use tapline_model::{Evidence, Finding, FindingKind, FindingState, Measure, Severity, Timestamp};
use tapline_sketch::{HeavyTail, Kmv};

use super::Detection;
use crate::access::{Actor, POPULATION_MIN, Visit};
use crate::bounded::Bounded;
use crate::config::Scraping as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "scraping",
    title: "A consumer collects the objects of an API",
    kind: FindingKind::Behaviour,
    owasp_api: &["API4:2023", "API6:2023"],
    oat: &["OAT-011"],
    attack: &["T1119", "T1213"],
    settings: "behavior.scraping",
    state_max: "4 096 hosts with a histogram each; behavior.actors_max consumers with 64 hashes \
                each",
    wrong_when: "It misses objects that answers named where bodies were not looked into, one \
                 identity for every few objects, whoever takes less than objects_min an hour, and \
                 all where more than one consumer in fifty collects. It is wrong for a crawler or \
                 partner that is welcome and new: name its network in behavior.allowed_clients, or \
                 let it go on for a day.",
};

/// Share of all objects that nobody needs.
const WIDE_COVERAGE: f64 = 0.05;
/// By how much less odd the number of objects may be when they are such a share.
const WIDE_WEIGHT: f64 = 100.0;
/// Whoever gets such a part of `objects_min` in an hour collects, and is not what others are held to.
const COLLECTED_PARTS: u64 = 4;
/// Of so many consumers and hours one may collect: where it is what many do, it is no news.
const ORDINARY_FOR_EACH: u64 = 50;
/// Hosts that are known.
const HOSTS_MAX: u32 = 4_096;

/// The detection, over all hosts.
#[derive(Debug)]
pub(crate) struct Scraping {
    settings: Settings,
    hosts: Bounded<u64, Collected>,
}

/// One host.
#[derive(Debug, Default)]
struct Collected {
    /// Distinct objects that a consumer got in a term, of those that do not collect.
    by_consumer: HeavyTail,
    /// Terms of those that do: each of them is known by what it took before.
    collectors: u64,
    /// Distinct objects that anybody got.
    objects: Kmv<256>,
}

impl Scraping {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, hosts: Bounded::new(HOSTS_MAX) }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes what a consumer got; `is_told` when its way through objects has been reported already.
    pub(crate) fn observe(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        is_told: bool,
        sink: &mut impl FnMut(Finding),
    ) {
        let host = visit.place.host_hash;
        while self.hosts.make_room(host).is_some() {}
        let known = self.hosts.touch(host, visit.epoch, Collected::default);
        for &object in visit.access.served {
            known.objects.insert(object);
            actor.obtained.insert(object);
        }
        for used in visit.access.objects.iter().filter(|used| used.outcomes.successes > 0) {
            known.objects.insert(used.object);
            actor.obtained.insert(used.object);
        }
        actor.main_host = host;
        actor.page = actor.page.max(visit.access.page);
        let obtained = actor.obtained.distinct();
        let settings = &self.settings;
        if !settings.enabled
            || is_told
            || actor.is_crowd()
            || obtained < u64::from(settings.objects_min)
            || known.by_consumer.total() < POPULATION_MIN
            || known.collectors * ORDINARY_FOR_EACH > known.by_consumer.total()
            || actor.usual_obtained.covers(obtained)
        {
            return;
        }
        let coverage = real(obtained) / real(known.objects.distinct().max(obtained));
        let ln_probability = known.by_consumer.ln_at_least(obtained);
        let most = known.by_consumer.quantile(999);
        let is_much = real(obtained) >= settings.lift_min * real(most);
        let weight = if coverage >= WIDE_COVERAGE { WIDE_WEIGHT } else { 1.0 };
        if is_much && exp(ln_probability) <= settings.probability_max * weight {
            let finding = finding(visit, actor, known, (obtained, coverage, ln_probability));
            actor.report(visit.term());
            sink(finding);
        }
    }

    /// A term is over for a consumer.
    pub(crate) fn teach(&mut self, actor: &mut Actor, is_lesson: bool) {
        let obtained = actor.obtained.distinct();
        let Some(known) = self.hosts.get_mut(actor.main_host).filter(|_| obtained > 0) else {
            return;
        };
        let is_early = known.by_consumer.total() < POPULATION_MIN;
        actor.usual_obtained.learn(obtained, is_early);
        if is_lesson && obtained * COLLECTED_PARTS >= u64::from(self.settings.objects_min) {
            known.collectors += 1;
        } else if is_lesson {
            known.by_consumer.learn(obtained);
        }
    }

    /// A day is over.
    pub(crate) fn age(&mut self) {
        for (_, known) in self.hosts.iter_mut() {
            known.by_consumer.age();
            known.collectors = known.collectors.div_ceil(2);
        }
    }
}

fn finding(
    visit: &Visit<'_>,
    actor: &Actor,
    known: &Collected,
    (obtained, coverage, ln_probability): (u64, f64, f64),
) -> Finding {
    let measure = |value, text| Measure { value, unit: "objects/hour".to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let (median, most) = (known.by_consumer.quantile(500), known.by_consumer.quantile(999));
    let terms = known.by_consumer.total();
    let is_wide = coverage >= WIDE_COVERAGE;
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity: if is_wide { Severity::High } else { Severity::Medium },
        confidence: 0.85,
        state: FindingState::Open,
        title: format!(
            "{obtained} objects collected within the hour, {:.0} % of all that were seen",
            coverage * 100.0
        ),
        host: visit.place.host.clone(),
        endpoint: None,
        consumer: Some(visit.consumer),
        owner: None,
        client_addresses: visit.clients(),
        first_seen: visit.epoch.start(),
        last_seen: visit.epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(
            real(median),
            format!(
                "half of {terms} consumers and hours got at most {median}, 999 of 1000 at most \
                 {most}; {} more were of known collectors",
                known.collectors
            ),
        ),
        seen: measure(real(obtained), format!("{obtained} distinct objects in this hour so far")),
        probability: exp(ln_probability),
        lift: real(obtained) / real(median.max(1)),
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("share of the objects seen", format!("{:.1} %", coverage * 100.0)),
            fact("furthest part of a list", actor.page.to_string()),
            fact("consumer known by", actor.kind.label().to_owned()),
            fact(
                "why it is no false alarm",
                format!(
                    "it got at most {} in an hour before; no other consumer comes near",
                    actor.usual_obtained.most()
                ),
            ),
        ],
    }
}
