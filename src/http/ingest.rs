//! The routes that sensors post to: at `/ingest/<format>`, and where their firmware has it built in.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest as _, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    app::App,
    auth::Caller,
    error::ApiError,
    ingest::{
        DecodeError, Decoded, Rejection,
        recorder::{Receipt, Submission},
        ttn_v2,
    },
};

type Decode = fn(&[u8], DateTime<Utc>) -> Result<Decoded, DecodeError>;

pub(super) fn routes() -> Router<App> {
    let ttn_v2 = post(|app, caller, request| take(app, caller, request, ttn_v2::FORMAT, ttn_v2::decode));
    Router::new().route("/ingest/ttn-v2", ttn_v2.clone()).route("/insertSensorData", ttn_v2)
}

/// What a sensor is told.
#[derive(Serialize)]
struct Answer {
    recorded: usize,
    duplicates: usize,
    rejected: Vec<Rejection>,
}

/// Stores what a sensor posted, and answers when it is stored for good.
async fn take(
    State(app): State<App>,
    caller: Caller,
    request: Request,
    format: &'static str,
    decode: Decode,
) -> Result<Response, ApiError> {
    caller.may_record()?;
    if !super::has_json_body(request.headers()) {
        return Err(ApiError::UnsupportedMediaType("application/json"));
    }
    let body = body(request).await?;
    let received_at = app.state.clock.now();
    let decoded = decode(&body, received_at);
    for observation in decoded.iter().flat_map(|decoded| &decoded.observations) {
        caller.may_record_of(&observation.device)?;
    }
    let undecodable = decoded.as_ref().err().cloned();
    let body = Arc::from(body.as_ref());
    let submission = Submission { format, received_at, body, api_key: caller.api_key(), decoded };
    let Receipt { recorded, duplicates, rejected } = app.state.recorder.record(submission).await?;
    match undecodable {
        Some(error) => Err(ApiError::Undecodable(error)),
        None => Ok((StatusCode::CREATED, Json(Answer { recorded, duplicates, rejected })).into_response()),
    }
}

async fn body(request: Request) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, &()).await.map_err(|rejection| super::body_error(&rejection))
}
