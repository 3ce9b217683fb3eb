//! The detections: one file each, and the table of them.

pub(crate) mod account_enumeration;
pub(crate) mod auth_failures;
pub(crate) mod brute_force;
pub(crate) mod card_data_exposed;
pub(crate) mod card_or_coupon_testing;
pub(crate) mod change;
pub(crate) mod client_errors;
pub(crate) mod code_guessing;
pub(crate) mod credential_exposed;
pub(crate) mod credential_stuffing;
pub(crate) mod error_burst;
pub(crate) mod excessive_records;
pub(crate) mod exfiltration;
mod exposure;
pub(crate) mod fake_accounts;
pub(crate) mod flow_violation;
pub(crate) mod function_level_authorization;
pub(crate) mod impossible_travel;
pub(crate) mod injection;
pub(crate) mod latency_shift;
pub(crate) mod mass_assignment;
pub(crate) mod object_enumeration;
pub(crate) mod password_spraying;
pub(crate) mod path_scanner;
pub(crate) mod rate_surge;
pub(crate) mod resource_exhaustion;
pub(crate) mod scraping;
pub(crate) mod sensitive_field_new;
pub(crate) mod size_shift;
pub(crate) mod slow_shift;
pub(crate) mod token_sharing;
pub(crate) mod went_silent;

use tapline_model::{FindingKind, Mappings};

/// What a detection says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The stable name, as in [`tapline_model::Finding::detection`].
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What sort of finding it makes.
    pub kind: FindingKind,
    /// OWASP API Security Top 10, 2023.
    pub owasp_api: &'static [&'static str],
    /// OWASP Automated Threats.
    pub oat: &'static [&'static str],
    /// MITRE ATT&CK techniques.
    pub attack: &'static [&'static str],
    /// The section of the settings that holds its thresholds.
    pub settings: &'static str,
    /// What bounds its state.
    pub state_max: &'static str,
    /// When it misses, and when it cries wolf.
    pub wrong_when: &'static str,
}

/// Every detection there is.
pub const DETECTIONS: &[Detection] = &[
    path_scanner::DETECTION,
    error_burst::DETECTION,
    card_data_exposed::DETECTION,
    credential_exposed::DETECTION,
    sensitive_field_new::DETECTION,
    excessive_records::DETECTION,
    injection::DETECTION,
    injection::SERVER_REQUEST,
    injection::SMUGGLING,
    injection::TOKEN,
    rate_surge::DETECTION,
    went_silent::DETECTION,
    client_errors::DETECTION,
    auth_failures::DETECTION,
    latency_shift::DETECTION,
    size_shift::DETECTION,
    slow_shift::DETECTION,
    brute_force::DETECTION,
    credential_stuffing::DETECTION,
    password_spraying::DETECTION,
    code_guessing::DETECTION,
    account_enumeration::DETECTION,
    card_or_coupon_testing::DETECTION,
    fake_accounts::DETECTION,
    token_sharing::DETECTION,
    impossible_travel::DETECTION,
    object_enumeration::DETECTION,
    function_level_authorization::DETECTION,
    mass_assignment::DETECTION,
    scraping::DETECTION,
    exfiltration::DETECTION,
    resource_exhaustion::DETECTION,
    flow_violation::DETECTION,
];

impl Detection {
    /// Where its findings stand in the lists that people use.
    pub fn mappings(&self) -> Mappings {
        let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        Mappings {
            owasp_api: owned(self.owasp_api),
            oat: owned(self.oat),
            attack: owned(self.attack),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_detection_has_a_name_of_its_own() {
        let names: BTreeSet<_> = DETECTIONS.iter().map(|detection| detection.id).collect();
        assert_eq!(names.len(), DETECTIONS.len());
    }
}
