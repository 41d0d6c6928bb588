//! Files of samples, of any length, in constant memory.
//!
//! ```text
//! file ──▶ a thread that reads and decodes ──▶ a chunk or two ahead ──▶ the recorder, chunk by chunk ──▶ report
//! ```
//!
//! A chunk is stored before the next one is, so what a report counts is stored for good. A file that was cut off can be
//! sent again whole: what was stored is then a duplicate.

mod report;

use std::io::Read;

use tokio::sync::mpsc;

use super::{
    DecodeError,
    csv::{Chunk, CsvError, FORMAT, Options, Reader},
    recorder::{RecordError, Recorder, Source, Submission},
};
use crate::{clock::Clock, domain::api_key::ApiKeyId};

pub use report::{Rejected, RejectedLine, Report};

/// Chunks decoded ahead of the one that is being stored.
const AHEAD: usize = 1;
/// What is to be done with a file.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// What the file doesn't tell.
    pub options: Options,
    /// The key that vouches for it.
    pub api_key: Option<ApiKeyId>,
    /// Whether that is an admin's key.
    pub by_admin: bool,
    /// Whether to tell what would become of it, and store nothing.
    pub dry_run: bool,
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is none that is understood.
    #[error("{}", .0.detail)]
    Refused(DecodeError),
    /// It broke off.
    #[error("the file broke off: {0}")]
    Broken(std::io::Error),
    /// What was read can't be stored.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<CsvError> for UploadError {
    fn from(error: CsvError) -> Self {
        match error {
            CsvError::Refused(reason) => Self::Refused(reason),
            CsvError::Broken(reason) => Self::Broken(reason),
        }
    }
}

/// Reads a file to its end and records it. The report tells of all that was stored, also when not everything was.
pub async fn run(
    recorder: &Recorder,
    clock: &Clock,
    file: impl Read + Send + 'static,
    task: Task,
) -> (Report, Result<(), UploadError>) {
    let Task { options, api_key, by_admin, dry_run } = task;
    let (sender, mut chunks) = mpsc::channel(AHEAD);
    // Ends when the file does, or when nobody takes what it reads any more.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(file, options, &sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    let mut report = Report { dry_run, ..Report::default() };
    while let Some(chunk) = chunks.recv().await {
        let Chunk { lines, decoded, unreadable } = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return (report, Err(error.into())),
        };
        report.ignore(&decoded.ignored);
        report.unreadable.extend(unreadable);
        let received_at = clock.now();
        let submission =
            Submission { format: FORMAT, received_at, api_key, by_admin, source: Source::File, decoded: Ok(decoded) };
        let outcome =
            if dry_run { recorder.compare(submission).await } else { recorder.record_patiently(submission).await };
        match outcome {
            Ok(receipt) => report.add(lines, receipt),
            Err(error) => return (report, Err(error.into())),
        }
    }
    (report, Ok(()))
}

fn read(file: impl Read, options: Options, chunks: &mpsc::Sender<Result<Chunk, CsvError>>) -> Result<(), CsvError> {
    let mut reader = Reader::open(file, options)?;
    loop {
        let chunk = reader.chunk()?;
        if chunk.lines == 0 || chunks.blocking_send(Ok(chunk)).is_err() {
            return Ok(());
        }
    }
}
