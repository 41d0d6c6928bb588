//! The routes that sensors post to: at `/ingest/<format>`, and where their firmware has it built in.

use axum::{
    Json, RequestExt as _, Router,
    body::Bytes,
    extract::{FromRequest as _, Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use super::caller::Sender;
use crate::{
    app::App,
    error::ApiError,
    ingest::{
        DecodeError, Decoded, Incoming, Rejection, airgradient, airrohr, chirpstack, influx, json,
        recorder::{Arrival, Receipt, Source, Submission},
        things_stack, ttn_v2,
    },
};

/// How a format is served.
struct Format {
    name: &'static str,
    decode: fn(&Incoming<'_>) -> Result<Decoded, DecodeError>,
    /// Whether the body must be said to be JSON.
    json: bool,
    /// What its firmware takes for success.
    stored: StatusCode,
    /// What it is told of a body that was not understood, which is stored all the same.
    undecodable: StatusCode,
}

impl Format {
    const fn new(name: &'static str, decode: fn(&Incoming<'_>) -> Result<Decoded, DecodeError>) -> Self {
        Self { name, decode, json: true, stored: StatusCode::CREATED, undecodable: StatusCode::BAD_REQUEST }
    }
}

static AIRROHR: Format = Format { stored: StatusCode::OK, ..Format::new(airrohr::FORMAT, airrohr::decode) };
static INFLUX: Format =
    Format { json: false, stored: StatusCode::NO_CONTENT, ..Format::new(influx::FORMAT, influx::decode) };
static JSON: Format = Format::new(json::FORMAT, json::decode);
static TTN_V2: Format = Format::new(ttn_v2::FORMAT, ttn_v2::decode);
/// With retries on, the stack repeats what was refused; a body that is kept for a replay needs none.
static THINGS_STACK: Format = Format {
    stored: StatusCode::ACCEPTED,
    undecodable: StatusCode::ACCEPTED,
    ..Format::new(things_stack::FORMAT, things_stack::decode)
};
static CHIRPSTACK: Format = Format { stored: StatusCode::OK, ..Format::new(chirpstack::FORMAT, chirpstack::decode) };
/// The firmware takes 201 for a failure.
static AIRGRADIENT: Format = Format { stored: StatusCode::OK, ..Format::new(airgradient::FORMAT, airgradient::decode) };

pub(super) fn routes() -> Router<App> {
    let takes = |format: &'static Format| post(move |app, caller, request| take(app, caller, request, format));
    Router::new()
        .route("/ingest/airrohr", takes(&AIRROHR))
        .route("/data.php", takes(&AIRROHR))
        .route("/ingest/influx", takes(&INFLUX))
        .route("/write", takes(&INFLUX))
        .route("/ingest/json", takes(&JSON))
        .route("/ingest/ttn-v2", takes(&TTN_V2))
        .route("/insertSensorData", takes(&TTN_V2))
        .route("/ingest/things-stack", takes(&THINGS_STACK))
        .route("/ingest/chirpstack", takes(&CHIRPSTACK))
        .route("/ingest/airgradient/{device}", takes(&AIRGRADIENT))
        .route("/sensors/{device}/measures", takes(&AIRGRADIENT))
        .route("/sensors/{device}/one/config", get(no_configuration))
}

/// What an `AirGradient` monitor is told when it asks for its settings: 400 makes it keep those it was given locally.
async fn no_configuration() -> ApiError {
    ApiError::BadRequest("monitors are not configured here; the settings on the device itself count".to_owned())
}

/// What a sensor is told.
#[derive(Serialize)]
struct Answer {
    recorded: usize,
    duplicates: usize,
    rejected: Vec<Rejection>,
    /// Numbers that have no home here; they stay in the stored body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// What a request tells outside its body.
#[derive(Default, Deserialize)]
struct Outside {
    /// The device, in the path.
    device: Option<String>,
    /// The kind of event, in the query.
    event: Option<String>,
}

/// Stores what a sensor posted, and answers when it is stored for good.
async fn take(
    State(app): State<App>,
    Sender(caller): Sender,
    mut request: Request,
    format: &'static Format,
) -> Result<Response, ApiError> {
    if format.json && !super::has_json_body(request.headers()) {
        return Err(ApiError::UnsupportedMediaType("application/json"));
    }
    let outside = outside(&mut request).await;
    let body = body(request).await?;
    let received_at = app.state.clock.now();
    let (named, event) = (outside.device.as_deref(), outside.event.as_deref());
    let decoded = (format.decode)(&Incoming { body: &body, received_at, named, event });
    for observation in decoded.iter().flat_map(|decoded| &decoded.observations) {
        caller.may_record_of(&observation.device)?;
    }
    let (ignored, undecodable) = match &decoded {
        Ok(decoded) => (decoded.ignored.clone(), None),
        Err(error) => (Vec::new(), Some(error.clone())),
    };
    let submission = Submission {
        format: format.name,
        received_at,
        api_key: caller.api_key(),
        source: Source::Arrival(Arrival { body, named: outside.device, event: outside.event }),
        decoded,
    };
    let Receipt { recorded, duplicates, rejected } = app.state.recorder.record(submission).await?;
    Ok(match undecodable {
        None if format.stored == StatusCode::NO_CONTENT => format.stored.into_response(),
        None => (format.stored, Json(Answer { recorded, duplicates, rejected, ignored })).into_response(),
        Some(error) => {
            let mut response = ApiError::Undecodable(error).into_response();
            *response.status_mut() = format.undecodable;
            response
        }
    })
}

/// The device that the path or the firmware's header names, and the event in the query.
async fn outside(request: &mut Request) -> Outside {
    let query = Query::<Outside>::try_from_uri(request.uri()).map(|query| query.0).unwrap_or_default();
    let path = request.extract_parts::<Path<Outside>>().await.map(|path| path.0).unwrap_or_default();
    let header = request.headers().get("x-sensor").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let plain = |text: &String| !text.chars().any(char::is_control);
    Outside { device: path.device.or(header).filter(plain), event: query.event.filter(plain) }
}

async fn body(request: Request) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, &()).await.map_err(|rejection| super::body_error(&rejection))
}
