//! How endpoints come, change, grow old and go.

use tapline_model::{
    AuthSet, ChangeKind, ChangeView, EndpointId, Outcome, ParameterLocation, RouteDelta, Timestamp,
};

use super::Inventory;
use super::endpoint::{AUTH_ROLE, Age, Endpoint};

/// Requests after which what is new to an endpoint is a change of it.
const KNOWN_REQUESTS_MIN: u64 = 100;
/// Changes noted of one endpoint in one step.
const NOTED_MAX: usize = 8;
/// Successes with credentials after which one without is a bypass.
const GUARDED_MIN: u64 = 20;
const MINUTE_NANOS: u64 = 60_000_000_000;
const HOUR_NANOS: u64 = 60 * MINUTE_NANOS;

/// What happened to an endpoint: when, what, and to which part of it.
type Noted = Vec<(Timestamp, ChangeKind, String)>;

impl Inventory {
    /// Capture time has reached `now`: what has been quiet for long is stale or gone. Judged once a
    /// minute, and dated when it came to be so.
    pub fn tick(&mut self, now: Timestamp) {
        let minute = now.nanos() / MINUTE_NANOS;
        if minute <= self.judged_minute {
            return;
        }
        let is_new_hour = minute / 60 > self.judged_minute / 60;
        self.judged_minute = minute;
        let [stale_nanos, gone_nanos] =
            [self.config.stale_after_hours, self.config.gone_after_hours]
                .map(|hours| u64::from(hours).saturating_mul(HOUR_NANOS));
        let stale_before = Timestamp::from_nanos(now.nanos().saturating_sub(stale_nanos));
        // In the order of their ids, so that the order of changes does not depend on the table's.
        let mut due: Vec<EndpointId> = self
            .endpoints
            .values()
            .filter(|endpoint| {
                is_new_hour || endpoint.age != age_of(endpoint, now, [stale_nanos, gone_nanos])
            })
            .map(|endpoint| endpoint.id)
            .collect();
        due.sort_unstable();
        for id in due {
            let Some(endpoint) = self.endpoints.get_mut(&id) else { continue };
            let mut noted = Noted::new();
            grow_old(endpoint, now, [stale_nanos, gone_nanos], &mut noted);
            if is_new_hour && endpoint.age == Age::Active {
                miss(endpoint, stale_before, now, &mut noted);
            }
            for (at, kind, what) in noted {
                self.changes.add(at, kind, id, what);
            }
        }
    }

    /// The latest changes, newest first. What an endpoint is called is what it is called now; changes
    /// of endpoints that are no longer listed are left out.
    pub fn changes(&self) -> Vec<ChangeView> {
        self.changes
            .newest()
            .filter_map(|change| {
                let endpoint = self.endpoints.get(&change.endpoint)?;
                let host = &endpoint.total.name.host;
                (self.hosts.original(host) == host).then(|| ChangeView {
                    at: change.at,
                    kind: change.kind,
                    endpoint: change.endpoint,
                    host: host.to_string(),
                    method: endpoint.total.name.method.to_string(),
                    template: endpoint.shown().to_owned(),
                    what: change.what.clone(),
                })
            })
            .collect()
    }

    /// Notes what `seen`, which is not counted yet, changes of an endpoint.
    pub(super) fn note_changes(&mut self, id: EndpointId, seen: &RouteDelta) {
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        let at = seen.last_seen;
        let mut noted = Noted::new();
        if endpoint.age != Age::Active {
            endpoint.age = Age::Active;
            noted.push((seen.first_seen, ChangeKind::EndpointReturned, String::new()));
        }
        if endpoint.total.requests >= KNOWN_REQUESTS_MIN {
            for (location, name) in seen.parameters.keys() {
                let is_new = *location != ParameterLocation::Path
                    && !endpoint.total.parameters.contains_key(&(*location, name.clone()));
                if is_new && noted.len() < NOTED_MAX {
                    let what = format!("{} {name}", location.label());
                    noted.push((at, ChangeKind::ParameterAppeared, what));
                }
            }
            note_credentials(&endpoint.total, seen, &mut noted);
        }
        for (at, kind, what) in noted {
            self.changes.add(at, kind, id, what);
        }
    }
}

