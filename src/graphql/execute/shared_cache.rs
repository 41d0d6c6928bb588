//! A cache shared by callers. Each caller has a quota, so that no caller evicts the entries of all others.
//!
//! Within a quota, the oldest entry is evicted first, unless it was used since it was last considered (CLOCK).

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use crate::limits::rate_limit::CallerId;

/// Entries with their weights, each owned by the caller that added it.
#[derive(Debug)]
pub(crate) struct SharedCache<K, V> {
    max_weight: usize,
    max_weight_per_caller: usize,
    weight: usize,
    entries: HashMap<K, Entry<V>>,
    /// Callers with entries.
    callers: HashMap<CallerId, CallerEntries<K>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    recently_used: bool,
}

#[derive(Debug)]
struct CallerEntries<K> {
    weight: usize,
    /// Oldest first.
    keys: VecDeque<K>,
}

impl<K: Eq + Hash + Clone, V: Clone> SharedCache<K, V> {
    pub fn new(max_weight_per_caller: usize, max_weight: usize) -> Self {
        Self { max_weight, max_weight_per_caller, weight: 0, entries: HashMap::new(), callers: HashMap::new() }
    }

    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.get_mut(key)?;
        entry.recently_used = true;
        Some(entry.value.clone())
    }

    /// Adds an entry, unless it exists or is heavier than a caller's quota.
    pub fn insert(&mut self, caller: CallerId, key: K, value: V, weight: usize) {
        if weight > self.max_weight_per_caller || self.entries.contains_key(&key) {
            return;
        }
        while self.callers.get(&caller).is_some_and(|part| part.weight + weight > self.max_weight_per_caller) {
            self.evict(caller);
        }
        while self.weight + weight > self.max_weight {
            let Some(heaviest) = self.callers.iter().max_by_key(|(_, part)| part.weight).map(|(caller, _)| *caller)
            else {
                return;
            };
            self.evict(heaviest);
        }
        self.weight += weight;
        let part = self.callers.entry(caller).or_insert_with(|| CallerEntries { weight: 0, keys: VecDeque::new() });
        part.weight += weight;
        part.keys.push_back(key.clone());
        self.entries.insert(key, Entry { value, weight, recently_used: false });
    }

    /// Evicts one entry of a caller.
    fn evict(&mut self, caller: CallerId) {
        let Some(part) = self.callers.get_mut(&caller) else { return };
        while let Some(key) = part.keys.pop_front() {
            match self.entries.get_mut(&key) {
                Some(entry) if entry.recently_used => {
                    entry.recently_used = false;
                    part.keys.push_back(key);
                }
                _ => {
                    let weight = self.entries.remove(&key).map_or(0, |entry| entry.weight);
                    part.weight -= weight;
                    self.weight -= weight;
                    break;
                }
            }
        }
        if part.keys.is_empty() {
            self.callers.remove(&caller);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub fn weight(&self) -> usize {
        self.entries.values().map(|entry| entry.weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::api_key::ApiKeyId;

    const A: CallerId = CallerId::Key(ApiKeyId(1));
    const B: CallerId = CallerId::Key(ApiKeyId(2));

    #[test]
    fn caller_evicts_its_own_entries() {
        let mut cache = SharedCache::new(10, 100);
        cache.insert(B, 1000, 'b', 1);
        for key in 0..500 {
            cache.insert(A, key, 'a', 1);
            assert_eq!(cache.get(&0), Some('a'), "what is used stays");
        }
        assert_eq!((cache.get(&1000), cache.len()), (Some('b'), 11));
        cache.insert(A, 1000, 'a', 1);
        assert_eq!(cache.get(&1000), Some('b'), "the entry of another is not replaced");
        cache.insert(B, 1001, 'b', 11);
        assert_eq!(cache.get(&1001), None, "heavier than a part");
    }

    #[test]
    fn full_cache_evicts_from_the_heaviest_caller() {
        let mut cache = SharedCache::new(10, 12);
        for key in 0..10 {
            cache.insert(A, key, 'a', 1);
        }
        for key in 10..16 {
            cache.insert(B, key, 'b', 1);
        }
        let of = |caller: char| cache.entries.values().filter(|entry| entry.value == caller).count();
        assert_eq!((of('a'), of('b')), (6, 6));
    }

    proptest! {
        #[test]
        fn total_weight_is_the_sum_of_entry_weights(
            puts in proptest::collection::vec((0..5_i64, 0..40_u8, 1..8_usize, any::<bool>()), 0..200),
        ) {
            let mut cache = SharedCache::new(12, 30);
            for (caller, key, weight, is_used) in puts {
                let caller = CallerId::Key(ApiKeyId(caller));
                cache.insert(caller, key, caller, weight);
                if is_used {
                    cache.get(&key);
                }
                prop_assert_eq!(cache.weight, cache.weight());
                prop_assert!(cache.weight <= 30);
                for (caller, part) in &cache.callers {
                    let own = cache.entries.values().filter(|entry| entry.value == *caller);
                    prop_assert_eq!(part.weight, own.clone().map(|entry| entry.weight).sum::<usize>());
                    prop_assert_eq!(part.keys.len(), own.count());
                    prop_assert!(part.weight <= 12 && !part.keys.is_empty());
                }
            }
        }
    }
}
