//! No requests where there always are some.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "went_silent",
    title: "An endpoint gets no requests though it always does",
    kind: FindingKind::Behaviour,
    // An outage, most often.
    owasp_api: &[],
    oat: &[],
    attack: &["T1489"],
    settings: "behavior.went_silent",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first",
    wrong_when: "It misses silence in which the sensor hears nothing at all, for that is more likely \
                 the tap, and minutes in which flows were shed. It is wrong for an endpoint whose \
                 calls were planned to end, and for a holiday that stops all traffic: once each.",
};

/// What it says.
pub(crate) fn tell(case: &Case) -> Told {
    let judged = &case.judged;
    Told {
        severity: if judged.normal >= 5.0 { Severity::Medium } else { Severity::Low },
        title: format!("{} requests in {} minutes", judged.weight, judged.minutes),
        unit: "requests/minute",
        normal: format!("{:.2} requests a minute are normal at this time", judged.normal),
        seen: format!("{} requests within {} minutes", judged.weight, judged.minutes),
        evidence: vec![fact("minutes without", judged.minutes.to_string())],
    }
}
