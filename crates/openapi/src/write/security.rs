//! The ways to show who one is.

use std::collections::BTreeMap;

use super::node::Map;
use super::{Dialect, Writer};
use crate::document::{OAuthFlow, SecurityScheme};

impl<'d> Writer<'d> {
    pub(super) fn schemes(&self) -> Map<'d> {
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

fn written(scheme: &SecurityScheme) -> Map<'_> {
    let mut map = Map::default();
    match scheme {
        SecurityScheme::ApiKey { location, name } => {
            map.put("type", "apiKey");
            map.put("in", location.name());
            map.put("name", name);
        }
        SecurityScheme::Http { scheme, bearer_format } => {
            map.put("type", "http");
            map.put("scheme", scheme);
            map.option("bearerFormat", bearer_format.as_ref());
        }
        SecurityScheme::OAuth2 { flows } => {
            map.put("type", "oauth2");
            map.put("flows", self::flows(flows));
        }
        SecurityScheme::OpenIdConnect { url } => {
            map.put("type", "openIdConnect");
            map.put("openIdConnectUrl", url);
        }
        SecurityScheme::MutualTls => map.put("type", "mutualTLS"),
    }
    map
}

fn flows(flows: &BTreeMap<String, OAuthFlow>) -> Map<'_> {
    let mut map = Map::default();
    for (name, flow) in flows {
        let mut inner = Map::default();
        inner.option("authorizationUrl", flow.authorization_url.as_ref());
        inner.option("tokenUrl", flow.token_url.as_ref());
        let mut scopes = Map::default();
        for (name, text) in &flow.scopes {
            scopes.put(name, text);
        }
        inner.put("scopes", scopes);
        map.put(name.as_str(), inner);
    }
    map
}
