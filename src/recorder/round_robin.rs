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

/// Queue of several keys with several senders each: keys have turns, and so have the senders of a key.
pub(super) struct NestedRoundRobin<K, S, T> {
    /// None of them is empty.
    senders: HashMap<K, RoundRobin<S, T>>,
    /// The keys in the order of their turns, each once.
    order: VecDeque<K>,
}

impl<K, S, T> Default for NestedRoundRobin<K, S, T> {
    fn default() -> Self {
        Self { senders: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Eq + Hash + Clone, S: Eq + Hash + Clone, T> NestedRoundRobin<K, S, T> {
    pub fn push(&mut self, key: K, sender: S, item: T) {
        let senders = self.senders.entry(key.clone()).or_default();
        if senders.is_empty() {
            self.order.push_back(key);
        }
        senders.push(sender, item);
    }

    pub fn pop(&mut self) -> Option<T> {
        let key = self.order.pop_front()?;
        let senders = self.senders.get_mut(&key)?;
        let item = senders.pop();
        if senders.is_empty() {
            self.senders.remove(&key);
        } else {
            self.order.push_back(key);
        }
        item
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

    #[test]
    fn keys_have_turns_and_within_a_key_its_senders() {
        let mut items = NestedRoundRobin::default();
        for (key, sender, item) in [(1, 'a', 1), (1, 'a', 2), (1, 'a', 3), (1, 'b', 4), (2, 'a', 5), (2, 'c', 6)] {
            items.push(key, sender, item);
        }
        let order: Vec<_> = std::iter::from_fn(|| items.pop()).collect();
        assert_eq!(order, [1, 5, 4, 6, 2, 3]);
        assert!(items.senders.is_empty() && items.order.is_empty());
    }
}
