//! Liveness and readiness.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::{
    api_error::ApiError,
    db,
    db::{
        batcher::{with_retries, with_timeout},
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

/// Requests can be served; in a Citus cluster perhaps only those that don't need a lost worker.
async fn readyz(State(app): State<SharedState>) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_ready(&app).await?;
    let body = match count_unreachable_workers(&app).await {
        0 => json!({ "status": "ready" }),
        workers => json!({ "status": "degraded", "unreachableWorkers": workers }),
    };
    Ok((StatusCode::OK, Json(body)))
}

/// Number of workers that a Citus coordinator can't reach; 0 without Citus. Their names are only logged.
async fn count_unreachable_workers(app: &SharedState) -> usize {
    if !app.state.database.dialect.is_citus {
        return 0;
    }
    let kept = KeptConnections::none(&app.state.database.readiness);
    let list = with_timeout(&kept, async |connection| db::citus_workers::list_unreachable(connection).await);
    match tokio::time::timeout(READINESS_TIMEOUT, list).await {
        Ok(Ok(workers)) => {
            if !workers.is_empty() {
                tracing::warn!(?workers, "workers of the database are not reachable");
            }
            workers.len()
        }
        // A host that doesn't answer at all: at least one.
        Ok(Err(_)) | Err(_) => 1,
    }
}

/// Whether the database answers.
///
/// # Errors
/// When it fails, or does not answer in time.
pub(crate) async fn check_ready(app: &SharedState) -> Result<(), ApiError> {
    let kept = KeptConnections::none(&app.state.database.readiness);
    let ping = with_retries(&kept, &(), |db, ()| Box::pin(db::server_info::ping(db)));
    match tokio::time::timeout(READINESS_TIMEOUT, ping).await {
        Ok(answered) => answered.map_err(ApiError::from),
        Err(_) => Err(ApiError::Unavailable("the database doesn't answer; try again in a moment")),
    }
}
