//! The keys of what others are told to block.

use tapline_model::Network;

use super::{SEVERITIES, flag, real, refusal, severity, whole};
use crate::key::{Key, Kind, Whole};
use crate::{network, url};

const DETECTION_BYTES_MAX: usize = 64;

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
    flag(
        "prevention.enabled",
        "Makes a list of who had better be blocked, for firewalls and gateways to read. The sensor blocks nobody.",
        |s| &mut s.prevention.enabled,
    ),
    flag(
        "prevention.dry_run",
        "The list is made and shown; whoever reads it to act on it is told that it is empty.",
        |s| &mut s.prevention.dry_run,
    ),
    Key {
        path: "prevention.severity_min",
        help: "The mildest finding that puts somebody on the list. Only findings of behaviour that blame a consumer do.",
        kind: Kind::Text {
            get: |s| Some(s.prevention.severity_min.label().to_owned()),
            set: |s, text| {
                s.prevention.severity_min = severity(text)?;
                Ok(())
            },
            clear: None,
            shape: SEVERITIES,
        },
    },
    real(
        "prevention.confidence_min",
        "The least confidence of such a finding.",
        |s| &mut s.prevention.confidence_min,
        0.0,
        1.0,
        "ratio",
    ),
    Key {
        path: "prevention.detections",
        help: "The detections that may put somebody on the list; all of them when empty.",
        kind: Kind::List {
            get: |s| s.prevention.detections.clone(),
            add: |s, text| {
                let fits =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
                if text.is_empty() || text.len() > DETECTION_BYTES_MAX || !text.bytes().all(fits) {
                    return Err(refusal(text, "the name of a detection such as path_scanner"));
                }
                s.prevention.detections.push(text.to_owned());
                Ok(())
            },
            clear: |s| s.prevention.detections.clear(),
            count_max: 256,
            shape: "a list of detections",
        },
    },
    flag(
        "prevention.addresses_of_credentials",
        "Lists the addresses of callers that are known by credentials as well, not only those credentials. Others may share the addresses.",
        |s| &mut s.prevention.addresses_of_credentials,
    ),
    whole(
        "prevention.entry_seconds",
        "How long somebody stays on the list after the finding last held.",
        Whole::U32(|s| &mut s.prevention.entry_seconds),
        60,
        604_800,
        "seconds",
    ),
    whole(
        "prevention.entries_max",
        "Entries at once; a full list takes nobody.",
        Whole::U32(|s| &mut s.prevention.entries_max),
        1,
        65_536,
        "entries",
    ),
    whole(
        "prevention.new_per_minute_max",
        "New entries a minute: a mistake shall not shut out everybody at once.",
        Whole::U32(|s| &mut s.prevention.new_per_minute_max),
        1,
        65_536,
        "entries",
    ),
    Key {
        path: "prevention.never",
        help: "Networks whose addresses are never listed: your own, health checkers, partners. Trusted proxies, the sensor's own addresses, loopback, link-local and multicast never are.",
        kind: Kind::List {
            get: |s| s.prevention.never.iter().map(ToString::to_string).collect(),
            add: |s, text| {
                let Network { address, prefix_bits } = network::parse(text)?;
                let network = ipnet::IpNet::new(address, prefix_bits)
                    .map_err(|_| refusal(text, "a network such as 10.0.0.0/8"))?;
                s.prevention.never.push(network);
                Ok(())
            },
            clear: |s| s.prevention.never.clear(),
            count_max: 1_024,
            shape: "a list of addresses and networks",
        },
    },
    Key {
        path: "prevention.api_key_file",
        help: "File with the key that readers show as X-Api-Key. CrowdSec bouncers need one.",
        kind: Kind::Secret {
            value: |s| &mut s.prevention.api_key,
            file: |s| &mut s.secret_files.prevention_api_key,
        },
    },
    Key {
        path: "prevention.webhook_url",
        help: "Where each finding that puts somebody on the list is posted as JSON; empty for nowhere. Not in a dry run.",
        kind: Kind::Text {
            get: |s| s.prevention.webhook_url.clone(),
            set: |s, text| {
                url::check(text)?;
                s.prevention.webhook_url = Some(text.to_owned());
                Ok(())
            },
            clear: Some(|s| s.prevention.webhook_url = None),
            shape: "an http or https URL",
        },
    },
    Key {
        path: "prevention.webhook_secret_file",
        help: "File with the secret that posts are signed with (HMAC-SHA256).",
        kind: Kind::Secret {
            value: |s| &mut s.prevention.webhook_secret,
            file: |s| &mut s.secret_files.prevention_webhook,
        },
    },
];
