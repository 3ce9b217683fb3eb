//! The baselines of all endpoints and hosts, minute by minute.

mod minute;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tapline_model::{BaselineView, EndpointId, Epoch, Finding};

use super::learning::Learning;
use super::rate::{Lead, MINUTE_SECONDS};
use super::subject::{HostShares, Subject};
use crate::bounded::Bounded;
use crate::config::Config;
use crate::decision::Decision;
use crate::endpoint_epoch::EndpointEpoch;

/// Baselines, the open cases they led to, and which of them this minute has touched.
///
/// A minute costs what was touched in it, besides the endpoints whose silence is due to be looked at
/// and the open cases. Time without anything at all costs nothing: in it nobody can tell a silent
/// endpoint from a sensor that hears nothing.
#[derive(Debug)]
pub(crate) struct Baselines {
    settings: Config,
    learning: Learning,
    endpoints: Bounded<EndpointId, Subject>,
    hosts: BTreeMap<Arc<str>, Host>,
    decision: Decision,
    /// The minute that is filling, and what was touched in it.
    minute: u64,
    touched: Vec<EndpointId>,
    touched_hosts: BTreeSet<Arc<str>>,
    /// When whose silence has to be looked at.
    silences: BTreeSet<(u64, Who)>,
}

/// A host is kept as long as one of its endpoints is, so the bound of the endpoints bounds both.
#[derive(Debug)]
struct Host {
    subject: Subject,
    shares: HostShares,
    endpoints: u64,
    /// What its endpoints follow, and the hour that its week is known as of.
    lead: Lead,
    week_hour: u64,
}

impl Host {
    /// What a minute changed of what its endpoints follow; its week is looked at once an hour.
    fn lead_on(&mut self) {
        let rate = &self.subject.rate;
        self.lead.calm = rate.calm();
        if rate.hour() != self.week_hour {
            self.week_hour = rate.hour();
            self.lead.week = rate.week().map(Arc::new);
        }
    }
}

/// Whose baselines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Endpoint(EndpointId),
    Host(Arc<str>),
}

impl Baselines {
    /// Nothing learned.
    pub(crate) fn new(settings: Config) -> Self {
        Self {
            learning: Learning::new(&settings),
            endpoints: Bounded::new(settings.baselines_max),
            hosts: BTreeMap::new(),
            decision: Decision::new(settings.decision),
            minute: 0,
            touched: Vec::new(),
            touched_hosts: BTreeSet::new(),
            silences: BTreeSet::new(),
            settings,
        }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Config) {
        self.learning.reconfigure(&settings);
        self.endpoints.set_max(settings.baselines_max);
        self.decision.reconfigure(settings.decision);
        self.settings = settings;
    }

    /// A part of the flows was shed in this epoch.
    pub(crate) fn note_partial(&mut self, epoch: Epoch) {
        self.learning.partial.note(epoch.0 / MINUTE_SECONDS);
    }

    /// Takes what the endpoints did in `epoch`, which is not before any taken so far, and on which of
    /// them an incident is known to be open.
    pub(crate) fn observe<'a>(
        &mut self,
        epoch: Epoch,
        all: impl Iterator<Item = (&'a EndpointEpoch, bool)>,
        sink: &mut impl FnMut(Finding),
    ) {
        self.advance(epoch, sink);
        self.minute = epoch.0 / MINUTE_SECONDS;
        // Endpoints of one host stand together rarely; a host sums them up.
        let mut hosts: BTreeMap<Arc<str>, (EndpointEpoch, bool)> = BTreeMap::new();
        for (did, incident) in all {
            let host = self.admit(epoch, did);
            let sum = hosts.entry(host).or_insert_with(|| {
                (EndpointEpoch::new(String::new(), did.endpoint.clone()), false)
            });
            sum.0.add_counts(did);
            sum.1 |= incident;
            let id = did.endpoint.id;
            if let Some(subject) = self.endpoints.get_mut(id)
                && subject.observe(epoch, did, incident, &mut self.learning)
            {
                self.touched.push(id);
            }
        }
        for (name, (did, incident)) in hosts {
            if let Some(host) = self.hosts.get_mut(&name)
                && host.subject.observe(epoch, &did, incident, &mut self.learning)
            {
                self.touched_hosts.insert(name);
            }
        }
    }

    /// Every epoch before `to` is over. Closes the minute that was filling; what lies between is
    /// made up for when an endpoint is heard again.
    pub(crate) fn advance(&mut self, to: Epoch, sink: &mut impl FnMut(Finding)) {
        if to.0 / MINUTE_SECONDS > self.minute && !self.touched.is_empty() {
            self.close_minute(sink);
        }
    }

    /// The rate of an endpoint, as of the first instant of `now`.
    pub(crate) fn view(&self, endpoint: EndpointId, now: Epoch) -> Option<BaselineView> {
        Some(self.endpoints.get(endpoint)?.rate.view(now, &self.learning))
    }

    /// By what a surge of an endpoint was judged in the last minute it was heard in.
    pub(crate) fn ln_surge(&self, endpoint: EndpointId) -> Option<f64> {
        let rate = &self.endpoints.get(endpoint)?.rate;
        rate.is_ready(&self.learning).then(|| rate.rarity().ln_probability)
    }

    /// Baselines given up because their table was full.
    pub(crate) const fn evicted(&self) -> u64 {
        self.endpoints.evicted()
    }

    /// Cases that were not opened, for the budget of alerts was spent.
    pub(crate) const fn withheld(&self) -> u64 {
        self.decision.withheld()
    }

    /// Makes sure that an endpoint and its host have baselines; the host's name.
    fn admit(&mut self, epoch: Epoch, did: &EndpointEpoch) -> Arc<str> {
        let id = did.endpoint.id;
        while let Some(evicted) = self.endpoints.make_room(id) {
            self.leave(&evicted.host);
        }
        let Self { endpoints, hosts, learning, .. } = self;
        let subject = endpoints.touch(id, epoch, || {
            let name = hosts
                .get_key_value(did.host.as_str())
                .map_or_else(|| Arc::from(did.host.as_str()), |(name, _)| Arc::clone(name));
            let host = hosts.entry(Arc::clone(&name)).or_insert_with(|| Host {
                subject: Subject::new(Arc::clone(&name), None, epoch, learning),
                shares: HostShares::new(epoch),
                endpoints: 0,
                lead: Lead::default(),
                week_hour: 0,
            });
            host.endpoints += 1;
            let mut subject = Subject::new(name, Some(did.endpoint.clone()), epoch, learning);
            subject.rate.follow(&host.lead);
            subject
        });
        Arc::clone(&subject.host)
    }

    fn leave(&mut self, host: &str) {
        if let Some(known) = self.hosts.get_mut(host) {
            known.endpoints -= 1;
            if known.endpoints == 0 {
                self.hosts.remove(host);
            }
        }
    }
}
