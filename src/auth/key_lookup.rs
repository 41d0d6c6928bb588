//! Batched lookups of the keys of queries.
//!
//! Every request with a key looks it up, so that a revoked key is refused at once. Under load single lookups would be a
//! considerable part of the work of Postgres.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sqlx::PgPool;

use super::KeyHash;
use crate::{
    db,
    db::{
        DbError,
        batcher::{Batcher, with_retries},
        kept_connections::KeptConnections,
    },
    domain::api_key::ApiKey,
};

/// Looks keys up in batches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyLookup(Batcher<KeyHash, HashMap<KeyHash, ApiKey>>);

impl KeyLookup {
    /// Starts the batcher. It ends when the last handle is dropped.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let connections = KeptConnections::new(pool, 1); // one statement runs at a time
        Self(Batcher::start(move |hashes: Vec<KeyHash>| {
            let connections = connections.clone();
            async move {
                let hashes: HashSet<_> = hashes.into_iter().collect();
                load_by_hashes(&connections, &hashes.into_iter().collect::<Vec<_>>()).await
            }
        }))
    }

    /// The key with this hash, valid or not, in its current state.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find(&self, hash: KeyHash) -> Result<Option<ApiKey>, Arc<DbError>> {
        Ok(self.0.load(hash).await?.get(&hash).cloned())
    }
}

/// The keys with these hashes. Every request with a key starts with this query, so a stalled database connection is
/// detected here.
pub(super) async fn load_by_hashes(
    connections: &KeptConnections,
    hashes: &[KeyHash],
) -> Result<HashMap<KeyHash, ApiKey>, DbError> {
    with_retries(connections, hashes, |db, hashes| Box::pin(db::api_key::find_by_hashes(db, hashes))).await
}
