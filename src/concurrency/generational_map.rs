//! A map bounded in entries that keeps what was inserted last.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem};

/// A map in two generations. When the young one is full, it replaces the old one, whose entries are dropped. So the
/// last `max` inserted keys are kept, no caller can clear the map at once, and an insertion takes constant time.
#[derive(Debug)]
pub struct GenerationalMap<K, V> {
    max: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> GenerationalMap<K, V> {
    /// An empty map that keeps at least the last `max` keys, and at most twice as many.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, young: HashMap::new(), old: HashMap::new() }
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value of a key, which counts as inserted anew.
    pub fn touch<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key)
            && !self.young.contains_key(key.borrow())
        {
            self.insert(key, value);
        }
        self.young.get(key)
    }

    /// Inserts a value in the young generation. Returns the entries that were dropped for it.
    pub fn insert(&mut self, key: K, value: V) -> HashMap<K, V> {
        let mut dropped = HashMap::new();
        if self.young.len() >= self.max && !self.young.contains_key(&key) {
            dropped = mem::replace(&mut self.old, mem::take(&mut self.young));
        }
        self.young.insert(key, value);
        dropped
    }

    /// Removes a key.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Keeps only the values that match.
    pub fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        self.young.retain(|_, value| is_kept(value));
        self.old.retain(|_, value| is_kept(value));
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keys_are_kept_and_the_number_is_bounded() {
        let mut map = GenerationalMap::new(10);
        let mut dropped = 0;
        for key in 0..1000 {
            dropped += map.insert(key, key).len();
            assert!((key.max(9) - 9..=key).all(|recent| map.get(&recent) == Some(&recent)));
            let size = map.young.len() + map.old.len();
            assert!(size <= 20);
            assert_eq!(usize::try_from(key).expect("a size") + 1, size + dropped);
        }
    }

    #[test]
    fn a_key_in_use_stays() {
        let mut map = GenerationalMap::new(10);
        map.insert(-1, 7);
        for key in 0..100 {
            map.insert(key, key);
            assert_eq!(map.touch(&-1), Some(&7));
        }
        assert_eq!(map.touch(&5), None);
    }

    #[test]
    fn removed_keys_are_in_neither_generation() {
        let mut map = GenerationalMap::new(2);
        for key in 0..5 {
            map.insert(key, key);
        }
        map.remove(&2);
        map.retain(|value| *value != 4);
        assert_eq!((map.get(&2), map.get(&4), map.get(&3)), (None, None, Some(&3)));
        map.clear();
        assert_eq!(map.get(&3), None);
    }
}
