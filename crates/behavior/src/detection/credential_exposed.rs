//! A credential stands where it need not: in a URL, or in an answer that is no sign-in.

use tapline_model::{DataClass, DataPlace, Epoch, Finding, FindingKind, Severity, Sighting};

use super::Detection;
use super::exposure::{Exposures, Opinion, Words};

pub(crate) const DETECTION: Detection = Detection {
    id: "credential_exposed",
    title: "A password, key or token in a URL, or a secret in an answer",
    kind: FindingKind::Posture,
    owasp_api: &["API2:2023", "API3:2023", "API8:2023"],
    oat: &[],
    attack: &["T1552"],
    settings: "behavior.credential_exposed",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; 16 fields \
                each",
    wrong_when: "It misses secrets of no known form in fields whose names do not say so. It is wrong \
                 for links that are meant to hold a token that is good once (sign-up, reset), and \
                 for endpoints whose job it is to hand out a key when it is made. Tokens and \
                 session ids in answers are how signing in works: it says nothing of them.",
};

const WORDS: Words = Words {
    title: "where it need not be",
    normal: "credentials travel in header fields or request content, which are not logged; an answer \
             has no reason to give a password, a secret or a private key back",
    advice: "RFC 6750 section 5.3: bearer tokens are not passed in URLs. Take the field out of the \
             answer, and change what was exposed",
};

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct CredentialExposed {
    enabled: bool,
    exposures: Exposures,
}

impl CredentialExposed {
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
    use DataClass::{
        AccessToken, ApiKey, Jwt, OneTimeCode, Password, PrivateKey, Secret, SessionId,
    };
    let severity = match (sighting.class, sighting.place) {
        (PrivateKey, DataPlace::Response) => Severity::Critical,
        (Password | Secret | OneTimeCode, DataPlace::Response) => Severity::High,
        (ApiKey, DataPlace::Response) => Severity::Medium,
        (Password | Secret | PrivateKey | ApiKey, place) if place.is_url() => Severity::High,
        (Jwt | AccessToken | SessionId, place) if place.is_url() => Severity::Medium,
        (OneTimeCode, place) if place.is_url() => Severity::Low,
        _ => return None,
    };
    Some(Opinion { severity, confidence: 0.9, probability: 0.05 })
}
