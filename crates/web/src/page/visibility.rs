//! `/visibility`: what the sensor can and cannot see, and the books of every stage.

use askama::Template;
use tapline_model::{CertificateView, DropReason, EncryptedView, IgnoreReason, IssueView, Ledger};

use super::shell::Shell;
use crate::api::visibility::Sum;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Bar, Tag};
use crate::text::{LISTED_MAX, shown};

/// Servers listed; the API has all that are kept.
const SERVERS: usize = 200;
/// Hosts behind TLS listed; the API has all.
const ENCRYPTED: usize = 200;

#[derive(Template)]
#[template(path = "page/visibility.html")]
struct Page {
    shell: Shell,
    sum: Bar,
    bytes: String,
    one_sided: String,
    servers: Vec<ServerRow>,
    servers_more: usize,
    encrypted: Vec<EncryptedRow>,
    encrypted_more: usize,
    sources: Vec<SourceRow>,
    books: Vec<Books>,
    imbalances: Vec<String>,
}

struct ServerRow {
    server: String,
    flows: u64,
    flows_text: String,
    bytes: u64,
    bytes_text: String,
    bar: Bar,
    cells: [(u64, String); 4],
    one_sided: u64,
    one_sided_text: String,
}

/// A host behind TLS.
struct EncryptedRow {
    host: String,
    server: String,
    stale: bool,
    mutual: bool,
    handshakes: u64,
    handshakes_text: String,
    versions: String,
    ciphers: String,
    certificates: Vec<CertificateRow>,
    issues: Vec<(Tag, String, String)>,
}

/// A certificate in use.
struct CertificateRow {
    fingerprint: String,
    subject: String,
    issuer: String,
    key: String,
    /// The day on which it ends, and the second.
    end_day: String,
    end: String,
}

struct SourceRow {
    name: String,
    state: Tag,
    outages: u64,
    frames: String,
    bytes: String,
    dropped: u64,
    dropped_text: String,
    share: String,
}

struct Books {
    name: String,
    received: String,
    processed: String,
    held: String,
    dropped: Vec<(&'static str, String)>,
    ignored: Vec<(&'static str, String)>,
    verdict: Tag,
}

/// What the sensor can and cannot see.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let view = &asked.view;
    let sum = Sum::of(&view.servers);
    html(&Page {
        shell: Shell::new(asked, "visibility", "Visibility"),
        sum: Bar::of_visibility([sum.http_bytes, sum.tls_bytes, sum.other_bytes, sum.gap_bytes])
            .with_legend(),
        bytes: number::bytes(sum.total()),
        one_sided: number::share(sum.one_sided_bytes, sum.total()),
        servers: view.servers.iter().take(SERVERS).map(server_row).collect(),
        servers_more: view.servers.len().saturating_sub(SERVERS),
        encrypted: view.encrypted.iter().take(ENCRYPTED).map(encrypted_row).collect(),
        encrypted_more: view.encrypted.len().saturating_sub(ENCRYPTED),
        sources: view.sources.iter().map(source_row).collect(),
        books: view.stats.ledgers().iter().map(|(name, ledger)| books(name, ledger)).collect(),
        imbalances: view.stats.imbalances(),
    })
}

fn server_row(server: &tapline_model::ServerView) -> ServerRow {
    let sizes = [server.http_bytes, server.tls_bytes, server.other_bytes, server.gap_bytes];
    let bytes = sizes.into_iter().fold(0, u64::saturating_add);
    ServerRow {
        server: shown(&server.server, LISTED_MAX).into_owned(),
        flows: server.flows,
        flows_text: number::count(server.flows),
        bytes,
        bytes_text: number::bytes(bytes),
        bar: Bar::of_visibility(sizes),
        cells: sizes.map(|size| (size, number::share(size, bytes))),
        one_sided: server.one_sided_bytes,
        one_sided_text: number::share(server.one_sided_bytes, bytes),
    }
}

fn encrypted_row(host: &EncryptedView) -> EncryptedRow {
    let named = |counts: &[(String, u64)]| {
        let names: Vec<&str> = counts.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    let certificate = |one: &CertificateView| CertificateRow {
        fingerprint: one.fingerprint.clone(),
        subject: shown(&one.subject, LISTED_MAX).into_owned(),
        issuer: shown(&one.issuer, LISTED_MAX).into_owned(),
        key: match one.key_bits {
            0 => one.key.label().to_owned(),
            bits => format!("{} {bits}", one.key.label()),
        },
        end_day: one.not_after.split('T').next().unwrap_or_default().to_owned(),
        end: one.not_after.clone(),
    };
    let issue = |one: &IssueView| {
        (Tag::severity(one.severity), one.title.clone(), one.seen.replace('`', ""))
    };
    EncryptedRow {
        host: shown(&host.host, LISTED_MAX).into_owned(),
        server: shown(&host.server, LISTED_MAX).into_owned(),
        stale: host.stale,
        mutual: host.client_certificate_asked > 0,
        handshakes: host.handshakes,
        handshakes_text: number::count(host.handshakes),
        versions: named(&host.versions),
        ciphers: named(&host.ciphers),
        certificates: host.in_use().map(certificate).collect(),
        issues: host.issues.iter().map(issue).collect(),
    }
}

fn source_row(source: &tapline_model::SourceView) -> SourceRow {
    SourceRow {
        name: shown(&source.name, LISTED_MAX).into_owned(),
        state: if source.down { Tag::new("critical", "down") } else { Tag::new("good", "up") },
        outages: source.outages,
        frames: number::exact(source.frames),
        bytes: number::bytes(source.frame_bytes),
        dropped: source.dropped_frames,
        dropped_text: number::exact(source.dropped_frames),
        share: number::share(
            source.dropped_frames,
            source.frames.saturating_add(source.dropped_frames),
        ),
    }
}

fn books(name: &str, ledger: &Ledger) -> Books {
    let dropped = DropReason::ALL.iter().map(|reason| reason.label()).zip(ledger.dropped);
    let ignored = IgnoreReason::ALL.iter().map(|reason| reason.label()).zip(ledger.ignored);
    Books {
        name: name.replace('.', " · ").replace('_', " "),
        received: number::exact(ledger.received),
        processed: number::exact(ledger.processed),
        held: number::exact(ledger.held),
        dropped: named(dropped),
        ignored: named(ignored),
        verdict: if ledger.is_balanced() {
            Tag::new("good", "balanced")
        } else {
            Tag::new("critical", "broken")
        },
    }
}

fn named(counts: impl Iterator<Item = (&'static str, u64)>) -> Vec<(&'static str, String)> {
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason, number::exact(count)))
        .collect()
}
