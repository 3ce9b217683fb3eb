//! `tapline replay`: the pipeline over capture files.

use std::sync::Arc;

use tapline_capture::{CaptureError, Files};
use tapline_model::{Key, SourceId};
use tapline_web::Mode;

use super::config;
use crate::cli::Replay;
use crate::control;
use crate::exit::{Failure, SOFTWARE, USAGE};
use crate::output::Folder;
use crate::pipeline::merge::Ended;
use crate::pipeline::router::WhenFull;
use crate::pipeline::{Plant, files, merge_queue};
use crate::progress::Bar;
use crate::session::{Plan, Session};
use crate::{key_file, logging};

/// Replays to the end of the files, or until SIGINT or SIGTERM, and writes what was asked for.
pub(crate) fn run(arguments: &Replay) -> Result<(), Failure> {
    let mut settings = config::load(arguments.config.as_deref())?;
    if let Some(address) = arguments.serve {
        settings.web.listen = address;
        tapline_config::check_listen(&settings.web).map_err(|text| Failure::new(USAGE, text))?;
    }
    drop(logging::start(&settings.log));
    let key = match &arguments.key_file {
        Some(path) => key_file::from_file(path)?,
        None => Key::fixed(),
    };
    let out = arguments.out.as_deref().map(Folder::open).transpose()?;
    let mut files = Files::open(&arguments.files, SourceId(0))?;
    let workers = super::workers(arguments.workers, &settings);
    let listener = arguments.serve.map(control::bind).transpose()?;
    let session = Session::start(Plan {
        settings,
        key,
        mode: Mode::Replay,
        sources: files.names().to_vec(),
        workers,
        incarnation: 0,
        listener,
        push: arguments.push,
        out,
        raw_targets: arguments.raw_targets,
    })?;
    let serving = arguments.serve.is_some();
    let signals = control::watch_signals(&session.tokio, session.stop.clone(), || {
        tracing::info!("a replay keeps the configuration it began with");
    })?;
    let (ended, faults) = analyse(&session, &mut files)?;
    report(&ended);
    let written = session.write_output(ended);
    if serving && written.is_ok() && faults.is_empty() {
        session.tokio.block_on(session.stop.stopped());
    }
    signals.abort();
    session.finish();
    written?;
    faults.into_iter().next().map_or(Ok(()), |fault| Err(fault.into()))
}

fn analyse(session: &Session, files: &mut Files) -> Result<(Ended, Vec<CaptureError>), Failure> {
    let names = files
        .names()
        .iter()
        .zip(0..)
        .map(|(name, index)| (SourceId(index), Arc::from(name.as_str())))
        .collect();
    std::thread::scope(|scope| {
        let (sender, receiver) = merge_queue();
        let mut plant = Plant::new(&session.shared, vec![names], WhenFull::Wait, &sender);
        drop(sender);
        let merge = session.start_merge(scope, receiver)?;
        plant
            .start_workers(scope, &session.shared.settings.sensor.cpus)
            .map_err(|error| Failure::new(SOFTWARE, format!("cannot start a worker: {error}")))?;
        let mut faults = Vec::new();
        if let Some(router) = plant.routers.pop() {
            faults = files::run(files, router, &Bar::new(), session.stop.flag());
        }
        for fault in &faults {
            tracing::warn!("{fault}");
        }
        let ended = merge
            .join()
            .map_err(|_| Failure::new(SOFTWARE, "the merge died of an internal fault"))?;
        Ok((ended, faults))
    })
}

/// What a person wants to know at the end.
fn report(ended: &Ended) {
    let view = &ended.view;
    let stats = &view.stats;
    tracing::info!(
        frames = stats.capture.frames,
        flows = stats.reassembly.flows_opened,
        transactions = stats.protocol.transactions.processed,
        endpoints = view.endpoints.len(),
        findings = view.findings.len(),
        "the capture is analysed"
    );
    for imbalance in stats.imbalances() {
        tracing::error!("conservation does not hold: {imbalance}");
    }
}
