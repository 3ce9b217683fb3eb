//! The joined half: sealed epochs become baselines and findings.

use tapline_model::{
    BaselineView, BehaviorStats, Delta, EndpointId, EndpointRef, Epoch, Finding, Key, RouteKey,
    Sighting,
};

use crate::Config;
use crate::access::Accesses;
use crate::attempts::AttemptDetections;
use crate::baseline::table::Baselines;
use crate::detection::card_data_exposed::CardDataExposed;
use crate::detection::credential_exposed::CredentialExposed;
use crate::detection::error_burst::ErrorBursts;
use crate::detection::excessive_records::ManyRecords;
use crate::detection::injection::Injections;
use crate::detection::path_scanner::PathScanners;
use crate::detection::sensitive_field_new::SensitiveFieldsNew;
use crate::detection::token_sharing::TokensShared;
use crate::endpoint_epoch::by_endpoint;

/// Learns what is normal for every endpoint and consumer, and finds what is not.
///
/// Fed with sealed epochs in order it is deterministic, and it does not matter into how many steps
/// the silence between them is cut. An epoch costs what its delta touches.
#[derive(Debug)]
pub struct Behavior {
    baselines: Baselines,
    error_bursts: ErrorBursts,
    path_scanners: PathScanners,
    card_data: CardDataExposed,
    credentials: CredentialExposed,
    new_fields: SensitiveFieldsNew,
    many_records: ManyRecords,
    injections: Injections,
    attempts: AttemptDetections,
    tokens: TokensShared,
    accesses: Accesses,
    /// The first epoch that is not over; none before the first delta.
    now: Option<Epoch>,
}

impl Behavior {
    /// One that has seen nothing. `key` makes the hashes in evidence.
    pub fn new(config: Config, key: Key) -> Self {
        let Config { baselines_max, baseline_memory_days, .. } = config;
        let accesses = Accesses::new(&config, key.clone());
        Self {
            baselines: Baselines::new(config.clone()),
            attempts: AttemptDetections::new(&config),
            tokens: TokensShared::new(config.token_sharing.clone(), config.attempts_max),
            accesses,
            error_bursts: ErrorBursts::new(config.error_burst, baseline_memory_days, baselines_max),
            path_scanners: PathScanners::new(
                config.path_scanner,
                config.consumers_max,
                key.clone(),
            ),
            card_data: CardDataExposed::new(config.card_data_exposed, baselines_max),
            credentials: CredentialExposed::new(config.credential_exposed, baselines_max),
            new_fields: SensitiveFieldsNew::new(config.sensitive_field_new, baselines_max),
            many_records: ManyRecords::new(config.excessive_records, baselines_max),
            injections: Injections::new(config.injection, config.consumers_max, key),
            now: None,
        }
    }

    /// Takes new settings. What was learned stays, but a detection whose window changes begins
    /// anew; smaller tables shrink as they are used.
    pub fn reconfigure(&mut self, config: Config) {
        self.accesses.reconfigure(&config);
        let Config { baselines_max, baseline_memory_days, .. } = config;
        self.baselines.reconfigure(config.clone());
        self.attempts.reconfigure(&config);
        self.tokens.reconfigure(config.token_sharing.clone(), config.attempts_max);
        self.error_bursts.reconfigure(config.error_burst, baseline_memory_days, baselines_max);
        self.path_scanners.reconfigure(config.path_scanner, config.consumers_max);
        self.card_data.reconfigure(config.card_data_exposed, baselines_max);
        self.credentials.reconfigure(config.credential_exposed, baselines_max);
        self.new_fields.reconfigure(config.sensitive_field_new, baselines_max);
        self.many_records.reconfigure(config.excessive_records, baselines_max);
        self.injections.reconfigure(config.injection, config.consumers_max);
    }

