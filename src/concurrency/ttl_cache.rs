//! A cache bounded in entries and in time. Its values may be stale; each user decides whether that is acceptable.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Maximum entries. Beyond it the cache is cleared.
const MAX_ENTRIES: usize = 10_000;
/// How long an entry is valid.
pub const ENTRY_TTL: TimeDelta = TimeDelta::minutes(1);

/// A cache with expiry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TtlCache<K, V>(Arc<Mutex<Entries<K, V>>>);

/// Each value with the time of its insertion.
type Entries<K, V> = HashMap<K, (V, DateTime<Utc>)>;

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V: Clone> TtlCache<K, V> {
    /// The value of this key, if it was inserted in the last minute.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: DateTime<Utc>) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entries = self.lock();
        entries.get(key).filter(|(_, since)| now - *since <= ENTRY_TTL).map(|(value, _)| value.clone())
    }

    /// Inserts a value that was looked up now.
    pub fn insert(&self, key: K, value: V, now: DateTime<Utc>) {
        let mut entries = self.lock();
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&key) {
            entries.clear();
        }
        entries.insert(key, (value, now));
    }

    /// Removes the entries that match.
    pub fn remove_if(&self, is_stale: impl Fn(&V) -> bool) {
        self.lock().retain(|_, (value, _)| !is_stale(value));
    }

    /// Removes all entries.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves the map consistent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_entries_is_bounded() {
        let cache = TtlCache::default();
        let now = DateTime::UNIX_EPOCH;
        for n in 0..MAX_ENTRIES + 5 {
            cache.insert(n, n + 1, now);
            assert_eq!(cache.get(&n, now), Some(n + 1));
            assert!(cache.lock().len() <= MAX_ENTRIES);
        }
        assert_eq!(cache.get(&1, now), None);
    }

    #[test]
    fn entry_expires_after_its_ttl() {
        let cache = TtlCache::default();
        let then = DateTime::UNIX_EPOCH;
        cache.insert("bike", 7, then);
        assert_eq!(cache.get("bike", then + ENTRY_TTL), Some(7));
        assert_eq!(cache.get("bike", then + ENTRY_TTL + TimeDelta::microseconds(1)), None);
    }
}
