//! The ground map of the explorer from a file of the operator: byte ranges (RFC 9110, section 14), which is how a PMTiles
//! file is read.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt as _, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::stream;

use super::precompressed::NoCompression;
use crate::{
    api_error::ApiError,
    config::explorer::{GroundMap, MapFile, MapSource},
    http::state::SharedState,
};

/// Path of the file, relative to the explorer.
pub(super) const MAP_FILE_PATH: &str = "map.pmtiles";
/// Memory of a response that is being sent.
const CHUNK_BYTES: u64 = 64 * 1024;

pub(super) fn routes() -> Router<SharedState> {
    Router::new().route("/map.pmtiles", get(map_file))
}

async fn map_file(State(app): State<SharedState>, request: HeaderMap) -> Result<Response, ApiError> {
    let map = app.explorer.ground_map.as_ref().filter(|_| app.explorer.enabled);
    let Some(GroundMap { source: MapSource::File(map), .. }) = map else { return Err(ApiError::NotFound) };
    let tag = HeaderValue::try_from(format!("\"{}\"", map.version))
        .map_err(|error| ApiError::Internal(anyhow::Error::new(error).context("tag of the map file")))?;
    let is_other_version = request.get(header::IF_RANGE).is_some_and(|named| *named != tag);
    let range =
        request.get(header::RANGE).filter(|_| !is_other_version).and_then(|range| parse_range(range, map.bytes));
    let mut response = match range {
        None => respond(StatusCode::OK, map, 0..map.bytes),
        Some(Ok(range)) => {
            let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, map.bytes);
            let mut response = respond(StatusCode::PARTIAL_CONTENT, map, range);
            set_content_range(&mut response, &content_range);
            response
        }
        Some(Err(Unsatisfiable)) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set_content_range(&mut response, &format!("bytes */{}", map.bytes));
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn respond(status: StatusCode, map: &MapFile, range: Range<u64>) -> Response {
    let length = range.end - range.start;
    let mut response = (status, Body::from_stream(read_range(map.file.clone(), range))).into_response();
    response.extensions_mut().insert(NoCompression);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.pmtiles"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    response
}

fn set_content_range(response: &mut Response, range: &str) {
    if let Ok(range) = HeaderValue::from_str(range) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
}

/// The bytes of a range, one chunk at a time, as the client takes them.
fn read_range(file: Arc<File>, range: Range<u64>) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(range, move |rest| {
        let file = file.clone();
        async move {
            let length = (rest.end - rest.start).min(CHUNK_BYTES);
            let Some(buffer_length) = usize::try_from(length).ok().filter(|length| *length > 0) else {
                return Ok(None);
            };
            let read = tokio::task::spawn_blocking(move || {
                let mut buffer = vec![0; buffer_length];
                file.read_exact_at(&mut buffer, rest.start).map(|()| Bytes::from(buffer))
            });
            let bytes = read.await.map_err(io::Error::other)??;
            Ok(Some((bytes, rest.start + length..rest.end)))
        }
    })
}

/// A range beyond the end of the file.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The bytes of a `Range` header with one range. `None` for any other header, which a server may ignore.
fn parse_range(header: &HeaderValue, bytes: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let (first, last) = header.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let range = match (first, last) {
        ("", suffix) => bytes.saturating_sub(number(suffix)?)..bytes,
        (first, "") => number(first)?..bytes,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(bytes)
        }
    };
    Some(if range.start < range.end { Ok(range) } else { Err(Unsatisfiable) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_parsed_and_others_are_ignored() {
        let parse = |text: &'static str| parse_range(&HeaderValue::from_static(text), 100);
        for (text, expected) in [
            ("bytes=0-0", Some(Ok(0..1))),
            ("bytes=10-19", Some(Ok(10..20))),
            ("bytes=90-200", Some(Ok(90..100))),
            ("bytes=99-", Some(Ok(99..100))),
            ("bytes=-30", Some(Ok(70..100))),
            ("bytes=-300", Some(Ok(0..100))),
            ("bytes=0-18446744073709551615", Some(Ok(0..100))),
            ("bytes=100-", Some(Err(Unsatisfiable))),
            ("bytes=200-300", Some(Err(Unsatisfiable))),
            ("bytes=-0", Some(Err(Unsatisfiable))),
            ("bytes=5-4", None),
            ("bytes=0-1,5-6", None),
            ("bytes=+1-2", None),
            ("bytes=-", None),
            ("lines=0-1", None),
            ("bytes=18446744073709551616-", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
