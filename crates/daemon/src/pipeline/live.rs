//! An interface as the source.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::router::Router;
use super::tap::Tap;
use crate::clock;

/// Between two looks at the load.
const LOOK: Duration = Duration::from_millis(100);

/// Reads one handle until `stop`. An interface that goes is waited for.
pub(crate) fn run(tap: &mut Tap, mut router: Router, stop: &AtomicBool) {
    let mut looked = clock::monotone();
    while !stop.load(Ordering::Relaxed) {
        router.take_rate();
        // Where a link is idle the wait ends with the epoch: until all sources have entered the next,
        // the queues of those that have rest.
        let heard = tap.poll(until_next_epoch(), &mut |frame| router.push(frame));
        // The link may be idle, so the epoch is the daemon's, not the traffic's.
        let now = clock::timestamp();
        let enters_epoch = router.enters_epoch(now);
        if enters_epoch {
            tap.look();
        }
        let instant = clock::monotone();
        if enters_epoch || instant.duration_since(looked) >= LOOK {
            looked = instant;
            book(tap, &mut router);
            router.watch_load(now, heard > 0);
        }
        if enters_epoch {
            router.tick();
        } else {
            router.flush();
        }
    }
    book(tap, &mut router);
    router.end();
}

fn until_next_epoch() -> Duration {
    let now = clock::timestamp();
    Duration::from_nanos(now.epoch().next().start().nanos_since(now))
}

fn book(tap: &mut Tap, router: &mut Router) {
    let losses = tap.losses();
    router.set_losses(tap.id(), &losses, tap.is_down());
}
