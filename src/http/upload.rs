//! Uploads of files: bodies of any length, read as they come.

use std::{
    io::{self, Read},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
    routing::post,
};
use chrono::NaiveDate;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};

use super::{caller::Sender, decompression::DecompressionError};
use crate::{
    app::{App, Shared},
    auth::Caller,
    domain::device::DeviceKey,
    error::ApiError,
    ingest::{
        csv::Options,
        decoding,
        upload::{self, Task, UploadError},
    },
};

/// Pieces of the body that wait to be read.
const PIECES: usize = 16;
/// How long a client may send nothing.
const IDLE: Duration = Duration::from_mins(1);

const EVERY_LINE_REJECTED: &str = "no line was stored: every one was rejected, as the report says";

pub(super) fn routes() -> Router<Shared> {
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
    let task = task(&app, parameters, &caller).await?;
    let (pieces, file) = mpsc::channel(PIECES);
    let file = Pieces { coming: file, piece: Bytes::new(), ended: false };
    let upload = upload::run(&app.state.recorder, &app.state.clock, file, task);
    // Both in the request's own future: a client that hangs up ends both, after the chunk that is being stored.
    let forward = async {
        forward(body, pieces).await;
        std::future::pending().await // what was forwarded has yet to be read
    };
    let (report, outcome) = tokio::select! {
        outcome = upload => outcome,
        outcome = forward => outcome,
    };
    Ok(match outcome {
        Ok(()) if report.is_failure() => {
            ApiError::NothingRecorded(EVERY_LINE_REJECTED.to_owned()).beside(json!({ "report": report }))
        }
        Ok(()) => Json(report).into_response(),
        Err(error) => ApiError::from(error).beside(json!({ "report": report })),
    })
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
    let sensors = decoding::sensors(&app.state.database.reads, device.as_ref()).await?;
    let options = Options { device, date, columns, sensors, only };
    Ok(Task { options, api_key: caller.api_key(), by_admin: caller.is_admin(), dry_run })
}

/// Hands the body on, piece by piece, as fast as it is read.
async fn forward(body: Body, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut body = body.into_data_stream();
    loop {
        let piece = match timeout(IDLE, body.next()).await {
            Ok(Some(Ok(piece))) if piece.is_empty() => continue,
            Ok(Some(piece)) => piece.map_err(|error| broken(&error)),
            Ok(None) => Ok(END),
            Err(_) => Err(cut_off("nothing came for a minute")),
        };
        let is_last = piece.as_ref().map_or(true, Bytes::is_empty);
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// What stands for the end of the body. A client that hangs up leaves no such mark, so that the half line it sent last is
/// not taken for a whole one.
const END: Bytes = Bytes::new();

fn broken(error: &axum::Error) -> io::Error {
    match DecompressionError::find(error) {
        Some(error) => io::Error::other(error.clone()),
        None => cut_off("the connection broke"),
    }
}

fn cut_off(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, reason)
}

/// A body as a thread reads it.
struct Pieces {
    coming: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !self.ended {
            let piece = self.coming.blocking_recv().unwrap_or_else(|| Err(cut_off("the client hung up")));
            self.piece = piece?;
            self.ended = self.piece.is_empty();
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(reason) => Self::Undecodable(reason),
            UploadError::Broken(reason) => match DecompressionError::find(&reason) {
                Some(error) => error.into(),
                None => Self::BadRequest(format!("the body could not be read on: {reason}")),
            },
            UploadError::Record(reason) => reason.into(),
        }
    }
}
