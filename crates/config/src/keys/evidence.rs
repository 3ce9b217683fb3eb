//! The keys of packets that are kept as evidence.

use std::path::PathBuf;

use tapline_evidence::{EXCERPT_BYTES, FOLDER_BYTES, RECIPIENTS_MAX, RING_BYTES, Recipient};

use super::{SEVERITIES, flag, refusal, severity, whole};
use crate::key::{Key, Kind, Whole};

const FOLDER_SHAPE: &str = "an absolute path";

/// In the order of the file.
pub(super) const KEYS: &[Key] = &[
    flag(
        "evidence.enabled",
        "Keeps the packets behind each finding, encrypted. They hold what people send and get: keep them no longer than you must.",
        |s| &mut s.evidence.enabled,
    ),
    Key {
        path: "evidence.recipients",
        help: "Who can read them: public keys made by age-keygen. The sensor itself cannot.",
        kind: Kind::List {
            get: |s| s.evidence.recipients.clone(),
            add: |s, text| {
                // What is refused may be a private key: it is not shown.
                let recipient = Recipient::parse(text).map_err(|error| error.to_string())?;
                s.evidence.recipients.push(recipient.to_string());
                Ok(())
            },
            clear: |s| s.evidence.recipients.clear(),
            shape: "list of public keys of age",
            count_max: RECIPIENTS_MAX,
        },
    },
    Key {
        path: "evidence.folder",
        help: "Where they are written, each by the id of its finding; empty for evidence in sensor.state_dir. One sensor has it for itself.",
        kind: Kind::Text {
            get: |s| s.evidence.folder.as_ref().map(|folder| folder.display().to_string()),
            set: |s, text| {
                if !text.starts_with('/') || text.contains(char::is_control) {
                    return Err(refusal(text, FOLDER_SHAPE));
                }
                s.evidence.folder = Some(PathBuf::from(text));
                Ok(())
            },
            clear: Some(|s| s.evidence.folder = None),
            shape: FOLDER_SHAPE,
        },
    },
    whole(
        "evidence.ring_bytes",
        "Memory for the last packets, of all sources together: how far back a finding can reach. Their index takes up to a quarter more.",
        Whole::U64(|s| &mut s.evidence.ring_bytes),
        *RING_BYTES.start(),
        *RING_BYTES.end(),
        "bytes",
    ),
    whole(
        "evidence.excerpt_bytes_max",
        "Bytes that are kept of one finding, of each source; the newest packets win.",
        Whole::U64(|s| &mut s.evidence.excerpt_bytes_max),
        *EXCERPT_BYTES.start(),
        *EXCERPT_BYTES.end(),
        "bytes",
    ),
    whole(
        "evidence.folder_bytes_max",
        "Bytes of all that is kept; the oldest goes first.",
        Whole::U64(|s| &mut s.evidence.folder_bytes_max),
        *FOLDER_BYTES.start(),
        *FOLDER_BYTES.end(),
        "bytes",
    ),
    Key {
        path: "evidence.severity_min",
        help: "The mildest finding whose packets are kept.",
        kind: Kind::Text {
            get: |s| Some(s.evidence.severity_min.label().to_owned()),
            set: |s, text| {
                s.evidence.severity_min = severity(text)?;
                Ok(())
            },
            clear: None,
            shape: SEVERITIES,
        },
    },
];
