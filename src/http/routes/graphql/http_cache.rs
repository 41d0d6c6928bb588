//! What caches may do with the answer to a GET (RFC 9110 §13, RFC 9111): for how long it is fresh, and a tag by which it is
//! found to be the same still.

use async_graphql::CacheControl;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{auth::Caller, limits::rate_limit};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What an answer depends on beside the address: its form, who is asking, and what they know of.
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, x-api-key, airgraph-min-lsn");

/// Marks an answer with the hints of its fields; `asked` are the headers of the request. One that the client has already is
/// not sent again.
pub fn add_cache_headers(
    mut answer: Response<Vec<u8>>,
    hints: Option<CacheControl>,
    caller: &Caller,
    asked: &HeaderMap,
) -> Response<Vec<u8>> {
    let control = hints.and_then(|hints| cache_control(hints, caller));
    let Some(control) = control else { return no_store(answer) };
    let tag = tag(&answer);
    let is_known = is_known(asked, &tag);
    let headers = answer.headers_mut();
    if control.as_bytes().starts_with(b"public") {
        // A cache would send them to other clients, whose budgets they don't describe.
        for name in rate_limit::RATE_LIMIT_HEADERS {
            headers.remove(name);
        }
    }
    headers.insert(header::CACHE_CONTROL, control);
    headers.insert(header::VARY, VARY);
    headers.insert(header::ETAG, tag);
    if is_known {
        headers.remove(header::CONTENT_TYPE);
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer.body_mut().clear();
    }
    answer
}

/// None where nothing may be kept.
fn cache_control(hints: CacheControl, caller: &Caller) -> Option<HeaderValue> {
    let scope = match caller {
        Caller::Anonymous if hints.public => "public",
        Caller::Anonymous | Caller::Key(_) => "private",
    };
    let control = match hints.max_age {
        ..0 => return None,
        0 => format!("{scope}, no-cache"), // nothing is said of any field: to be asked for each time
        age => format!("{scope}, max-age={age}"),
    };
    HeaderValue::from_str(&control).ok()
}

/// Forbids caches to keep an answer.
pub fn no_store(mut answer: Response<Vec<u8>>) -> Response<Vec<u8>> {
    answer.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    answer
}

/// A strong tag: the same bytes of the same form have the same.
pub fn tag(answer: &Response<Vec<u8>>) -> HeaderValue {
    let mut hash = Sha256::new();
    hash.update(answer.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes));
    hash.update(b"\n");
    hash.update(answer.body());
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.finalize()[..16]));
    HeaderValue::from_str(&tag).unwrap_or_else(|_| unreachable!("base64 is ASCII"))
}

/// Whether `If-None-Match` names this tag. Weak tags match too (RFC 9110 §13.1.2).
pub fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut named = lines.flat_map(|line| line.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named).as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response<Vec<u8>> {
        let answer = Response::builder().header(header::CONTENT_TYPE, "application/json");
        answer.body(body.as_bytes().to_vec()).expect("a response")
    }

    fn hints(max_age: i32) -> CacheControl {
        CacheControl { public: true, max_age }
    }

    fn control_of(hints: Option<CacheControl>, caller: &Caller) -> String {
        let marked = add_cache_headers(answer("{}"), hints, caller, &HeaderMap::new());
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
        let sent = add_cache_headers(answer("{}"), Some(hints(5)), &Caller::Anonymous, &HeaderMap::new());
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
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, known.parse().expect("a value"));
            let again = add_cache_headers(answer("{}"), Some(hints(5)), &Caller::Anonymous, &asked);
            let expected = if is_known { (StatusCode::NOT_MODIFIED, true) } else { (StatusCode::OK, false) };
            assert_eq!((again.status(), again.body().is_empty()), expected, "{known}");
            assert_eq!(again.headers()[header::ETAG], tag);
            let other = add_cache_headers(answer("[]"), Some(hints(5)), &Caller::Anonymous, &asked);
            assert_eq!(other.body().is_empty(), known == "*", "{known}");
        }
    }
}
