//! Documents registered by clients (automatic persisted queries).

use std::sync::Arc;

use super::DocumentHash;
use crate::{graphql::execute::shared_cache::SharedCache, limits::rate_limit::CallerId};

/// Maximum length of a stored text, in bytes.
const MAX_REGISTERED_DOCUMENT_BYTES: usize = 64 << 10;
/// Maximum memory per caller, in bytes, including overhead.
const MAX_REGISTERED_BYTES_PER_CALLER: usize = 2 << 20;
/// Maximum memory for all callers, in bytes.
const MAX_REGISTERED_BYTES: usize = 8 << 20;
/// Estimated overhead of an entry, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 256;

#[derive(Debug)]
pub(super) struct RegisteredDocuments(SharedCache<DocumentHash, Arc<str>>);

impl Default for RegisteredDocuments {
    fn default() -> Self {
        Self(SharedCache::new(MAX_REGISTERED_BYTES_PER_CALLER, MAX_REGISTERED_BYTES))
    }
}

impl RegisteredDocuments {
    pub fn get(&mut self, hash: &DocumentHash) -> Option<String> {
        self.0.get(hash).map(|text| text.to_string())
    }

    pub fn insert(&mut self, caller: CallerId, hash: DocumentHash, text: &str) {
        if text.len() <= MAX_REGISTERED_DOCUMENT_BYTES {
            self.0.insert(caller, hash, text.into(), text.len() + ENTRY_OVERHEAD_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::ApiKeyId;

    #[test]
    fn caller_evicts_only_its_own_registered_documents() {
        let (a, b) = (CallerId::Key(ApiKeyId(1)), CallerId::Key(ApiKeyId(2)));
        let mut registered = RegisteredDocuments::default();
        let hash = |number: u64| {
            let mut hash = DocumentHash::default();
            hash[..8].copy_from_slice(&number.to_le_bytes());
            hash
        };
        registered.insert(a, hash(0), "{ a }");
        for number in 1..2000 {
            registered.insert(b, hash(number), &"x".repeat(MAX_REGISTERED_DOCUMENT_BYTES));
            assert!(registered.0.weight() <= MAX_REGISTERED_BYTES_PER_CALLER + 300);
        }
        assert_eq!(registered.get(&hash(0)).as_deref(), Some("{ a }"));
        registered.insert(a, hash(5000), &"x".repeat(MAX_REGISTERED_DOCUMENT_BYTES + 1));
        assert_eq!(registered.get(&hash(5000)), None);
    }
}
