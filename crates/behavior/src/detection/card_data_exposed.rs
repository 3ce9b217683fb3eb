//! Card data stands where it must not: codes of a card in an answer, numbers in a URL.

use tapline_model::{DataClass, DataPlace, Epoch, Finding, FindingKind, Severity, Sighting};

use super::Detection;
use super::exposure::{Exposures, Opinion, Words};

pub(crate) const DETECTION: Detection = Detection {
    id: "card_data_exposed",
    title: "Card data in an answer or a URL, where it must not be",
    kind: FindingKind::Posture,
    owasp_api: &["API3:2023", "API8:2023"],
    oat: &[],
    attack: &["T1552"],
    settings: "behavior.card_data_exposed",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; 16 fields \
                each",
    wrong_when: "It misses card data in fields whose names say nothing until eight different \
                 numbers were seen, and codes (CVV, PIN) in fields whose names do not say so. It \
                 is wrong where a test system answers with made-up card data.",
};

const WORDS: Words = Words {
    title: "where it must not be",
    normal: "verification codes, track data and PINs are not kept after authorisation, so no answer \
             has them, and no URL has a card number: logs, proxies and histories keep it",
    advice: "PCI DSS 4.0.1, 3.3.1: sensitive authentication data is not stored after authorisation; \
             3.4.1 and 3.5.1: card numbers are masked when shown and unreadable where stored, logs \
             included",
};

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct CardDataExposed {
    enabled: bool,
    exposures: Exposures,
}

impl CardDataExposed {
    /// Nothing seen.
    pub(crate) fn new(enabled: bool, endpoints_max: u32) -> Self {
        Self { enabled, exposures: Exposures::new(&DETECTION, endpoints_max) }
    }

    /// Takes new settings.
    pub(crate) fn reconfigure(&mut self, enabled: bool, endpoints_max: u32) {
        self.enabled = enabled;
        self.exposures.set_max(endpoints_max);
    }

    /// Takes what was sighted in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        sightings: &[Sighting],
        sink: &mut impl FnMut(Finding),
    ) {
        if self.enabled {
            self.exposures.observe(epoch, sightings, opinion, &WORDS, sink);
        }
    }
}

fn opinion(sighting: &Sighting) -> Option<Opinion> {
    let severity = match (sighting.class, sighting.place) {
        (class, DataPlace::Response) if class.is_authentication_data() => Severity::Critical,
        (class, place) if class.is_authentication_data() && place.is_url() => Severity::Critical,
        (DataClass::CardNumber, place) if place.is_url() => Severity::High,
        _ => return None,
    };
    // Ten numbers of a hundred have a right check digit by chance, two of them an issuer.
    Some(Opinion { severity, confidence: 0.95, probability: 0.01 })
}
