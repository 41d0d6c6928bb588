//! The stream of a running export. A task of its own reads pages while those before are encoded, at most a few chunks
//! ahead of the client. When the stream is dropped, the task ends, and its statement is cancelled in Postgres.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use futures_util::Stream;
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
    time::timeout,
};

use super::{
    format::{CHUNK_BYTES, Encoder},
    rows::{PageRows, RowPage},
    source::ExportSource,
};
use crate::api_error::ApiError;

/// Pages that are read ahead of the one that is encoded, beside the one that is being read.
const PAGES_AHEAD: usize = 1;
/// Chunks of a page that are sent ahead of the client.
const CHUNKS_AHEAD: usize = 8;

/// Why an export ended in the middle.
#[derive(Clone, Debug, thiserror::Error)]
#[error("export broken off: {0}")]
pub struct ExportBrokenOff(pub String);

/// A part of the file.
enum Part {
    Chunk(Bytes),
    /// The file is complete.
    End,
}

/// The file of an export. It ends with an error when it is not complete.
pub struct ExportStream {
    parts: mpsc::Receiver<Result<Part, ExportBrokenOff>>,
    is_ended: bool,
    archived_months: Vec<String>,
    /// Aborted when dropped.
    _producer: JoinSet<()>,
}

impl ExportStream {
    /// Starts to read the pages after the first one.
    pub(super) fn start(
        source: ExportSource,
        encoder: Encoder,
        first: Option<RowPage>,
        max_duration: Duration,
    ) -> Self {
        let (sender, parts) = mpsc::channel(CHUNKS_AHEAD);
        let mut producer = JoinSet::new();
        producer.spawn(async move {
            let outcome = timeout(max_duration, Box::pin(produce(source, encoder, first, &sender))).await;
            let end = match outcome {
                Ok(Ok(())) => Ok(Part::End),
                Ok(Err(error)) => {
                    error.log();
                    Err(ExportBrokenOff(error.message()))
                }
                Err(_) => Err(ExportBrokenOff("it took too long".to_owned())),
            };
            let _ = sender.send(end).await; // the client may be gone
        });
        Self { parts, is_ended: false, archived_months: Vec::new(), _producer: producer }
    }

    pub(super) fn with_archived_months(self, archived_months: Vec<String>) -> Self {
        Self { archived_months, ..self }
    }

    /// Months such as `2026-05` of which the file lacks measurements, because they are in an archive and no longer in the
    /// database.
    #[must_use]
    pub fn archived_months(&self) -> &[String] {
        &self.archived_months
    }
}

impl Stream for ExportStream {
    type Item = Result<Bytes, ExportBrokenOff>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        let part = ready!(self.parts.poll_recv(context));
        self.is_ended = !matches!(part, Some(Ok(Part::Chunk(_))));
        Poll::Ready(match part {
            Some(Ok(Part::Chunk(chunk))) => Some(Ok(chunk)),
            Some(Ok(Part::End)) => None,
            Some(Err(error)) => Some(Err(error)),
            // A task that panicked sent no end.
            None => Some(Err(ExportBrokenOff("internal error".to_owned()))),
        })
    }
}

type Parts = mpsc::Sender<Result<Part, ExportBrokenOff>>;

/// Reads pages while those before are encoded and sent.
async fn produce(
    source: ExportSource,
    encoder: Encoder,
    first: Option<RowPage>,
    parts: &Parts,
) -> Result<(), ApiError> {
    let (sender, pages) = mpsc::channel(PAGES_AHEAD);
    let ((), written) = tokio::join!(read(source, first, sender), write(pages, encoder, parts));
    written
}

/// Reads pages to the end, or to an error, which is the last item.
async fn read(mut source: ExportSource, first: Option<RowPage>, pages: mpsc::Sender<Result<RowPage, ApiError>>) {
    let mut next = first.map(Ok);
    while let Some(page) = next {
        let is_error = page.is_err();
        if pages.send(page).await.is_err() || is_error {
            return;
        }
        next = source.next().await.transpose();
    }
}

/// Encodes pages and sends them.
async fn write(
    mut pages: mpsc::Receiver<Result<RowPage, ApiError>>,
    mut encoder: Encoder,
    parts: &Parts,
) -> Result<(), ApiError> {
    send(parts, encoder.start()).await?;
    let mut end_cursor = None;
    while let Some(page) = pages.recv().await {
        let page = page?;
        end_cursor = page.end_cursor.or(end_cursor);
        let chunks;
        (encoder, chunks) = encode(encoder, page.rows).await?;
        for chunk in chunks {
            send(parts, chunk).await?;
        }
    }
    send(parts, encoder.finish(end_cursor.as_deref())?).await
}

/// Encodes a page on a thread for work that takes long, so that no other request waits for it.
async fn encode(mut encoder: Encoder, rows: PageRows) -> Result<(Encoder, Vec<Vec<u8>>), ApiError> {
    let work = spawn_blocking(move || encoder.rows(&rows).map(|chunks| (encoder, chunks)));
    work.await.map_err(|error| ApiError::Internal(error.into()))?
}

/// Sends a part of the file in chunks of limited size: a row group is longer.
async fn send(parts: &Parts, text: Vec<u8>) -> Result<(), ApiError> {
    let mut rest = Bytes::from(text);
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(2 * CHUNK_BYTES));
        let sent = parts.send(Ok(Part::Chunk(chunk))).await;
        sent.map_err(|_| ApiError::Internal(anyhow::anyhow!("the client of an export is gone")))?;
    }
    Ok(())
}
