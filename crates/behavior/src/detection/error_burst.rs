//! An endpoint answers far more 5xx than it does normally.

mod watched;

use std::collections::{BTreeMap, BTreeSet};

use tapline_model::{EndpointId, Epoch, Finding, FindingKind};

use self::watched::{Verdict, Watched};
use super::Detection;
use crate::baseline::error_share::{ErrorShare, Expected};
use crate::bounded::Bounded;
use crate::config::ErrorBurst;
use crate::endpoint_epoch::EndpointEpoch;
use crate::number::real;
use crate::window::Slots;

pub(crate) const DETECTION: Detection = Detection {
    id: "error_burst",
    title: "An endpoint answers more server errors than it does normally",
    kind: FindingKind::Behaviour,
    // A burst of errors may follow from an attack, from load or from a release: the traffic alone
    // does not say which, so it stands in no list of attacks.
    owasp_api: &[],
    oat: &[],
    attack: &[],
    settings: "behavior.error_burst",
    state_max: "behavior.baselines_max endpoints, those quiet for longest given up first; six \
                slots, 16 status codes and 32 client addresses each",
    wrong_when: "It misses errors answered with 200, errors of endpoints with less traffic than \
                 requests_min in a window, and a burst on an endpoint the sensor has just met \
                 unless nearly half of the answers fail. It is wrong where 5xx is a service's way \
                 of saying no (a 503 to every client that comes too often): then it says so as \
                 long as it lasts.",
};

/// Slots of the window: ten seconds each with the default of a minute.
const SLOTS: u64 = 6;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct ErrorBursts {
    settings: ErrorBurst,
    slots: Slots,
    memory_seconds: f64,
    endpoints: Bounded<EndpointId, Watched>,
    services: BTreeMap<String, Service>,
    /// Endpoints with enough errors in the window: they are judged also while they are silent.
    hot: BTreeSet<EndpointId>,
}

/// What a service's endpoints have in common.
#[derive(Debug)]
struct Service {
    share: ErrorShare,
    endpoints: u64,
}

impl ErrorBursts {
    /// Nothing seen; shares forget over `memory_days`.
    pub(crate) fn new(settings: ErrorBurst, memory_days: f64, endpoints_max: u32) -> Self {
        Self {
            slots: Slots::new(settings.window_seconds, SLOTS),
            settings,
            memory_seconds: memory_seconds(memory_days),
            endpoints: Bounded::new(endpoints_max),
            services: BTreeMap::new(),
            hot: BTreeSet::new(),
        }
    }

    /// Takes new settings. Another window begins empty and learns anew.
    pub(crate) fn reconfigure(
        &mut self,
        settings: ErrorBurst,
        memory_days: f64,
        endpoints_max: u32,
    ) {
        if self.slots != Slots::new(settings.window_seconds, SLOTS) {
            *self = Self::new(settings, memory_days, endpoints_max);
            return;
        }
        self.settings = settings;
        self.memory_seconds = memory_seconds(memory_days);
        self.endpoints.set_max(endpoints_max);
    }

