//! Where people log in, and whether a second factor follows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tapline_model::{ConsumerKey, EndpointView, Fact};

use super::Place;
use crate::issues::Grants;
use crate::role::{Role, role_of};

/// Logins listed.
const LOGINS_MAX: usize = 100;

/// One login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Which endpoint.
    #[serde(flatten)]
    pub place: Place,
    /// Requests.
    pub attempts: u64,
    /// Successes.
    pub successes: u64,
    /// Answered with a session cookie.
    pub sessions: u64,
    /// Over TLS, as a proxy in front says.
    pub over_tls: u64,
    /// Steps of the same host that take a code.
    pub second_factor: Vec<Place>,
    /// Callers of the login, as far as they are kept.
    pub callers: u64,
    /// Of those, that also called such a step.
    pub callers_with_second: u64,
}

pub(super) fn of(endpoints: &[&EndpointView]) -> Vec<Login> {
    let with_role = |role| endpoints.iter().filter(move |endpoint| role_of(endpoint) == role);
    let steps: Vec<&&EndpointView> = with_role(Role::SecondFactor).collect();
    let mut logins: Vec<Login> = with_role(Role::Login)
        .map(|login| {
            let steps: Vec<_> = steps.iter().filter(|step| step.host == login.host).collect();
            let second: BTreeSet<ConsumerKey> =
                steps.iter().flat_map(|step| step.callers.iter().copied()).collect();
            Login {
                place: Place::of(login),
                attempts: login.requests,
                successes: Grants::of(login).successes(),
                sessions: login.count_of(Fact::SessionSet),
                over_tls: login.count_of(Fact::TlsInFront),
                second_factor: steps.iter().map(|step| Place::of(step)).collect(),
                callers: login.callers.len() as u64,
                callers_with_second: login
                    .callers
                    .iter()
                    .filter(|caller| second.contains(caller))
                    .count() as u64,
            }
        })
        .collect();
    logins.sort_by(|left, right| {
        right.attempts.cmp(&left.attempts).then_with(|| left.place.cmp(&right.place))
    });
    logins.truncate(LOGINS_MAX);
    logins
}
