//! File uploads: bodies of any length, processed while they are read.

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
        extract::authenticated::IngestCaller,
        middleware::decompression::DecompressionError,
        state::{AppState, SharedState},
    },
    ingest::{
        csv::CsvOptions,
        csv_import,
        csv_import::{CsvImportError, ImportTask},
        decode_context,
    },
    limits::{Limit, Permit, QuotaExceeded, UploadLimits, rate_limit::CallerId},
    observability::metrics::refusals::Refusals,
};

const UPLOAD_TOO_SLOW: &str = "the file was sent too slowly";
const UPLOAD_TOO_LONG: &str = "the upload took too long; send the rest as another file";
const EVERY_LINE_REJECTED: &str = "no line was stored: every one was rejected, as the report says";

pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/ingest/csv", post(import))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ImportParameters {
    /// Device of lines without a device.
    device: Option<String>,
    /// Correct date of the first line.
    date: Option<NaiveDate>,
    /// Names of non-standard columns.
    columns: Option<String>,
    /// Whether to report the outcome without storing anything.
    #[serde(default)]
    dry_run: bool,
}

/// Records a file and returns a report; also with an error that ends it early.
async fn import(
    State(app): State<SharedState>,
    IngestCaller(caller): IngestCaller,
    parameters: Result<Query<ImportParameters>, QueryRejection>,
    body: Body,
) -> Result<Response, ApiError> {
    let Query(parameters) =
        parameters.map_err(|rejection| ApiError::BadRequest(format!("the query: {}", rejection.body_text())))?;
    let _permit = acquire_upload_permit(&app, &caller)?;
    let task = build_task(&app, parameters, &caller).await?;
    // In the request's own future: when the client disconnects, it ends after the chunk that is being stored.
    let file = upload_chunks(body, app.state.info.limits.uploads, app.state.metrics.refusals.clone());
    let (report, outcome) = csv_import::run(&app.state.recorder, &app.state.clock, file, task).await;
    Ok(match outcome {
        Ok(()) if report.is_failure() => {
            ApiError::NothingRecorded(EVERY_LINE_REJECTED.to_owned()).into_response_with(json!({ "report": report }))
        }
        Ok(()) => Json(report).into_response(),
        Err(error) => ApiError::from(error).into_response_with(json!({ "report": report })),
    })
}

/// A permit for an upload.
fn acquire_upload_permit(app: &AppState, caller: &Caller) -> Result<Option<Permit<CallerId>>, ApiError> {
    let Some(key) = caller.api_key_id() else { return Ok(None) }; // recording needs a key
    let permit = app.uploads.try_acquire(&CallerId::Key(key));
    let refused = |exceeded: QuotaExceeded| exceeded.limit(Limit::UploadsPerKey, Limit::Uploads);
    permit.map(Some).map_err(|exceeded| app.state.metrics.refusals.refuse(refused(exceeded)))
}

async fn build_task(app: &AppState, parameters: ImportParameters, caller: &Caller) -> Result<ImportTask, ApiError> {
    let ImportParameters { device, date, columns, dry_run } = parameters;
    let only = caller.bound_device().cloned();
    let device = device.map(DeviceKey::try_new).transpose().map_err(|reason| ApiError::bad_input("device", reason))?;
    if let Some(device) = &device {
        caller.may_record_for(device)?;
    }
    let columns = columns.as_deref().unwrap_or_default().parse();
    let columns = columns.map_err(|reason| ApiError::bad_input("columns", reason))?;
    let device = device.or_else(|| only.clone());
    let sensors = decode_context::sensors(&app.state.database.reads, device.as_ref()).await?;
    let options = CsvOptions { device, date, columns, sensors, restrict_to_device: only };
    Ok(ImportTask { options, api_key: caller.api_key_id(), by_admin: caller.is_admin(), dry_run })
}

/// The chunks of a body, as long as its client sends enough of them. Only the time spent waiting for the client counts.
fn upload_chunks(body: Body, limits: UploadLimits, refusals: Refusals) -> impl Stream<Item = io::Result<Bytes>> {
    let timed_out = move |reason| {
        refusals.count(Limit::SlowUpload);
        Some(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    };
    let state = Some((body.into_data_stream(), RateWindow::default(), Instant::now() + limits.max_duration, timed_out));
    stream::unfold(state, move |state| async move {
        let (mut body, mut window, end, timed_out) = state?;
        loop {
            let began = Instant::now();
            let next = timeout_at(end.min(began + limits.rate_window.saturating_sub(window.waited)), body.next()).await;
            window.waited += began.elapsed();
            let piece = match next {
                Ok(None) => return None,
                Ok(Some(Err(error))) => Some(Err(read_error(&error))),
                Ok(Some(Ok(piece))) => {
                    window.received += piece.len();
                    Some(Ok(piece))
                }
                Err(_) if Instant::now() >= end => timed_out(UPLOAD_TOO_LONG),
                Err(_) => None,
            };
            if window.waited >= limits.rate_window {
                if window.received < limits.min_bytes_per_window && !matches!(piece, Some(Err(_))) {
                    return Some((timed_out(UPLOAD_TOO_SLOW)?, None));
                }
                window = RateWindow::default();
            }
            match piece {
                Some(Ok(piece)) => return Some((Ok(piece), Some((body, window, end, timed_out)))),
                Some(error) => return Some((error, None)),
                None => {}
            }
        }
    })
}

/// The progress of a client in a window of time.
#[derive(Default)]
struct RateWindow {
    /// Time spent waiting for the client.
    waited: Duration,
    /// Bytes received.
    received: usize,
}

fn read_error(error: &axum::Error) -> io::Error {
    match DecompressionError::find(error) {
        Some(error) => io::Error::other(error.clone()),
        None => io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed by the client"),
    }
}

impl From<CsvImportError> for ApiError {
    fn from(error: CsvImportError) -> Self {
        match error {
            CsvImportError::Rejected(reason) => reason.into(),
            CsvImportError::Io(reason) if reason.kind() == io::ErrorKind::TimedOut => Self::RequestTimeout,
            CsvImportError::Io(reason) => match DecompressionError::find(&reason) {
                Some(error) => error.into(),
                None => Self::BadRequest(format!("the body could not be read on: {reason}")),
            },
            CsvImportError::Record(reason) => reason.into(),
        }
    }
}
