//! What was looked up lately, bounded in number and in time. What it may be used for, though it may be out of date, is for
//! its user to say.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Entries at most; beyond it all are forgotten and looked up again.
const MAX_ENTRIES: usize = 10_000;
/// For how long something is remembered.
pub const ENTRY_TTL: TimeDelta = TimeDelta::minutes(1);

/// What is remembered, by its key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TtlCache<K, V>(Arc<Mutex<Entries<K, V>>>);

/// Each with when it was looked up.
type Entries<K, V> = HashMap<K, (V, DateTime<Utc>)>;

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V: Clone> TtlCache<K, V> {
    /// What was remembered by this key in the last minute.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: DateTime<Utc>) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entries = self.lock();
        entries.get(key).filter(|(_, since)| now - *since <= ENTRY_TTL).map(|(value, _)| value.clone())
    }

    /// Remembers what was looked up just now.
    pub fn insert(&self, key: K, value: V, now: DateTime<Utc>) {
        let mut entries = self.lock();
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&key) {
            entries.clear();
        }
        entries.insert(key, (value, now));
    }

    /// Forgets the entries for which this holds.
    pub fn remove_if(&self, is_stale: impl Fn(&V) -> bool) {
        self.lock().retain(|_, (value, _)| !is_stale(value));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a map is whole after any panic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_entries_is_bounded() {
        let memory = TtlCache::default();
        let now = DateTime::UNIX_EPOCH;
        for n in 0..MAX_ENTRIES + 5 {
            memory.insert(n, n + 1, now);
            assert_eq!(memory.get(&n, now), Some(n + 1));
            assert!(memory.lock().len() <= MAX_ENTRIES);
        }
        assert_eq!(memory.get(&1, now), None);
    }

    #[test]
    fn entry_expires_after_its_ttl() {
        let memory = TtlCache::default();
        let then = DateTime::UNIX_EPOCH;
        memory.insert("bike", 7, then);
        assert_eq!(memory.get("bike", then + ENTRY_TTL), Some(7));
        assert_eq!(memory.get("bike", then + ENTRY_TTL + TimeDelta::microseconds(1)), None);
    }
}
