//! Routes that `InfluxDB` clients expect in addition to writes: `/ping`, `/health`, `/query`, and errors in its format.
//!
//! `InfluxDB` 1.8 has both the routes of 1.x and `/api/v2/write`, so its version is reported.

use axum::{
    Form, Json, Router,
    body::{self, Body},
    extract::{DefaultBodyLimit, FromRequest as _, Query, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::health;
use crate::{
    api_error::ApiError,
    http::{extract::authenticated::IngestCaller, middleware::timeout, state::SharedState},
};

/// The emulated version of `InfluxDB`.
const INFLUXDB_VERSION: &str = "1.8.10";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-influxdb-version");
const BUILD_HEADER: HeaderName = HeaderName::from_static("x-influxdb-build");
/// Largest body of `/query`, in bytes.
const MAX_STATEMENT_BYTES: usize = 16 << 10;
/// Largest error body that is rewritten, in bytes.
const MAX_ERROR_BODY_BYTES: usize = 1 << 16;

pub(crate) fn routes() -> Router<SharedState> {
    Router::new()
        .route("/ping", get(ping))
        .route("/health", get(health))
        .route("/query", post(query).layer((map_response(v1_error), DefaultBodyLimit::max(MAX_STATEMENT_BYTES))))
}

#[derive(Default, Deserialize)]
struct Ping {
    verbose: Option<String>,
}

/// 204, or with `verbose=true` 200 and a body, which Tasmota requests.
async fn ping(Query(ping): Query<Ping>) -> Response {
    let verbose = ping.verbose.is_some_and(|verbose| !matches!(&*verbose, "" | "0" | "false"));
    let mut response = if verbose {
        Json(json!({ "version": INFLUXDB_VERSION })).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    };
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(INFLUXDB_VERSION));
    response.headers_mut().insert(BUILD_HEADER, HeaderValue::from_static("airgraph"));
    response
}

/// Whether samples can be written.
async fn health(State(app): State<SharedState>) -> Response {
    let (status, message, word) = match health::check_ready(&app).await {
        Ok(()) => (StatusCode::OK, "ready for queries and writes".to_owned(), "pass"),
        Err(error) => {
            error.log();
            (StatusCode::SERVICE_UNAVAILABLE, error.message(), "fail")
        }
    };
    let health = json!({
        "name": "influxdb",
        "message": message,
        "status": word,
        "checks": [],
        "version": INFLUXDB_VERSION,
        "commit": env!("CARGO_PKG_VERSION"),
    });
    (status, Json(health)).into_response()
}

#[derive(Default, Deserialize)]
struct Statement {
    q: Option<String>,
}

/// Clients create their database before they write. It needs no creation here; other statements are refused.
async fn query(
    State(app): State<SharedState>,
    _: IngestCaller,
    Query(in_query): Query<Statement>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let form = timeout::with_request_timeout(&app, Form::<Statement>::from_request(request, &())).await?;
    let statement = in_query.q.or_else(|| form.ok().and_then(|Form(form)| form.q)).unwrap_or_default();
    let words: Vec<_> = statement.split_ascii_whitespace().take(3).collect();
    match words[..] {
        [create, database, _] if create.eq_ignore_ascii_case("create") && database.eq_ignore_ascii_case("database") => {
            Ok(Json(json!({ "results": [{ "statement_id": 0 }] })))
        }
        _ => Err(ApiError::BadRequest("q: only CREATE DATABASE is answered; read measurements at /graphql".to_owned())),
    }
}

/// Adds the error of `InfluxDB` 1.x: `{"error":"…"}`.
pub(crate) async fn v1_error(response: Response) -> Response {
    with_error_fields(response, |_, message| json!({ "error": message })).await
}

/// Adds the error of `InfluxDB` 2.x: `{"code":"invalid","message":"…"}`.
pub(crate) async fn v2_error(response: Response) -> Response {
    with_error_fields(response, |status, message| json!({ "code": v2_code(status), "message": message })).await
}

/// The code of `InfluxDB` 2.x for a status.
fn v2_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::PAYLOAD_TOO_LARGE => "request too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported media type",
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable entity",
        StatusCode::TOO_MANY_REQUESTS => "too many requests",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "unavailable",
        status if status.is_server_error() => "internal error",
        _ => "invalid",
    }
}

/// Adds fields to the body of an error, derived from its status and its message.
async fn with_error_fields(response: Response, fields: fn(StatusCode, &str) -> Value) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match body::to_bytes(body, MAX_ERROR_BODY_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return ApiError::Internal(error.into()).into_response(),
    };
    let Ok(Value::Object(mut error)) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let message = error.get("errors").and_then(|errors| errors[0]["detail"].as_str()).unwrap_or_default();
    if let Value::Object(more) = fields(status, message) {
        error.extend(more);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(Value::Object(error).to_string()))
}
