//! `tapline run`: the daemon.

use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use tapline_capture::Fanout;
use tapline_config::Settings;
use tapline_model::SourceId;
use tapline_web::Mode;

use super::config;
use crate::cli::Run;
use crate::control::{self, Stop};
use crate::exit::{Failure, SOFTWARE, USAGE};
use crate::output::Folder;
use crate::pipeline::merge::Ended;
use crate::pipeline::router::WhenFull;
use crate::pipeline::tap::Tap;
use crate::pipeline::{Plant, live, merge_queue, pin};
use crate::rules::Rules;
use crate::session::{self, Plan, Session};
use crate::{clock, documents, key_file, logging, sizing};

/// Listens until SIGINT or SIGTERM, then drains.
pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let load = loader(arguments);
    let settings = load()?;
    if settings.capture.interfaces.is_empty() {
        let text = "no interface to listen on: name one with -i or in capture.interfaces \
                    (`tapline interfaces` lists them)";
        return Err(Failure::new(USAGE, text));
    }
    let level = logging::start(&settings.log);
    for warning in tapline_config::warnings(&settings) {
        tracing::warn!("{warning}");
    }
    let workers = super::workers(arguments.workers, &settings);
    let documents = documents::load(&settings)?;
    let key = key_file::of_install(&settings.sensor.state_dir)?;
    let out = arguments.out.as_deref().map(Folder::open).transpose()?;
    let listener = control::bind(settings.web.listen)?;
    let taps = open(&settings, workers)?;
    let rules = Rules::open(&settings.sensor.state_dir.clone(), settings, Arc::clone(&documents));
    let settings = rules.settings();
    let session = Session::start(Plan {
        rules,
        documents,
        key,
        mode: Mode::Live,
        sources: settings.capture.interfaces.clone(),
        workers,
        incarnation: clock::timestamp().nanos(),
        listener: Some(listener),
        push: true,
        out,
        raw_targets: arguments.raw_targets,
        settings,
    })?;
    let (ended, fault) = analyse(&session, taps, load, level)?;
    let written = session.write_output(ended);
    notify(&[sd_notify::NotifyState::Stopping]);
    session.finish();
    written?;
    fault.map_or(Ok(()), Err)
}

/// Reads the settings as the command line changes them; again on every SIGHUP.
fn loader(arguments: &Run) -> impl Fn() -> Result<Settings, Failure> + Send + Sync + 'static {
    let file = config::file_or_default(arguments.config.as_deref());
    let interfaces = arguments.interface.clone();
    move || {
        let mut settings = config::load(file.as_deref())?;
        if !interfaces.is_empty() {
            settings.capture.interfaces.clone_from(&interfaces);
        }
        Ok(settings)
    }
}

/// Opens a handle for every interface and worker, all of them before any is read.
fn open(settings: &Settings, workers: usize) -> Result<Vec<Tap>, Failure> {
    let interfaces = &settings.capture.interfaces;
    let mut config = settings.capture.clone();
    config.buffer_bytes = sizing::ring_bytes(
        config.buffer_bytes,
        settings.sensor.memory_bytes,
        interfaces.len() * workers,
    );
    let mut taps = Vec::new();
    for interface in interfaces {
        let fanout = (workers > 1).then(Fanout::new_group);
        for worker in 0..workers {
            let id = SourceId(u16::try_from(taps.len()).unwrap_or(u16::MAX));
            let name = Arc::from(interface.as_str());
            taps.push(Tap::open(id, name, &config, fanout.clone(), worker == 0)?);
        }
    }
    for tap in &mut taps {
        // What came before all had joined was given to more than one of them.
        tap.discard_queued()?;
    }
    Ok(taps)
}

fn analyse(
    session: &Session,
    taps: Vec<Tap>,
    load: impl Fn() -> Result<Settings, Failure> + Send + Sync + 'static,
    level: logging::LevelHandle,
) -> Result<(Ended, Option<Failure>), Failure> {
    let sources = taps.iter().map(|tap| vec![(tap.id(), tap.name())]).collect();
    let cpus = &session.shared.settings.sensor.cpus;
    std::thread::scope(|scope| {
        let (sender, receiver) = merge_queue();
        let mut plant = Plant::new(&session.shared, sources, WhenFull::Drop, &sender);
        let reload = session::reloader(
            load,
            Arc::clone(&session.runtime),
            Arc::clone(&session.shared.settings),
            level,
            session.rules.clone(),
        );
        session.rules.connect(sender);
        let signals = control::watch_signals(&session.tokio, session.stop.clone(), reload)?;
        let merge = session.start_merge(scope, receiver)?;
        let no_thread = |error| Failure::new(SOFTWARE, format!("cannot start a thread: {error}"));
        let turns = plant.start_workers(scope, cpus).map_err(no_thread)?;
        let mut readers: Vec<ScopedJoinHandle<'_, ()>> = Vec::new();
        for (index, (router, mut tap)) in plant.routers.drain(..).zip(taps).enumerate() {
            let stop: Stop = session.stop.clone();
            let reader = std::thread::Builder::new()
                .name(format!("capture-{index}"))
                .spawn_scoped(scope, move || {
                    pin(cpus, turns + index);
                    live::run(&mut tap, router, stop.flag());
                })
                .map_err(no_thread)?;
            readers.push(reader);
        }
        tracing::info!(interfaces = ?session.shared.settings.capture.interfaces, "capturing");
        notify(&[sd_notify::NotifyState::Ready]);
        let mut fault = None;
        for reader in readers {
            if reader.join().is_err() {
                fault = Some(Failure::new(SOFTWARE, "a capture thread died"));
            }
        }
        let ended = merge
            .join()
            .map_err(|_| Failure::new(SOFTWARE, "the merge died of an internal fault"))?;
        signals.abort();
        Ok((ended, fault))
    })
}

/// Tells systemd, if it listens.
fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd was not told: {error}");
    }
}
