//! Decodes a file while it arrives. Waiting for bytes occupies no thread.
//!
//! The parser of files is an `async fn` that awaits only bytes. Here it is a coroutine: it is polled when there are new
//! bytes, on a thread for blocking work, until it has consumed all of them.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, ReadBuf},
    task::spawn_blocking,
};

use crate::ingest::csv::{CsvChunk, CsvError, CsvOptions, CsvReader};

/// Pieces up to this size, in bytes, are decoded on the current thread, since switching threads takes longer.
const MAX_INLINE_BYTES: usize = 4 << 10;

/// A file that is being decoded.
pub(super) struct ImportDecoder {
    shared: SharedState,
    decoding: Pin<Box<dyn Future<Output = Result<(), CsvError>> + Send>>,
}

/// Result of decoding a piece of a file.
pub(super) struct DecodedPiece {
    /// Chunks that are complete.
    pub chunks: Vec<CsvChunk>,
    /// Whether the file ended, and how; `None` while more bytes are expected.
    pub ended: Option<Result<(), CsvError>>,
}

/// State shared by the coroutine and its driver.
#[derive(Clone, Default)]
struct SharedState(Arc<Mutex<DecoderState>>);

#[derive(Default)]
struct DecoderState {
    /// Unread bytes.
    piece: Bytes,
    /// End of the input; `None` while it is unknown.
    end: Option<io::Result<()>>,
    chunks: Vec<CsvChunk>,
}

impl ImportDecoder {
    pub fn new(options: CsvOptions) -> Self {
        let shared = SharedState::default();
        Self { decoding: Box::pin(decode(shared.clone(), options)), shared }
    }

    /// Decodes the next piece of the file; `None` is its end.
    pub async fn run_decoder(mut self, piece: Option<io::Result<Bytes>>) -> (Self, DecodedPiece) {
        let size = piece.as_ref().map_or(0, |piece| piece.as_ref().map_or(0, Bytes::len));
        if size <= MAX_INLINE_BYTES {
            let decoded = self.decode_now(piece);
            return (self, decoded);
        }
        let decoding = spawn_blocking(move || {
            let decoded = self.decode_now(piece);
            (self, decoded)
        });
        decoding.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("it is not cancelled"),
        })
    }

    fn decode_now(&mut self, piece: Option<io::Result<Bytes>>) -> DecodedPiece {
        {
            let mut state = self.shared.lock();
            match piece {
                Some(Ok(piece)) => state.piece = piece,
                Some(Err(error)) => state.end = Some(Err(error)),
                None => state.end = Some(Ok(())),
            }
        }
        let ended = match self.decoding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => None,
        };
        DecodedPiece { chunks: std::mem::take(&mut self.shared.lock().chunks), ended }
    }
}

async fn decode(shared: SharedState, options: CsvOptions) -> Result<(), CsvError> {
    let mut reader = CsvReader::open(shared.clone(), options).await?;
    loop {
        let chunk = reader.next_chunk().await?;
        if chunk.lines == 0 {
            return Ok(());
        }
        shared.lock().chunks.push(chunk);
    }
}

impl SharedState {
    fn lock(&self) -> MutexGuard<'_, DecoderState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a decoder that panicked is not used again
    }
}

impl AsyncRead for SharedState {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.piece.is_empty() {
            return match &mut state.end {
                None => Poll::Pending,
                Some(end) => Poll::Ready(std::mem::replace(end, Ok(()))),
            };
        }
        let length = state.piece.len().min(buffer.remaining());
        buffer.put_slice(&state.piece.split_to(length));
        Poll::Ready(Ok(()))
    }
}
