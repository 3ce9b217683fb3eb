//! Answers take far longer than normal.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "latency_shift",
    title: "An endpoint takes far longer to answer than normal",
    kind: FindingKind::Behaviour,
    owasp_api: &["API4:2023"],
    oat: &[],
    attack: &["T1499"],
    settings: "behavior.latency_shift",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; two \
                distributions of 240 bytes each",
    wrong_when: "It misses answers of which only a few are slow, and endpoints with fewer than \
                 6 000 answers so far, which do not tell how much is normal. It is wrong for a \
                 release that is slower for good: after two hours that is normal.",
};

/// What it says.
pub(crate) fn tell(case: &Case) -> Told {
    let judged = &case.judged;
    let (seen, normal) = (judged.seen / 1_000.0, judged.normal / 1_000.0);
    Told {
        severity: if judged.lift() >= 5.0 { Severity::Medium } else { Severity::Low },
        title: format!("answers take {:.1} times as long", judged.lift()),
        unit: "microseconds",
        normal: format!("answers take {normal:.1} ms normally (geometric mean)"),
        seen: format!(
            "{} answers within {} minutes took {seen:.1} ms",
            judged.weight, judged.minutes
        ),
        evidence: vec![fact("answers", judged.weight.to_string())],
    }
}
