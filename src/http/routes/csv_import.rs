//! Uploads of files: bodies of any length, read as they come.

use std::{io, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
    routing::post,
};
use chrono::NaiveDate;
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::{
    api_error::ApiError,
    auth::Caller,
    domain::device::DeviceKey,
    http::{
        extract::authenticated::Sender,
        middleware::decompression::DecompressionError,
        state::{App, Shared},
    },
    ingest::{
        csv::Options,
        csv_import,
        csv_import::{Task, UploadError},
        decode_context,
    },
    limits::{Limit, Permit, QuotaExceeded, UploadLimits, rate_limit::Payer},
    observability::metrics::refusals::Refusals,
};

const TOO_SLOW: &str = "the file came too slowly";
const TOO_LONG: &str = "the upload took too long; send the rest as another file";
const EVERY_LINE_REJECTED: &str = "no line was stored: every one was rejected, as the report says";

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/ingest/csv", post(take))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Parameters {
    /// The device of lines that name none.
    device: Option<String>,
    /// The date of the first line.
    date: Option<NaiveDate>,
    /// What columns with other names mean.
    columns: Option<String>,
    /// Whether to tell what would become of the file, and store nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Records a file and answers with a report; the report stands beside the error, too, that ends it early.
async fn take(
    State(app): State<Shared>,
    Sender(caller): Sender,
    parameters: Result<Query<Parameters>, QueryRejection>,
    body: Body,
) -> Result<Response, ApiError> {
    let Query(parameters) =
        parameters.map_err(|rejection| ApiError::BadRequest(format!("the query: {}", rejection.body_text())))?;
    let _permit = permit(&app, &caller)?;
    let task = task(&app, parameters, &caller).await?;
    // All of it in the request's own future: a client that hangs up ends it, after the chunk that is being stored.
    let file = pieces(body, app.state.about.limits.uploads, app.state.metrics.refusals.clone());
    let (report, outcome) = csv_import::run(&app.state.recorder, &app.state.clock, file, task).await;
    Ok(match outcome {
        Ok(()) if report.is_failure() => {
            ApiError::NothingRecorded(EVERY_LINE_REJECTED.to_owned()).beside(json!({ "report": report }))
        }
        Ok(()) => Json(report).into_response(),
        Err(error) => ApiError::from(error).beside(json!({ "report": report })),
    })
}

/// One of the uploads at the same time.
fn permit(app: &App, caller: &Caller) -> Result<Option<Permit<Payer>>, ApiError> {
    let Some(key) = caller.api_key() else { return Ok(None) }; // recording needs one
    let permit = app.uploads.try_acquire(&Payer::Key(key));
    let refused = |exceeded: QuotaExceeded| exceeded.limit(Limit::UploadsPerKey, Limit::Uploads);
    permit.map(Some).map_err(|exceeded| app.state.metrics.refusals.refuse(refused(exceeded)))
}

async fn task(app: &App, parameters: Parameters, caller: &Caller) -> Result<Task, ApiError> {
    let Parameters { device, date, columns, dry_run } = parameters;
    let only = caller.bound_to().cloned();
    let device = device.map(DeviceKey::try_new).transpose().map_err(|reason| ApiError::bad_input("device", reason))?;
    if let Some(device) = &device {
        caller.may_record_of(device)?;
    }
    let columns = columns.as_deref().unwrap_or_default().parse();
    let columns = columns.map_err(|reason| ApiError::bad_input("columns", reason))?;
    let device = device.or_else(|| only.clone());
    let sensors = decode_context::sensors(&app.state.database.reads, device.as_ref()).await?;
    let options = Options { device, date, columns, sensors, only };
    Ok(Task { options, api_key: caller.api_key(), by_admin: caller.is_admin(), dry_run })
}

/// The pieces of a body, as long as its client sends enough of them. Only time in which the client is waited for counts for that.
fn pieces(body: Body, limits: UploadLimits, refusals: Refusals) -> impl Stream<Item = io::Result<Bytes>> {
    let late = move |reason| {
        refusals.count(Limit::SlowUpload);
        Some(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    };
    let state = Some((body.into_data_stream(), Window::default(), Instant::now() + limits.max_duration, late));
    stream::unfold(state, move |state| async move {
        let (mut body, mut window, end, late) = state?;
        loop {
            let began = Instant::now();
            let next = timeout_at(end.min(began + limits.rate_window.saturating_sub(window.waited)), body.next()).await;
            window.waited += began.elapsed();
            let piece = match next {
                Ok(None) => return None,
                Ok(Some(Err(error))) => Some(Err(broken(&error))),
                Ok(Some(Ok(piece))) => {
                    window.received += piece.len();
                    Some(Ok(piece))
                }
                Err(_) if Instant::now() >= end => late(TOO_LONG),
                Err(_) => None,
            };
            if window.waited >= limits.rate_window {
                if window.received < limits.min_bytes_per_window && !matches!(piece, Some(Err(_))) {
                    return Some((late(TOO_SLOW)?, None));
                }
                window = Window::default();
            }
            match piece {
                Some(Ok(piece)) => return Some((Ok(piece), Some((body, window, end, late)))),
                Some(error) => return Some((error, None)),
                None => {}
            }
        }
    })
}

/// What a client did in a window of time.
#[derive(Default)]
struct Window {
    /// How long it was waited for.
    waited: Duration,
    /// Bytes that came.
    received: usize,
}

fn broken(error: &axum::Error) -> io::Error {
    match DecompressionError::find(error) {
        Some(error) => io::Error::other(error.clone()),
        None => io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed by the client"),
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(reason) => reason.into(),
            UploadError::Broken(reason) if reason.kind() == io::ErrorKind::TimedOut => Self::RequestTimeout,
            UploadError::Broken(reason) => match DecompressionError::find(&reason) {
                Some(error) => error.into(),
                None => Self::BadRequest(format!("the body could not be read on: {reason}")),
            },
            UploadError::Record(reason) => reason.into(),
        }
    }
}
