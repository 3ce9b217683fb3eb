//! An interface as the source.

use std::sync::atomic::{AtomicBool, Ordering};

use tapline_capture::{CaptureError, Live};
use tapline_model::SourceId;

use super::router::Router;
use crate::clock;

/// Reads one handle until `stop`, or until the interface fails.
pub(crate) fn run(
    live: &mut Live,
    id: SourceId,
    mut router: Router,
    stop: &AtomicBool,
) -> Result<(), CaptureError> {
    let mut outcome = Ok(());
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = live.poll(&mut |frame| router.push(frame)) {
            outcome = Err(error);
            break;
        }
        // The link may be idle, so the epoch is the daemon's, not the traffic's.
        if router.enters_epoch(clock::timestamp()) {
            book_losses(live, id, &mut router);
            router.tick();
        } else {
            router.flush();
        }
    }
    book_losses(live, id, &mut router);
    router.end();
    outcome
}

fn book_losses(live: &mut Live, id: SourceId, router: &mut Router) {
    let stats = live.stats();
    router.set_losses(id, stats.kernel_dropped_frames, stats.interface_dropped_frames);
}
