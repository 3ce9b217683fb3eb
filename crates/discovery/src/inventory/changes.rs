//! What changed: a ring of the latest changes of the inventory.

use std::collections::VecDeque;

use tapline_model::{ChangeKind, EndpointId, Timestamp};

/// Changes that are kept: the latest ones.
pub(crate) const CHANGES_MAX: usize = 1_000;

/// One change. What the endpoint is called is looked up when it is shown: its path may be veiled.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) kind: ChangeKind,
    pub(crate) endpoint: EndpointId,
    /// The parameter or the credentials; else empty.
    pub(crate) what: String,
}

/// The latest changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    latest: VecDeque<Change>,
}

impl Changes {
    /// Adds a change; the oldest makes room.
    pub(crate) fn add(
        &mut self,
        at: Timestamp,
        kind: ChangeKind,
        endpoint: EndpointId,
        what: String,
    ) {
        if self.latest.len() >= CHANGES_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(Change { at, kind, endpoint, what });
    }

    /// Those kept, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Change> {
        self.latest.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let mut changes = Changes::default();
        for id in 0..2_000 {
            let at = Timestamp::from_nanos(id);
            changes.add(at, ChangeKind::EndpointAppeared, EndpointId(id), String::new());
        }
        let kept: Vec<u64> = changes.newest().map(|change| change.endpoint.0).collect();
        assert_eq!((kept.len(), kept[0], kept[999]), (CHANGES_MAX, 1_999, 1_000));
    }
}
