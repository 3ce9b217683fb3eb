//! How a change of what is normal is told.

use tapline_model::{Epoch, Evidence, Finding, FindingState, Measure, Severity, Timestamp};

use super::{
    Detection, auth_failures, client_errors, latency_shift, rate_surge, size_shift, slow_shift,
    went_silent,
};
use crate::baseline::judgement::Signal;
use crate::baseline::learning::Learning;
use crate::baseline::rate::probability;
use crate::baseline::season::Reach;
use crate::baseline::subject::Subject;
use crate::decision::{Case, CaseKey, Place};

/// What a detection makes of a case.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) severity: Severity,
    /// What happens, before the place is named.
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) normal: String,
    pub(crate) seen: String,
    /// Facts of its own.
    pub(crate) evidence: Vec<Evidence>,
}

/// The detection of a signal.
pub(crate) const fn detection(signal: Signal) -> &'static Detection {
    match signal {
        Signal::Surge => &rate_surge::DETECTION,
        Signal::Silence => &went_silent::DETECTION,
        Signal::ClientErrors => &client_errors::DETECTION,
        Signal::AuthFailures => &auth_failures::DETECTION,
        Signal::Latency => &latency_shift::DETECTION,
        Signal::Size => &size_shift::DETECTION,
        Signal::SlowShift => &slow_shift::DETECTION,
    }
}

/// One fact.
pub(crate) fn fact(name: &str, value: impl Into<String>) -> Evidence {
    Evidence { name: name.to_owned(), value: value.into() }
}

/// The finding of an open case, told by the subject in which it was seen first.
pub(crate) fn finding(
    key: &CaseKey,
    case: &Case,
    subject: &Subject,
    learning: &Learning,
) -> Finding {
    let detection = detection(key.signal);
    let told = match key.signal {
        Signal::Surge => rate_surge::tell(case, subject),
        Signal::Silence => went_silent::tell(case),
        Signal::ClientErrors => client_errors::tell(case),
        Signal::AuthFailures => auth_failures::tell(case),
        Signal::Latency => latency_shift::tell(case),
        Signal::Size => size_shift::tell(case, subject),
        Signal::SlowShift => slow_shift::tell(case),
    };
    let endpoint = match key.place {
        Place::Endpoint(_) => subject.endpoint.clone(),
        Place::Host(_) | Place::Everywhere => None,
    };
    let host = match key.place {
        Place::Everywhere => "*".to_owned(),
        Place::Endpoint(_) | Place::Host(_) => case.host.to_string(),
    };
    let judged = &case.judged;
    let mut evidence = evidence(key, case, subject);
    evidence.extend(told.evidence);
    Finding {
        id: String::new(),
        detection: detection.id.to_owned(),
        kind: detection.kind,
        severity: told.severity,
        confidence: confidence(subject, learning),
        state: FindingState::Open,
        title: format!("{} {}", told.title, place(key, case, subject)),
        host,
        endpoint,
        consumer: None,
        owner: None,
        client_addresses: Vec::new(),
        first_seen: start_of(case.from),
        last_seen: start_of(case.last.saturating_add(1)),
        found_at: Timestamp::ZERO,
        normal: Measure { value: judged.normal, unit: told.unit.to_owned(), text: told.normal },
        seen: Measure { value: judged.seen, unit: told.unit.to_owned(), text: told.seen },
        probability: probability(judged.rarity.ln_probability),
        lift: judged.lift(),
        mappings: detection.mappings(),
        evidence,
    }
}

/// Where, in words.
fn place(key: &CaseKey, case: &Case, subject: &Subject) -> String {
    match (&key.place, &subject.endpoint) {
        (Place::Endpoint(_), Some(endpoint)) => {
            format!("on {} {} of {}", endpoint.method, endpoint.template, case.host)
        }
        (Place::Everywhere, _) => format!("on several hosts, {} among them", case.host),
        (_, Some(_)) => {
            format!("on {} of {} endpoints of {}", case.crowd.odd, case.crowd.able, case.host)
        }
        (_, None) => format!("on all of {}", case.host),
    }
}

/// The window, what normal was learned from, and why it is no chance.
fn evidence(key: &CaseKey, case: &Case, subject: &Subject) -> Vec<Evidence> {
    let judged = &case.judged;
    let season = match Learning::reach(subject.rate.age()) {
        Reach::Flat => "no season yet",
        Reach::Daily => "the hour of the day",
        Reach::Weekly => "the hour of the week",
    };
    let mut facts = vec![
        fact("window", format!("{} minutes from {}", judged.minutes, start_of(judged.from))),
        fact("normal learned from", format!("{}, by {season}", subject.learned_from(key.signal))),
    ];
    if !matches!(key.place, Place::Endpoint(_))
        && let Some(endpoint) = &subject.endpoint
    {
        facts.push(fact("seen first on", format!("{} {}", endpoint.method, endpoint.template)));
    }
    let lasting = if case.is_lasting {
        "odd in at least two of three minutes"
    } else if judged.minutes > 1 {
        "summed up over the window"
    } else {
        "all but impossible in a single minute"
    };
    let alone = match key.place {
        Place::Endpoint(_) => format!(
            "no change of the host: {} of its {} endpoints with traffic are odd",
            case.crowd.odd, case.crowd.able
        ),
        Place::Host(_) => "the host as a whole changed".to_owned(),
        Place::Everywhere => "many hosts changed at once".to_owned(),
    };
    facts.push(fact(
        "why it is no chance",
        format!("{lasting}; improbable among {} numbers judged that minute; {alone}", case.tests),
    ));
    facts
}

/// 0.7 by a day without a season, up to 0.95 by weeks.
fn confidence(subject: &Subject, learning: &Learning) -> f64 {
    if !subject.rate.is_ready(learning) {
        return 0.5;
    }
    match Learning::reach(subject.rate.age()) {
        Reach::Flat => 0.7,
        Reach::Daily => 0.85,
        Reach::Weekly => 0.95,
    }
}

fn start_of(minute: u64) -> Timestamp {
    Epoch(minute.saturating_mul(60)).start()
}
