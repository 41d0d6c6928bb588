//! Embedded files that are compressed once and not for each request: compressing the largest takes as much CPU time as
//! hundreds of other requests.

use async_compression::{
    Level,
    tokio::bufread::{BrotliEncoder, GzipEncoder},
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::OnceCell,
};

use crate::http::middleware::compression;

/// Of 11 levels. Higher ones take seconds.
const BROTLI_QUALITY: i32 = 5;
/// A shorter file fits into one or two packets uncompressed.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// Response extension: the response must not be compressed any more.
#[derive(Clone, Copy)]
pub(crate) struct NoCompression;

/// A file, uncompressed and compressed.
#[derive(Debug)]
pub(crate) struct Precompressed {
    plain: Bytes,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

impl Precompressed {
    /// Each encoding is compressed on its first request.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        Self { plain: plain.into(), brotli: OnceCell::new(), gzip: OnceCell::new() }
    }

    /// A response in the preferred encoding of the client.
    pub async fn response(&self, request: &HeaderMap) -> Response {
        let (plain, is_large) = (&self.plain[..], self.plain.len() >= MIN_COMPRESSED_BYTES);
        let coded = if is_large && compression::accepts_encoding(request, "br") {
            let encoder = || compress(BrotliEncoder::with_quality(plain, Level::Precise(BROTLI_QUALITY)));
            self.brotli.get_or_try_init(encoder).await.ok().map(|bytes| (bytes, "br"))
        } else if is_large && compression::accepts_encoding(request, "gzip") {
            self.gzip.get_or_try_init(|| compress(GzipEncoder::new(plain))).await.ok().map(|bytes| (bytes, "gzip"))
        } else {
            None
        };
        let (bytes, coding) = coded.map_or((&self.plain, None), |(bytes, coding)| (bytes, Some(coding)));
        let mut response = Response::new(Body::from(bytes.clone()));
        response.extensions_mut().insert(NoCompression);
        if let Some(coding) = coding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        if is_large {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }
}

/// Never waits: the file is in memory.
async fn compress(mut encoder: impl AsyncRead + Unpin) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    encoder.read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}
