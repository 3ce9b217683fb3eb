//! The files of `--out`: documented, stable, for people and for tests.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tapline_model::{
    Anomaly, Completeness, DropReason, Encapsulation, EvictReason, HostView, IgnoreReason, Ledger,
    Protocol, Stats, View,
};
use tapline_openapi::Dialect;

use crate::exit::Failure;

/// Bytes of a file that are written at once.
const FILE_BUFFER_BYTES: usize = 128 << 10;

/// A folder that is being filled. Every file is written beside its place and moved into it, so a
/// reader never sees half of one. Nothing waits for the disk: what a crash of the machine can take
/// is what this run made, and a replay makes it again.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is missing, and sees to it that it can be written to.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path)
            .and_then(|()| tempfile::NamedTempFile::new_in(path).map(drop))
            .map_err(|error| Failure::io(format!("--out {}", path.display()), &error))?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one file.
    ///
    /// # Errors
    /// When it cannot be written whole; then the old one, if any, is still there.
    pub(crate) fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let place = self.0.join(name);
        let beside = self.0.join(format!(".{name}.part"));
        let written = File::create(&beside).and_then(|file| {
            let mut out = BufWriter::with_capacity(FILE_BUFFER_BYTES, file);
            fill(&mut out)?;
            out.flush()?;
            drop(out);
            fs::rename(&beside, &place)
        });
        written.map_err(|error| Failure::io(place.display(), &error))
    }

    /// Writes one JSON document.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub(crate) fn write_json(
        &self,
        name: &str,
        value: &impl serde::Serialize,
    ) -> Result<(), Failure> {
        self.write(name, |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        })
    }
}

/// `openapi/`: a document for every host.
///
/// # Errors
/// When one cannot be written whole; the others are.
pub(crate) fn documents(folder: &Folder, view: &View) -> Result<(), Failure> {
    if view.hosts.is_empty() {
        return Ok(());
    }
    let folder = Folder::open(&folder.path().join("openapi"))?;
    let write = |host: &HostView| {
        let Some(document) = tapline_openapi::observed(view, &host.host) else { return Ok(()) };
        let text = tapline_openapi::to_json(&document, Dialect::V31);
        folder.write(&document_name(&host.host), |out| out.write_all(text.as_bytes()))
    };
    let written: Vec<_> = view.hosts.iter().map(write).collect();
    written.into_iter().collect()
}

/// The name of a host's file: what a file name had better not have is left out of it, and a hash
/// keeps such names apart.
fn document_name(host: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut name: String = host.chars().filter(|c| fits(*c)).take(128).collect();
    if name != host || name.is_empty() || name.starts_with('.') {
        let hash = blake3::hash(host.as_bytes()).to_hex();
        name = format!("_{name}-{}", hash.chars().take(8).collect::<String>());
    }
    format!("{name}.json")
}

/// `summary.json`: counts of every stage.
pub(crate) fn summary(view: &View, wall_seconds: f64) -> Value {
    let stats = &view.stats;
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "wall_seconds": (wall_seconds * 1e3).round() / 1e3,
        "captured_until": view.now.to_string(),
        "sources": view.sources,
        "sampling_ratio": view.sampling.ratio(),
        "frames": stats.capture.frames,
        "frame_bytes": stats.capture.frame_bytes,
        "segments": stats.reassembly.segments.processed,
        "flows": stats.reassembly.flows_opened,
        "transactions": transactions(stats),
        "endpoints": view.endpoints.len(),
        "hosts": view.hosts.len(),
        "encrypted_hosts": view.encrypted.len(),
        "unmatched_requests": stats.behavior.unmatched_requests,
        "findings": view.findings.len(),
        "conservation": {
            "holds": stats.imbalances().is_empty(),
            "imbalances": stats.imbalances(),
            "ledgers": ledgers(stats),
        },
        "stages": {
            "capture": counts(stats.capture.counts()),
            "decap": with_table(
                stats.decap.counts(),
                "encapsulations",
                Encapsulation::ALL.iter().map(|kind| kind.label()),
                &stats.decap.encapsulations,
            ),
            "reassembly": with_table(
                stats.reassembly.counts(),
                "flows_closed",
                EvictReason::ALL.iter().map(|reason| reason.label()),
                &stats.reassembly.flows_closed,
            ),
            "protocol": with_table(
                stats.protocol.counts(),
                "anomalies",
                Anomaly::ALL.iter().map(|anomaly| anomaly.label()),
                &stats.protocol.anomalies,
            ),
            "discovery": counts(stats.discovery.counts()),
            "behavior": counts(stats.behavior.counts()),
        },
        "visibility": *view.servers,
    })
}

fn transactions(stats: &Stats) -> Value {
    let protocol = &stats.protocol;
    json!({
        "total": protocol.transactions.processed,
        "by_protocol":
            labelled(Protocol::ALL.iter().map(|kind| kind.label()), &protocol.by_protocol),
        "by_completeness":
            labelled(Completeness::ALL.iter().map(|kind| kind.label()), &protocol.by_completeness),
    })
}

fn ledgers(stats: &Stats) -> Value {
    stats.ledgers().into_iter().map(|(name, ledger)| (name, ledger_json(&ledger))).collect()
}

fn ledger_json(ledger: &Ledger) -> Value {
    let nonzero = |value: Value| match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, n)| *n != 0).collect()),
        other => other,
    };
    let dropped = DropReason::ALL.iter().map(|reason| reason.label());
    let ignored = IgnoreReason::ALL.iter().map(|reason| reason.label());
    json!({
        "received": ledger.received,
        "processed": ledger.processed,
        "dropped": nonzero(labelled(dropped, &ledger.dropped)),
        "ignored": nonzero(labelled(ignored, &ledger.ignored)),
        "held": ledger.held,
    })
}

fn counts(counts: Vec<(&'static str, u64)>) -> Map<String, Value> {
    counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
}

fn with_table(
    plain: Vec<(&'static str, u64)>,
    name: &str,
    labels: impl Iterator<Item = &'static str>,
    table: &[u64],
) -> Value {
    let mut map = counts(plain);
    map.insert(name.to_owned(), labelled(labels, table));
    Value::Object(map)
}

fn labelled(labels: impl Iterator<Item = &'static str>, table: &[u64]) -> Value {
    labels.zip(table).map(|(label, &count)| (label.to_owned(), Value::from(count))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_half_way_leaves_the_old_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        folder.write("a", |out| out.write_all(b"old")).unwrap();
        let failed = folder.write("a", |out| {
            out.write_all(b"ne")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.unwrap_err().text.contains("full"));
        assert_eq!(fs::read(place.path().join("a")).unwrap(), b"old");
    }

    #[test]
    fn a_document_s_name_is_a_plain_file_name() {
        assert_eq!(document_name("api.shop.test"), "api.shop.test.json");
        for odd in ["", "..", "a/b", "[::1]:80", "a:80", ".hidden"] {
            let name = document_name(odd);
            assert!(name.starts_with('_') && !name.contains(['/', ':']), "{name}");
        }
        assert_ne!(document_name("a:80"), document_name("a80"));
    }

    #[test]
    fn a_summary_holds_every_ledger() {
        let summary = summary(&View::default(), 1.0);
        let ledgers = summary["conservation"]["ledgers"].as_object().unwrap();
        assert_eq!(ledgers.len(), Stats::default().ledgers().len());
        assert_eq!(summary["conservation"]["holds"], true);
    }
}
