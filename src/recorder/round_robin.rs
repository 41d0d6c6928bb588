//! Round-robin queue of several senders.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// A queue of items for each sender; [`pop`](Self::pop) takes one of each in turn.
pub(super) struct RoundRobin<K, T> {
    /// None of them is empty.
    queues: HashMap<K, VecDeque<T>>,
    /// The senders in the order of their turns, each once.
    order: VecDeque<K>,
}

impl<K, T> Default for RoundRobin<K, T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Eq + Hash + Clone, T> RoundRobin<K, T> {
    pub fn push(&mut self, sender: K, item: T) {
        let line = self.queues.entry(sender.clone()).or_default();
        if line.is_empty() {
            self.order.push_back(sender);
        }
        line.push_back(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        let sender = self.order.pop_front()?;
        let line = self.queues.get_mut(&sender)?;
        let item = line.pop_front();
        if line.is_empty() {
            self.queues.remove(&sender);
        } else {
            self.order.push_back(sender);
        }
        item
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_served_in_turn_and_leave_no_state() {
        let mut items = RoundRobin::default();
        for (sender, item) in [('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('c', 6)] {
            items.push(sender, item);
        }
        let order: Vec<_> = std::iter::from_fn(|| items.pop()).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
        assert!(items.is_empty() && items.queues.is_empty());
    }
}
