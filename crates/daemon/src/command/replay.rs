//! `tapline replay`: the pipeline over capture files.

use std::sync::Arc;
use std::sync::atomic::Ordering;

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
use crate::pipeline::{Plant, files, merge_queue, pin};
use crate::progress::Bar;
use crate::rules::Rules;
use crate::session::{Plan, Session};
use crate::{documents, key_file, logging};

/// Replays to the end of the files, or until SIGINT or SIGTERM, and writes what was asked for.
pub(crate) fn run(arguments: &Replay) -> Result<(), Failure> {
    let mut settings = config::load(arguments.config.as_deref())?;
    if let Some(address) = arguments.serve {
        settings.web.listen = address;
        tapline_config::check_listen(&settings.web).map_err(|text| Failure::new(USAGE, text))?;
    }
    drop(logging::start(&settings.log));
    let documents = documents::load(&settings)?;
    let key = match &arguments.key_file {
        Some(path) => key_file::from_file(path)?,
        None => Key::fixed(),
    };
    let out = arguments.out.as_deref().map(Folder::open).transpose()?;
    let mut files = Files::open(&arguments.files, SourceId(0))?;
    let workers = super::workers(arguments.workers, &settings);
    let listener = arguments.serve.map(control::bind).transpose()?;
    let session = Session::start(Plan {
        rules: Rules::fixed(settings.clone(), Arc::clone(&documents)),
        settings,
        documents,
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

/// Analyses all of the files.
///
/// # Errors
/// When a thread cannot be started or died.
pub(super) fn analyse(
    session: &Session,
    files: &mut Files,
) -> Result<(Ended, Vec<CaptureError>), Failure> {
    let names: Vec<(SourceId, Arc<str>)> = files
        .names()
        .iter()
        .zip(0..)
        .map(|(name, index)| (SourceId(index), Arc::from(name.as_str())))
        .collect();
    // What can be read again at small cost is walked by every worker.
    let twins: Option<Vec<Files>> = (1..session.shared.workers).map(|_| files.twin()).collect();
    let end = files::End::new(session.stop.flag());
    let cpus = &session.shared.settings.sensor.cpus;
    let cannot_start = |error| {
        // Those that run wait for nobody.
        session.stop.flag().store(true, Ordering::SeqCst);
        session.shared.board.close();
        Failure::new(SOFTWARE, format!("cannot start a worker: {error}"))
    };
    std::thread::scope(|scope| {
        let (sender, receiver) = merge_queue();
        let merge;
        let router;
        if let Some(twins) = twins {
            let mut walkers = Plant::walkers(&session.shared, &names, &sender).into_iter();
            drop(sender);
            merge = session.start_merge(scope, receiver)?;
            router = walkers.next();
            for ((mut files, router), index) in twins.into_iter().zip(walkers).zip(1..) {
                let end = &end;
                std::thread::Builder::new()
                    .name(format!("worker-{index}"))
                    .spawn_scoped(scope, move || {
                        pin(cpus, index);
                        // The first worker tells of the same faults.
                        drop(files::run(&mut files, router, None, end));
                    })
                    .map_err(cannot_start)?;
            }
        } else {
            let mut plant = Plant::new(&session.shared, vec![names], WhenFull::Wait, &sender);
            drop(sender);
            merge = session.start_merge(scope, receiver)?;
            plant.start_workers(scope, cpus).map_err(cannot_start)?;
            router = plant.routers.pop();
        }
        let mut faults = Vec::new();
        if let Some(router) = router {
            faults = files::run(files, router, Some(&Bar::new()), &end);
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
