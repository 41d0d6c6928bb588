//! The caller on a socket, with its key and the validity of that key.

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{close::CloseReason, credential::Credential};
use crate::{
    api_error::ApiError,
    auth,
    auth::{Caller, KeyHash, key_changes::KeyGeneration},
    http::state::SharedState,
    limits::rate_limit::CallerId,
};

/// The caller on a socket.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub caller: Caller,
    key: Option<KeyHash>,
    /// Key generation at the lookup.
    generation: KeyGeneration,
}

impl Identity {
    /// The caller of the upgrade request, and the key in its headers.
    pub fn new(app: &SharedState, caller: Caller, secret: Option<&str>) -> Self {
        Self { caller, key: secret.map(auth::hash), generation: app.key_changes.generation() }
    }

    /// Whether there is a key, which may become invalid.
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The caller after `connection_init`: with its key, if it has one.
    pub async fn authenticate(
        self,
        app: SharedState,
        address: CallerId,
        credential: Option<Credential>,
    ) -> Result<Self, ApiError> {
        let Some(key) =
            credential.map_or(Ok(self.key), |sent| sent.secret().map(|secret| Some(auth::hash(&secret))))?
        else {
            self.caller.may_read(app.state.info.public_read)?;
            return Ok(self);
        };
        let (now, cost_limiter) = (app.state.clock.now(), app.state.rate_limiters.cost.clone());
        let generation = app.key_changes.generation();
        let lookup = auth::authenticate(&app.key_lookup, &app.state.database, &app.state.clock, key);
        let caller = app.key_checks.authenticate(address, &key, &cost_limiter, now, lookup).await?;
        let identity = Self { caller, key: Some(key), generation };
        identity.caller.may_read(app.state.info.public_read)?;
        Ok(identity)
    }

    /// The same caller after another lookup of its key.
    pub async fn reauthenticate(self, app: SharedState) -> Result<Self, ApiError> {
        let Some(key) = self.key else { return Ok(self) };
        let generation = app.key_changes.generation();
        let caller = auth::authenticate(&app.key_lookup, &app.state.database, &app.state.clock, key).await?;
        Ok(Self { caller, key: Some(key), generation })
    }

    /// Resolves when the key was revoked or changed since it was looked up; never without a key.
    pub fn key_changed(&self, app: &SharedState) -> BoxFuture<'static, ()> {
        match self.caller.api_key_id() {
            Some(key) => app.key_changes.changed_since(key, self.generation).boxed(),
            None => std::future::pending().boxed(),
        }
    }
}

/// The close reason of an error.
pub(super) fn close_reason(error: &ApiError) -> CloseReason {
    error.log();
    match error {
        ApiError::Unauthenticated(_) | ApiError::Forbidden(_) | ApiError::RateLimited(_) => {
            CloseReason::forbidden(error.message())
        }
        ApiError::Unavailable(_) | ApiError::Timeout | ApiError::LimitReached(_) => {
            CloseReason::try_again(error.message())
        }
        _ => CloseReason::INTERNAL,
    }
}
