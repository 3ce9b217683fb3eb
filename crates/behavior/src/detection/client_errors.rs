//! Far more 4xx answers (401 and 403 apart) than normal.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "client_errors",
    title: "An endpoint refuses far more requests as wrong than normal",
    kind: FindingKind::Behaviour,
    owasp_api: &["API8:2023", "API9:2023"],
    oat: &[],
    attack: &["T1595"],
    settings: "behavior.client_errors",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first",
    wrong_when: "It misses rises of less than rise_min, fewer than 20 answers in all of the rise, \
                 and everything in the first learning_hours of an endpoint. It is wrong for a client \
                 that was released with a mistake.",
};

/// What it says.
pub(crate) fn tell(case: &Case) -> Told {
    let judged = &case.judged;
    let (percent, normal) = (judged.seen * 100.0, judged.normal * 100.0);
    Told {
        severity: match judged.seen {
            share if share >= 0.5 => Severity::Medium,
            _ => Severity::Low,
        },
        title: format!("{percent:.0} % client errors"),
        unit: "ratio",
        normal: format!("{normal:.2} % of its answers are 4xx answers (401 and 403 apart)"),
        seen: format!(
            "{percent:.1} % of {} answers within {} minutes were",
            judged.weight, judged.minutes
        ),
        evidence: vec![fact("answers", judged.weight.to_string())],
    }
}
