//! A minute ends: everything touched in it is judged, and what is odd is decided on.

use std::mem;
use std::sync::Arc;

use tapline_model::{Epoch, Finding};

use super::{Baselines, Who};
use crate::baseline::judgement::{Judgement, Signal};
use crate::baseline::rate::MINUTE_SECONDS;
use crate::baseline::subject::{HostShares, LN_SILENCE, Subject};
use crate::config::Config;
use crate::decision::{Candidate, Change, LN_CANDIDATE, LN_WEAK, Minute, Place};
use crate::detection::change;

/// Silence is looked at no more often than this while it is none.
const SILENCE_MINUTES_MIN: u64 = 3;
/// And at least this often, for its probability goes with the hour.
const SILENCE_MINUTES_MAX: u64 = 720;
/// A factor from which on what an endpoint does counts as odd for its host.
const WEAK_LIFT: f64 = 1.5;
/// Requests a minute from which on an endpoint can tell anything of its host.
const ABLE_REQUESTS: f64 = 1.0;

impl Baselines {
    /// Judges the minute that was filling, and decides.
    pub(super) fn close_minute(&mut self, sink: &mut impl FnMut(Finding)) {
        let mut now =
            Minute { at: self.minute, hosts: self.hosts.len() as u64, ..Minute::default() };
        self.judge_endpoints(&mut now);
        self.judge_hosts(&mut now);
        self.judge_silences(&mut now);
        self.decide(&now, sink);
    }

    fn judge_endpoints(&mut self, now: &mut Minute) {
        let mut touched = mem::take(&mut self.touched);
        touched.sort_unstable();
        let Self { endpoints, hosts, learning, settings, silences, .. } = self;
        for &id in &touched {
            let Some(subject) = endpoints.get_mut(id) else { continue };
            let Some(host) = hosts.get_mut(&subject.host) else { continue };
            let place = Place::Endpoint(id);
            let mut judged = Judged::default();
            subject.rate.follow(&host.lead);
            subject.close(now.at, &mut host.shares, settings, learning, &mut |one| {
                judged.push(one);
            });
            judged.file(subject, &place, now, settings, true);
            if subject.silence_due.is_none() && subject.rate.is_ready(learning) {
                let due = next_look(subject, now.at);
                subject.silence_due = Some(due);
                silences.insert((due, Who::Endpoint(id)));
            }
        }
        touched.clear();
        self.touched = touched;
    }

    fn judge_hosts(&mut self, now: &mut Minute) {
        let touched = mem::take(&mut self.touched_hosts);
        let Self { hosts, learning, settings, silences, .. } = self;
        for name in touched {
            let Some(host) = hosts.get_mut(&name) else { continue };
            // A host of one endpoint is that endpoint.
            let is_own = host.endpoints > 1;
            // What its endpoints learned of its shares is not learned twice.
            let mut unused = HostShares::new(Epoch(now.at * MINUTE_SECONDS));
            let subject = &mut host.subject;
            let mut judged = Judged::default();
            subject.close(now.at, &mut unused, settings, learning, &mut |one| {
                if is_own {
                    judged.push(one);
                }
            });
            judged.file(subject, &Place::Host(Arc::clone(&name)), now, settings, false);
            host.lead_on();
            let subject = &mut host.subject;
            if is_own && subject.silence_due.is_none() && subject.rate.is_ready(learning) {
                let due = next_look(subject, now.at);
                subject.silence_due = Some(due);
                silences.insert((due, Who::Host(name)));
            }
        }
    }

    /// Looks at the silences that are due.
    fn judge_silences(&mut self, now: &mut Minute) {
        let next = now.at.saturating_add(1);
        let Self { endpoints, hosts, learning, settings, silences, .. } = self;
        while let Some((due, _)) = silences.first()
            && *due <= next
        {
            let Some((_, who)) = silences.pop_first() else { break };
            let (subject, place) = match &who {
                Who::Endpoint(id) => (endpoints.get_mut(*id), Place::Endpoint(*id)),
                Who::Host(name) => (
                    hosts.get_mut(name).map(|host| &mut host.subject),
                    Place::Host(Arc::clone(name)),
                ),
            };
            let Some(subject) = subject else { continue };
            let silence = subject.silence(next, settings, learning);
            let due = if silence.is_some() { next + 1 } else { next_look(subject, next) };
            subject.silence_due = Some(due);
            silences.insert((due, who));
            if let Some(judged) = silence {
                let mut all = Judged::default();
                all.push(judged);
                all.file(subject, &place, now, settings, matches!(place, Place::Endpoint(_)));
            }
        }
    }

