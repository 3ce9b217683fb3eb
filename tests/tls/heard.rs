//! What the sensor says of hosts behind TLS, as it is compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// By server and name, which is empty where none was asked for.
pub(super) type Hosts = BTreeMap<(String, String), Host>;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Host,
    Certificate,
}

/// One server and name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) handshakes: u64,
    pub(super) versions: BTreeSet<String>,
    pub(super) fingerprints: BTreeSet<String>,
    /// Whether the client's certificate was asked for.
    pub(super) mutual: bool,
}

/// One certificate, as both can spell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) names: BTreeSet<String>,
    pub(super) not_before: String,
    pub(super) not_after: String,
    pub(super) key: String,
    pub(super) digest: String,
    pub(super) self_signed: bool,
}

/// Names that are compared: the sensor keeps so many.
pub(super) const NAMES_MAX: usize = 32;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(super) fn hosts(inventory: &Value) -> Hosts {
    let mut hosts = Hosts::new();
    for one in inventory["encrypted"].as_array().unwrap() {
        let name = if one["named"] == true { text(&one["host"]) } else { String::new() };
        let certificates = one["certificates"].as_array().unwrap().iter();
        let host = Host {
            handshakes: one["handshakes"].as_u64().unwrap(),
            versions: one["versions"].as_object().unwrap().keys().cloned().collect(),
            fingerprints: certificates.map(|one| text(&one["fingerprint"])).collect(),
            mutual: one["client_certificate_asked"].as_u64().unwrap() > 0,
        };
        hosts.insert((text(&one["server"]), name), host);
    }
    hosts
}

pub(super) fn certificate(one: &Value) -> Certificate {
    Certificate {
        subject: text(&one["subject"]),
        issuer: text(&one["issuer"]),
        names: one["names"].as_array().unwrap().iter().map(text).collect(),
        not_before: text(&one["not_before"]),
        not_after: text(&one["not_after"]),
        key: format!("{} {}", text(&one["key"]), one["key_bits"]),
        digest: text(&one["digest"]),
        self_signed: one["self_signed"] == true,
    }
}
