//! Minutes of which the sensor followed a part of the flows.

use std::collections::VecDeque;

/// Runs of minutes that are remembered; what is older counts as whole.
const RUNS_MAX: usize = 256;

/// The minutes in which flows were shed: what was counted in them is not what there was, and
/// silence in them is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartialMinutes {
    /// First and last minute of each run, ascending, apart from one another.
    runs: VecDeque<(u64, u64)>,
}

impl PartialMinutes {
    /// Notes a minute that is no earlier than any noted before.
    pub(crate) fn note(&mut self, minute: u64) {
        if let Some((_, last)) = self.runs.back_mut()
            && minute <= last.saturating_add(1)
        {
            *last = minute.max(*last);
            return;
        }
        if self.runs.len() == RUNS_MAX {
            self.runs.pop_front();
        }
        self.runs.push_back((minute, minute));
    }

    /// How many of the minutes from `first` up to and including `last` are noted.
    pub(crate) fn count(&self, first: u64, last: u64) -> u64 {
        // The newest stand last, and it is the newest minutes that are asked for.
        self.runs
            .iter()
            .rev()
            .take_while(|(_, end)| *end >= first)
            .map(|&(start, end)| (end.min(last) + 1).saturating_sub(start.max(first)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_counted_where_they_overlap() {
        let mut minutes = PartialMinutes::default();
        for minute in [3, 3, 4, 5, 9, 20, 21] {
            minutes.note(minute);
        }
        assert_eq!(minutes.runs, [(3, 5), (9, 9), (20, 21)]);
        for (first, last, count) in
            [(0, 100, 6), (4, 9, 3), (5, 5, 1), (6, 8, 0), (10, 20, 1), (22, 30, 0), (0, 2, 0)]
        {
            assert_eq!(minutes.count(first, last), count, "{first} to {last}");
        }
    }

    #[test]
    fn the_oldest_runs_make_room() {
        let mut minutes = PartialMinutes::default();
        for run in 0..1_000 {
            minutes.note(run * 2);
        }
        assert_eq!(minutes.runs.len(), RUNS_MAX);
        assert_eq!(minutes.count(0, u64::MAX - 1), RUNS_MAX as u64);
        assert_eq!(minutes.count(1_998, 1_998), 1);
    }
}
