//! The ways to show who one is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pointer::At;
use super::{Reader, Version, plain_name};
use crate::document::{Location, OAuthFlow, Requirement, SecurityScheme};

impl Reader<'_> {
    pub(super) fn schemes(
        &mut self,
        fields: &Map<String, Value>,
    ) -> BTreeMap<String, SecurityScheme> {
        let found = if self.version == Version::V2 {
            fields.get("securityDefinitions")
        } else {
            fields.get("components").and_then(|components| components.get("securitySchemes"))
        };
        let top = At::top();
        let at = top.then("securitySchemes");
        let mut schemes = BTreeMap::new();
        for (name, value) in found.and_then(Value::as_object).into_iter().flatten() {
            let at = at.then(name);
            let Some(value) = self.followed(value, &at) else { continue };
            match scheme(value) {
                Some(scheme) => {
                    schemes.insert(plain_name(name), scheme);
                }
                None => self.note(&at, "a security scheme that is not known; left out"),
            }
        }
        schemes
    }
}

/// The requirements under `security`; none when nothing is said.
pub(super) fn security(fields: &Map<String, Value>) -> Option<Vec<Requirement>> {
    let requirements = fields.get("security")?.as_array()?.iter().filter_map(Value::as_object);
    let requirement = |entries: &Map<String, Value>| {
        let scopes = |value: &Value| {
            let scopes = value.as_array().into_iter().flatten();
            scopes.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        entries.iter().map(|(name, value)| (plain_name(name), scopes(value))).collect()
    };
    Some(requirements.map(requirement).collect())
}

fn scheme(value: &Value) -> Option<SecurityScheme> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    match text("type")? {
        "basic" => Some(SecurityScheme::Http { scheme: "basic".to_owned(), bearer_format: None }),
        "http" => Some(SecurityScheme::Http {
            scheme: text("scheme")?.to_ascii_lowercase(),
            bearer_format: text("bearerFormat").map(str::to_owned),
        }),
        "apiKey" => {
            let wanted = text("in")?;
            let mut places = Location::ALL.into_iter().filter(|place| *place != Location::Path);
            let location = places.find(|place| place.name() == wanted)?;
            Some(SecurityScheme::ApiKey { location, name: text("name")?.to_owned() })
        }
        "oauth2" => Some(SecurityScheme::OAuth2 { flows: flows(value) }),
        "openIdConnect" => {
            Some(SecurityScheme::OpenIdConnect { url: text("openIdConnectUrl")?.to_owned() })
        }
        "mutualTLS" => Some(SecurityScheme::MutualTls),
        _ => None,
    }
}

/// The flows there are, and the URLs that each needs: where people agree, where tokens are had.
const FLOWS: [(&str, bool, bool); 4] = [
    ("authorizationCode", true, true),
    ("clientCredentials", false, true),
    ("implicit", true, false),
    ("password", false, true),
];

fn flows(value: &Value) -> BTreeMap<String, OAuthFlow> {
    let mut flows = BTreeMap::new();
    if let Some(entries) = value.get("flows").and_then(Value::as_object) {
        for (name, value) in entries {
            flows.extend(flow(name, value));
        }
        return flows;
    }
    let name = match value.get("flow").and_then(Value::as_str) {
        Some("accessCode") => "authorizationCode",
        Some("application") => "clientCredentials",
        Some(name) => name,
        None => return flows,
    };
    flows.extend(flow(name, value));
    flows
}

fn flow(name: &str, value: &Value) -> Option<(String, OAuthFlow)> {
    let (name, agrees, has_tokens) = FLOWS.into_iter().find(|flow| flow.0 == name)?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let scopes = value.get("scopes").and_then(Value::as_object).into_iter().flatten();
    let flow = OAuthFlow {
        authorization_url: agrees.then(|| text("authorizationUrl")),
        token_url: has_tokens.then(|| text("tokenUrl")),
        scopes: scopes
            .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned()))
            .collect(),
    };
    Some((name.to_owned(), flow))
}
