//! The routes that sensors post to: `/ingest/<format>`, and the paths built into their firmware.

use std::net::Ipv4Addr;

use axum::{
    Json, RequestExt as _, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderName, StatusCode},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::influxdb;
use crate::{
    api_error::ApiError,
    http::{extract::authenticated::IngestCaller, media_type, middleware::timeout, state::SharedState},
    ingest::{Rejection, decode_context, format, format::Format},
    limits::rate_limit::CallerId,
    recorder::{Arrival, Receipt, Source, Submission},
};

/// How the route of a format behaves.
struct FormatRoute {
    format: &'static Format,
    /// Whether the body must be JSON, so that other media types are refused.
    requires_json: bool,
    /// The status that its firmware treats as success.
    success_status: StatusCode,
    /// The status for an undecodable body, which is stored all the same.
    undecodable_status: StatusCode,
    /// The status for a body with rejected samples only. Never a success: boards delete their copy on success.
    all_rejected_status: StatusCode,
}

impl FormatRoute {
    const fn new(format: &'static Format) -> Self {
        Self {
            format,
            requires_json: true,
            success_status: StatusCode::CREATED,
            undecodable_status: StatusCode::BAD_REQUEST,
            all_rejected_status: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

static AIRROHR: FormatRoute = FormatRoute { success_status: StatusCode::OK, ..FormatRoute::new(&format::AIRROHR) };
/// `InfluxDB` answers 400 for points that it refuses, and clients then drop them.
static INFLUX: FormatRoute = FormatRoute {
    requires_json: false,
    success_status: StatusCode::NO_CONTENT,
    all_rejected_status: StatusCode::BAD_REQUEST,
    ..FormatRoute::new(&format::INFLUX)
};
static ENVIRO: FormatRoute = FormatRoute::new(&format::ENVIRO);
/// Binary; the firmware treats any 2xx as success.
static AIRBEAM: FormatRoute =
    FormatRoute { requires_json: false, success_status: StatusCode::OK, ..FormatRoute::new(&format::AIRBEAM) };
static JSON: FormatRoute = FormatRoute::new(&format::JSON);
/// The decoder distinguishes JSON from CSV by the first byte, so any media type is accepted.
static OPENSENSEMAP: FormatRoute = FormatRoute { requires_json: false, ..FormatRoute::new(&format::OPENSENSEMAP) };
/// airRohr's body on the path of a box, with `?luftdaten=1`.
static LUFTDATEN: FormatRoute = FormatRoute { requires_json: false, ..FormatRoute::new(&format::AIRROHR) };
static TTN_V2: FormatRoute = FormatRoute::new(&format::TTN_V2);
/// With retries enabled, the stack repeats refused uplinks; a body that is stored for a replay needs no repetition.
/// `uplinks` lists it as undecodable.
static THINGS_STACK: FormatRoute = FormatRoute {
    success_status: StatusCode::ACCEPTED,
    undecodable_status: StatusCode::ACCEPTED,
    all_rejected_status: StatusCode::ACCEPTED,
    ..FormatRoute::new(&format::THINGS_STACK)
};
static CHIRPSTACK: FormatRoute =
    FormatRoute { success_status: StatusCode::OK, ..FormatRoute::new(&format::CHIRPSTACK) };
/// The firmware treats 201 as a failure.
static AIRGRADIENT: FormatRoute =
    FormatRoute { success_status: StatusCode::OK, ..FormatRoute::new(&format::AIRGRADIENT) };

pub(crate) fn routes() -> Router<SharedState> {
    let route = |served: &'static FormatRoute| post(move |app, caller, request| record(app, caller, request, served));
    Router::new()
        .route("/ingest/airrohr", route(&AIRROHR))
        .route("/data.php", route(&AIRROHR))
        .route("/ingest/influx", route(&INFLUX))
        .route("/write", route(&INFLUX).layer(map_response(influxdb::v1_error)))
        .route("/api/v2/write", route(&INFLUX).layer(map_response(influxdb::v2_error)))
        .route("/ingest/json", route(&JSON))
        .route("/ingest/json/{device}", route(&JSON))
        .route("/ingest/opensensemap/{device}", route(&OPENSENSEMAP))
        .route("/boxes/{device}/data", post(record_box))
        .route("/boxes/{device}/{sensor}", route(&OPENSENSEMAP))
        .route("/ingest/enviro", route(&ENVIRO))
        .route("/ingest/enviro/{device}", route(&ENVIRO))
        .route("/ingest/airbeam/{device}", post(record_airbeam))
        .route("/api/v3/fixed_sessions/{device}/measurements", post(record_airbeam))
        .route("/ingest/ttn-v2", route(&TTN_V2))
        .route("/insertSensorData", route(&TTN_V2))
        .route("/ingest/things-stack", route(&THINGS_STACK))
        .route("/ingest/chirpstack", route(&CHIRPSTACK))
        .route("/ingest/airgradient/{device}", route(&AIRGRADIENT).layer(map_response(replace_429)))
        .route("/sensors/{device}/measures", route(&AIRGRADIENT).layer(map_response(replace_429)))
        .route("/sensors/{device}/one/config", get(no_configuration))
}

/// The firmware of `AirGradient` treats 429 as success and drops the sample, so an exceeded limit is 503 there.
async fn replace_429(mut response: Response) -> Response {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// Response to an `AirGradient` monitor that requests its settings: on 400 it keeps the settings configured locally.
async fn no_configuration() -> ApiError {
    ApiError::BadRequest("monitors are not configured here; the settings on the device itself count".to_owned())
}

/// The response to a sensor.
#[derive(Serialize)]
struct IngestResponse {
    recorded: usize,
    duplicates: usize,
    rejected: Vec<Rejection>,
    /// Names of numbers without a quantity here; they stay in the stored body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// Parts of a request outside its body.
#[derive(Default, Deserialize)]
struct RequestMetadata {
    /// Device, in the path.
    device: Option<String>,
    /// Kind of event, in the query.
    event: Option<String>,
    /// Unit of timestamps, in the query.
    precision: Option<String>,
    /// Sensor of the single value, in the path.
    sensor: Option<String>,
    /// Whether the body of a box is airRohr's, in the query.
    luftdaten: Option<String>,
}

impl RequestMetadata {
    fn from_query(request: &Request) -> Self {
        Query::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default()
    }
}

/// Stores what a sensor posted, and answers once it is committed.
async fn record(
    State(app): State<SharedState>,
    IngestCaller(caller): IngestCaller,
    mut request: Request,
    served: &'static FormatRoute,
) -> Result<Response, ApiError> {
    if served.requires_json {
        media_type::check_sensor_json(request.headers())?;
    }
    let (device, event) = device_and_event(&mut request).await;
    // A recording caller has a key.
    let caller_id = caller.api_key_id().map_or(CallerId::Address(Ipv4Addr::UNSPECIFIED.into()), CallerId::Key);
    let (body, _held) =
        timeout::with_request_timeout(&app, app.body_memory.read(caller_id, request)).await??.into_parts();
    let arrival = Arrival { body, device_hint: device, event, cut_from: None };
    let received_at = app.state.clock.now();
    if let Some(device) = decode_context::device(served.format, &arrival) {
        // Before its sensors are looked up: an undecodable body is stored for this device.
        caller.may_record_for(&device)?;
    }
    let decoded = decode_context::decode(&app.state.database.reads, served.format, &arrival, received_at).await?;
    for observation in decoded.iter().flat_map(|decoded| &decoded.observations) {
        caller.may_record_for(&observation.device)?;
    }
    let (ignored, undecodable) = match &decoded {
        Ok(decoded) => (decoded.ignored.clone(), None),
        Err(error) => (Vec::new(), Some(error.clone())),
    };
    let submission = Submission {
        format: served.format.name,
        received_at,
        api_key: caller.api_key_id(),
        is_admin: caller.is_admin(),
        source: Source::Arrival(arrival),
        decoded,
    };
    let receipt = app.state.recorder.record(submission).await?;
    let failure = receipt.failure();
    let Receipt { recorded, duplicates, rejected } = receipt;
    Ok(match undecodable {
        None if let Some(reason) = failure => {
            let answer = json!({ "recorded": 0, "duplicates": 0, "rejected": rejected, "ignored": ignored });
            let mut response = ApiError::NothingRecorded(reason).into_response_with(answer);
            *response.status_mut() = served.all_rejected_status;
            response
        }
        None if served.success_status == StatusCode::NO_CONTENT => no_content(served.format.name, &rejected),
        None => {
            (served.success_status, Json(IngestResponse { recorded, duplicates, rejected, ignored })).into_response()
        }
        Some(error) => {
            let mut response = ApiError::from(error).into_response();
            *response.status_mut() = served.undecodable_status;
            response
        }
    })
}

/// The number of rejected samples, for a response without a body.
const REJECTED_SAMPLES_HEADER: HeaderName = HeaderName::from_static("x-rejected-samples");

/// A response without a body. The number of rejected samples is in a header, and the first reason in the log.
fn no_content(format: &str, rejected: &[Rejection]) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(Rejection { index, code, detail }) = rejected.first() {
        tracing::warn!(format, rejected = rejected.len(), index, code, detail, "samples rejected");
        response.headers_mut().insert(REJECTED_SAMPLES_HEADER, rejected.len().into());
    }
    response
}

/// The device that the path or the firmware's header names, and the stored parts of the URL, as in
/// [`Incoming::event`](crate::ingest::Incoming::event).
async fn device_and_event(request: &mut Request) -> (Option<String>, Option<String>) {
    let query = RequestMetadata::from_query(request);
    let path = request.extract_parts::<Path<RequestMetadata>>().await.map(|path| path.0).unwrap_or_default();
    let header = request.headers().get("x-sensor").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let plain = |text: &String| !text.chars().any(char::is_control);
    let sensor = path.sensor.map(|sensor| format!("sensor={sensor}"));
    let precision = query.precision.map(|precision| format!("precision={precision}"));
    (path.device.or(header).filter(plain), sensor.or(query.event).or(precision).filter(plain))
}

/// Stores what a box posted: openSenseMap accepts airRohr's body on the same path.
async fn record_box(app: State<SharedState>, sender: IngestCaller, request: Request) -> Result<Response, ApiError> {
    let luftdaten = RequestMetadata::from_query(&request).luftdaten;
    let is_luftdaten = luftdaten.is_some_and(|value| !matches!(&*value, "" | "0" | "false"));
    record(app, sender, request, if is_luftdaten { &LUFTDATEN } else { &OPENSENSEMAP }).await
}

/// The time to which an `AirBeam` sets its clock, in seconds since 1970.
const SERVER_TIME_HEADER: HeaderName = HeaderName::from_static("x-server-time");

/// Stores what an `AirBeam` posted; the response has the time.
async fn record_airbeam(State(app): State<SharedState>, sender: IngestCaller, request: Request) -> Response {
    let now = app.state.clock.now().timestamp();
    let mut response = record(State(app), sender, request, &AIRBEAM).await.into_response();
    response.headers_mut().insert(SERVER_TIME_HEADER, now.into());
    response
}
