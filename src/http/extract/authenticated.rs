//! The caller of a request, from its path, its headers or its query.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, MatchedPath, Query, RawPathParams},
    http::request::Parts,
};
use serde::Deserialize;

use super::client_ip;
use crate::{
    api_error::ApiError,
    auth,
    auth::{Caller, KeyHash, key_changes::KeyGeneration},
    http::state::{AppState, SharedState},
    limits::rate_limit::CallerId,
    observability::metrics::database_time::CallerKind,
};

/// Minimum delay before a key is looked up again, whatever its expiry.
const MIN_RECHECK_DELAY: Duration = Duration::from_millis(50);

/// The caller before its key is looked up.
pub(crate) struct PresumedCaller {
    /// The address, which is charged until the key is looked up.
    pub address: CallerId,
    /// The key if it was valid when it was last looked up, else the address. The caller in the queue for permits.
    pub caller: CallerId,
    /// `None` for an unknown key.
    pub kind: Option<CallerKind>,
}

impl PresumedCaller {
    pub fn from_parts(parts: &Parts, app: &AppState) -> Self {
        let address = address_id(parts, app);
        let Some(secret) = auth::secret_from_headers(&parts.headers) else {
            return Self { address, caller: address, kind: Some(CallerKind::Anonymous) };
        };
        match app.key_checks.known_key(&auth::hash(&secret)) {
            Some(key) => Self { address, caller: CallerId::Key(key.id), kind: Some(key.kind) },
            None => Self { address, caller: address, kind: None },
        }
    }
}

/// A caller with its key, for a response that may outlast the key.
pub(crate) struct Authenticated {
    pub caller: Caller,
    /// Charged if there is no key.
    pub address: CallerId,
    key: Option<KeyHash>,
    /// Key generation at the lookup.
    generation: KeyGeneration,
}

impl FromRequestParts<SharedState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedState) -> Result<Self, ApiError> {
        let secret = find_secret(parts, app).await;
        let address = address_id(parts, app);
        let (key, generation) = (secret.as_deref().map(auth::hash), app.key_changes.generation());
        let caller = match key {
            Some(key) => {
                let lookup = auth::authenticate(&app.key_lookup, &app.state.database, &app.state.clock, key);
                app.key_checks
                    .authenticate(address, &key, &app.state.rate_limiters.cost, app.state.clock.now(), lookup)
                    .await?
            }
            _ => Caller::Anonymous,
        };
        Ok(Self { caller, address, key, generation })
    }
}

/// Interval at which the key is looked up again while a response continues: about a minute, or the time until it
/// expires.
pub(crate) fn recheck_interval(caller: &Caller, app: &AppState) -> Duration {
    let interval = app.sockets.timeouts.key_recheck;
    caller.expires_at().map_or(interval, |end| {
        let left = (end - app.state.clock.now()).to_std();
        left.unwrap_or_default().max(MIN_RECHECK_DELAY).min(interval)
    })
}

impl Authenticated {
    /// The caller that is charged: the key, or else the address.
    pub fn caller_id(&self) -> CallerId {
        self.caller.api_key_id().map_or(self.address, CallerId::Key)
    }

    /// Resolves with an error when the key is no longer valid; never without a key. While the database is unavailable
    /// the key stays valid.
    pub async fn key_invalidated(&self, app: &AppState) -> ApiError {
        let Some((key, id)) = self.key.zip(self.caller.api_key_id()) else { return std::future::pending().await };
        let mut generation = self.generation;
        loop {
            tokio::select! {
                () = tokio::time::sleep(recheck_interval(&self.caller, app)) => {}
                () = app.key_changes.changed_since(id, generation) => {}
            }
            generation = app.key_changes.generation();
            let found = auth::authenticate(&app.key_lookup, &app.state.database, &app.state.clock, key);
            let found = Box::pin(found).await; // on the heap, freed while this waits
            if let Err(error @ ApiError::Unauthenticated(_)) = found {
                return error;
            }
        }
    }
}

/// The caller of a request that only records. Its key may be read from the cache. Each request is counted by its rate
/// limit.
pub(crate) struct IngestCaller(pub Caller);

impl FromRequestParts<SharedState> for IngestCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedState) -> Result<Self, ApiError> {
        let caller = match find_secret(parts, app).await {
            Some(secret) => {
                let (address, key, now) = (address_id(parts, app), auth::hash(&secret), app.state.clock.now());
                let lookup = auth::authenticate_cached(&app.key_cache, &app.state.database, &app.state.clock, &secret);
                app.key_checks
                    .authenticate(address, &key, &app.state.rate_limiters.uplink_requests, now, lookup)
                    .await?
            }
            None => Caller::Anonymous,
        };
        caller.may_record()?;
        if let Some(key) = caller.api_key_id() {
            let spent = app.state.rate_limiters.uplink_requests.check_n(CallerId::Key(key), 1, app.state.clock.now());
            spent.map_err(ApiError::RateLimited)?;
        }
        Ok(Self(caller))
    }
}

/// The caller id of the client address, charged if there is no key.
pub(crate) fn address_id(parts: &Parts, app: &AppState) -> CallerId {
    CallerId::from_address(client_ip::from_parts(parts, &app.state.info.security_profile.trusted_proxies))
}

/// The key in the path, else in a header, else in the query. The path has precedence, since some firmware always sends
/// a token of its own in `Authorization`.
async fn find_secret(parts: &mut Parts, app: &SharedState) -> Option<String> {
    match secret_from_path(parts, app).await {
        Some(secret) => Some(secret),
        None => auth::secret_from_headers(&parts.headers).or_else(|| secret_from_query(parts)),
    }
}

/// Routes that read the key from the query, where clients of `InfluxDB` 1.x put user (`u`) and password (`p`).
const ROUTES_WITH_KEY_IN_QUERY: [&str; 3] = ["/write", "/api/v2/write", "/query"];

#[derive(Deserialize)]
struct QueryCredentials {
    p: String,
}

fn secret_from_query(parts: &Parts) -> Option<String> {
    let route = parts.extensions.get::<MatchedPath>()?.as_str();
    let credentials = ROUTES_WITH_KEY_IN_QUERY.contains(&route).then(|| Query::try_from_uri(&parts.uri))?;
    credentials.ok().map(|Query(QueryCredentials { p })| p).filter(|secret| !secret.is_empty())
}

/// The `{key}` of a path like `/key/{key}/insertSensorData`.
async fn secret_from_path(parts: &mut Parts, app: &SharedState) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    params.iter().find(|(name, _)| *name == "key").map(|(_, value)| value.to_owned())
}
