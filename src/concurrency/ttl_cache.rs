//! A cache bounded in entries and in time. Its values may be stale; each user decides whether that is acceptable.

use std::{
    borrow::Borrow,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::generational_map::GenerationalMap;

/// Number of entries that are kept at least.
const MIN_ENTRIES: usize = 10_000;
/// How long an entry is valid.
pub const ENTRY_TTL: TimeDelta = TimeDelta::minutes(1);

/// A cache with expiry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TtlCache<K, V>(Arc<Mutex<Entries<K, V>>>);

/// Each value with the time of its insertion.
type Entries<K, V> = GenerationalMap<K, (V, DateTime<Utc>)>;

impl<K: Eq + Hash, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(GenerationalMap::new(MIN_ENTRIES))))
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
        self.lock().insert(key, (value, now));
    }

    /// Removes the entries that match.
    pub fn remove_if(&self, is_stale: impl Fn(&V) -> bool) {
        self.lock().retain(|(value, _)| !is_stale(value));
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
    fn entry_expires_after_its_ttl() {
        let cache = TtlCache::default();
        let then = DateTime::UNIX_EPOCH;
        cache.insert("bike", 7, then);
        assert_eq!(cache.get("bike", then + ENTRY_TTL), Some(7));
        assert_eq!(cache.get("bike", then + ENTRY_TTL + TimeDelta::microseconds(1)), None);
    }
}
