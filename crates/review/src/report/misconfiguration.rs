//! What is set up badly: every rule that something breaks, with the places.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tapline_model::{EndpointView, IssueView, Severity, View};

use super::{EndpointRisk, Place};
use crate::role::{Role, role_of};
use crate::rule::{self, Rule};
use crate::site;
use crate::text::shown;

/// Places named with a rule.
const PLACES_MAX: usize = 20;

/// One rule that something breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misconfiguration {
    /// The rule.
    pub rule: String,
    /// What, in a few words.
    pub title: String,
    /// How bad it is where it is worst.
    pub severity: Severity,
    /// OWASP API Security Top 10 2023.
    pub owasp: String,
    /// What to do.
    pub remedy: String,
    /// What was seen where it is worst.
    pub seen: String,
    /// Endpoints.
    pub endpoints: u64,
    /// Hosts.
    pub hosts: Vec<String>,
    /// The riskiest of the endpoints.
    pub places: Vec<Place>,
}

#[derive(Default)]
struct Gathered {
    worst: Option<IssueView>,
    hosts: BTreeSet<String>,
    endpoints: u64,
    places: Vec<Place>,
}

impl Gathered {
    fn add(&mut self, issue: &IssueView, host: &str, place: Option<&Place>) {
        if self.worst.as_ref().is_none_or(|worst| worst.severity < issue.severity) {
            self.worst = Some(issue.clone());
        }
        self.hosts.insert(host.to_owned());
        if let Some(place) = place {
            self.endpoints += 1;
            if self.places.len() < PLACES_MAX {
                self.places.push(place.clone());
            }
        }
    }
}

pub(super) fn of(
    endpoints: &[&EndpointView],
    view: &View,
    risks: &[EndpointRisk],
) -> Vec<Misconfiguration> {
    let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
    for risk in risks {
        for issue in &risk.issues {
            gathered.entry(issue.rule.clone()).or_default().add(
                issue,
                &risk.place.host,
                Some(&risk.place),
            );
        }
    }
    for host in view.hosts.iter() {
        for issue in site::issues_of(host) {
            gathered.entry(issue.rule.clone()).or_default().add(&issue, &shown(&host.host), None);
        }
    }
    for host in view.encrypted.iter() {
        for issue in &host.issues {
            gathered.entry(issue.rule.clone()).or_default().add(issue, &shown(&host.host), None);
        }
    }
    for (endpoint, newer) in old_versions(endpoints) {
        let issue =
            issue(rule::OLD_VERSION, Severity::Low, format!("{} answers too", shown(newer)));
        let place = Place::of(endpoint);
        gathered.entry(issue.rule.clone()).or_default().add(&issue, &place.host, Some(&place));
    }
    for endpoint in without_second_factor(endpoints) {
        let seen = "no endpoint of this host takes a code".to_owned();
        let issue = issue(rule::SECOND_FACTOR_MISSING, Severity::Low, seen);
        let place = Place::of(endpoint);
        gathered.entry(issue.rule.clone()).or_default().add(&issue, &place.host, Some(&place));
    }
    let mut all: Vec<Misconfiguration> = gathered.into_values().filter_map(finish).collect();
    all.sort_by(|left, right| {
        right
            .severity
            .cmp(&left.severity)
            .then_with(|| right.endpoints.cmp(&left.endpoints))
            .then_with(|| left.rule.cmp(&right.rule))
    });
    all
}

fn finish(gathered: Gathered) -> Option<Misconfiguration> {
    let worst = gathered.worst?;
    Some(Misconfiguration {
        rule: worst.rule,
        title: worst.title,
        severity: worst.severity,
        owasp: worst.owasp,
        remedy: worst.remedy,
        seen: worst.seen,
        endpoints: gathered.endpoints,
        hosts: gathered.hosts.into_iter().collect(),
        places: gathered.places,
    })
}

fn issue(rule: &'static Rule, severity: Severity, seen: String) -> IssueView {
    crate::issues::Issue { rule, severity, seen, count: 1, of: 1 }.view()
}

/// Endpoints whose path has a version, beside one that has a higher one at the same place and is
/// equal otherwise; with the newer one's path.
fn old_versions<'a>(endpoints: &[&'a EndpointView]) -> Vec<(&'a EndpointView, &'a str)> {
    let mut newest: BTreeMap<(&str, &str, String), (u32, &str)> = BTreeMap::new();
    let versioned: Vec<_> = endpoints
        .iter()
        .filter_map(|&endpoint| {
            let (version, rest) = split_version(&endpoint.template)?;
            Some((endpoint, version, (endpoint.host.as_str(), endpoint.method.as_str(), rest)))
        })
        .collect();
    for (endpoint, version, key) in &versioned {
        let entry = newest.entry(key.clone()).or_insert((*version, &endpoint.template));
        if *version > entry.0 {
            *entry = (*version, &endpoint.template);
        }
    }
    versioned
        .into_iter()
        .filter_map(|(endpoint, version, key)| {
            let &(last, newer) = newest.get(&key)?;
            (version < last).then_some((endpoint, newer))
        })
        .collect()
}

/// The version in a path (`/v2/`), and the path without it.
fn split_version(template: &str) -> Option<(u32, String)> {
    let is_version = |segment: &&str| {
        let digits = segment.strip_prefix('v').unwrap_or_default();
        (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let segment = template.split('/').find(is_version)?;
    let version = segment.trim_start_matches('v').parse().ok()?;
    let mut found = false;
    let rest: Vec<&str> = template
        .split('/')
        .map(|part| {
            if !found && part == segment {
                found = true;
                return "v";
            }
            part
        })
        .collect();
    Some((version, rest.join("/")))
}

fn without_second_factor<'a>(endpoints: &[&'a EndpointView]) -> Vec<&'a EndpointView> {
    let with: BTreeSet<&str> = endpoints
        .iter()
        .filter(|endpoint| role_of(endpoint) == Role::SecondFactor)
        .map(|endpoint| endpoint.host.as_str())
        .collect();
    endpoints
        .iter()
        .copied()
        .filter(|endpoint| {
            role_of(endpoint) == Role::Login && !with.contains(endpoint.host.as_str())
        })
        .collect()
}
