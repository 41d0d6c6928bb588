//! The stream of a running export. A task of its own reads a page while the one before is encoded, at most a few chunks
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
    format::Encoder,
    rows::{PageRows, RowPage},
    source::ExportSource,
};
use crate::api_error::ApiError;

/// Size of a chunk.
const CHUNK_BYTES: usize = 128 << 10;
/// Chunks of a page that are sent ahead of the client.
const CHUNKS_AHEAD: usize = 4;

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
        Self { parts, is_ended: false, _producer: producer }
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

/// Reads each page while the one before is encoded and sent.
async fn produce(
    mut source: ExportSource,
    mut encoder: Encoder,
    first: Option<RowPage>,
    parts: &Parts,
) -> Result<(), ApiError> {
    send(parts, encoder.start()).await?;
    let (mut page, mut end_cursor) = (first, None);
    while let Some(current) = page {
        end_cursor = current.end_cursor.or(end_cursor);
        let encode_and_send = async {
            let (encoder, text) = encode(encoder, current.rows).await?;
            send(parts, text).await?;
            Ok::<_, ApiError>(encoder)
        };
        let (next, sent) = tokio::join!(source.next(), encode_and_send);
        encoder = sent?;
        page = next?;
    }
    send(parts, encoder.finish(end_cursor.as_deref())?).await
}

/// Encodes a page on a thread for work that takes long, so that no other request waits for it.
async fn encode(mut encoder: Encoder, rows: PageRows) -> Result<(Encoder, Vec<u8>), ApiError> {
    let work = spawn_blocking(move || {
        let mut text = Vec::new();
        encoder.rows(&rows, &mut text).map(|()| (encoder, text))
    });
    work.await.map_err(|error| ApiError::Internal(error.into()))?
}

/// Sends a part of the file in chunks.
async fn send(parts: &Parts, text: Vec<u8>) -> Result<(), ApiError> {
    let mut rest = Bytes::from(text);
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        let sent = parts.send(Ok(Part::Chunk(chunk))).await;
        sent.map_err(|_| ApiError::Internal(anyhow::anyhow!("the client of an export is gone")))?;
    }
    Ok(())
}
