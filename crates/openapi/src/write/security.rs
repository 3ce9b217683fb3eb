//! The ways to show who one is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::Map;
use super::{Dialect, Writer};
use crate::document::{OAuthFlow, SecurityScheme};

impl Writer<'_> {
    pub(super) fn schemes(&self) -> Map {
        let mut schemes = Map::default();
        for (name, scheme) in &self.document.schemes {
            if self.dialect == Dialect::V30 && *scheme == SecurityScheme::MutualTls {
                continue;
            }
            schemes.put(name.as_str(), written(scheme));
        }
        schemes
    }
}

fn written(scheme: &SecurityScheme) -> Map {
    let mut map = Map::default();
    match scheme {
        SecurityScheme::ApiKey { location, name } => {
            map.text("type", "apiKey");
            map.text("in", location.name());
            map.text("name", name);
        }
        SecurityScheme::Http { scheme, bearer_format } => {
            map.text("type", "http");
            map.text("scheme", scheme);
            map.option("bearerFormat", bearer_format.as_deref());
        }
        SecurityScheme::OAuth2 { flows } => {
            map.text("type", "oauth2");
            map.put("flows", self::flows(flows));
        }
        SecurityScheme::OpenIdConnect { url } => {
            map.text("type", "openIdConnect");
            map.text("openIdConnectUrl", url);
        }
        SecurityScheme::MutualTls => map.text("type", "mutualTLS"),
    }
    map
}

fn flows(flows: &BTreeMap<String, OAuthFlow>) -> Map {
    let mut map = Map::default();
    for (name, flow) in flows {
        let mut inner = Map::default();
        inner.option("authorizationUrl", flow.authorization_url.as_deref());
        inner.option("tokenUrl", flow.token_url.as_deref());
        let scopes = flow.scopes.iter();
        let scopes = scopes.map(|(name, text)| (name.clone(), Value::from(text.as_str())));
        inner.put("scopes", Value::Object(scopes.collect()));
        map.put(name.as_str(), inner);
    }
    map
}
