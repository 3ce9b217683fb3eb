//! Capture files as the source.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tapline_capture::{CaptureError, Files};

use super::router::Router;
use crate::progress::Bar;

/// Frames between two looks at the stop flag and the progress bar.
const FRAMES_PER_LOOK: u64 = 8_192;

/// Where all who read the same files end when they are told to stop: at one frame.
pub(crate) struct End<'a> {
    stop: &'a AtomicBool,
    /// The most frames that anyone had read at a look.
    furthest: AtomicU64,
    /// Set once.
    at: AtomicU64,
}

impl<'a> End<'a> {
    /// At the end of the files, until `stop`.
    pub(crate) fn new(stop: &'a AtomicBool) -> Self {
        Self { stop, furthest: AtomicU64::new(0), at: AtomicU64::new(u64::MAX) }
    }

    /// Whether to end after so many frames, which are looked at every [`FRAMES_PER_LOOK`].
    fn is_reached(&self, frames: u64) -> bool {
        self.furthest.fetch_max(frames, Ordering::SeqCst);
        if self.stop.load(Ordering::SeqCst) {
            // Whoever was not told yet had told before how far it was, and looks again one look
            // later: so nobody is past this end.
            let end = self.furthest.load(Ordering::SeqCst) + 2 * FRAMES_PER_LOOK;
            self.at.fetch_min(end, Ordering::SeqCst);
        }
        frames >= self.at.load(Ordering::SeqCst)
    }
}

/// Reads the files to their end, or until all are told to stop. Faults are returned in the order in
/// which they were met; what came before one, and the other files, are analysed all the same.
pub(crate) fn run(
    files: &mut Files,
    mut router: Router,
    bar: Option<&Bar>,
    end: &End<'_>,
) -> Vec<CaptureError> {
    let mut faults = Vec::new();
    let mut frames = 0u64;
    loop {
        match files.next_frame() {
            Ok(Some(frame)) => {
                if router.enters_epoch(frame.captured_at) {
                    router.tick();
                }
                router.push(&frame);
            }
            Ok(None) => break,
            Err(fault) => faults.push(fault),
        }
        frames += 1;
        if frames.is_multiple_of(FRAMES_PER_LOOK) {
            if let Some(bar) = bar {
                bar.show(&files.progress());
            }
            if end.is_reached(frames) {
                break;
            }
        }
    }
    if let Some(bar) = bar {
        bar.clear();
    }
    router.end();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_end_at_the_same_frame() {
        let stop = AtomicBool::new(false);
        let end = End::new(&stop);
        let ahead = 5 * FRAMES_PER_LOOK;
        assert!(!end.is_reached(ahead));
        stop.store(true, Ordering::SeqCst);
        let ends = |from: u64| {
            (from..100).map(|look| look * FRAMES_PER_LOOK).find(|&frames| end.is_reached(frames))
        };
        assert_eq!(ends(2), Some(ahead + 2 * FRAMES_PER_LOOK));
        assert_eq!(ends(6), Some(ahead + 2 * FRAMES_PER_LOOK));
    }
}
