//! Far more requests than normal.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::baseline::subject::Subject;
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "rate_surge",
    title: "An endpoint gets far more requests than normal",
    kind: FindingKind::Behaviour,
    owasp_api: &["API4:2023"],
    oat: &["OAT-015"],
    attack: &["T1499"],
    settings: "behavior.rate_surge",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; 4 KB each",
    wrong_when: "It misses what grows over days (slow_shift tells of that), less than requests_min \
                 requests, everything in the first learning_hours of an endpoint, and what comes \
                 again at the same time of a day or at equal intervals and was told of once. It is \
                 wrong for a campaign nobody told it of; that many more consumers than normal \
                 took part is said where it is so.",
};

/// Consumers that rose by this share of what requests did explain them.
const CROWD_SHARE: f64 = 0.5;

/// What it says.
pub(crate) fn tell(case: &Case, subject: &Subject) -> Told {
    let judged = &case.judged;
    let lift = judged.lift();
    let mut evidence = vec![fact("requests", judged.weight.to_string())];
    let mut is_crowd = false;
    if let Some(normal) = subject.consumers() {
        let now = subject.last_consumers();
        is_crowd = now >= CROWD_SHARE * lift * normal && now >= 5.0;
        evidence.push(fact("consumers a minute", format!("{now:.0}, normally {normal:.1}")));
        let cause = if is_crowd { "more consumers call" } else { "the same consumers call more" };
        evidence.push(fact("whose excess", cause));
    }
    let severity = match lift {
        _ if is_crowd => Severity::Low,
        lift if lift >= 20.0 => Severity::High,
        lift if lift >= 5.0 => Severity::Medium,
        _ => Severity::Low,
    };
    Told {
        severity,
        title: format!("{lift:.1} times the normal rate of requests"),
        unit: "requests/minute",
        normal: format!("{:.2} requests a minute are normal at this time", judged.normal),
        seen: format!(
            "{} requests within {} minutes, {:.1} a minute",
            judged.weight, judged.minutes, judged.seen
        ),
        evidence,
    }
}
