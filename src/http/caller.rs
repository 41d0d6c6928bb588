//! Who is asking, from the request's headers or its path.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use crate::{
    app::App,
    auth::{self, Caller},
    error::ApiError,
};

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match secret(parts, app).await {
            Some(secret) => auth::identify(&app.state.database, &app.state.clock, &secret).await,
            None => Ok(Self::Anonymous),
        }
    }
}

/// Somebody who records, and nothing else: their key may come from memory.
pub(super) struct Sender(pub Caller);

impl FromRequestParts<App> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = match secret(parts, app).await {
            Some(secret) => auth::recognise(&app.keys, &app.state.database, &app.state.clock, &secret).await?,
            None => Caller::Anonymous,
        };
        caller.may_record()?;
        Ok(Self(caller))
    }
}

/// The key in a header, else in the path.
async fn secret(parts: &mut Parts, app: &App) -> Option<String> {
    match auth::secret_in(&parts.headers) {
        Some(secret) => Some(secret),
        None => secret_in_path(parts, app).await,
    }
}

/// The `{key}` of a path like `/key/{key}/insertSensorData`.
async fn secret_in_path(parts: &mut Parts, app: &App) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    params.iter().find(|(name, _)| *name == "key").map(|(_, value)| value.to_owned())
}
