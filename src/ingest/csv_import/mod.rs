//! Files of samples, of any length, in constant memory.
//!
//! ```text
//! pieces of the file ──▶ decoder ──▶ a chunk or two ahead ──▶ the recorder, chunk by chunk ──▶ report
//! ```
//!
//! A chunk is stored before the next one is, so the samples that a report counts are durable. A truncated upload can be
//! repeated whole: samples stored before are then duplicates.

mod decoder;
mod parquet_as_csv;
mod report;

use std::{
    io::{self, Read},
    pin::pin,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
pub use parquet_as_csv::ParquetAsCsv;
pub use report::{ImportReport, RejectedLine, RejectedLines};
use tokio::{sync::mpsc, task::spawn_blocking};

use self::decoder::ImportDecoder;
use super::{
    DecodeError,
    csv::{CsvChunk, CsvError, CsvOptions, FORMAT},
};
use crate::{
    clock::Clock,
    domain::api_key::ApiKeyId,
    recorder::{RecordError, Recorder, Source, Submission},
};

/// Chunks decoded ahead of the one that is being stored.
const DECODE_AHEAD_CHUNKS: usize = 1;
/// Size of the pieces that are decoded, in bytes. Each line may become a rejection that is larger than the line.
const MAX_DECODE_BYTES: usize = 64 << 10;
/// Size of the pieces read from a local file, in bytes.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Options of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportTask {
    /// Data that the file lacks.
    pub options: CsvOptions,
    /// The API key of the request.
    pub api_key: Option<ApiKeyId>,
    /// Whether that key has the role admin.
    pub by_admin: bool,
    /// Whether to report the outcome without storing anything.
    pub dry_run: bool,
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum CsvImportError {
    /// It is invalid.
    #[error("{}", .0.detail)]
    Rejected(DecodeError),
    /// Reading it failed.
    #[error("the file broke off: {0}")]
    Io(std::io::Error),
    /// Storing its samples failed.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<CsvError> for CsvImportError {
    fn from(error: CsvError) -> Self {
        match error {
            CsvError::Rejected(reason) => Self::Rejected(reason),
            CsvError::Io(reason) => Self::Io(reason),
        }
    }
}

/// Reads a file to its end and records it. The report counts all stored samples, also after an error.
pub async fn run(
    recorder: &Recorder,
    clock: &Clock,
    file: impl Stream<Item = io::Result<Bytes>>,
    task: ImportTask,
) -> (ImportReport, Result<(), CsvImportError>) {
    let ImportTask { options, api_key, by_admin, dry_run } = task;
    let (sender, chunks) = mpsc::channel(DECODE_AHEAD_CHUNKS);
    let mut decoding = pin!(decode(file, options, sender));
    let mut recording = pin!(record(recorder, clock, (api_key, by_admin), dry_run, chunks));
    let mut is_decoded = false;
    loop {
        tokio::select! {
            outcome = &mut recording => return outcome,
            () = &mut decoding, if !is_decoded => is_decoded = true,
        }
    }
}

/// Sends the chunks of a file, and at last the error, if any.
async fn decode(
    file: impl Stream<Item = io::Result<Bytes>>,
    options: CsvOptions,
    chunks: mpsc::Sender<Result<CsvChunk, CsvError>>,
) {
    let mut file = pin!(file);
    let (mut decoder, mut rest) = (ImportDecoder::new(options), Bytes::new());
    loop {
        let piece = if rest.is_empty() { file.next().await } else { Some(Ok(std::mem::take(&mut rest))) };
        let piece = match piece {
            Some(Ok(mut piece)) => {
                rest = piece.split_off(piece.len().min(MAX_DECODE_BYTES));
                Some(Ok(piece))
            }
            end => end,
        };
        let (back, outcome) = decoder.run_decoder(piece).await;
        decoder = back;
        for chunk in outcome.chunks {
            if chunks.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        match outcome.ended {
            None => {}
            Some(Ok(())) => return,
            Some(Err(error)) => {
                let _ = chunks.send(Err(error)).await;
                return;
            }
        }
    }
}

/// Records chunks one after the other.
async fn record(
    recorder: &Recorder,
    clock: &Clock,
    (api_key, by_admin): (Option<ApiKeyId>, bool),
    dry_run: bool,
    mut chunks: mpsc::Receiver<Result<CsvChunk, CsvError>>,
) -> (ImportReport, Result<(), CsvImportError>) {
    let mut report = ImportReport { dry_run, ..ImportReport::default() };
    while let Some(chunk) = chunks.recv().await {
        let CsvChunk { lines, decoded, unreadable } = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return (report, Err(error.into())),
        };
        report.ignore(&decoded.ignored);
        report.unreadable.extend(unreadable);
        let received_at = clock.now();
        let submission = Submission {
            format: FORMAT,
            received_at,
            api_key,
            is_admin: by_admin,
            source: Source::File,
            decoded: Ok(decoded),
        };
        let outcome =
            if dry_run { recorder.compare(submission).await } else { recorder.record_with_retry(submission).await };
        match outcome {
            Ok(receipt) => report.add(lines, receipt),
            Err(error) => return (report, Err(error.into())),
        }
    }
    (report, Ok(()))
}

/// The pieces of a local file.
pub fn pieces(file: impl Read + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let reading = spawn_blocking(move || {
            let mut piece = vec![0; READ_BUFFER_BYTES];
            let length = loop {
                match file.read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    length => break length,
                }
            };
            piece.truncate(*length.as_ref().unwrap_or(&0));
            (file, length.map(|_| Bytes::from(piece)))
        });
        match reading.await {
            Ok((_, Ok(piece))) if piece.is_empty() => None,
            Ok((file, Ok(piece))) => Some((Ok(piece), Some(file))),
            Ok((_, Err(error))) => Some((Err(error), None)),
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}
