//! Differences to findings: few, however much differs.

use std::collections::BTreeMap;

use tapline_model::{
    EndpointRef, EndpointView, Evidence, Finding, FindingKind, FindingState, Measure, Severity,
    Timestamp,
};

use super::detection::Detection;
use crate::compare::{Class, Difference};

/// Endpoints of one host with findings of their own of one detection; more are one finding of the
/// host.
const ENDPOINTS_MAX: usize = 20;
/// Differences that one finding names.
const NAMED_MAX: usize = 12;

type Since<'a> = &'a dyn Fn(&Difference) -> Timestamp;

/// The findings of a host.
pub(super) fn of_host(
    host: &str,
    endpoints: &[&EndpointView],
    differences: &[Difference],
    now: Timestamp,
    since: Since<'_>,
) -> Vec<Finding> {
    let by_name: BTreeMap<(&str, &str), &EndpointView> = endpoints
        .iter()
        .map(|endpoint| ((endpoint.method.as_str(), endpoint.template.as_str()), *endpoint))
        .collect();
    let mut by_detection: BTreeMap<Detection, Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        if let Some(detection) = Detection::of(difference.kind, difference.class) {
            by_detection.entry(detection).or_default().push(difference);
        }
    }
    let mut findings = Vec::new();
    for (detection, differences) in by_detection {
        let mut by_endpoint: BTreeMap<_, Vec<&Difference>> = BTreeMap::new();
        for difference in &differences {
            for operation in &difference.operations {
                let name = (operation.method.as_str(), operation.path.as_str());
                if let Some(endpoint) = by_name.get(&name) {
                    let entry = by_endpoint.entry(endpoint.id).or_insert_with(Vec::new);
                    entry.push(difference);
                }
            }
        }
        let make = |endpoint: Option<&EndpointView>, differences: &[&Difference]| {
            finding(detection, host, endpoint, differences, now, since)
        };
        let is_of_host = detection == Detection::OrphanEndpoint || by_endpoint.is_empty();
        if is_of_host || by_endpoint.len() > ENDPOINTS_MAX {
            findings.push(make(None, &differences));
            continue;
        }
        for endpoint in endpoints {
            if let Some(differences) = by_endpoint.get(&endpoint.id) {
                findings.push(make(Some(endpoint), differences));
            }
        }
    }
    findings
}

fn finding(
    detection: Detection,
    host: &str,
    endpoint: Option<&EndpointView>,
    differences: &[&Difference],
    now: Timestamp,
    since: Since<'_>,
) -> Finding {
    let count = differences.len();
    let first = differences.iter().map(|difference| since(difference)).min().unwrap_or(now);
    let first_seen = match (detection, endpoint) {
        (Detection::ShadowEndpoint, Some(endpoint)) => endpoint.first_seen.min(first),
        _ => first,
    };
    let named = differences.iter().take(NAMED_MAX).map(|difference| Evidence {
        name: difference.kind.label().to_owned(),
        value: format!("{difference}; since {}", since(difference)),
    });
    let mut evidence: Vec<Evidence> = named.collect();
    if count > NAMED_MAX {
        let value = format!("{} more; `tapline compare` lists them", count - NAMED_MAX);
        evidence.push(Evidence { name: "and".to_owned(), value });
    }
    let measure = |value, text: String| Measure { value, unit: "differences".to_owned(), text };
    let number = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let title = match endpoint {
        Some(endpoint) => {
            format!("{}: {} {}", detection.title(), endpoint.method, endpoint.template)
        }
        None => format!("{} ({count})", detection.title()),
    };
    Finding {
        id: String::new(),
        detection: detection.id().to_owned(),
        kind: FindingKind::Drift,
        severity: severity(detection, differences),
        confidence: 0.95,
        state: FindingState::Open,
        title,
        host: host.to_owned(),
        endpoint: endpoint.map(|endpoint| EndpointRef {
            id: endpoint.id,
            method: endpoint.method.clone(),
            template: endpoint.template.clone(),
        }),
        consumer: None,
        owner: None,
        client_addresses: Vec::new(),
        first_seen,
        last_seen: now,
        found_at: Timestamp::ZERO,
        normal: measure(0.0, "Everything is as documented.".to_owned()),
        seen: measure(number, sentence(count)),
        probability: 0.0,
        lift: number,
        mappings: detection.mappings(),
        evidence,
    }
}

fn sentence(count: usize) -> String {
    if count == 1 { "One difference.".to_owned() } else { format!("{count} differences.") }
}

fn severity(detection: Detection, differences: &[&Difference]) -> Severity {
    let is_breaking = differences.iter().any(|difference| difference.class == Class::Breaking);
    match detection {
        Detection::AuthDrift => Severity::Critical,
        Detection::ShadowEndpoint | Detection::ZombieEndpoint => Severity::Medium,
        Detection::SchemaDrift if is_breaking => Severity::Medium,
        Detection::UndocumentedParameter | Detection::SchemaDrift => Severity::Low,
        Detection::OrphanEndpoint => Severity::Info,
    }
}
