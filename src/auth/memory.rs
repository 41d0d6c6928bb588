//! The keys of sensors that posted lately, so that one that posts every second is not looked up each time.
//!
//! What is remembered may be out of date: a key may have been revoked since, at another gateway too. So it serves only
//! recording, whose transaction looks at the keys of its whole batch again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::TOUCH_EVERY;
use crate::domain::api_key::ApiKey;

/// Keys remembered at most; beyond it all are forgotten and looked up again.
const MOST: usize = 10_000;

/// What is remembered of keys, by their hash. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<HashMap<[u8; 32], Remembered>>>);

struct Remembered {
    key: ApiKey,
    since: DateTime<Utc>,
}

impl Memory {
    /// The key with this hash, where it was seen in the last minute and hasn't expired since. After a minute its use is
    /// to be noted anyhow.
    pub(super) fn recall(&self, hash: &[u8; 32], now: DateTime<Utc>) -> Option<ApiKey> {
        let keys = self.lock();
        let remembered = keys.get(hash).filter(|remembered| now - remembered.since <= TOUCH_EVERY)?;
        Some(remembered.key.clone()).filter(|key| key.is_valid_at(now))
    }

    pub(super) fn remember(&self, hash: [u8; 32], key: ApiKey, since: DateTime<Utc>) {
        let mut keys = self.lock();
        if keys.len() >= MOST && !keys.contains_key(&hash) {
            keys.clear();
        }
        keys.insert(hash, Remembered { key, since });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a map is whole after any panic
    }
}
