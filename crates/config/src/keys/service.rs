//! The keys of what tells: alerts and pages.

use super::{refusal, whole};
use crate::key::{Key, Kind, Whole};
use crate::url;

const LISTEN_SHAPE: &str = "an address and port such as 127.0.0.1:9488 or [::1]:9488";

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
    whole(
        "alert.resolve_after_seconds",
        "Capture time after which a finding that no longer holds is resolved.",
        Whole::U32(|s| &mut s.alert.resolve_after_seconds),
        1,
        86_400,
        "seconds",
    ),
    whole(
        "alert.findings_open_max",
        "Findings open at once.",
        Whole::U32(|s| &mut s.alert.findings_open_max),
        1,
        1_000_000,
        "findings",
    ),
    whole(
        "alert.findings_resolved_max",
        "Resolved findings kept for the pages.",
        Whole::U32(|s| &mut s.alert.findings_resolved_max),
        0,
        1_000_000,
        "findings",
    ),
    Key {
        path: "alert.alertmanagers",
        help: "Alertmanagers to push to, all of them: each with url, and basic_auth (username, password_file) if it wants one.",
        kind: Kind::Alertmanagers,
    },
    whole(
        "alert.resend_seconds",
        "How often a firing alert is sent again; it ends four times later unless it is.",
        Whole::U32(|s| &mut s.alert.resend_seconds),
        1,
        3600,
        "seconds",
    ),
    whole(
        "alert.resolved_repeats",
        "How often a resolved alert is sent: an Alertmanager that restarts forgets.",
        Whole::U32(|s| &mut s.alert.resolved_repeats),
        1,
        100,
        "times",
    ),
    whole(
        "alert.queue_max",
        "Notifications waiting for one Alertmanager; the oldest is dropped first.",
        Whole::U32(|s| &mut s.alert.queue_max),
        1,
        1_000_000,
        "notifications",
    ),
    whole(
        "alert.push_timeout_seconds",
        "Wait for one push.",
        Whole::U32(|s| &mut s.alert.push_timeout_seconds),
        1,
        300,
        "seconds",
    ),
    Key {
        path: "alert.external_url",
        help: "Base URL under which operators reach the sensor's pages, for links in alerts.",
        kind: Kind::Text {
            get: |s| Some(s.alert.external_url.clone()),
            set: |s, text| {
                url::check(text)?;
                text.trim_end_matches('/').clone_into(&mut s.alert.external_url);
                Ok(())
            },
            clear: None,
            shape: "an http or https URL",
        },
    },
    Key {
        path: "web.listen",
        help: "Where pages, API and metrics are served. Beyond loopback basic_auth is needed.",
        kind: Kind::Text {
            get: |s| Some(s.web.listen.to_string()),
            set: |s, text| {
                s.web.listen = text.parse().map_err(|_| refusal(text, LISTEN_SHAPE))?;
                Ok(())
            },
            clear: None,
            shape: LISTEN_SHAPE,
        },
    },
    Key {
        path: "web.basic_auth",
        help: "User and password that pages, API and metrics ask for: username and password_file.",
        kind: Kind::WebLogin,
    },
    Key {
        path: "web.token_file",
        help: "File with a token that programs may show (Authorization: Bearer) in place of basic_auth, and that judging findings asks for where there is no basic_auth.",
        kind: Kind::Secret { value: |s| &mut s.web.token, file: |s| &mut s.secret_files.web_token },
    },
    whole(
        "web.metrics_endpoints_max",
        "Endpoints with metric series of their own; the rest is summed per host.",
        Whole::U32(|s| &mut s.web.metrics_endpoints_max),
        0,
        50_000,
        "endpoints",
    ),
    whole(
        "web.metrics_hosts_max",
        "Hosts with metric series of their own; the rest is summed.",
        Whole::U32(|s| &mut s.web.metrics_hosts_max),
        1,
        10_000,
        "hosts",
    ),
    whole(
        "web.request_bytes_max",
        "Bytes of a request to the sensor itself.",
        Whole::U32(|s| &mut s.web.request_bytes_max),
        256,
        1 << 20,
        "bytes",
    ),
    whole(
        "web.request_timeout_seconds",
        "How long one request to the sensor may take.",
        Whole::U32(|s| &mut s.web.request_timeout_seconds),
        1,
        300,
        "seconds",
    ),
];