    /// Takes what an endpoint did in `epoch`; whether a burst is on.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        did: &EndpointEpoch,
        sink: &mut impl FnMut(Finding),
    ) -> bool {
        if !self.settings.enabled {
            return false;
        }
        let id = did.endpoint.id;
        self.admit(epoch, did);
        self.slide(id, epoch);
        let slot = self.slots.at(epoch);
        let Some(watched) = self.endpoints.get_mut(id) else {
            return false;
        };
        watched.add(slot, epoch, did);
        self.judge(id, epoch, sink)
    }

    /// Judges the endpoints that were silent in `epoch` though there are errors in their window. To
    /// be called for every epoch without traffic, and after [`ErrorBursts::observe`] for the
    /// others; only at the start of a slot is there anything new to judge.
    pub(crate) fn observe_silence(
        &mut self,
        epoch: Epoch,
        is_silent: impl Fn(EndpointId) -> bool,
        sink: &mut impl FnMut(Finding),
    ) {
        if self.slots.start(self.slots.at(epoch)) != epoch {
            return;
        }
        let silent: Vec<_> = self.hot.iter().copied().filter(|&id| is_silent(id)).collect();
        for id in silent {
            self.slide(id, epoch);
            self.judge(id, epoch, sink);
        }
    }

    /// The next epoch from `epoch` on at which silence has to be looked at, if any.
    pub(crate) fn next_due(&self, epoch: Epoch) -> Option<Epoch> {
        let slot = self.slots.at(Epoch(epoch.0.saturating_sub(1)));
        let due = if epoch.0 == 0 { epoch } else { self.slots.start(slot.saturating_add(1)) };
        (!self.hot.is_empty()).then_some(due)
    }

    fn admit(&mut self, epoch: Epoch, did: &EndpointEpoch) {
        while let Some(evicted) = self.endpoints.make_room(did.endpoint.id) {
            self.hot.remove(&evicted.endpoint.id);
            self.leave_service(&evicted.host);
        }
        let services = &mut self.services;
        self.endpoints.touch(did.endpoint.id, epoch, || {
            let service = services
                .entry(did.host.clone())
                .or_insert_with(|| Service { share: ErrorShare::new(epoch), endpoints: 0 });
            service.endpoints += 1;
            Watched::new(epoch, did)
        });
    }

    /// A service is kept as long as it has an endpoint, so the bound of the endpoints bounds both.
    fn leave_service(&mut self, host: &str) {
        if let Some(service) = self.services.get_mut(host) {
            service.endpoints -= 1;
            if service.endpoints == 0 {
                self.services.remove(host);
            }
        }
    }

    /// What has left the window is learned, unless it was part of a burst.
    fn slide(&mut self, id: EndpointId, epoch: Epoch) {
        let Self { endpoints, services, slots, memory_seconds, .. } = self;
        let Some(watched) = endpoints.get_mut(id) else {
            return;
        };
        let Some(service) = services.get_mut(&watched.host) else {
            return;
        };
        while let Some((at, slot)) = watched.window.pop_before(slots.oldest(epoch)) {
            if slot.is_burst || slot.answers == 0 {
                continue;
            }
            let at = slots.start(at);
            let endpoint_share = watched.share.at(at, *memory_seconds);
            let expected = Expected::new(&endpoint_share, &service.share.at(at, *memory_seconds));
            for share in [&mut watched.share, &mut service.share] {
                share.learn(at, slot.answers, slot.errors, expected, *memory_seconds);
            }
        }
        watched.forget_if_clean();
    }

    /// Whether a burst is on; if so, it is reported and its slots will not teach.
    fn judge(&mut self, id: EndpointId, epoch: Epoch, sink: &mut impl FnMut(Finding)) -> bool {
        let verdict = self.verdict(id, epoch);
        let Some(watched) = self.endpoints.get_mut(id) else {
            self.hot.remove(&id);
            return false;
        };
        if watched.seen().errors >= u64::from(self.settings.errors_min) {
            self.hot.insert(id);
        } else {
            self.hot.remove(&id);
        }
        let Some(verdict) = verdict else {
            return false;
        };
        watched.window.iter_mut().for_each(|slot| slot.is_burst = true);
        sink(watched.finding(verdict, self.slots.seconds()));
        true
    }

    fn verdict(&self, id: EndpointId, epoch: Epoch) -> Option<Verdict> {
        let watched = self.endpoints.get(id)?;
        let service = self.services.get(&watched.host)?;
        let seen = watched.seen();
        let settings = &self.settings;
        if seen.answers < u64::from(settings.requests_min)
            || seen.errors < u64::from(settings.errors_min)
        {
            return None;
        }
        let endpoint_share = watched.share.at(epoch, self.memory_seconds);
        let service_share = service.share.at(epoch, self.memory_seconds);
        let expected = Expected::new(&endpoint_share, &service_share);
        let share = real(seen.errors) / real(seen.answers);
        if share < settings.lift_min * expected.mean() {
            return None;
        }
        let probability = expected.probability(seen.answers, seen.errors);
        (probability <= settings.probability_max).then(|| Verdict {
            seen,
            share,
            normal: expected.mean(),
            probability,
            learned: endpoint_share.weight(),
        })
    }
}

fn memory_seconds(memory_days: f64) -> f64 {
    (memory_days * SECONDS_PER_DAY).max(1.0)
}
