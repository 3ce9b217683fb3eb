//! Answers are far larger than normal.

use tapline_model::{FindingKind, Severity};

use super::Detection;
use super::change::{Told, fact};
use crate::baseline::subject::Subject;
use crate::decision::Case;

pub(crate) const DETECTION: Detection = Detection {
    id: "size_shift",
    title: "An endpoint's answers are far larger than normal",
    kind: FindingKind::Behaviour,
    owasp_api: &["API3:2023", "API4:2023"],
    oat: &["OAT-011"],
    attack: &["T1213"],
    settings: "behavior.size_shift",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; two \
                distributions of 240 bytes each",
    wrong_when: "It misses a few large answers among many, and endpoints with fewer than 20 000 \
                 answers so far. It is wrong for a release that answers more for good: after two \
                 hours that is normal.",
};

/// What it says.
pub(crate) fn tell(case: &Case, subject: &Subject) -> Told {
    let judged = &case.judged;
    let mut evidence = vec![fact("answers", judged.weight.to_string())];
    if let Some(records) = subject.records() {
        evidence.push(fact("records of an answer", format!("{records:.1} normally")));
    }
    Told {
        severity: if judged.lift() >= 10.0 { Severity::Medium } else { Severity::Low },
        title: format!("answers are {:.1} times as large", judged.lift()),
        unit: "bytes",
        normal: format!("answers have {:.0} bytes normally (geometric mean)", judged.normal),
        seen: format!(
            "{} answers within {} minutes had {:.0} bytes",
            judged.weight, judged.minutes, judged.seen
        ),
        evidence,
    }
}
