//! Documents that clients registered.

use std::sync::Arc;

use super::Hash;
use crate::{graphql::execute::shared_cache::SharedCache, limits::rate_limit::CallerId};

/// The longest text that is kept, in bytes.
const MAX_TEXT: usize = 64 << 10;
/// What is kept for one caller, in bytes of the texts and of what goes with each.
const MAX_BYTES_PER_CALLER: usize = 2 << 20;
/// What is kept for all callers, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// What an entry takes beside its text, about, in bytes.
const OVERHEAD: usize = 256;

#[derive(Debug)]
pub(super) struct Registered(SharedCache<Hash, Arc<str>>);

impl Default for Registered {
    fn default() -> Self {
        Self(SharedCache::new(MAX_BYTES_PER_CALLER, MAX_BYTES))
    }
}

impl Registered {
    pub fn get(&mut self, hash: &Hash) -> Option<String> {
        self.0.get(hash).map(|text| text.to_string())
    }

    pub fn put(&mut self, caller: CallerId, hash: Hash, text: &str) {
        if text.len() <= MAX_TEXT {
            self.0.put(caller, hash, text.into(), text.len() + OVERHEAD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::ApiKeyId;

    #[test]
    fn a_caller_that_registers_masses_evicts_nothing_of_others() {
        let (a, b) = (CallerId::Key(ApiKeyId(1)), CallerId::Key(ApiKeyId(2)));
        let mut registered = Registered::default();
        let hash = |number: u64| {
            let mut hash = Hash::default();
            hash[..8].copy_from_slice(&number.to_le_bytes());
            hash
        };
        registered.put(a, hash(0), "{ a }");
        for number in 1..2000 {
            registered.put(b, hash(number), &"x".repeat(MAX_TEXT));
            assert!(registered.0.weight() <= MAX_BYTES_PER_CALLER + 300);
        }
        assert_eq!(registered.get(&hash(0)).as_deref(), Some("{ a }"));
        registered.put(a, hash(5000), &"x".repeat(MAX_TEXT + 1));
        assert_eq!(registered.get(&hash(5000)), None);
    }
}
