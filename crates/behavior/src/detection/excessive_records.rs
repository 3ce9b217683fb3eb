//! An answer has many more records than the endpoint ever gives.

use tapline_model::{
    EndpointId, EndpointRef, Epoch, Evidence, Finding, FindingKind, FindingState, Measure,
    Severity, Timestamp,
};
use tapline_sketch::Buckets;

use super::Detection;
use crate::bounded::Bounded;
use crate::config::ExcessiveRecords;
use crate::endpoint_epoch::EndpointEpoch;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "excessive_records",
    title: "An answer has many more records than the endpoint gives normally",
    kind: FindingKind::Behaviour,
    owasp_api: &["API3:2023", "API4:2023"],
    oat: &["OAT-011"],
    attack: &["T1213"],
    settings: "behavior.excessive_records",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; a \
                histogram of at most 1 920 buckets each",
    wrong_when: "It misses answers that were not looked into, answers that are no JSON, and the same \
                 number of records taken in many small answers. It is wrong for a new page size or \
                 an export that is meant: after as many such answers as answers_min it takes them \
                 for normal.",
};

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct ManyRecords {
    settings: ExcessiveRecords,
    endpoints: Bounded<EndpointId, Watched>,
}

/// One endpoint.
#[derive(Debug)]
struct Watched {
    host: String,
    endpoint: EndpointRef,
    /// Records in an answer, what was too many left out.
    normal: Buckets,
    answers: u64,
    largest: u64,
    /// What was too many: it becomes normal once there is enough of it.
    excess: Buckets,
    first_seen: Epoch,
}

impl ManyRecords {
    /// Nothing seen.
    pub(crate) fn new(settings: ExcessiveRecords, endpoints_max: u32) -> Self {
        Self { settings, endpoints: Bounded::new(endpoints_max) }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: ExcessiveRecords, endpoints_max: u32) {
        self.settings = settings;
        self.endpoints.set_max(endpoints_max);
    }

    /// Takes what an endpoint answered in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        did: &EndpointEpoch,
        sink: &mut impl FnMut(Finding),
    ) {
        if !self.settings.enabled || did.records.total() == 0 {
            return;
        }
        let id = did.endpoint.id;
        while self.endpoints.make_room(id).is_some() {}
        let settings = &self.settings;
        let watched = self.endpoints.touch(id, epoch, || Watched::new(did, epoch));
        watched.endpoint.clone_from(&did.endpoint);
        if let Some(most) = watched.learn(epoch, &did.records, settings) {
            sink(watched.finding(epoch, most));
        }
    }
}

impl Watched {
    fn new(did: &EndpointEpoch, epoch: Epoch) -> Self {
        Self {
            host: did.host.clone(),
            endpoint: did.endpoint.clone(),
            normal: Buckets::new(),
            answers: 0,
            largest: 0,
            excess: Buckets::new(),
            first_seen: epoch,
        }
    }

    /// Learns; the most records of an answer, if that was too many.
    fn learn(
        &mut self,
        epoch: Epoch,
        records: &Buckets,
        settings: &ExcessiveRecords,
    ) -> Option<u64> {
        let is_ready = self.answers >= u64::from(settings.answers_min);
        let bound = real(self.largest) * settings.lift_min;
        let mut most = None;
        for (count, answers) in records.iter() {
            let is_excess =
                is_ready && count >= u64::from(settings.records_min) && real(count) >= bound;
            let into = if is_excess { &mut self.excess } else { &mut self.normal };
            for _ in 0..answers.min(u64::from(settings.answers_min)) {
                into.record(count);
            }
            if is_excess {
                most = Some(count);
            } else {
                self.answers += answers;
                self.largest = self.largest.max(count);
            }
        }
        if most.is_some() && self.excess.total() <= 1 {
            self.first_seen = epoch;
        }
        if self.excess.total() >= u64::from(settings.answers_min) {
            let excess = std::mem::take(&mut self.excess);
            self.largest = excess.iter().map(|(count, _)| count).fold(self.largest, u64::max);
            self.answers += excess.total();
            self.normal.merge(&excess);
            return None;
        }
        most
    }

    fn finding(&self, epoch: Epoch, most: u64) -> Finding {
        let records = |value, text: String| Measure { value, unit: "records".to_owned(), text };
        let lift = real(most) / real(self.largest.max(1));
        let median = self.quantile(500);
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        Finding {
            id: String::new(),
            detection: DETECTION.id.to_owned(),
            kind: DETECTION.kind,
            severity: if most >= 10_000 { Severity::High } else { Severity::Medium },
            confidence: 0.8,
            state: FindingState::Open,
            title: format!("an answer with {most} records, {lift:.0} times the most so far"),
            host: self.host.clone(),
            endpoint: Some(self.endpoint.clone()),
            consumer: None,
            owner: None,
            client_addresses: Vec::new(),
            first_seen: self.first_seen.start(),
            last_seen: epoch.start(),
            found_at: Timestamp::ZERO,
            normal: records(
                real(self.largest),
                format!(
                    "{} answers had at most {} records, half of them at most {median}",
                    self.answers, self.largest
                ),
            ),
            seen: records(real(most), format!("an answer with {most} records")),
            // Laplace's rule: what never was in n answers.
            probability: 1.0 / (real(self.answers) + 2.0),
            lift,
            mappings: DETECTION.mappings(),
            evidence: vec![
                fact("most records", most.to_string()),
                fact("answers with too many", self.excess.total().to_string()),
                fact("learned from", format!("{} answers", self.answers)),
            ],
        }
    }

    /// The value that so many of a thousand answers do not pass.
    fn quantile(&self, per_mille: u64) -> u64 {
        let wanted = self.normal.total().saturating_mul(per_mille).div_ceil(1_000);
        let mut sum = 0;
        for (count, answers) in self.normal.iter() {
            sum += answers;
            if sum >= wanted {
                return count;
            }
        }
        0
    }
}
