//! Capture files as the source.

use std::sync::atomic::{AtomicBool, Ordering};

use tapline_capture::{CaptureError, Files};

use super::router::Router;
use crate::progress::Bar;

/// Frames between two looks at the stop flag and the progress bar.
const FRAMES_PER_LOOK: u64 = 8_192;

/// Reads the files to their end, or until `stop`. Faults are returned in the order in which they
/// were met; what came before one, and the other files, are analysed all the same.
pub(crate) fn run(
    files: &mut Files,
    mut router: Router,
    bar: &Bar,
    stop: &AtomicBool,
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
            bar.show(&files.progress());
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    bar.clear();
    router.end();
    faults
}
