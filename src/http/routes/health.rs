//! Liveness and readiness.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::{
    api_error::ApiError,
    db,
    db::{
        batcher::{StaleConnections, with_timeout},
        kept_connections::KeptConnections,
    },
    http::state::SharedState,
};

/// How long the database may take to answer a ping.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// The process runs. Does not query the database: a restart of the gateway would not repair it.
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Requests can be served.
async fn readyz(State(app): State<SharedState>) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_ready(&app).await?;
    Ok((StatusCode::OK, Json(json!({ "status": "ready" }))))
}

/// Whether the database answers.
///
/// # Errors
/// When it fails, or does not answer in time.
pub(crate) async fn check_ready(app: &SharedState) -> Result<(), ApiError> {
    let pool = &app.state.database.readiness;
    let ping = async {
        let mut stale = StaleConnections::new(pool);
        loop {
            let answered =
                with_timeout(&KeptConnections::none(pool), async |connection| db::server_info::ping(connection).await)
                    .await;
            if !stale.should_retry(&answered) {
                return answered;
            }
        }
    };
    match tokio::time::timeout(READINESS_TIMEOUT, ping).await {
        Ok(answered) => answered.map_err(ApiError::from),
        Err(_) => Err(ApiError::Unavailable("the database doesn't answer; try again in a moment")),
    }
}