/// New kinds of credentials, and the first success without any.
fn note_credentials(total: &RouteDelta, seen: &RouteDelta, noted: &mut Noted) {
    let knows = |kinds: AuthSet| total.auth.keys().any(|(known, _)| *known == kinds);
    for &(kinds, outcome) in seen.auth.keys() {
        if total.auth.contains_key(&(kinds, outcome)) || noted.len() >= NOTED_MAX {
            continue;
        }
        let guarded: u64 = total
            .auth
            .iter()
            .filter(|((known, outcome), _)| !known.is_none() && *outcome == Outcome::Granted)
            .map(|(_, count)| count)
            .sum();
        if kinds.is_none() && outcome == Outcome::Granted && guarded >= GUARDED_MIN {
            noted.push((seen.last_seen, ChangeKind::AuthBypassed, kinds.label()));
        } else if !knows(kinds) && !noted.iter().any(|(_, _, what)| *what == kinds.label()) {
            noted.push((seen.last_seen, ChangeKind::AuthAppeared, kinds.label()));
        }
    }
}

fn age_of(endpoint: &Endpoint, now: Timestamp, [stale, gone]: [u64; 2]) -> Age {
    let quiet = now.nanos_since(endpoint.total.last_seen);
    if quiet > gone {
        Age::Gone
    } else if quiet > stale {
        Age::Stale
    } else {
        Age::Active
    }
}

fn grow_old(endpoint: &mut Endpoint, now: Timestamp, ages: [u64; 2], noted: &mut Noted) {
    let age = age_of(endpoint, now, ages);
    if age <= endpoint.age {
        return;
    }
    let [stale, gone] = ages;
    let after = |nanos: u64| {
        Timestamp::from_nanos(
            endpoint.total.last_seen.nanos().saturating_add(nanos).min(now.nanos()),
        )
    };
    if endpoint.age == Age::Active && stale < gone {
        noted.push((after(stale), ChangeKind::EndpointStale, String::new()));
    }
    if age == Age::Gone {
        noted.push((after(gone), ChangeKind::EndpointGone, String::new()));
    }
    endpoint.age = age;
    endpoint.touch();
}