    /// Takes a sealed epoch: the join of what all workers learned in it. `endpoint_of` names the
    /// host and the endpoint of a route, none if it has none. Every finding whose condition holds
    /// goes to
    /// `sink`, in every epoch anew: state open, without an id.
    ///
    /// Epochs come in ascending order; should one not, it counts for the newest.
    pub fn seal(
        &mut self,
        epoch: Epoch,
        delta: &Delta,
        endpoint_of: &dyn Fn(RouteKey) -> Option<(String, EndpointRef)>,
        sink: &mut impl FnMut(Finding),
    ) {
        let epoch = self.now.map_or(epoch, |now| epoch.max(now.minus(1)));
        self.advance(epoch, sink);
        let touched = by_endpoint(delta, endpoint_of);
        if !delta.sampling.is_whole() {
            self.baselines.note_partial(epoch);
        }
        let mut bursts = Vec::new();
        for did in touched.values() {
            bursts.push(self.error_bursts.observe(epoch, did, sink));
            self.many_records.observe(epoch, did, sink);
        }
        self.baselines.observe(epoch, touched.values().zip(bursts), sink);
        self.error_bursts.observe_silence(epoch, |id| !touched.contains_key(&id), sink);
        for (&consumer, did) in &delta.consumers {
            self.path_scanners.observe(epoch, consumer, did, sink);
            self.tokens.observe(epoch, consumer, did, sink);
        }
        self.injections.observe(epoch, &delta.attacks, endpoint_of, sink);
        self.attempts.observe(epoch, delta, endpoint_of, sink);
        self.accesses.observe(epoch, delta, touched.values(), sink);
        self.now = Some(epoch.next());
    }

    /// Takes the sensitive data that was sighted in `epoch`, about to be sealed.
    pub fn sight(&mut self, epoch: Epoch, sightings: &[Sighting], sink: &mut impl FnMut(Finding)) {
        if sightings.is_empty() {
            return;
        }
        self.accesses.sight(sightings);
        self.card_data.observe(epoch, sightings, sink);
        self.credentials.observe(epoch, sightings, sink);
        self.new_fields.observe(epoch, sightings, sink);
    }

    /// Every epoch before `to` is over, and those not sealed had nothing in them. Costs what has
    /// state that silence changes; a jump of years is one step.
    pub fn advance(&mut self, to: Epoch, sink: &mut impl FnMut(Finding)) {
        let Some(now) = self.now.filter(|&now| now < to) else {
            return;
        };
        let mut due = self.error_bursts.next_due(now);
        while let Some(epoch) = due.filter(|&epoch| epoch < to) {
            self.error_bursts.observe_silence(epoch, |_| true, sink);
            due = self.error_bursts.next_due(epoch.next());
        }
        self.path_scanners.advance(to);
        self.baselines.advance(to, sink);
        self.attempts.advance(to);
        self.now = Some(to);
    }

    /// The rate of an endpoint, if it has a baseline.
    pub fn baseline(&self, endpoint: EndpointId) -> Option<BaselineView> {
        self.baselines.view(endpoint, self.now.unwrap_or_default())
    }

    /// ln of the probability, were all normal, of as many requests as an endpoint got in the minute
    /// last closed, or of as much evidence as it and those before it make: what a surge is judged by.
    pub fn ln_surge(&self, endpoint: EndpointId) -> Option<f64> {
        self.baselines.ln_surge(endpoint)
    }

    /// Baselines given up because their table was full.
    pub const fn baselines_evicted(&self) -> u64 {
        self.baselines.evicted()
    }

    /// Counters since start: consumers followed and given up. Findings are counted where they
    /// become cases, deltas and epochs where they are sealed.
    pub fn stats(&self) -> BehaviorStats {
        BehaviorStats {
            consumers_evicted: self.path_scanners.evicted(),
            consumers_active: self.path_scanners.active(),
            findings_withheld: self.baselines.withheld(),
            ..self.accesses.stats()
        }
    }
}

#[cfg(test)]
mod change_tests;
#[cfg(test)]
mod tests;
