//! What is normal for the objects of one space.

use tapline_sketch::{BetaBinomial, HeavyTail, Kmv};

/// Roles that are told apart in one space: those that came first.
const ROLES_MAX: usize = 16;
/// Consumers and terms from which on a population is known.
pub(crate) const POPULATION_MIN: u64 = 200;
/// New objects of one consumer in a term that teach how often they are others': so one that asks for
/// much does not teach for all.
const LESSONS_MAX: u64 = 20;

/// How often something was so, in consumers' terms of at most [`LESSONS_MAX`] each. Integers, so the
/// order does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habit {
    /// In thousandths of an observation.
    yes: u64,
    all: u64,
}

impl Habit {
    /// Learns that `yes` of `all` were so.
    pub(crate) fn learn(&mut self, yes: u64, all: u64) {
        if all == 0 {
            return;
        }
        let weight = all.min(LESSONS_MAX);
        self.all += weight * 1_000;
        self.yes += yes.min(all) * weight * 1_000 / all;
    }

    /// Forgets half.
    pub(crate) const fn age(&mut self) {
        self.yes /= 2;
        self.all /= 2;
    }

    /// The share, as far as it is known; with a first guess of `yes` among `yes + no`.
    pub(crate) fn share(self, (yes, no): (f64, f64)) -> f64 {
        let (seen_yes, seen_all) = (real_thousandths(self.yes), real_thousandths(self.all));
        (yes + seen_yes) / (yes + no + seen_all)
    }

    /// ln P(at least `yes` of `all`), with the same first guess. No more than two hundred
    /// observations are believed, so that consumers may differ.
    pub(crate) fn ln_at_least(self, yes: u64, all: u64, guess: (f64, f64)) -> f64 {
        let share = self.share(guess);
        let weight = (guess.0 + guess.1 + real_thousandths(self.all)).min(1_000.0);
        BetaBinomial::new(all, share * weight, (1.0 - share) * weight).ln_at_least(yes)
    }
}

fn real_thousandths(count: u64) -> f64 {
    crate::number::real(count) / 1_000.0
}

/// The objects of one sort on one host.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// What they are called; empty if that is not known.
    pub(crate) noun: String,
    /// Distinct ones.
    pub(crate) objects: Kmv<256>,
    /// Distinct objects of a consumer in a term: by role, and of all.
    breadth: Vec<(u64, HeavyTail)>,
    pub(crate) breadth_of_all: HeavyTail,
    /// New objects that no answer had named: by role, and of a hundred of a consumer in a term.
    pub(crate) unserved_percent: HeavyTail,
    unserved: Vec<(u64, Habit)>,
    /// New integers next to the one before, that no answer had named.
    pub(crate) small_steps: Habit,
    /// Objects of others: by role.
    foreign: Vec<(u64, Habit)>,
}

impl Space {
    /// Distinct objects of a consumer in a term: of its role if that is known well, else of all.
    pub(crate) fn breadth(&self, role: u64) -> &HeavyTail {
        let of_role = self.breadth.iter().find(|(key, _)| *key == role);
        match of_role {
            Some((_, tail)) if tail.total() >= POPULATION_MIN => tail,
            _ => &self.breadth_of_all,
        }
    }

    /// Learns how many objects a consumer asked for in a term.
    pub(crate) fn learn_breadth(&mut self, role: u64, objects: u64) {
        self.breadth_of_all.learn(objects);
        if let Some(tail) = entry(&mut self.breadth, role) {
            tail.learn(objects);
        }
    }

    /// How often the objects that a role asks for are others'.
    pub(crate) fn foreign(&self, role: u64) -> Habit {
        let of_role = self.foreign.iter().find(|(key, _)| *key == role);
        of_role.map(|&(_, habit)| habit).unwrap_or_default()
    }

    /// How often the objects that a role asks for were in no answer.
    pub(crate) fn unserved(&self, role: u64) -> Habit {
        let of_role = self.unserved.iter().find(|(key, _)| *key == role);
        of_role.map(|&(_, habit)| habit).unwrap_or_default()
    }

    /// Learns how many of them were in none.
    pub(crate) fn learn_unserved(&mut self, role: u64, unserved: u64, checked: u64) {
        if let Some(habit) = entry(&mut self.unserved, role) {
            habit.learn(unserved, checked);
        }
        if let Some(percent) = (unserved * 100).checked_div(checked) {
            self.unserved_percent.learn(percent);
        }
    }

    /// Learns how many of them were.
    pub(crate) fn learn_foreign(&mut self, role: u64, foreign: u64, judged: u64) {
        if let Some(habit) = entry(&mut self.foreign, role) {
            habit.learn(foreign, judged);
        }
    }

    /// A day is over: what is older weighs half.
    pub(crate) fn age(&mut self) {
        self.breadth_of_all.age();
        self.unserved_percent.age();
        self.breadth.iter_mut().for_each(|(_, tail)| tail.age());
        self.foreign.iter_mut().for_each(|(_, habit)| habit.age());
        self.unserved.iter_mut().for_each(|(_, habit)| habit.age());
        self.small_steps.age();
    }
}

/// The entry of a role, if there is room for it.
fn entry<T: Default>(entries: &mut Vec<(u64, T)>, role: u64) -> Option<&mut T> {
    if !entries.iter().any(|(key, _)| *key == role) {
        if entries.len() >= ROLES_MAX {
            return None;
        }
        entries.push((role, T::default()));
    }
    entries.iter_mut().find(|(key, _)| *key == role).map(|(_, value)| value)
}
