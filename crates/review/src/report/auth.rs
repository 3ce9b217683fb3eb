//! Who needs which credentials where: the matrix of authentication.

use serde::{Deserialize, Serialize};
use tapline_model::{AuthUse, EndpointView};

use super::Place;
use crate::issues::Grants;
use crate::role::role_of;

/// Endpoints listed: those that answer most inconsistently first.
const ROWS_MAX: usize = 1_000;

/// The credentials of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthRow {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// The commonest credentials of its successes; `none` when it needs none.
    pub scheme: String,
    /// `always` known, `mixed`, `never` known, or `unclear` when too little was answered.
    pub consistency: String,
    /// Successes.
    pub successes: u64,
    /// Of those, without credentials.
    pub open: u64,
    /// Refused (401, 403, 407) without credentials.
    pub refused: u64,
    /// By credentials.
    pub uses: Vec<AuthUse>,
    /// It is usual that what it is for needs no credentials.
    pub is_public_role: bool,
}

pub(super) fn of(endpoints: &[&EndpointView]) -> Vec<AuthRow> {
    let mut rows: Vec<AuthRow> = endpoints.iter().map(|endpoint| row(endpoint)).collect();
    let order = |row: &AuthRow| match row.consistency.as_str() {
        "mixed" => 0,
        "never" => 1,
        "unclear" => 3,
        _ => 2,
    };
    rows.sort_by(|left, right| {
        order(left)
            .cmp(&order(right))
            .then_with(|| left.place.host.cmp(&right.place.host))
            .then_with(|| {
                (&left.place.template, &left.place.method)
                    .cmp(&(&right.place.template, &right.place.method))
            })
    });
    rows.truncate(ROWS_MAX);
    rows
}

fn row(endpoint: &EndpointView) -> AuthRow {
    let grants = Grants::of(endpoint);
    let consistency = match (grants.open, grants.guarded) {
        (0, 0) => "unclear",
        (0, _) => "always",
        (_, 0) => "never",
        _ => "mixed",
    };
    let commonest = endpoint.auth_use.iter().max_by(|left, right| {
        left.granted.cmp(&right.granted).then_with(|| right.auth.cmp(&left.auth))
    });
    AuthRow {
        place: Place::of(endpoint),
        scheme: commonest.map_or_else(|| "none".to_owned(), |used| used.auth.clone()),
        consistency: consistency.to_owned(),
        successes: grants.successes(),
        open: grants.open,
        refused: grants.refused,
        uses: endpoint.auth_use.clone(),
        is_public_role: role_of(endpoint).is_public(),
    }
}
