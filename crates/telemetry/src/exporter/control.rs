//! What the control plane does: the block list and its webhook.

use tapline_model::{AlertStats, DropReason};

use super::{Runtime, number};
use crate::family::Family;
use crate::names;

/// The block list in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreventionCounts {
    /// It is only shown.
    pub dry_run: bool,
    /// Addresses on it.
    pub addresses: u64,
    /// Credentials on it.
    pub consumers: u64,
    /// Put on it, since start.
    pub listed: u64,
    /// Taken off because their time was over.
    pub expired: u64,
    /// Taken off because an operator judged otherwise.
    pub withdrawn: u64,
    /// Not put on it, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Delivery to the webhook, if there is one.
    pub webhook: Option<AlertStats>,
}

/// The packets that are kept, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvidenceCounts {
    /// Excerpts written, since start.
    pub kept: u64,
    /// Sources that had no packets of a finding.
    pub empty: u64,
    /// Not asked for or not written because too many waited.
    pub queue_full: u64,
    /// Excerpts that could not be written.
    pub failed: u64,
    /// Excerpts removed to make room.
    pub removed: u64,
    /// Bytes in the folder now.
    pub bytes: u64,
    /// Frames too large to be held.
    pub too_large: u64,
}

/// The families of what the daemon knows of itself besides its settings.
pub(super) fn families(runtime: &Runtime) -> Vec<Family> {
    let mut families = Vec::new();
    if let Some(counts) = &runtime.prevention {
        families.extend(prevention(counts));
        families.extend(counts.webhook.iter().flat_map(webhook));
    }
    families.extend(runtime.evidence.iter().flat_map(evidence));
    families
}

fn evidence(counts: &EvidenceCounts) -> Vec<Family> {
    let mut excerpts = Family::new(names::EVIDENCE_EXCERPTS);
    for (result, count) in [
        ("kept", counts.kept),
        ("no_packets", counts.empty),
        ("queue_full", counts.queue_full),
        ("failed", counts.failed),
    ] {
        excerpts.add(&[result], number(count));
    }
    vec![
        excerpts,
        Family::single(names::EVIDENCE_REMOVED, number(counts.removed)),
        Family::single(names::EVIDENCE_BYTES, number(counts.bytes)),
        Family::single(names::EVIDENCE_TOO_LARGE, number(counts.too_large)),
    ]
}

fn prevention(counts: &PreventionCounts) -> Vec<Family> {
    let mut entries = Family::new(names::PREVENTION_ENTRIES);
    entries.add(&["address"], number(counts.addresses));
    entries.add(&["consumer"], number(counts.consumers));
    let mut ended = Family::new(names::PREVENTION_ENDED);
    ended.add(&["expired"], number(counts.expired));
    ended.add(&["withdrawn"], number(counts.withdrawn));
    let mut refused = Family::new(names::PREVENTION_REFUSED);
    for (reason, count) in &counts.refused {
        refused.add(&[reason], number(*count));
    }
    let dry_run = f64::from(u8::from(counts.dry_run));
    vec![
        Family::single(names::PREVENTION_DRY_RUN, dry_run),
        entries,
        Family::single(names::PREVENTION_LISTED, number(counts.listed)),
        ended,
        refused,
    ]
}

fn webhook(stats: &AlertStats) -> Vec<Family> {
    let mut dropped = Family::new(names::WEBHOOK_DROPPED);
    for reason in [DropReason::QueueFull, DropReason::Fault] {
        let count = stats.notifications.dropped.get(reason as usize).copied().unwrap_or(0);
        dropped.add(&[reason.label()], number(count));
    }
    vec![
        Family::single(names::WEBHOOK_POSTS, number(stats.pushes)),
        Family::single(names::WEBHOOK_FAILURES, number(stats.push_failures)),
        dropped,
        Family::single(names::WEBHOOK_HELD, number(stats.notifications.held)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ALL;

    #[test]
    fn what_a_sensor_does_not_do_it_says_nothing_of() {
        let mut runtime = Runtime {
            config_hash: String::new(),
            last_reload_ok: true,
            last_reload_at: 0.0,
            prevention: None,
            evidence: None,
        };
        assert_eq!(families(&runtime).len(), 0);
        runtime.prevention = Some(PreventionCounts {
            refused: vec![("never", 1)],
            webhook: Some(AlertStats::default()),
            ..PreventionCounts::default()
        });
        runtime.evidence = Some(EvidenceCounts::default());
        let drawn = families(&runtime).into_iter().filter_map(Family::finish).count();
        let known = ALL.iter().filter(|metric| {
            metric.name.starts_with("tapline_prevention")
                || metric.name.starts_with("tapline_webhook")
                || metric.name.starts_with("tapline_evidence")
        });
        assert_eq!(drawn, known.count(), "all of them are drawn, none is empty");
    }
}
