//! `tapline backtest`: what other settings would have found in captures of the past.

mod report;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tapline_capture::Files;
use tapline_config::Settings;
use tapline_model::{Key, SourceId};
use tapline_web::Mode;

use self::report::{Comparison, Run};
use super::config;
use crate::cli::{self, Backtest};
use crate::control;
use crate::exit::{Failure, SOFTWARE, USAGE};
use crate::rules::Rules;
use crate::session::{Plan, Session};
use crate::{documents, key_file, logging};

/// Resolved findings are all kept: each of them was an alert.
const FINDINGS_RESOLVED_MAX: u32 = 1_000_000;

/// Replays the files with both settings and prints what became of it.
pub(crate) fn run(arguments: &Backtest) -> Result<(), Failure> {
    if arguments.files.iter().any(|file| file == Path::new("-")) {
        let text = "standard input can be read only once, and a backtest reads twice; name a file";
        return Err(Failure::new(USAGE, text));
    }
    let against = config::file_or_default(arguments.against.as_deref());
    let before = config::load(against.as_deref())?;
    let after = config::load(Some(&arguments.config))?;
    drop(logging::start(&after.log));
    let name = against.map_or("defaults".to_owned(), |file| file.display().to_string());
    let before = analyse(arguments, name, before)?;
    let after = analyse(arguments, arguments.config.display().to_string(), after)?;
    let comparison = Comparison::of(&before, &after);
    let text = if arguments.json { comparison.json()? } else { comparison.table() };
    cli::print(|out| out.write_all(text.as_bytes()))
}

/// One replay: no pages, no pushes, no files.
fn analyse(arguments: &Backtest, name: String, mut settings: Settings) -> Result<Run, Failure> {
    settings.alert.findings_resolved_max = FINDINGS_RESOLVED_MAX;
    // Nobody is blocked for what is past, and its packets are in the capture.
    settings.prevention.enabled = false;
    settings.evidence.enabled = false;
    let documents = documents::load(&settings)?;
    let key = match &arguments.key_file {
        Some(path) => key_file::from_file(path)?,
        None => Key::fixed(),
    };
    let mut files = Files::open(&arguments.files, SourceId(0))?;
    let workers = super::workers(arguments.workers, &settings);
    let session = Session::start(Plan {
        rules: Rules::fixed(settings.clone(), Arc::clone(&documents)),
        settings,
        documents,
        key,
        mode: Mode::Replay,
        sources: files.names().to_vec(),
        workers,
        incarnation: 0,
        listener: None,
        push: false,
        out: None,
        raw_targets: false,
    })?;
    let signals = control::watch_signals(&session.tokio, session.stop.clone(), || {})?;
    let (ended, faults) = super::replay::analyse(&session, &mut files)?;
    signals.abort();
    let interrupted = session.stop.is_stopped();
    session.finish();
    if let Some(fault) = faults.into_iter().next() {
        return Err(fault.into());
    }
    if interrupted {
        return Err(Failure::new(SOFTWARE, "interrupted: half a capture cannot be compared"));
    }
    let findings = ended.lifecycle.newest(usize::MAX);
    Ok(Run { name, began: ended.began.unwrap_or(ended.view.now), until: ended.view.now, findings })
}
