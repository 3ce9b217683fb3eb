//! A rate that moves for good.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "slow_shift",
    title: "An endpoint's rate is another than weeks ago",
    kind: FindingKind::Behaviour,
    owasp_api: &[],
    oat: &[],
    attack: &[],
    settings: "behavior.slow_shift",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first",
    wrong_when: "It tells of growth as of abuse that is spread over days: the traffic alone does not \
                 say which. A day later the new rate is what is normal.",
};

/// What it says.
pub(crate) fn tell(case: &Case) -> Told {
    let judged = &case.judged;
    let way = if judged.lift() > 1.0 { "risen to" } else { "fallen to" };
    Told {
        severity: Severity::Info,
        title: format!("the rate has {way} {:.2} times what it was", judged.lift()),
        unit: "requests/minute",
        normal: format!("{:.2} requests a minute over the last weeks", judged.normal),
        seen: format!("{:.2} requests a minute over the last day", judged.seen),
        evidence: vec![fact("hours", (judged.minutes / 60).to_string())],
    }
}
