//! An endpoint that is known well answers with a sensitive field it never had.

use tapline_model::{DataPlace, Epoch, Finding, FindingKind, Severity, Sighting};

use super::Detection;
use super::exposure::{Exposures, Opinion, Words};
use crate::config::SensitiveFieldNew;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "sensitive_field_new",
    title: "A known endpoint answers with sensitive data that it never had",
    kind: FindingKind::Drift,
    owasp_api: &["API3:2023"],
    oat: &[],
    attack: &["T1213"],
    settings: "behavior.sensitive_field_new",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; 16 fields \
                each",
    wrong_when: "It misses fields that were there while the endpoint was learned \
                 (discovery.bodies_read_min transactions), and a field that was there but held \
                 something else. It is wrong for a release that was meant, and for fields that are \
                 rarer than one answer in all that were looked into.",
};

const WORDS: Words = Words {
    title: "new in answers",
    normal: "the answers of an endpoint that is known well have the fields they had",
    advice: "ask whether the consumers need it: what an answer does not have cannot be taken \
             (OWASP API3:2023, excessive data exposure)",
};

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct SensitiveFieldsNew {
    settings: SensitiveFieldNew,
    exposures: Exposures,
}

impl SensitiveFieldsNew {
    /// Nothing seen.
    pub(crate) fn new(settings: SensitiveFieldNew, endpoints_max: u32) -> Self {
        Self { settings, exposures: Exposures::new(&DETECTION, endpoints_max) }
    }

    /// Takes new settings.
    pub(crate) fn reconfigure(&mut self, settings: SensitiveFieldNew, endpoints_max: u32) {
        self.settings = settings;
        self.exposures.set_max(endpoints_max);
    }

    /// Takes what was sighted in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        sightings: &[Sighting],
        sink: &mut impl FnMut(Finding),
    ) {
        if !self.settings.enabled {
            return;
        }
        let sensitivity_min = self.settings.sensitivity_min;
        let opinion = |sighting: &Sighting| {
            let sensitivity = u32::from(sighting.class.sensitivity());
            let is_meant = sighting.is_new
                && sighting.place == DataPlace::Response
                && sensitivity >= sensitivity_min;
            is_meant.then(|| Opinion {
                severity: match sensitivity {
                    4.. => Severity::High,
                    3 => Severity::Medium,
                    _ => Severity::Low,
                },
                confidence: 0.9,
                // Laplace's rule: what was never there in n answers.
                probability: 1.0 / (real(sighting.known_by) + 2.0),
            })
        };
        self.exposures.observe(epoch, sightings, opinion, &WORDS, sink);
    }
}
