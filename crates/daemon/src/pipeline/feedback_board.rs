//! Where the merge leaves what the workers need, once an epoch.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tapline_model::{Epoch, Feedback};

/// How old the feedback of a replay is. Workers may be so far apart: the more, the less they wait for
/// each other when an epoch has more for one than for another.
pub(crate) const FEEDBACK_LAG_EPOCHS: u64 = 4;
/// How many versions are kept: no worker asks for one older than the lag, and the merge may be as far
/// ahead of the slowest.
const VERSIONS_MAX: usize = 8;

/// The feedback of the last few epochs. Workers come here once an epoch, never per packet.
#[derive(Debug, Default)]
pub(crate) struct FeedbackBoard {
    newest: ArcSwap<Feedback>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    versions: VecDeque<Arc<Feedback>>,
    sealed_up_to: Epoch,
    closed: bool,
}

impl FeedbackBoard {
    /// Leaves a new version.
    pub(crate) fn publish(&self, feedback: Arc<Feedback>) {
        self.newest.store(Arc::clone(&feedback));
        let mut state = self.lock();
        state.versions.push_back(feedback);
        if state.versions.len() > VERSIONS_MAX {
            state.versions.pop_front();
        }
    }

    /// Says that every epoch up to and including `epoch` is sealed.
    pub(crate) fn sealed_up_to(&self, epoch: Epoch) {
        let mut state = self.lock();
        state.sealed_up_to = state.sealed_up_to.max(epoch);
        self.changed.notify_all();
    }

    /// Lets everybody go who waits: the merge has ended.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> Arc<Feedback> {
        self.newest.load_full()
    }

    /// The newest version as of `epoch`, after that epoch is sealed; waits until it is.
    pub(crate) fn exactly(&self, epoch: Epoch) -> Arc<Feedback> {
        let mut state = self.lock();
        while state.sealed_up_to < epoch && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
            .versions
            .iter()
            .rev()
            .find(|feedback| feedback.as_of <= epoch)
            .cloned()
            .unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the queue as it was before or after a whole push.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_an_epoch_is_used_however_far_the_merge_is() {
        let board = FeedbackBoard::default();
        for epoch in [3, 5, 6] {
            board.publish(Arc::new(Feedback { as_of: Epoch(epoch), ..Feedback::default() }));
        }
        board.sealed_up_to(Epoch(6));
        assert_eq!(board.exactly(Epoch(4)).as_of, Epoch(3));
        assert_eq!(board.exactly(Epoch(5)).as_of, Epoch(5));
        assert_eq!(board.newest().as_of, Epoch(6));
    }
}
