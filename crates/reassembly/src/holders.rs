//! Who holds most, and has to give way when the budget is spent.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tapline_model::Direction;

use crate::table::Class;

/// What one direction of a flow takes of the budget. The greatest gives way first: a flow that
/// nobody answers before one that is answered, then the one that holds most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holding {
    class: Reverse<Class>,
    cost_bytes: u32,
}

impl Holding {
    /// What a direction of a flow of a class holds.
    pub(crate) fn new(class: Class, cost_bytes: u64) -> Self {
        Self { class: Reverse(class), cost_bytes: u32::try_from(cost_bytes).unwrap_or(u32::MAX) }
    }
}

/// The directions that hold something.
#[derive(Default)]
pub(crate) struct Holders(BTreeSet<(Holding, u32, Direction)>);

impl Holders {
    /// Notes what the direction of the flow in a slot holds now, in place of what was noted.
    pub(crate) fn note(
        &mut self,
        slot: u32,
        direction: Direction,
        old: Option<Holding>,
        new: Option<Holding>,
    ) {
        if let Some(old) = old {
            self.0.remove(&(old, slot, direction));
        }
        if let Some(new) = new {
            self.0.insert((new, slot, direction));
        }
    }

    /// Who gives way before a direction of the flow in `slot` that claims `claim`; none when it is
    /// that flow's own turn.
    pub(crate) fn first_to_yield(&self, slot: u32, claim: Holding) -> Option<(u32, Direction)> {
        let &(holding, holder, direction) = self.0.last()?;
        (holder != slot && holding > claim).then_some((holder, direction))
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what slots hold, and who gives way before slot 0 with its claim.
    fn check(holders: &[(u32, Class, u64)], claim: (Class, u64), expected: Option<u32>) {
        let mut noted = Holders::default();
        for &(slot, class, cost_bytes) in holders {
            noted.note(slot, Direction::Forward, None, Some(Holding::new(class, cost_bytes)));
        }
        let claim = Holding::new(claim.0, claim.1);
        assert_eq!(noted.first_to_yield(0, claim).map(|(slot, _)| slot), expected);
    }

    #[test]
    fn the_flow_that_holds_most_gives_way() {
        let holders = [(1, Class::Answered, 10), (2, Class::Answered, 30)];
        check(&holders, (Class::Answered, 20), Some(2));
        check(&holders, (Class::Answered, 40), None);
    }

    #[test]
    fn a_flow_without_answer_gives_way_however_little_it_holds() {
        let holders = [(1, Class::Unanswered, 1), (2, Class::Answered, 30)];
        check(&holders, (Class::Answered, 40), Some(1));
        check(&holders, (Class::Unanswered, 2), None);
    }

    #[test]
    fn a_flow_never_gives_way_to_itself() {
        check(&[(0, Class::Answered, 30)], (Class::Answered, 20), None);
        check(&[], (Class::Answered, 20), None);
    }
}