/// Notes the parts that are missed.
fn miss(endpoint: &mut Endpoint, before: Timestamp, now: Timestamp, noted: &mut Noted) {
    let taught = endpoint.taught();
    let Endpoint { total, fresh, .. } = endpoint;
    for ((location, name), seen) in &total.parameters {
        if *location == ParameterLocation::Path {
            continue;
        }
        if fresh.has_vanished(*location as u8, name.as_bytes(), seen.present, taught, before)
            && noted.len() < NOTED_MAX
        {
            let what = format!("{} {name}", location.label());
            noted.push((now, ChangeKind::ParameterVanished, what));
        }
    }
    let mut last = None;
    for &(kinds, _) in total.auth.keys() {
        if last.replace(kinds) == Some(kinds) {
            continue;
        }
        let label = kinds.label();
        let present = total.auth.iter().filter(|((known, _), _)| *known == kinds);
        let present = present.map(|(_, count)| count).sum();
        if fresh.has_vanished(AUTH_ROLE, label.as_bytes(), present, total.requests, before)
            && noted.len() < NOTED_MAX
        {
            noted.push((now, ChangeKind::AuthVanished, label));
        }
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::{EndpointState, Key};

    use super::*;
    use crate::Config;
    use crate::testing::{Exchange, delta_of};

    fn kinds(inventory: &Inventory) -> Vec<(ChangeKind, String)> {
        let mut kinds: Vec<_> =
            inventory.changes().into_iter().map(|change| (change.kind, change.what)).collect();
        kinds.reverse();
        kinds
    }

    fn of(kinds: &[(ChangeKind, &str)]) -> Vec<(ChangeKind, String)> {
        kinds.iter().map(|&(kind, what)| (kind, what.to_owned())).collect()
    }

    fn get(target: &str) -> Exchange {
        Exchange::new("GET", target, 200).field("X-Api-Key", "k")
    }

    /// Hours after the exchanges of the tests.
    fn hours(count: u64) -> Timestamp {
        Timestamp::from_nanos(1_740_830_400_000_000_042 + count * HOUR_NANOS)
    }

    #[test]
    fn what_is_quiet_grows_stale_then_goes_and_may_return() {
        let mut inventory = Inventory::new(Config::default(), Key::fixed());
        inventory.apply(&delta_of(&[get("/a")]));
        let mut state = |at: u64| {
            inventory.tick(hours(at));
            inventory.endpoints()[0].state
        };
        assert_eq!(state(7 * 24), EndpointState::Candidate);
        assert_eq!(state(7 * 24 + 1), EndpointState::Stale);
        assert_eq!(state(30 * 24 + 1), EndpointState::Gone);
        inventory.apply(&delta_of(&[get("/a")]));
        assert_eq!(inventory.endpoints()[0].state, EndpointState::Candidate);
        assert_eq!(
            kinds(&inventory),
            of(&[
                (ChangeKind::EndpointAppeared, ""),
                (ChangeKind::EndpointStale, ""),
                (ChangeKind::EndpointGone, ""),
                (ChangeKind::EndpointReturned, ""),
            ])
        );
        let when: Vec<_> = inventory.changes().iter().map(|change| change.at).collect();
        assert_eq!(when[2], hours(7 * 24), "when it came to be so, not when it was judged");
    }

    #[test]
    fn a_jump_over_both_ages_notes_both() {
        let mut inventory = Inventory::new(Config::default(), Key::fixed());
        inventory.apply(&delta_of(&[get("/a")]));
        inventory.tick(hours(100 * 24));
        let kinds = kinds(&inventory);
        assert_eq!(kinds[1].0, ChangeKind::EndpointStale);
        assert_eq!(kinds[2].0, ChangeKind::EndpointGone);
    }

    #[test]
    fn what_is_new_to_a_known_endpoint_is_a_change() {
        let mut inventory = Inventory::new(Config::default(), Key::fixed());
        inventory.apply(&delta_of(&vec![get("/a?page=1"); 100]));
        inventory.apply(&delta_of(&[get("/a?page=1&deep=1"), Exchange::new("GET", "/a", 200)]));
        let bearer = Exchange::new("GET", "/a", 401).field("Authorization", "Bearer abc");
        inventory.apply(&delta_of(&[bearer]));
        assert_eq!(
            kinds(&inventory)[2..],
            of(&[
                (ChangeKind::ParameterAppeared, "query deep"),
                (ChangeKind::AuthBypassed, "none"),
                (ChangeKind::AuthAppeared, "bearer"),
            ])
        );
    }

    #[test]
    fn what_is_missed_has_vanished() {
        let mut inventory = Inventory::new(Config::default(), Key::fixed());
        inventory.apply(&delta_of(&vec![get("/a?page=1"); 100]));
        let mut later = delta_of(&vec![Exchange::new("GET", "/a", 200); 100]);
        for route in later.routes.values_mut() {
            (route.first_seen, route.last_seen) = (hours(8 * 24), hours(8 * 24));
        }
        inventory.apply(&later);
        inventory.tick(hours(8 * 24 + 1));
        assert_eq!(
            kinds(&inventory)[3..],
            of(&[
                (ChangeKind::ParameterVanished, "query page"),
                (ChangeKind::AuthVanished, "api_key_header")
            ])
        );
    }
}
