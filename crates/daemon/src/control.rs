//! The control plane: signals, pages, delivery of alerts. It never touches a packet.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::{Failure, SOFTWARE};

/// How long pages and notifications may take to finish when the sensor ends.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// Says once that everything has to end.
#[derive(Clone)]
pub(crate) struct Stop {
    flag: Arc<AtomicBool>,
    told: watch::Sender<bool>,
}

impl Stop {
    /// Nothing has to end yet.
    pub(crate) fn new() -> Self {
        Self { flag: Arc::default(), told: watch::Sender::new(false) }
    }

    /// Says it.
    pub(crate) fn stop(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.told.send_replace(true);
    }

    /// Whether it was said.
    pub(crate) fn is_stopped(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// For threads that look now and then.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// For tasks that wait.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.told.subscribe();
        async move {
            // The sender lives as long as `Stop`; should it go, that is an end as well.
            drop(told.wait_for(|stopped| *stopped).await);
        }
    }
}

/// The runtime of the control plane.
///
/// # Errors
/// When its threads cannot be started.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(SOFTWARE, format!("cannot start the control plane: {error}")))
}

/// Sets `stop` on SIGINT and SIGTERM, and calls `reload` on SIGHUP.
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn watch_signals(
    runtime: &Runtime,
    stop: Stop,
    reload: impl Fn() + Send + Sync + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let inside = runtime.enter();
    let failed = |error: std::io::Error| Failure::io("cannot handle signals", &error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    drop(inside);
    Ok(runtime.spawn(async move {
        loop {
            let again = tokio::select! {
                () = next(&mut interrupt) => false,
                () = next(&mut terminate) => false,
                () = next(&mut hangup) => true,
            };
            if again {
                tokio::task::block_in_place(&reload);
            } else {
                stop.stop();
                return;
            }
        }
    }))
}

async fn next(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        // The handler is gone: nothing will ever come.
        std::future::pending::<()>().await;
    }
}

/// Binds the listener of the pages, before anything else happens.
///
/// # Errors
/// When the address is taken or not ours.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| {
            Failure::io(
                format!("cannot listen on {address} (web.listen, or --serve, names another)"),
                &error,
            )
        })
}