    fn decide(&mut self, now: &Minute, sink: &mut impl FnMut(Finding)) {
        let Self { endpoints, hosts, learning, decision, .. } = self;
        let next = now.at.saturating_add(1);
        decision.decide(now, &mut |key, case, change| {
            let subject = match &case.first {
                Place::Endpoint(id) => endpoints.get_mut(*id),
                Place::Host(name) => hosts.get_mut(name).map(|host| &mut host.subject),
                Place::Everywhere => None,
            };
            let Some(subject) = subject else { return };
            if change == Change::Accepted {
                subject.rate.advance(next, learning);
                subject.accept(key.signal, Epoch(next.saturating_mul(MINUTE_SECONDS)));
                subject.is_silent = false;
                return;
            }
            if key.signal == Signal::Silence && !subject.is_silent && case.last == now.at {
                subject.is_silent = true;
                subject.rate.silence();
            }
            if case.finding.is_none() {
                case.finding = Some(change::finding(key, case, subject, learning));
            }
            if let Some(finding) = &case.finding {
                sink(finding.clone());
            }
        });
    }
}

/// What was judged of one subject in one minute: no more than a few.
#[derive(Debug, Default)]
struct Judged {
    all: [Option<Judgement>; Signal::ALL.len()],
}

impl Judged {
    fn push(&mut self, judged: Judgement) {
        if let Some(slot) = self.all.get_mut(judged.signal.index()) {
            *slot = Some(judged);
        }
    }

    /// Counts them for the host, and files those that are improbable.
    fn file(
        &self,
        subject: &mut Subject,
        place: &Place,
        now: &mut Minute,
        settings: &Config,
        counts: bool,
    ) {
        for judged in self.all.iter().flatten() {
            if !settings.tells(judged.signal) {
                continue;
            }
            now.tests += 1;
            if counts && (judged.signal != Signal::Surge || is_able(judged)) {
                let crowd =
                    now.crowds.entry((judged.signal, Arc::clone(&subject.host))).or_default();
                let lift = judged.lift();
                let is_off = !(1.0 / WEAK_LIFT..WEAK_LIFT).contains(&lift);
                crowd.able += 1;
                crowd.odd += u64::from(is_off && judged.rarity.ln_probability < LN_WEAK);
            }
            if counts && judged.signal == Signal::Surge && is_able(judged) {
                // An endpoint that is heard could have been silent.
                for signal in [Signal::Silence, Signal::SlowShift] {
                    let key = (signal, Arc::clone(&subject.host));
                    now.crowds.entry(key).or_default().able += 1;
                }
            }
            let is_odd = judged.rarity.ln_frequency <= LN_CANDIDATE;
            let is_lasting = subject.note_odd(judged.signal, is_odd);
            if is_odd {
                now.candidates.push(Candidate {
                    place: place.clone(),
                    host: Arc::clone(&subject.host),
                    judged: *judged,
                    is_lasting,
                });
            }
        }
    }
}

fn is_able(judged: &Judgement) -> bool {
    judged.normal >= ABLE_REQUESTS || judged.weight >= 20
}

/// When silence would be odd if it began now.
fn next_look(subject: &Subject, minute: u64) -> u64 {
    let after = subject.rate.silent_after(LN_SILENCE).unwrap_or(SILENCE_MINUTES_MAX);
    let least = if subject.rate.silent_minutes(minute) > 0 { 1 } else { SILENCE_MINUTES_MIN };
    minute.saturating_add(after.clamp(least, SILENCE_MINUTES_MAX))
}
