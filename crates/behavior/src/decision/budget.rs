//! How many alerts a day somebody wants to read.

use std::collections::VecDeque;

use libm::exp;

use crate::number::real;

const DAY_MINUTES: u64 = 1_440;
/// How fast the line is moved: once an hour, by this times what is left of the budget.
const RATE: f64 = 0.2;
/// The line is moved no further than this.
const SCALE_MIN: f64 = 1e-6;
/// Openings that are remembered; more in a day only count as so many.
const OPENINGS_MAX: usize = 1_024;

/// Draws the line nearer as more cases are opened in a day than there should be, and back as there
/// are fewer.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    per_day: u32,
    scale: f64,
    hour: u64,
    /// The minutes in which cases were opened, oldest first.
    opened: VecDeque<u64>,
}

impl Budget {
    /// So many a day; 0 is no budget.
    pub(crate) const fn new(per_day: u32) -> Self {
        Self { per_day, scale: 1.0, hour: 0, opened: VecDeque::new() }
    }

    /// Changes how many.
    pub(crate) const fn set_per_day(&mut self, per_day: u32) {
        self.per_day = per_day;
    }

    /// What the share of false discoveries is multiplied by: 1 and less.
    pub(crate) fn scale(&self) -> f64 {
        if self.per_day == 0 { 1.0 } else { self.scale }
    }

    /// A case is opened.
    pub(crate) fn count(&mut self, minute: u64) {
        if self.opened.len() == OPENINGS_MAX {
            self.opened.pop_front();
        }
        self.opened.push_back(minute);
    }

    /// Time goes on.
    pub(crate) fn turn(&mut self, minute: u64) {
        let hours = (minute / 60).saturating_sub(self.hour).min(24);
        if hours == 0 || self.per_day == 0 {
            return;
        }
        self.hour = minute / 60;
        while self.opened.front().is_some_and(|&at| at.saturating_add(DAY_MINUTES) < minute) {
            self.opened.pop_front();
        }
        let wanted = f64::from(self.per_day);
        let left = (wanted - real(self.opened.len() as u64)) / wanted;
        self.scale = (self.scale * exp(RATE * left * real(hours))).clamp(SCALE_MIN, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_alerts_move_the_line_and_quiet_moves_it_back() {
        let mut budget = Budget::new(10);
        for minute in 0..600 {
            budget.turn(minute);
            budget.count(minute);
        }
        assert!(budget.scale() < 1e-4, "{}", budget.scale());
        for minute in 600..600 + 5 * DAY_MINUTES {
            budget.turn(minute);
        }
        assert!((budget.scale() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn within_the_budget_nothing_moves() {
        let mut budget = Budget::new(10);
        for hour in 0..100 {
            budget.turn(hour * 60);
            if hour % 4 == 0 {
                budget.count(hour * 60);
            }
        }
        assert!((budget.scale() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn no_budget_is_no_line() {
        let mut budget = Budget::new(0);
        for minute in 0..6_000 {
            budget.turn(minute);
            budget.count(minute);
        }
        assert!((budget.scale() - 1.0).abs() < 1e-12);
    }
}
