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
const MOST: usize = 10_000;
/// For how long something is remembered.
pub const LASTS: TimeDelta = TimeDelta::minutes(1);

/// What is remembered, by its key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Memory<K, V>(Arc<Mutex<Entries<K, V>>>);

/// Each with when it was looked up.
type Entries<K, V> = HashMap<K, (V, DateTime<Utc>)>;

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    /// What was remembered by this key in the last minute.
    pub fn recall<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: DateTime<Utc>) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entries = self.lock();
        entries.get(key).filter(|(_, since)| now - *since <= LASTS).map(|(value, _)| value.clone())
    }

    /// Remembers what was looked up just now.
    pub fn remember(&self, key: K, value: V, now: DateTime<Utc>) {
        let mut entries = self.lock();
        if entries.len() >= MOST && !entries.contains_key(&key) {
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
    fn what_is_remembered_is_bounded() {
        let memory = Memory::default();
        let now = DateTime::UNIX_EPOCH;
        for n in 0..MOST + 5 {
            memory.remember(n, n + 1, now);
            assert_eq!(memory.recall(&n, now), Some(n + 1));
            assert!(memory.lock().len() <= MOST);
        }
        assert_eq!(memory.recall(&1, now), None);
    }

    #[test]
    fn after_a_minute_it_is_forgotten() {
        let memory = Memory::default();
        let then = DateTime::UNIX_EPOCH;
        memory.remember("bike", 7, then);
        assert_eq!(memory.recall("bike", then + LASTS), Some(7));
        assert_eq!(memory.recall("bike", then + LASTS + TimeDelta::microseconds(1)), None);
    }
}
