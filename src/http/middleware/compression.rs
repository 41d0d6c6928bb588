//! Compression of responses, at the fastest levels: only a slow network would justify more time.

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    response::Response,
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

use crate::http::routes::precompressed::NoCompression;

/// A shorter response fits into one or two packets uncompressed.
const MIN_COMPRESSED_BYTES: u16 = 1024;

/// The compression layer. It excludes event streams, as each event must be sent at once, and what is compressed
/// already.
pub(crate) fn layer() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(MIN_COMPRESSED_BYTES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
        .and(|_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
            extensions.get::<NoCompression>().is_none()
        });
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

/// Separates the encoding from the rest of an `ETag`. The gateway's tags consist of letters, digits, `-` and `_`.
const ETAG_ENCODING_SEPARATOR: char = '.';

/// Outside the compression layer: gives each encoding of a response its own `ETag`, as strong tags identify bytes (RFC
/// 9110 §8.8.3.3). A request with the tag of any encoding matches.
pub(crate) async fn etag_per_encoding(mut request: Request, next: impl AsyncFnOnce(Request) -> Response) -> Response {
    prefer_brotli(request.headers_mut());
    let Some(named) = if_none_match_tags(request.headers()) else {
        let mut response = next(request).await;
        add_encoding_to_etag(response.headers_mut());
        return response;
    };
    let plain = named.iter().map(|tag| strip_encoding(tag)).collect::<Vec<_>>().join(", ");
    if let Ok(plain) = HeaderValue::from_str(&plain) {
        request.headers_mut().insert(header::IF_NONE_MATCH, plain);
    }
    let mut response = next(request).await;
    if response.status() == StatusCode::NOT_MODIFIED {
        restore_matched_etag(response.headers_mut(), &named);
    } else {
        add_encoding_to_etag(response.headers_mut());
    }
    response
}

/// Removes zstd from `Accept-Encoding` if the client gives brotli the same weight. Node 20 offers zstd on behalf of
/// code generators that cannot read it, and every client that offers both can read brotli.
fn prefer_brotli(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let offers: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let weight = |coding| offers.iter().find_map(|offer| weight_of(offer, coding));
    let (Some(brotli), Some(zstd)) = (weight("br"), weight("zstd")) else { return };
    if brotli > 0.0 && brotli >= zstd {
        let rest: Vec<_> = offers.into_iter().filter(|offer| weight_of(offer, "zstd").is_none()).collect();
        if let Ok(rest) = HeaderValue::from_str(&rest.join(", ")) {
            headers.insert(header::ACCEPT_ENCODING, rest);
        }
    }
}

/// Whether a request accepts this coding by name.
pub(crate) fn accepts_encoding(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut offers = lines.flat_map(|line| line.split(',')).map(str::trim);
    offers.any(|offer| weight_of(offer, coding).is_some_and(|weight| weight > 0.0))
}

/// The weight of an offer such as `br;q=0.5`, if it is of this coding.
fn weight_of(offer: &str, coding: &str) -> Option<f32> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(coding) {
        return None;
    }
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some(weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
}

/// The tags of `If-None-Match`, if it is sent.
fn if_none_match_tags(headers: &HeaderMap) -> Option<Vec<String>> {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let tags: Vec<_> = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect();
    (!tags.is_empty()).then_some(tags)
}

/// A tag such as `"abc.zstd"` without the encoding: `"abc"`.
fn strip_encoding(tag: &str) -> String {
    let inner = tag.strip_suffix('"').and_then(|inner| inner.split_once(ETAG_ENCODING_SEPARATOR));
    inner.map_or_else(|| tag.to_owned(), |(plain, _)| format!("{plain}\""))
}

/// Adds the encoding of a response to its tag.
fn add_encoding_to_etag(headers: &mut HeaderMap) {
    let value = |name| headers.get(name)?.to_str().ok();
    let (Some(tag), Some(encoding)) = (value(header::ETAG), value(header::CONTENT_ENCODING)) else { return };
    let Some(plain) = tag.strip_suffix('"') else { return };
    if let Ok(tag) = HeaderValue::from_str(&format!("{plain}{ETAG_ENCODING_SEPARATOR}{encoding}\"")) {
        headers.insert(header::ETAG, tag);
    }
}

/// Replaces the tag of a 304 response by the one that the client sent.
fn restore_matched_etag(headers: &mut HeaderMap, named: &[String]) {
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    let strong = |named: &String| named.strip_prefix("W/").unwrap_or(named).to_owned();
    let known = named.iter().map(strong).find(|named| strip_encoding(named) == tag);
    if let Some(known) = known.and_then(|known| HeaderValue::from_str(&known).ok()) {
        headers.insert(header::ETAG, known);
    }
    // With the headers of the full response: a cache stores these in place of its own.
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_preferred_to_zstd_of_equal_weight() {
        for (offered, expected) in [
            ("gzip, deflate, br, zstd", "gzip, deflate, br"),
            ("zstd, br", "br"),
            ("zstd;q=0.5, br;q=0.5", "br;q=0.5"),
            ("zstd;q=0.5, BR;q=1, gzip;q=0.1", "BR;q=1, gzip;q=0.1"),
            ("zstd, br;q=0.9", "zstd, br;q=0.9"),
            ("zstd;q=0, br;q=0", "zstd;q=0, br;q=0"),
            ("zstd, gzip", "zstd, gzip"),
            ("br, gzip", "br, gzip"),
            ("", ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, offered.parse().expect("a value"));
            prefer_brotli(&mut headers);
            assert_eq!(headers[header::ACCEPT_ENCODING], expected, "{offered}");
        }
    }
}
