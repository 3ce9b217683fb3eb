//! Which of many improbable things are not chance.

use std::collections::BTreeSet;

use libm::log;

use super::Candidate;
use crate::number::real;

/// The candidates of which, in the mean, no more than `share` are chance, among so many tests
/// (Benjamini and Hochberg 1995): by place in the list.
pub(super) fn discoveries(candidates: &[&Candidate], tests: u64, share: f64) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let ln_of =
        |&index: &usize| candidates.get(index).map_or(0.0, |one| one.judged.rarity.ln_frequency);
    order.sort_by(|one, other| ln_of(one).total_cmp(&ln_of(other)).then(one.cmp(other)));
    let line = log(share) - log(real(tests.max(candidates.len() as u64).max(1)));
    let last = (1u64..)
        .zip(&order)
        .filter(|(rank, index)| ln_of(index) <= line + log(real(*rank)))
        .map(|(rank, _)| rank)
        .last()
        .unwrap_or(0);
    order.into_iter().take(usize::try_from(last).unwrap_or(usize::MAX)).collect()
}
