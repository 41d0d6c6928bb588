//! The routes that sensors post to: at `/ingest/<format>`, and where their firmware has it built in.

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

/// How a format is served.
struct FormatRoute {
    format: &'static Format,
    /// Whether the body must be JSON, so that its media type may not be another.
    requires_json: bool,
    /// What its firmware takes for success.
    success_status: StatusCode,
    /// The status for a body that was not understood, which is stored all the same.
    undecodable_status: StatusCode,
    /// The status for a body whose samples were all rejected. No status of success: boards delete their copy on one.
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
/// `InfluxDB` itself answers 400 for points that it refuses, on which clients drop them.
static INFLUX: FormatRoute = FormatRoute {
    requires_json: false,
    success_status: StatusCode::NO_CONTENT,
    all_rejected_status: StatusCode::BAD_REQUEST,
    ..FormatRoute::new(&format::INFLUX)
};
static ENVIRO: FormatRoute = FormatRoute::new(&format::ENVIRO);
/// Binary; the firmware takes any 2xx for success.
static AIRBEAM: FormatRoute =
    FormatRoute { requires_json: false, success_status: StatusCode::OK, ..FormatRoute::new(&format::AIRBEAM) };
static JSON: FormatRoute = FormatRoute::new(&format::JSON);
/// By the first byte the decoder tells JSON from CSV, so any media type will do.
static OPENSENSEMAP: FormatRoute = FormatRoute { requires_json: false, ..FormatRoute::new(&format::OPENSENSEMAP) };
/// airRohr's body on the path of a box, with `?luftdaten=1`.
static LUFTDATEN: FormatRoute = FormatRoute { requires_json: false, ..FormatRoute::new(&format::AIRROHR) };
static TTN_V2: FormatRoute = FormatRoute::new(&format::TTN_V2);
/// With retries on, the stack repeats what was refused; a body that is kept for a replay needs none. `uplinks` shows it as
/// undecodable.
static THINGS_STACK: FormatRoute = FormatRoute {
    success_status: StatusCode::ACCEPTED,
    undecodable_status: StatusCode::ACCEPTED,
    all_rejected_status: StatusCode::ACCEPTED,
    ..FormatRoute::new(&format::THINGS_STACK)
};
static CHIRPSTACK: FormatRoute =
    FormatRoute { success_status: StatusCode::OK, ..FormatRoute::new(&format::CHIRPSTACK) };
/// The firmware takes 201 for a failure.
static AIRGRADIENT: FormatRoute =
    FormatRoute { success_status: StatusCode::OK, ..FormatRoute::new(&format::AIRGRADIENT) };

pub(crate) fn routes() -> Router<SharedState> {
    let takes = |served: &'static FormatRoute| post(move |app, caller, request| record(app, caller, request, served));
    Router::new()
        .route("/ingest/airrohr", takes(&AIRROHR))
        .route("/data.php", takes(&AIRROHR))
        .route("/ingest/influx", takes(&INFLUX))
        .route("/write", takes(&INFLUX).layer(map_response(influxdb::v1_error)))
        .route("/api/v2/write", takes(&INFLUX).layer(map_response(influxdb::v2_error)))
        .route("/ingest/json", takes(&JSON))
        .route("/ingest/opensensemap/{device}", takes(&OPENSENSEMAP))
        .route("/boxes/{device}/data", post(record_box))
        .route("/boxes/{device}/{sensor}", takes(&OPENSENSEMAP))
        .route("/ingest/enviro", takes(&ENVIRO))
        .route("/ingest/enviro/{device}", takes(&ENVIRO))
        .route("/ingest/airbeam/{device}", post(record_airbeam))
        .route("/api/v3/fixed_sessions/{device}/measurements", post(record_airbeam))
        .route("/ingest/ttn-v2", takes(&TTN_V2))
        .route("/insertSensorData", takes(&TTN_V2))
        .route("/ingest/things-stack", takes(&THINGS_STACK))
        .route("/ingest/chirpstack", takes(&CHIRPSTACK))
        .route("/ingest/airgradient/{device}", takes(&AIRGRADIENT).layer(map_response(replace_429)))
        .route("/sensors/{device}/measures", takes(&AIRGRADIENT).layer(map_response(replace_429)))
        .route("/sensors/{device}/one/config", get(no_configuration))
}

/// The firmware of `AirGradient` takes 429 for success and drops the sample, so an exceeded limit is 503 there.
async fn replace_429(mut response: Response) -> Response {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// What an `AirGradient` monitor is told when it asks for its settings: 400 makes it keep those it was given locally.
async fn no_configuration() -> ApiError {
    ApiError::BadRequest("monitors are not configured here; the settings on the device itself count".to_owned())
}

/// What a sensor is told.
#[derive(Serialize)]
struct IngestResponse {
    recorded: usize,
    duplicates: usize,
    rejected: Vec<Rejection>,
    /// Numbers that have no home here; they stay in the stored body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// What a request tells outside its body.
#[derive(Default, Deserialize)]
struct RequestMetadata {
    /// The device, in the path.
    device: Option<String>,
    /// The kind of event, in the query.
    event: Option<String>,
    /// The unit of timestamps, in the query.
    precision: Option<String>,
    /// The sensor of the one value, in the path.
    sensor: Option<String>,
    /// Whether the body of a box is airRohr's, in the query.
    luftdaten: Option<String>,
}

impl RequestMetadata {
    fn from_query(request: &Request) -> Self {
        Query::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default()
    }
}

/// Stores what a sensor posted, and answers when it is stored for good.
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
    let payer = caller.api_key_id().map_or(CallerId::Address(Ipv4Addr::UNSPECIFIED.into()), CallerId::Key); // a sender has a key
    let (body, _held) = timeout::with_request_timeout(&app, app.body_memory.read(payer, request)).await??.into_parts();
    let arrival = Arrival { body, device_hint: device, event, cut_from: None };
    let received_at = app.state.clock.now();
    if let Some(device) = decode_context::device(served.format, &arrival) {
        // Before its sensors are looked up; and a body that is not understood is kept under this device's name.
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

/// The number of rejected samples, where the answer has no body.
const REJECTED_SAMPLES_HEADER: HeaderName = HeaderName::from_static("x-rejected-samples");

/// The answer without a body. How many samples were rejected is in a header, and the first reason in the log.
fn no_content(format: &str, rejected: &[Rejection]) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(Rejection { index, code, detail }) = rejected.first() {
        tracing::warn!(format, rejected = rejected.len(), index, code, detail, "samples rejected");
        response.headers_mut().insert(REJECTED_SAMPLES_HEADER, rejected.len().into());
    }
    response
}

/// The device that the path or the firmware's header names, and what is stored of the rest of the URL, as in
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

/// Stores what a box posted: openSenseMap takes airRohr's body on the same path.
async fn record_box(app: State<SharedState>, sender: IngestCaller, request: Request) -> Result<Response, ApiError> {
    let luftdaten = RequestMetadata::from_query(&request).luftdaten;
    let is_luftdaten = luftdaten.is_some_and(|value| !matches!(&*value, "" | "0" | "false"));
    record(app, sender, request, if is_luftdaten { &LUFTDATEN } else { &OPENSENSEMAP }).await
}

/// The time that an `AirBeam` sets its clock by, in seconds since 1970.
const SERVER_TIME_HEADER: HeaderName = HeaderName::from_static("x-server-time");

/// Stores what an `AirBeam` posted; the answer has the time.
async fn record_airbeam(State(app): State<SharedState>, sender: IngestCaller, request: Request) -> Response {
    let now = app.state.clock.now().timestamp();
    let mut response = record(State(app), sender, request, &AIRBEAM).await.into_response();
    response.headers_mut().insert(SERVER_TIME_HEADER, now.into());
    response
}
