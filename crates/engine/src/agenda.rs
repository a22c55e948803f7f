//! What is due when: a heap whose entries can be moved and removed.
//!
//! Moving leaves the old heap entry behind; it is recognised as stale when it comes up. The map holds the truth.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

use panelworks_core::time::{Span, Timestamp};

/// Items by due time, each at most once.
#[derive(Debug)]
pub struct Agenda<K> {
    heap: BinaryHeap<Reverse<(Timestamp, K)>>,
    due: HashMap<K, Timestamp>,
}

impl<K: Ord> Default for Agenda<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), due: HashMap::new() }
    }
}

impl<K: Ord + Hash + Clone> Agenda<K> {
    /// Puts the item at `due`, wherever it was before.
    pub fn set(&mut self, item: K, due: Timestamp) {
        if self.due.insert(item.clone(), due) != Some(due) {
            self.heap.push(Reverse((due, item)));
        }
        self.sweep();
    }

    /// What is chosen falls due so much earlier.
    pub fn bring_forward(&mut self, by: Span, chosen: impl Fn(&K) -> bool) {
        let moved: Vec<(K, Timestamp)> = self
            .due
            .iter()
            .filter(|(item, _)| chosen(item))
            .map(|(item, due)| (item.clone(), *due))
            .collect();
        for (item, due) in moved {
            self.set(item, due.after(Span(-by.0)));
        }
    }

    pub fn remove(&mut self, item: &K) {
        self.due.remove(item);
    }

    pub fn due(&self, item: &K) -> Option<Timestamp> {
        self.due.get(item).copied()
    }

    /// When the next item is due.
    pub fn next_due(&mut self) -> Option<Timestamp> {
        while let Some(Reverse((due, item))) = self.heap.peek() {
            if self.due.get(item) == Some(due) {
                return Some(*due);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first item that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<K> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, item)) = self.heap.pop()?;
        self.due.remove(&item);
        Some(item)
    }

    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Forgets stale heap entries when they outnumber the live ones.
    fn sweep(&mut self) {
        if self.heap.len() > 64 && self.heap.len() > 2 * self.due.len() {
            let due = &self.due;
            self.heap.retain(|Reverse((at, item))| due.get(item) == Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_up_when_they_are_due_and_only_once() {
        let mut agenda = Agenda::default();
        agenda.set("later", Timestamp(20));
        agenda.set("sooner", Timestamp(10));
        assert_eq!(agenda.pop_due(Timestamp(9)), None);
        assert_eq!(agenda.pop_due(Timestamp(15)), Some("sooner"));
        assert_eq!(agenda.pop_due(Timestamp(15)), None);
        assert_eq!(agenda.next_due(), Some(Timestamp(20)));
    }

    #[test]
    fn a_moved_item_comes_up_at_its_new_time_only() {
        let mut agenda = Agenda::default();
        agenda.set("a", Timestamp(10));
        agenda.set("a", Timestamp(30));
        agenda.set("b", Timestamp(20));
        agenda.remove(&"b");
        assert_eq!(agenda.pop_due(Timestamp(29)), None);
        assert_eq!(agenda.pop_due(Timestamp(30)), Some("a"));
        assert!(agenda.is_empty());
    }

    #[test]
    fn an_item_moved_for_ever_does_not_fill_the_heap() {
        let mut agenda = Agenda::default();
        for at in 0..10_000 {
            agenda.set("a", Timestamp(at));
        }
        assert!(agenda.heap.len() <= 66, "{}", agenda.heap.len());
    }
}
