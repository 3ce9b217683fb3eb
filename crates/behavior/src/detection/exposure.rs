//! What the detections of exposed data have in common: the fields of an endpoint that hold some,
//! collected, and the finding that they make.

use std::collections::BTreeMap;

use tapline_model::{
    DataClass, DataPlace, EndpointId, EndpointRef, Epoch, Evidence, Finding, FindingState, Measure,
    Severity, Sighting, Timestamp,
};

use super::Detection;
use crate::bounded::Bounded;
use crate::number::real;

/// Fields of one endpoint that a finding names.
const FIELDS_MAX: usize = 16;

/// Endpoints with fields that should not be where they are.
#[derive(Debug)]
pub(crate) struct Exposures {
    detection: &'static Detection,
    endpoints: Bounded<EndpointId, Exposed>,
}

/// One endpoint.
#[derive(Debug)]
struct Exposed {
    host: String,
    endpoint: EndpointRef,
    first_seen: Epoch,
    severity: Severity,
    /// By place, class and field: values that were seen.
    fields: BTreeMap<(DataPlace, DataClass, String), u64>,
    /// Fields that found no room.
    more: bool,
}

/// What a detection says of a sighting it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opinion {
    pub(crate) severity: Severity,
    pub(crate) confidence: f64,
    /// The probability that such values came about by chance, or nobody knew of them.
    pub(crate) probability: f64,
}

/// The words of a finding.
pub(crate) struct Words {
    /// Behind the list of what was found: `in an answer or a URL`.
    pub(crate) title: &'static str,
    /// What is normal.
    pub(crate) normal: &'static str,
    /// Why it is no false alarm, and what to do.
    pub(crate) advice: &'static str,
}

impl Exposures {
    /// Nothing seen.
    pub(crate) fn new(detection: &'static Detection, endpoints_max: u32) -> Self {
        Self { detection, endpoints: Bounded::new(endpoints_max) }
    }

    /// Takes another bound.
    pub(crate) fn set_max(&mut self, endpoints_max: u32) {
        self.endpoints.set_max(endpoints_max);
    }

    /// Takes what was sighted in `epoch`: a finding for each endpoint of which `opinion` takes any.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        sightings: &[Sighting],
        opinion: impl Fn(&Sighting) -> Option<Opinion>,
        words: &Words,
        sink: &mut impl FnMut(Finding),
    ) {
        let mut touched: BTreeMap<EndpointId, Opinion> = BTreeMap::new();
        for sighting in sightings {
            let Some(opinion) = opinion(sighting) else { continue };
            let id = sighting.endpoint.id;
            while self.endpoints.make_room(id).is_some() {}
            let exposed = self.endpoints.touch(id, epoch, || Exposed::new(sighting, epoch));
            exposed.add(sighting, opinion.severity);
            touched
                .entry(id)
                .and_modify(|worst| {
                    worst.confidence = worst.confidence.max(opinion.confidence);
                    worst.probability = worst.probability.min(opinion.probability);
                })
                .or_insert(opinion);
        }
        for (id, opinion) in touched {
            if let Some(exposed) = self.endpoints.get(id) {
                sink(exposed.finding(self.detection, epoch, opinion, words));
            }
        }
    }
}

impl Exposed {
    fn new(sighting: &Sighting, epoch: Epoch) -> Self {
        Self {
            host: sighting.host.clone(),
            endpoint: sighting.endpoint.clone(),
            first_seen: epoch,
            severity: Severity::Info,
            fields: BTreeMap::new(),
            more: false,
        }
    }

    fn add(&mut self, sighting: &Sighting, severity: Severity) {
        self.severity = self.severity.max(severity);
        self.endpoint.clone_from(&sighting.endpoint);
        let key = (sighting.place, sighting.class, sighting.field.clone());
        if self.fields.len() >= FIELDS_MAX && !self.fields.contains_key(&key) {
            self.more = true;
            return;
        }
        *self.fields.entry(key).or_default() += sighting.values;
    }

    fn finding(
        &self,
        detection: &Detection,
        epoch: Epoch,
        opinion: Opinion,
        words: &Words,
    ) -> Finding {
        let mut classes: Vec<DataClass> = self.fields.keys().map(|(_, class, _)| *class).collect();
        classes.sort_by_key(|class| (std::cmp::Reverse(class.sensitivity()), *class));
        classes.dedup();
        let names: Vec<&str> = classes.iter().take(3).map(|class| class.title()).collect();
        let others = match classes.len().saturating_sub(3) {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let values: u64 = self.fields.values().sum();
        let fields = self.fields.len() as u64;
        let count = |value, text: String| Measure { value, unit: "fields".to_owned(), text };
        Finding {
            id: String::new(),
            detection: detection.id.to_owned(),
            kind: detection.kind,
            severity: self.severity,
            confidence: opinion.confidence,
            state: FindingState::Open,
            title: format!("{}{others} {}", names.join(", "), words.title),
            host: self.host.clone(),
            endpoint: Some(self.endpoint.clone()),
            consumer: None,
            owner: None,
            client_addresses: Vec::new(),
            first_seen: self.first_seen.start(),
            last_seen: epoch.start(),
            found_at: Timestamp::ZERO,
            normal: count(0.0, words.normal.to_owned()),
            seen: count(
                real(fields),
                format!(
                    "{fields} field{} with {values} value{} that were looked into",
                    if fields == 1 { "" } else { "s" },
                    if values == 1 { "" } else { "s" },
                ),
            ),
            probability: opinion.probability,
            // More of it is worse, so a case shows the latest counts.
            lift: real(values),
            mappings: detection.mappings(),
            evidence: self.evidence(words),
        }
    }

    fn evidence(&self, words: &Words) -> Vec<Evidence> {
        let mut evidence: Vec<Evidence> = self
            .fields
            .iter()
            .map(|((place, class, field), values)| Evidence {
                name: format!("{} in {}", class.label(), place.label()),
                value: format!("{field} x {values}"),
            })
            .collect();
        if self.more {
            evidence.push(Evidence {
                name: "more fields".to_owned(),
                value: format!("beyond the {FIELDS_MAX} that are named"),
            });
        }
        evidence.push(Evidence { name: "advice".to_owned(), value: words.advice.to_owned() });
        evidence
    }
}
