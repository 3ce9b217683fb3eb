//! What to test first: one test for the worst of each of the riskiest endpoints.

use serde::{Deserialize, Serialize};
use tapline_model::{EndpointView, IssueView, Severity};

use super::{EndpointRisk, Place};
use crate::seed::seed_of;

/// Tests proposed.
const TESTS_MAX: usize = 12;
/// Of those, for one rule.
const SAME_RULE_MAX: usize = 3;

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFirst {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Which rule it is about.
    pub rule: String,
    /// Why.
    pub why: String,
    /// What to do, and what to expect.
    pub how: String,
    /// A command to begin with. No value in it was captured.
    pub command: String,
    /// OWASP API Security Top 10 2023.
    pub owasp: String,
}

pub(super) fn of(risks: &[EndpointRisk], endpoints: &[&EndpointView]) -> Vec<TestFirst> {
    let mut tests: Vec<TestFirst> = Vec::new();
    for risk in risks {
        let worth = |issue: &&IssueView| issue.severity >= Severity::Low;
        let fresh = |issue: &&IssueView| {
            tests.iter().filter(|test| test.rule == issue.rule).count() < SAME_RULE_MAX
        };
        let Some(issue) = risk.issues.iter().filter(worth).find(fresh) else { continue };
        let endpoint = endpoints.iter().find(|one| one.id.to_string() == risk.place.id);
        tests.push(TestFirst {
            place: risk.place.clone(),
            rule: issue.rule.clone(),
            why: format!("{}: {}", issue.title, issue.seen),
            how: how(&issue.rule, &issue.remedy),
            command: endpoint.map(|one| seed_of(one).curl()).unwrap_or_default(),
            owasp: issue.owasp.clone(),
        });
        if tests.len() >= TESTS_MAX {
            break;
        }
    }
    tests
}

fn how(rule: &str, remedy: &str) -> String {
    let how = match rule {
        "auth_admin_open" | "auth_inconsistent" | "auth_none" | "data_open" => {
            "Send it without credentials, then with those of a user who must not: expect 401 and 403."
        }
        "auth_mixed" => {
            "Send it with each kind of credentials alone, revoked ones too: expect 401."
        }
        "jwt_unsigned" => {
            "Send a token with `alg` set to `none` and the signature cut off: expect 401."
        }
        "jwt_expired" => "Send a token from yesterday: expect 401.",
        "jwt_weak_algorithm" | "jwt_names_its_key" => {
            "Send a token with another algorithm, or with a `jku` of your own: expect 401."
        }
        "jwt_endless" | "jwt_long_lived" => "Log out and send the token again: expect 401.",
        "cors_reflects" | "cors_null" | "cors_any" => {
            "Send `Origin: https://example.invalid`: expect no Access-Control-Allow-Origin."
        }
        "database_error" => {
            "Send a quote and a comment sign in each parameter: expect 400, no database text."
        }
        "stack_trace" => "Send a wrong type in each parameter: expect 400 without a trace.",
        "secret_in_query" | "credential_in_url" => {
            "Look for the parameter in the access logs of every hop."
        }
        "login_plaintext" | "basic_plaintext" => {
            "Ask for it over plain HTTP from outside: expect a redirect or no answer."
        }
        "secret_file" | "directory_listing" | "debug_page" => "Fetch it from outside: expect 404.",
        _ => remedy,
    };
    how.to_owned()
}
