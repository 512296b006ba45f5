//! Which step may come next.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
};

use crate::plan::{Party, Step};

/// The order of steps: each after the last before it that touches what it touches.
#[derive(Debug)]
pub struct Order {
    /// How many steps each still waits for.
    waits: Vec<usize>,
    /// Which steps wait for each.
    then: Vec<Vec<usize>>,
    /// Those that wait for none; the earliest goes first.
    ready: BinaryHeap<Reverse<usize>>,
}

impl Order {
    pub fn of(steps: &[Step]) -> Self {
        let (mut waits, mut then) = (Vec::with_capacity(steps.len()), vec![Vec::new(); steps.len()]);
        let mut last: HashMap<Party, usize> = HashMap::new();
        for (place, step) in steps.iter().enumerate() {
            let before: BTreeSet<usize> =
                step.touches().into_iter().filter_map(|party| last.insert(party, place)).collect();
            waits.push(before.len());
            for earlier in before {
                then[earlier].push(place);
            }
        }
        let ready = waits
            .iter()
            .enumerate()
            .filter(|(_, waits)| **waits == 0)
            .map(|(place, _)| Reverse(place))
            .collect();
        Self { waits, then, ready }
    }

    /// A step that may be done now.
    pub fn take(&mut self) -> Option<usize> {
        self.ready.pop().map(|Reverse(place)| place)
    }

    /// A step is done, and others may follow.
    pub fn done(&mut self, place: usize) {
        for &next in &self.then[place] {
            self.waits[next] -= 1;
            if self.waits[next] == 0 {
                self.ready.push(Reverse(next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Action, Again, CustomerId, Expected},
        staff::Caller,
    };

    fn step(account: usize) -> Step {
        Step {
            label: "",
            caller: Caller::Nobody,
            branch: String::new(),
            action: Action::Close { account: CustomerId(account) },
            expected: Expected::Done,
            after: Vec::new(),
            again: Again::No,
        }
    }

    #[test]
    fn steps_of_one_account_come_one_after_another() {
        let mut order = Order::of(&[step(1), step(2), step(1), step(1)]);
        assert_eq!([order.take(), order.take(), order.take()], [Some(0), Some(1), None]);
        order.done(1);
        assert_eq!(order.take(), None);
        order.done(0);
        assert_eq!([order.take(), order.take()], [Some(2), None]);
        order.done(2);
        assert_eq!(order.take(), Some(3));
    }
}
