//! Request bodies with a `Content-Encoding` (RFC 9110 §8.4), decompressed as they are read.
//!
//! Limits on the size of a body apply to the decompressed bytes. The memory of a decoder is bounded: 32 KiB by the
//! format of gzip and deflate, 8 MiB by RFC 9659 for zstd, which is counted like bodies. The expansion of file uploads,
//! which have no size limit, is bounded too.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_compression::{
    tokio::bufread::{GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::{
    BoxError,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::{
    api_error::ApiError,
    http::{BodyMemory, MAX_BODY_BYTES, extract::authenticated, state::SharedState},
    limits::{Limit, rate_limit::CallerId},
};

/// Maximum expansion ratio of a body, beyond [`MAX_BODY_BYTES`](crate::http::MAX_BODY_BYTES). CSV of sensors expands 5
/// to 30 times.
const MAX_EXPANSION_RATIO: u64 = 200;
/// Base-2 logarithm of the largest zstd window that HTTP allows (RFC 9659).
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Size of one decompressed chunk.
const DECOMPRESSED_CHUNK_BYTES: usize = 16 << 10;

/// Why a body can't be decompressed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DecompressionError {
    /// The body is cut off, or not in this coding.
    #[error("body is not valid {coding}: {reason}")]
    Invalid {
        /// The coding's name.
        coding: &'static str,
        /// What the decoder reports.
        reason: String,
    },
    /// The body expands too much.
    #[error("body expands to more than {MAX_EXPANSION_RATIO} times its size")]
    ExpandsTooMuch,
    /// The bodies that are being read use too much memory.
    #[error("{}", .0.reason())]
    LimitReached(Limit),
}

impl DecompressionError {
    /// The decompression error in the source chain of a body's error, if any.
    pub(crate) fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = match error.downcast_ref::<io::Error>() {
                // Checked before the source: the source of the outer error is that of the inner one.
                Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }
}

impl From<&DecompressionError> for ApiError {
    fn from(error: &DecompressionError) -> Self {
        match error {
            DecompressionError::Invalid { .. } => Self::BadRequest(error.to_string()),
            DecompressionError::ExpandsTooMuch => Self::ExpandsTooMuch(MAX_EXPANSION_RATIO),
            DecompressionError::LimitReached(limit) => (*limit).into(),
        }
    }
}

/// A content coding.
#[derive(Clone, Copy)]
enum ContentCoding {
    Gzip,
    Zstd,
    /// The zlib format.
    Deflate,
}

impl ContentCoding {
    /// The coding of a request; `None` for an uncompressed body.
    fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let lines: Vec<_> = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase())
            .collect();
        let codings = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
        let codings: Vec<_> = codings.filter(|coding| !coding.is_empty() && *coding != "identity").collect();
        match codings.as_slice() {
            [] => Ok(None),
            ["gzip" | "x-gzip"] => Ok(Some(Self::Gzip)),
            ["zstd"] => Ok(Some(Self::Zstd)),
            ["deflate"] => Ok(Some(Self::Deflate)),
            codings => Err(ApiError::UnsupportedContentEncoding(codings.join(", "))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }

    /// A decoder of a body. Counts the compressed bytes that it reads.
    fn decoder(self, body: Body, read: Arc<AtomicU64>) -> Pin<Box<dyn AsyncRead + Send>> {
        let pieces = body.into_data_stream().map(move |piece| {
            let piece = piece.map_err(io::Error::other)?;
            read.fetch_add(piece.len() as u64, Ordering::Relaxed);
            Ok::<_, io::Error>(piece)
        });
        let body = StreamReader::new(pieces);
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(body);
                decoder.multiple_members(true); // RFC 1952 §2.2
                Box::pin(decoder)
            }
            Self::Zstd => {
                let params = [DParameter::window_log_max(MAX_ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(body, &params);
                decoder.multiple_members(true); // RFC 8878 §3.1
                Box::pin(decoder)
            }
            Self::Deflate => Box::pin(ZlibDecoder::new(body)),
        }
    }
}

/// Decompresses the body of a request that has a coding.
pub(crate) async fn decompress(State(app): State<SharedState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = authenticated::address_id(&parts, &app); // the key is not looked up yet
    match with_decompressed_body(&app.body_memory, caller, Request::from_parts(parts, body)) {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The request with a body that is decompressed while it is read.
///
/// # Errors
/// When its coding is not one of [`ACCEPTED_ENCODINGS`](crate::api_error::ACCEPTED_ENCODINGS).
pub(crate) fn with_decompressed_body(
    bodies: &BodyMemory,
    caller: CallerId,
    request: Request,
) -> Result<Request, ApiError> {
    let Some(coding) = ContentCoding::from_headers(request.headers())? else { return Ok(request) };
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from_stream(decompressed_chunks(coding, body, bodies.clone(), caller))))
}

/// The decompressed chunks. The decoder is created when the body is first read: a request may be refused before.
fn decompressed_chunks(
    coding: ContentCoding,
    body: Body,
    bodies: BodyMemory,
    caller: CallerId,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let first = async move {
        let window = match coding {
            ContentCoding::Zstd => Some(
                bodies
                    .reserve_decoder_window(caller, 1 << MAX_ZSTD_WINDOW_LOG)
                    .map_err(DecompressionError::LimitReached)?,
            ),
            ContentCoding::Gzip | ContentCoding::Deflate => None,
        };
        let (read, mut written) = (Arc::new(AtomicU64::new(0)), 0);
        let decoder = coding.decoder(body, read.clone());
        let pieces = ReaderStream::with_capacity(decoder, DECOMPRESSED_CHUNK_BYTES).map(move |piece| {
            let _held = &window;
            let piece = piece.map_err(|error| decoder_error(coding, error))?;
            written += piece.len() as u64;
            if written > MAX_BODY_BYTES as u64 && written / MAX_EXPANSION_RATIO > read.load(Ordering::Relaxed) {
                return Err(DecompressionError::ExpandsTooMuch.into());
            }
            Ok::<_, BoxError>(piece)
        });
        Ok::<_, BoxError>(pieces)
    };
    stream::once(first).try_flatten()
}

/// An error of the connection is kept; any other is the decoder's.
fn decoder_error(coding: ContentCoding, error: io::Error) -> BoxError {
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<axum::Error>) {
        return error.into();
    }
    DecompressionError::Invalid { coding: coding.name(), reason: error.to_string() }.into()
}
