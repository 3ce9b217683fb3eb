//! Credentials that were seen, as the ways in.

use std::collections::BTreeMap;

use tapline_model::EndpointView;

use crate::document::{Location, Operation, Requirement, SecurityScheme};

/// Adds the requirements of an endpoint, and the schemes that they name.
pub(super) fn add(
    endpoint: &EndpointView,
    operation: &mut Operation,
    schemes: &mut BTreeMap<String, SecurityScheme>,
) {
    let refused: u64 = endpoint
        .statuses
        .iter()
        .filter(|(status, _)| matches!(status, 401 | 403))
        .map(|(_, count)| count)
        .sum();
    let mut requirements: Vec<Requirement> = Vec::new();
    for (label, count) in &endpoint.auth {
        if label == "none" {
            // Some of those without may all have been turned away.
            if *count > refused {
                requirements.push(Requirement::new());
            }
            continue;
        }
        let mut requirement = Requirement::new();
        for kind in label.split('+') {
            if let Some(scheme) = scheme(kind) {
                schemes.insert(kind.to_owned(), scheme);
                requirement.insert(kind.to_owned(), Vec::new());
            }
        }
        if !requirement.is_empty() {
            requirements.push(requirement);
        }
    }
    requirements.sort();
    requirements.dedup();
    operation.security = (!endpoint.auth.is_empty()).then_some(requirements);
}

/// A scheme for a kind of credentials. Which header or parameter holds a key is not known here;
/// the names are the usual ones.
fn scheme(kind: &str) -> Option<SecurityScheme> {
    let key =
        |location, name: &str| Some(SecurityScheme::ApiKey { location, name: name.to_owned() });
    let http = |scheme: &str, format: Option<&str>| {
        let bearer_format = format.map(str::to_owned);
        Some(SecurityScheme::Http { scheme: scheme.to_owned(), bearer_format })
    };
    match kind {
        "basic" => http("basic", None),
        "bearer" => http("bearer", None),
        "jwt" => http("bearer", Some("JWT")),
        "api_key_header" => key(Location::Header, "X-API-Key"),
        "api_key_query" => key(Location::Query, "api_key"),
        "api_key_cookie" => key(Location::Cookie, "api_key"),
        "session_cookie" => key(Location::Cookie, "session"),
        "other" => key(Location::Header, "Authorization"),
        _ => None,
    }
}
