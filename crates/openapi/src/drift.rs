//! Documents of hosts held against what is seen of them, as findings.

mod detection;
mod finding;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tapline_model::{EndpointView, Finding, Timestamp};

use crate::compare::{Difference, Limits, compare};
use crate::document::Document;
use crate::observed::document_of;

pub use detection::Detection;

/// Differences whose first time is remembered.
const SINCE_MAX: usize = 100_000;

/// A document, and the hosts that it is of.
#[derive(Clone, Debug)]
pub struct HostDocument {
    /// A host's name, `*.` and the end of names, or `*`.
    pub host: String,
    /// What it says.
    pub document: Document,
}

impl HostDocument {
    /// Whether it is of a host.
    pub fn is_of(&self, host: &str) -> bool {
        match self.host.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => self.host.eq_ignore_ascii_case(host),
        }
    }

    /// Path templates, base path included, of all its operations.
    pub fn templates(&self) -> Vec<String> {
        let templates = crate::compare::templates(&self.document);
        let mut templates: Vec<_> = templates.into_iter().map(|(_, template)| template).collect();
        templates.sort();
        templates.dedup();
        templates
    }
}

/// Every document that was given, and since when what is seen differs from them.
#[derive(Debug, Default)]
pub struct Drift {
    documents: Arc<[HostDocument]>,
    limits: Limits,
    /// By host and difference.
    since: BTreeMap<(String, String), Timestamp>,
}

impl Drift {
    /// None has been compared yet.
    pub fn new(documents: Arc<[HostDocument]>, limits: Limits) -> Self {
        Self { documents, limits, since: BTreeMap::new() }
    }

    /// Takes other documents; first times stay.
    pub fn reconfigure(&mut self, documents: Arc<[HostDocument]>, limits: Limits) {
        self.documents = documents;
        self.limits = limits;
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Method and path template, base path included, of every operation that the documents of a
    /// host describe.
    pub fn templates(&self, host: &str) -> Vec<(String, String)> {
        let of_host = self.documents.iter().filter(|one| one.is_of(host));
        let mut templates: Vec<_> =
            of_host.flat_map(|one| crate::compare::templates(&one.document)).collect();
        templates.sort();
        templates.dedup();
        templates
    }

    /// Everything in which the listed endpoints of hosts with documents differ from them now, as
    /// findings: one for an endpoint and a detection, or one for a host where there are many.
    ///
    /// `endpoints` are in order of their host. Notices are no findings, but for documented
    /// operations that were never seen and old ones that still answer.
    pub fn findings(&mut self, now: Timestamp, endpoints: &[Arc<EndpointView>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut since = BTreeMap::new();
        for of_host in endpoints.chunk_by(|one, other| one.host == other.host) {
            let Some(host) = of_host.first().map(|endpoint| endpoint.host.clone()) else {
                continue;
            };
            let endpoints: Vec<&EndpointView> = of_host.iter().map(AsRef::as_ref).collect();
            let differences = self.differences(&host, &endpoints);
            for difference in &differences {
                let key = (host.clone(), difference.id.clone());
                let first = self.since.get(&key).copied().unwrap_or(now);
                if since.len() < SINCE_MAX {
                    since.insert(key, first);
                }
            }
            let since = |difference: &Difference| {
                since.get(&(host.clone(), difference.id.clone())).copied().unwrap_or(now)
            };
            findings.extend(finding::of_host(&host, &endpoints, &differences, now, &since));
        }
        self.since = since;
        findings
    }

    fn differences(&self, host: &str, endpoints: &[&EndpointView]) -> Vec<Difference> {
        let documents: Vec<_> = self.documents.iter().filter(|one| one.is_of(host)).collect();
        if documents.is_empty() {
            return Vec::new();
        }
        let requests = endpoints.iter().map(|endpoint| endpoint.requests).sum();
        let observed = document_of(host, requests, endpoints, &[]);
        let mut differences = Vec::new();
        let mut unknown: Option<BTreeSet<String>> = None;
        for one in documents {
            let found = compare(&one.document, &observed, self.limits).differences;
            let (strange, known): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|difference| difference.kind.is_of_unknown_operation());
            differences.extend(known);
            // What any document describes is described.
            let names: BTreeSet<String> = strange.iter().map(|one| one.place.clone()).collect();
            unknown = Some(match unknown {
                Some(before) => before.intersection(&names).cloned().collect(),
                None => names,
            });
            differences.extend(strange);
        }
        let unknown = unknown.unwrap_or_default();
        let mut told = BTreeSet::new();
        differences.retain(|difference| {
            let is_unknown = difference.kind.is_of_unknown_operation();
            (!is_unknown || unknown.contains(&difference.place))
                && told.insert(difference.id.clone())
        });
        differences
    }
}
