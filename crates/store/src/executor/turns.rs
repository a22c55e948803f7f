//! New work that waits, taken in turns: one command of each customer who has any, and again from the first.
//!
//! Whoever asks for one thing while another has a thousand things waiting is next, not last (invariants.md C28).
//! What one customer asked for keeps its order. The panel's own work and the operators' takes turns like a
//! customer's. It bounds nothing; whoever pushes looks at the lengths first.

use std::collections::{HashMap, VecDeque};

use super::queue::Queued;

/// Whose work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    Customer(panelworks_core::ids::CustomerId),
    Panel,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Turns {
    own: HashMap<Asker, VecDeque<Queued>>,
    /// Everybody with work, once; the first is next.
    ring: VecDeque<Asker>,
    len: usize,
    /// Emptied queues, kept for the next asker: most have one command at a time, and a queue for each would be an
    /// allocation for each order.
    spare: Vec<VecDeque<Queued>>,
}

impl Turns {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many have anything waiting.
    pub(super) fn askers(&self) -> usize {
        self.ring.len()
    }

    /// How much of one asker waits.
    pub(super) fn share(&self, asker: Asker) -> usize {
        self.own.get(&asker).map_or(0, VecDeque::len)
    }

    pub(super) fn push(&mut self, asker: Asker, queued: Queued) {
        let spare = &mut self.spare;
        let own = self.own.entry(asker).or_insert_with(|| spare.pop().unwrap_or_default());
        if own.is_empty() {
            self.ring.push_back(asker);
        }
        own.push_back(queued);
        self.len += 1;
    }

    /// The next one's oldest.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let asker = self.ring.pop_front()?;
        let own = self.own.get_mut(&asker)?;
        let queued = own.pop_front();
        self.len -= usize::from(queued.is_some());
        if !own.is_empty() {
            self.ring.push_back(asker);
        } else if let Some(empty) = self.own.remove(&asker) {
            self.keep(empty);
        }
        queued
    }

    /// Everything, because nobody will do it.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Queued> {
        self.ring.clear();
        self.len = 0;
        std::mem::take(&mut self.own).into_values().flatten()
    }

    /// A queue that was long once is given back to the system.
    fn keep(&mut self, empty: VecDeque<Queued>) {
        const LONG: usize = 16;
        if empty.capacity() <= LONG && self.spare.len() < crate::limits::BATCH_COMMANDS {
            self.spare.push(empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::Lane;
    use panelworks_core::command::Command;
    use panelworks_core::customer::Standing;
    use panelworks_core::ids::CustomerId;
    use tokio::sync::oneshot;

    /// The number of a command stands in place of its customer.
    fn queued(number: u32) -> Queued {
        let command = Command::SetStanding { customer: CustomerId(number), standing: Standing::Active };
        Queued { lane: Lane::Panel, command, reply: oneshot::channel().0 }
    }

    fn number(queued: &Queued) -> u32 {
        match queued.command {
            Command::SetStanding { customer, .. } => customer.0,
            ref other => panic!("not ours: {other:?}"),
        }
    }

    fn drained(turns: &mut Turns) -> Vec<u32> {
        std::iter::from_fn(|| turns.pop()).map(|queued| number(&queued)).collect()
    }

    const HOG: Asker = Asker::Customer(CustomerId(1));
    const ANNA: Asker = Asker::Customer(CustomerId(2));

    #[test]
    fn who_asks_for_one_thing_does_not_wait_behind_a_thousand_of_another() {
        let mut turns = Turns::default();
        (0..1_000).for_each(|number| turns.push(HOG, queued(number)));
        turns.push(ANNA, queued(5_000));
        turns.push(Asker::Panel, queued(6_000));
        assert_eq!((turns.len(), turns.share(HOG), turns.share(ANNA)), (1_002, 1_000, 1));
        assert_eq!(drained(&mut turns)[..4], [0, 5_000, 6_000, 1]);
        assert_eq!((turns.len(), turns.share(HOG)), (0, 0));
    }

    #[test]
    fn what_one_customer_asks_for_keeps_its_order() {
        let mut turns = Turns::default();
        for number in [1, 2, 3] {
            turns.push(ANNA, queued(number));
            turns.push(HOG, queued(number + 10));
        }
        let (anna, hog): (Vec<u32>, Vec<u32>) =
            drained(&mut turns).into_iter().partition(|number| *number < 10);
        assert_eq!((anna, hog), (vec![1, 2, 3], vec![11, 12, 13]));
    }

    #[test]
    fn nothing_is_left_when_all_is_taken_and_the_next_begins_anew() {
        let mut turns = Turns::default();
        (0..5).for_each(|number| turns.push(HOG, queued(number)));
        assert_eq!(turns.take_all().count(), 5);
        assert_eq!((turns.len(), turns.pop().is_none()), (0, true));
        turns.push(HOG, queued(7));
        assert_eq!(drained(&mut turns), [7]);
    }
}
