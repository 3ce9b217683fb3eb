//! Vouchers or payment cards are tried until some are good.

use std::collections::BTreeSet;

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, percent, probability_of};
use crate::attempts::{Tried, mixed, number_of};
use crate::baseline::population::Population;
use crate::config::CardOrCouponTesting as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "card_or_coupon_testing",
    title: "Vouchers or payment cards are tried until some are good",
    kind: FindingKind::Behaviour,
    owasp_api: &["API6:2023"],
    oat: &["OAT-001", "OAT-002", "OAT-010"],
    attack: &["T1110"],
    settings: "behavior.card_or_coupon_testing",
    state_max: "behavior.attempts_max consumers, addresses and programs each, those quiet for longest \
                given up first; ten slots, 64 codes and ten client addresses each",
    wrong_when: "It misses codes that stand in the path, and tries spread over many consumers with \
                 many programs. It is wrong for a till that takes vouchers which have run out.",
};

/// How many times more a program must try than a person: many people use the same.
const PROGRAM_FACTOR: u64 = 5;

/// The detection.
#[derive(Debug)]
pub(crate) struct CardOrCouponTesting {
    settings: Settings,
    /// Consumers, addresses and programs.
    sources: [Subjects; 3],
}

fn values(subject: &Subject) -> u64 {
    subject.refused_secrets.distinct()
}

impl CardOrCouponTesting {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, sources_max: u32) -> Self {
        let sources = [(); 3].map(|()| Subjects::new(settings.window_seconds, sources_max, values));
        Self { settings, sources }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, sources_max: u32) {
        for sources in &mut self.sources {
            sources.reconfigure(settings.window_seconds, sources_max);
        }
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        let is_it = matches!(tried.kind, AttemptKind::Voucher | AttemptKind::Card);
        if !self.settings.enabled || !is_it {
            return;
        }
        let [consumers, addresses, programs] = &mut self.sources;
        let key = |source| mixed([tried.place.id, source, tried.kind as u64]);
        consumers.note(epoch, key(tried.consumer.0), tried);
        if let Some(client) = tried.client {
            addresses.note(epoch, key(number_of(client)), tried);
        }
        programs.note(epoch, key(tried.tool), tried);
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, sources } = self;
        let [consumers, addresses, programs] = sources;
        // Whoever has no credentials is known by an address, which is told of once.
        let mut told = BTreeSet::new();
        for (sources, factor, is_of_consumer) in
            [(consumers, 1, true), (addresses, 1, false), (programs, PROGRAM_FACTOR, false)]
        {
            let seconds = sources.seconds();
            sources.judge(|_, subject, population| {
                let how = (factor, is_of_consumer);
                let finding = finding(epoch, subject, how, (population, settings, seconds));
                let is_case = finding.is_some();
                let clients = (subject.place.id, subject.kind, subject.clients.clone());
                if is_case && (factor > 1 || told.insert(clients)) {
                    finding.into_iter().for_each(&mut *sink);
                }
                is_case
            });
        }
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.sources.iter_mut().for_each(|sources| sources.advance(epoch));
    }
}

fn finding(
    epoch: Epoch,
    subject: &Subject,
    (factor, is_of_consumer): (u64, bool),
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let (counts, distinct) = (subject.counts(), values(subject));
    let is_refused = percent(counts.refused, counts.tries) >= 100.0 * settings.refused_share_min;
    if distinct < factor * u64::from(settings.values_min) || !is_refused {
        return None;
    }
    let probability = probability_of(population, distinct);
    if probability > settings.probability_max {
        return None;
    }
    let what = if subject.kind == AttemptKind::Card { "payment cards" } else { "vouchers" };
    let by = if factor > 1 { "by one program" } else { "from one place" };
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: if counts.granted > 0 { Severity::High } else { Severity::Medium },
        is_of_consumer,
        title: format!("{distinct} different {what} refused {by}, {} taken", counts.granted),
        unit: what,
        normal: normal_of(population, &format!("different {what} are refused {by}"), seconds),
        seen: (real(distinct), format!("{distinct} different {what} refused")),
        probability,
        evidence: vec![(
            "share of tries refused",
            format!("{:.0} %", percent(counts.refused, counts.tries)),
        )],
    };
    Some(case.finding())
}

#[cfg(test)]
mod tests {
    use tapline_model::AttemptKind;

    use crate::attempts::tests::{Try, World};

    #[test]
    fn vouchers_that_are_tried_out_are_found() {
        for kind in [AttemptKind::Voucher, AttemptKind::Card] {
            let mut world = World::new();
            for secret in 0..25 {
                world.attempt(kind, Try { account: 7, secret, client: 9, granted: secret == 20 });
                world.skip(5);
            }
            let found = world.found("card_or_coupon_testing");
            assert_eq!(found.last().unwrap().severity, tapline_model::Severity::High);
            assert!(found.iter().all(|it| it.consumer.is_some()), "told of once");
        }
    }

    #[test]
    fn a_till_and_a_slip_are_left_alone() {
        let mut world = World::new();
        for secret in 0..300 {
            let till = Try { account: 7, secret, client: 9, granted: secret % 5 > 0 };
            world.attempt(AttemptKind::Voucher, till);
            let slip = Try { account: 8, secret: secret % 3, client: 10, granted: false };
            world.attempt(AttemptKind::Voucher, slip);
            world.skip(2);
        }
        assert!(world.findings.is_empty(), "{:?}", world.findings);
    }
}
