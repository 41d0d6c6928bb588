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
    http::{extract::authenticated::Sender, media_type, middleware::timeout, state::Shared},
    ingest::{Rejection, decode_context, format, format::Format},
    limits::rate_limit::Payer,
    recorder::{Arrival, Receipt, Source, Submission},
};

/// How a format is served.
struct Served {
    format: &'static Format,
    /// Whether the body must be JSON, so that its media type may not be another.
    json: bool,
    /// What its firmware takes for success.
    stored: StatusCode,
    /// The status for a body that was not understood, which is stored all the same.
    undecodable: StatusCode,
    /// The status for a body whose samples were all rejected. No status of success: boards delete their copy on one.
    nothing_recorded: StatusCode,
}

impl Served {
    const fn new(format: &'static Format) -> Self {
        Self {
            format,
            json: true,
            stored: StatusCode::CREATED,
            undecodable: StatusCode::BAD_REQUEST,
            nothing_recorded: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

static AIRROHR: Served = Served { stored: StatusCode::OK, ..Served::new(&format::AIRROHR) };
/// `InfluxDB` itself answers 400 for points that it refuses, on which clients drop them.
static INFLUX: Served = Served {
    json: false,
    stored: StatusCode::NO_CONTENT,
    nothing_recorded: StatusCode::BAD_REQUEST,
    ..Served::new(&format::INFLUX)
};
static ENVIRO: Served = Served::new(&format::ENVIRO);
/// Binary; the firmware takes any 2xx for success.
static AIRBEAM: Served = Served { json: false, stored: StatusCode::OK, ..Served::new(&format::AIRBEAM) };
static JSON: Served = Served::new(&format::JSON);
/// By the first byte the decoder tells JSON from CSV, so any media type will do.
static OPENSENSEMAP: Served = Served { json: false, ..Served::new(&format::OPENSENSEMAP) };
/// airRohr's body on the path of a box, with `?luftdaten=1`.
static LUFTDATEN: Served = Served { json: false, ..Served::new(&format::AIRROHR) };
static TTN_V2: Served = Served::new(&format::TTN_V2);
/// With retries on, the stack repeats what was refused; a body that is kept for a replay needs none. `uplinks` shows it as
/// undecodable.
static THINGS_STACK: Served = Served {
    stored: StatusCode::ACCEPTED,
    undecodable: StatusCode::ACCEPTED,
    nothing_recorded: StatusCode::ACCEPTED,
    ..Served::new(&format::THINGS_STACK)
};
static CHIRPSTACK: Served = Served { stored: StatusCode::OK, ..Served::new(&format::CHIRPSTACK) };
/// The firmware takes 201 for a failure.
static AIRGRADIENT: Served = Served { stored: StatusCode::OK, ..Served::new(&format::AIRGRADIENT) };

pub(crate) fn routes() -> Router<Shared> {
    let takes = |served: &'static Served| post(move |app, caller, request| take(app, caller, request, served));
    Router::new()
        .route("/ingest/airrohr", takes(&AIRROHR))
        .route("/data.php", takes(&AIRROHR))
        .route("/ingest/influx", takes(&INFLUX))
        .route("/write", takes(&INFLUX).layer(map_response(influxdb::v1_error)))
        .route("/api/v2/write", takes(&INFLUX).layer(map_response(influxdb::v2_error)))
        .route("/ingest/json", takes(&JSON))
        .route("/ingest/opensensemap/{device}", takes(&OPENSENSEMAP))
        .route("/boxes/{device}/data", post(take_from_box))
        .route("/boxes/{device}/{sensor}", takes(&OPENSENSEMAP))
        .route("/ingest/enviro", takes(&ENVIRO))
        .route("/ingest/enviro/{device}", takes(&ENVIRO))
        .route("/ingest/airbeam/{device}", post(take_from_airbeam))
        .route("/api/v3/fixed_sessions/{device}/measurements", post(take_from_airbeam))
        .route("/ingest/ttn-v2", takes(&TTN_V2))
        .route("/insertSensorData", takes(&TTN_V2))
        .route("/ingest/things-stack", takes(&THINGS_STACK))
        .route("/ingest/chirpstack", takes(&CHIRPSTACK))
        .route("/ingest/airgradient/{device}", takes(&AIRGRADIENT).layer(map_response(without_429)))
        .route("/sensors/{device}/measures", takes(&AIRGRADIENT).layer(map_response(without_429)))
        .route("/sensors/{device}/one/config", get(no_configuration))
}

/// The firmware of `AirGradient` takes 429 for success and drops the sample, so an exceeded limit is 503 there.
async fn without_429(mut response: Response) -> Response {
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
    /// The unit of timestamps, in the query.
    precision: Option<String>,
    /// The sensor of the one value, in the path.
    sensor: Option<String>,
    /// Whether the body of a box is airRohr's, in the query.
    luftdaten: Option<String>,
}

impl Outside {
    fn of_query(request: &Request) -> Self {
        Query::try_from_uri(request.uri()).map(|Query(query)| query).unwrap_or_default()
    }
}

/// Stores what a sensor posted, and answers when it is stored for good.
async fn take(
    State(app): State<Shared>,
    Sender(caller): Sender,
    mut request: Request,
    served: &'static Served,
) -> Result<Response, ApiError> {
    if served.json {
        media_type::check_json_of_sensor(request.headers())?;
    }
    let (device, event) = outside(&mut request).await;
    let payer = caller.api_key().map_or(Payer::Address(Ipv4Addr::UNSPECIFIED.into()), Payer::Key); // a sender has a key
    let (body, _held) = timeout::within(&app, app.bodies.read(payer, request)).await??.split();
    let arrival = Arrival { body, named: device, event, cut_from: None };
    let received_at = app.state.clock.now();
    if let Some(device) = decode_context::device(served.format, &arrival) {
        // Before its sensors are looked up; and a body that is not understood is kept under this device's name.
        caller.may_record_of(&device)?;
    }
    let decoded = decode_context::decode(&app.state.database.reads, served.format, &arrival, received_at).await?;
    for observation in decoded.iter().flat_map(|decoded| &decoded.observations) {
        caller.may_record_of(&observation.device)?;
    }
    let (ignored, undecodable) = match &decoded {
        Ok(decoded) => (decoded.ignored.clone(), None),
        Err(error) => (Vec::new(), Some(error.clone())),
    };
    let submission = Submission {
        format: served.format.name,
        received_at,
        api_key: caller.api_key(),
        by_admin: caller.is_admin(),
        source: Source::Arrival(arrival),
        decoded,
    };
    let receipt = app.state.recorder.record(submission).await?;
    let failure = receipt.failure();
    let Receipt { recorded, duplicates, rejected } = receipt;
    Ok(match undecodable {
        None if let Some(reason) = failure => {
            let answer = json!({ "recorded": 0, "duplicates": 0, "rejected": rejected, "ignored": ignored });
            let mut response = ApiError::NothingRecorded(reason).beside(answer);
            *response.status_mut() = served.nothing_recorded;
            response
        }
        None if served.stored == StatusCode::NO_CONTENT => no_content(served.format.name, &rejected),
        None => (served.stored, Json(Answer { recorded, duplicates, rejected, ignored })).into_response(),
        Some(error) => {
            let mut response = ApiError::from(error).into_response();
            *response.status_mut() = served.undecodable;
            response
        }
    })
}

/// The number of rejected samples, where the answer has no body.
const REJECTED_SAMPLES: HeaderName = HeaderName::from_static("x-rejected-samples");

/// The answer without a body. How many samples were rejected is in a header, and the first reason in the log.
fn no_content(format: &str, rejected: &[Rejection]) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(Rejection { index, code, detail }) = rejected.first() {
        tracing::warn!(format, rejected = rejected.len(), index, code, detail, "samples rejected");
        response.headers_mut().insert(REJECTED_SAMPLES, rejected.len().into());
    }
    response
}

/// The device that the path or the firmware's header names, and what is stored of the rest of the URL, as in
/// [`Incoming::event`](crate::ingest::Incoming::event).
async fn outside(request: &mut Request) -> (Option<String>, Option<String>) {
    let query = Outside::of_query(request);
    let path = request.extract_parts::<Path<Outside>>().await.map(|path| path.0).unwrap_or_default();
    let header = request.headers().get("x-sensor").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let plain = |text: &String| !text.chars().any(char::is_control);
    let sensor = path.sensor.map(|sensor| format!("sensor={sensor}"));
    let precision = query.precision.map(|precision| format!("precision={precision}"));
    (path.device.or(header).filter(plain), sensor.or(query.event).or(precision).filter(plain))
}

/// Stores what a box posted: openSenseMap takes airRohr's body on the same path.
async fn take_from_box(app: State<Shared>, sender: Sender, request: Request) -> Result<Response, ApiError> {
    let luftdaten = Outside::of_query(&request).luftdaten;
    let is_luftdaten = luftdaten.is_some_and(|value| !matches!(&*value, "" | "0" | "false"));
    take(app, sender, request, if is_luftdaten { &LUFTDATEN } else { &OPENSENSEMAP }).await
}

/// The time that an `AirBeam` sets its clock by, in seconds since 1970.
const SERVER_TIME: HeaderName = HeaderName::from_static("x-server-time");

/// Stores what an `AirBeam` posted; the answer has the time.
async fn take_from_airbeam(State(app): State<Shared>, sender: Sender, request: Request) -> Response {
    let now = app.state.clock.now().timestamp();
    let mut response = take(State(app), sender, request, &AIRBEAM).await.into_response();
    response.headers_mut().insert(SERVER_TIME, now.into());
    response
}
