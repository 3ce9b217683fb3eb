//! An interface as one reader holds it: heard, lost, and opened again when it is back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tapline_capture::{CaptureError, Config, Fanout, Link, Live};
use tapline_model::{CaptureStats, Frame, SourceId};

use crate::clock;

/// The first wait before a lost interface is tried again; each further one is twice as long.
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a reader without an interface rests, so that its epochs go on.
const REST: Duration = Duration::from_millis(50);

/// A handle of an interface, whether it is there or not.
pub(crate) struct Tap {
    id: SourceId,
    name: Arc<str>,
    config: Config,
    fanout: Option<Fanout>,
    /// Of the handles of one interface, the one that counts its outages and tells of them.
    is_first: bool,
    live: Option<Live>,
    down: bool,
    /// What earlier handles lost, and the outages.
    before: CaptureStats,
    backoff: Backoff,
    /// Why it could not be opened the last time, so that the log says it once.
    told: String,
}

impl Tap {
    /// Opens an interface; `fanout` is for those that share it, of which `is_first` marks one.
    ///
    /// # Errors
    /// When it cannot be opened now.
    pub(crate) fn open(
        id: SourceId,
        name: Arc<str>,
        config: &Config,
        fanout: Option<Fanout>,
        is_first: bool,
    ) -> Result<Self, CaptureError> {
        let live = Live::open(&name, config, id, fanout.as_ref())?;
        Ok(Self {
            id,
            name,
            config: config.clone(),
            fanout,
            is_first,
            live: Some(live),
            down: false,
            before: CaptureStats::default(),
            backoff: Backoff::new(clock::monotone()),
            told: String::new(),
        })
    }

    /// See [`Live::discard_queued`].
    ///
    /// # Errors
    /// When the interface is lost already.
    pub(crate) fn discard_queued(&mut self) -> Result<(), CaptureError> {
        self.live.as_mut().map_or(Ok(()), Live::discard_queued)
    }

    /// Which source its frames are of.
    pub(crate) const fn id(&self) -> SourceId {
        self.id
    }

    /// The interface.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Hands out what there is, waiting `wait_max` for it at most. Without an interface it rests, and tries to
    /// open it now and then. Says how many frames there were.
    pub(crate) fn poll(&mut self, wait_max: Duration, sink: &mut impl FnMut(&Frame<'_>)) -> usize {
        let Some(live) = &mut self.live else {
            std::thread::sleep(REST.min(wait_max));
            if self.backoff.is_due(clock::monotone()) {
                self.reopen();
            }
            return 0;
        };
        live.poll_within(wait_max, sink).unwrap_or_else(|error| {
            self.lose(&error);
            0
        })
    }

    /// Looks whether the interface is what it was. To be called about once a second.
    pub(crate) fn look(&mut self) {
        match self.live.as_ref().map(Live::link) {
            None => {}
            Some(Ok(Link::Up)) => self.set_down(false),
            Some(Ok(Link::Down)) => {
                if !self.down && self.is_first {
                    tracing::warn!("{}: the link is down; waiting for it", self.name);
                }
                self.set_down(true);
            }
            Some(Err(error)) => self.lose(&error),
        }
    }

    /// Whether nothing can be heard of it now.
    pub(crate) const fn is_down(&self) -> bool {
        self.down
    }

    /// What was lost before the sensor got it, and how often the interface went down. These never
    /// fall, whatever becomes of the interface.
    pub(crate) fn losses(&mut self) -> CaptureStats {
        let mut sum = self.before;
        if let Some(live) = &mut self.live {
            let now = live.stats();
            sum.kernel_dropped_frames += now.kernel_dropped_frames;
            sum.interface_dropped_frames += now.interface_dropped_frames;
        }
        sum
    }

    fn lose(&mut self, error: &CaptureError) {
        if self.is_first {
            tracing::warn!("{error}; waiting for it to come back");
        }
        self.before = self.losses();
        self.live = None;
        self.set_down(true);
        self.told.clear();
        self.backoff = Backoff::new(clock::monotone());
    }

    fn reopen(&mut self) {
        let opened = Live::open(&self.name, &self.config, self.id, self.fanout.as_ref())
            .and_then(|mut live| live.discard_queued().map(|()| live));
        match opened {
            Ok(live) => {
                self.live = Some(live);
                self.look();
                if self.is_first {
                    tracing::info!("{}: opened again", self.name);
                }
            }
            Err(error) => {
                let text = error.to_string();
                let waits = matches!(
                    error,
                    CaptureError::NoSuchInterface { .. } | CaptureError::InterfaceDown { .. }
                );
                if !waits && text != self.told {
                    tracing::warn!("{text}");
                    self.told = text;
                }
                self.backoff.failed(clock::monotone());
            }
        }
    }

    fn set_down(&mut self, down: bool) {
        if down && !self.down && self.is_first {
            self.before.outages += 1;
        }
        if self.down && !down && self.is_first {
            tracing::info!("{}: the link is up", self.name);
        }
        self.down = down;
    }
}

/// When to try again: soon at first, then more and more seldom.
#[derive(Clone, Copy, Debug)]
struct Backoff {
    wait: Duration,
    due: Instant,
}

impl Backoff {
    fn new(now: Instant) -> Self {
        Self { wait: WAIT_FIRST, due: now + WAIT_FIRST }
    }

    fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    fn failed(&mut self, now: Instant) {
        self.wait = (2 * self.wait).min(WAIT_MAX);
        self.due = now + self.wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_seldom_and_never_end() {
        let began = clock::monotone();
        let (mut now, mut backoff, mut attempts) = (began, Backoff::new(began), Vec::new());
        while now < began + Duration::from_mins(1) {
            now += Duration::from_millis(50);
            if backoff.is_due(now) {
                attempts.push((now - began).as_millis());
                backoff.failed(now);
            }
        }
        assert_eq!(attempts[..6], [250, 750, 1_750, 3_750, 7_750, 12_750]);
        assert!(attempts.len() >= 14, "{attempts:?}");
    }
}
