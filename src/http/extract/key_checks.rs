//! Checks before the key of a request is looked up: an address that sent too many invalid keys is refused without a
//! query to the database, and so is a key that has used up its rate limit.
//!
//! A key that was valid at its last lookup passes also from such an address: many clients may share it.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::{
    api_error::ApiError,
    auth::{Caller, KeyHash},
    concurrency::generational_map::GenerationalMap,
    domain::api_key::ApiKeyId,
    graphql::execute::admission::caller_kind,
    limits::{
        KeyLimits, Limit, Permit, Quota,
        rate_limit::{CallerId, RateLimiter},
    },
    observability::metrics::{database_time::CallerKind, refusals::Refusals},
};

/// Minimum number of valid keys that are remembered.
const MIN_KNOWN_KEYS: usize = 20_000;

/// The checks of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyChecks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    invalid_keys: RateLimiter,
    lookups: Quota<CallerId>,
    known: Mutex<KnownKeys>,
    refusals: Refusals,
}

/// A key that was valid at its last lookup. It may have been revoked since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownKey {
    pub id: ApiKeyId,
    pub kind: CallerKind,
}

type KnownKeys = GenerationalMap<KeyHash, KnownKey>;

impl KeyChecks {
    /// No key is known yet.
    #[must_use]
    pub fn new(limits: KeyLimits, refusals: Refusals) -> Self {
        Self(Arc::new(Inner {
            invalid_keys: RateLimiter::per_minute("invalid-keys", NonZeroU32::new(limits.max_invalid_per_minute)),
            lookups: Quota::new(limits.max_lookups_per_address, usize::MAX),
            known: Mutex::new(GenerationalMap::new(MIN_KNOWN_KEYS)),
            refusals,
        }))
    }

    /// The caller with a key that was sent from an address. Runs `lookup` if neither has exceeded its limit.
    ///
    /// # Errors
    /// When the key is invalid, or may not be looked up now.
    pub(crate) async fn authenticate(
        &self,
        address: CallerId,
        hash: &KeyHash,
        limiter: &RateLimiter,
        now: DateTime<Utc>,
        lookup: impl Future<Output = Result<Caller, ApiError>>,
    ) -> Result<Caller, ApiError> {
        let known = self.known_key(hash);
        let _permit = match known {
            Some(key) => {
                limiter.check_remaining(CallerId::Key(key.id), now).map_err(ApiError::RateLimited)?;
                None
            }
            None => Some(self.acquire_lookup_permit(address, now)?),
        };
        let outcome = lookup.await;
        match &outcome {
            Ok(caller) if known.is_none() => {
                if let Some(id) = caller.api_key_id() {
                    self.lock_known_keys().insert(*hash, KnownKey { id, kind: caller_kind(caller) });
                }
            }
            Err(ApiError::Unauthenticated(_)) => {
                self.lock_known_keys().remove(hash);
                self.0.invalid_keys.penalize(address, 1, now);
            }
            _ => {}
        }
        outcome
    }

    /// The key, if it was valid at its last lookup.
    pub(crate) fn known_key(&self, hash: &KeyHash) -> Option<KnownKey> {
        self.lock_known_keys().touch(hash).copied()
    }

    /// A permit to look up a key that may be invalid.
    fn acquire_lookup_permit(&self, address: CallerId, now: DateTime<Utc>) -> Result<Permit<CallerId>, ApiError> {
        let refuse = || self.0.refusals.refuse(Limit::InvalidKeys);
        let permit = self.0.lookups.try_acquire(&address).map_err(|_| refuse())?;
        self.0.invalid_keys.check_remaining(address, now).map_err(|_| refuse())?;
        Ok(permit)
    }

    fn lock_known_keys(&self) -> MutexGuard<'_, KnownKeys> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner) // at worst a key is unknown
    }
}
