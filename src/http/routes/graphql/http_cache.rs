//! HTTP caching of GET responses (RFC 9110 §13, RFC 9111): `Cache-Control` and `ETag`.

use async_graphql::CacheControl;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{auth::Caller, limits::rate_limit};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What a response depends on in addition to the URL: format, caller, and the minimum position of its replica.
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, x-api-key, airgraph-min-lsn");

/// Adds cache headers from the hints of the response's fields. A response that the client already has becomes a 304.
pub fn add_cache_headers(
    mut response: Response<Vec<u8>>,
    hints: Option<CacheControl>,
    caller: &Caller,
    request_headers: &HeaderMap,
) -> Response<Vec<u8>> {
    let control = hints.and_then(|hints| cache_control(hints, caller));
    let Some(control) = control else { return no_store(response) };
    let tag = tag(&response);
    let is_known = is_known(request_headers, &tag);
    let headers = response.headers_mut();
    if control.as_bytes().starts_with(b"public") {
        // They describe the rate limits of this client only, and a cache would send them to others.
        for name in rate_limit::RATE_LIMIT_HEADERS {
            headers.remove(name);
        }
    }
    headers.insert(header::CACHE_CONTROL, control);
    headers.insert(header::VARY, VARY);
    headers.insert(header::ETAG, tag);
    if is_known {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.body_mut().clear();
    }
    response
}

/// `Cache-Control`; `None` if the response must not be stored.
fn cache_control(hints: CacheControl, caller: &Caller) -> Option<HeaderValue> {
    let scope = match caller {
        Caller::Anonymous if hints.public => "public",
        Caller::Anonymous | Caller::Key(_) => "private",
    };
    let control = match hints.max_age {
        ..0 => return None,
        0 => format!("{scope}, no-cache"), // no field has a hint: revalidate each time
        age => format!("{scope}, max-age={age}"),
    };
    HeaderValue::from_str(&control).ok()
}

/// Forbids caches to store a response.
pub fn no_store(mut response: Response<Vec<u8>>) -> Response<Vec<u8>> {
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A strong tag: equal bytes of the same media type have the same tag.
pub fn tag(response: &Response<Vec<u8>>) -> HeaderValue {
    let mut hash = Sha256::new();
    hash.update(response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes));
    hash.update(b"\n");
    hash.update(response.body());
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.finalize()[..16]));
    HeaderValue::from_str(&tag).unwrap_or_else(|_| unreachable!("base64 is ASCII"))
}

/// Whether `If-None-Match` names this tag. Weak tags match too (RFC 9110 §13.1.2).
pub fn is_known(request_headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = request_headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut named = lines.flat_map(|line| line.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named).as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response<Vec<u8>> {
        let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
        response.body(body.as_bytes().to_vec()).expect("a response")
    }

    fn hints(max_age: i32) -> CacheControl {
        CacheControl { public: true, max_age }
    }

    fn control_of(hints: Option<CacheControl>, caller: &Caller) -> String {
        let marked = add_cache_headers(response("{}"), hints, caller, &HeaderMap::new());
        marked.headers()[header::CACHE_CONTROL].to_str().expect("text").to_owned()
    }

    #[test]
    fn hints_decide_the_max_age() {
        assert_eq!(control_of(Some(hints(5)), &Caller::Anonymous), "public, max-age=5");
        assert_eq!(control_of(Some(hints(0)), &Caller::Anonymous), "public, no-cache");
        assert_eq!(control_of(Some(hints(-1)), &Caller::Anonymous), "no-store");
        assert_eq!(control_of(None, &Caller::Anonymous), "no-store");
    }

    #[test]
    fn matching_etag_is_not_sent_again() {
        let sent = add_cache_headers(response("{}"), Some(hints(5)), &Caller::Anonymous, &HeaderMap::new());
        let tag = sent.headers()[header::ETAG].to_str().expect("text").to_owned();
        assert_eq!((sent.status(), sent.body().as_slice()), (StatusCode::OK, &b"{}"[..]));
        for (known, is_known) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"other\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (tag.trim_matches('"').to_owned(), false),
        ] {
            let mut request_headers = HeaderMap::new();
            request_headers.insert(header::IF_NONE_MATCH, known.parse().expect("a value"));
            let again = add_cache_headers(response("{}"), Some(hints(5)), &Caller::Anonymous, &request_headers);
            let expected = if is_known { (StatusCode::NOT_MODIFIED, true) } else { (StatusCode::OK, false) };
            assert_eq!((again.status(), again.body().is_empty()), expected, "{known}");
            assert_eq!(again.headers()[header::ETAG], tag);
            let other = add_cache_headers(response("[]"), Some(hints(5)), &Caller::Anonymous, &request_headers);
            assert_eq!(other.body().is_empty(), known == "*", "{known}");
        }
    }
}
