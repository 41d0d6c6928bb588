//! `Content-Type` of request bodies that are JSON.

use axum::http::{HeaderMap, header};
use mime::Mime;

use crate::api_error::ApiError;

/// Media types of JSON bodies from clients that set no better one: `curl -d`, `fetch` with a text, and some firmware.
const GENERIC_MEDIA_TYPES: [&str; 4] =
    ["application/x-www-form-urlencoded", "text/plain", "text/json", "application/octet-stream"];
/// Charsets with texts that are valid UTF-8.
const UTF_8_CHARSETS: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];

/// Checks that a body is declared as JSON in UTF-8.
///
/// # Errors
/// When it isn't.
pub(super) fn check_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let media_type = media_type(headers).ok_or(ApiError::UnsupportedMediaType("application/json"))?;
    check(&media_type, is_json(&media_type))
}

/// Checks that a sensor's body may be JSON in UTF-8. Its decoder checks the content, so a missing or generic type is
/// accepted. A page of another site could send the generic types with a visitor's credentials without a preflight, so
/// from other sites only `application/json` is accepted, which causes one.
///
/// # Errors
/// When it can't be JSON.
pub(super) fn check_sensor_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_of_other_site = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if is_of_other_site {
        return check_json(headers);
    }
    if headers.get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().trim_ascii().is_empty()) {
        return Ok(());
    }
    let media_type = media_type(headers).ok_or(ApiError::UnsupportedMediaType("application/json"))?;
    check(&media_type, is_json(&media_type) || GENERIC_MEDIA_TYPES.contains(&media_type.essence_str()))
}

fn media_type(headers: &HeaderMap) -> Option<Mime> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()?.parse().ok()
}

fn is_json(media_type: &Mime) -> bool {
    media_type.type_() == mime::APPLICATION
        && (media_type.essence_str() == mime::APPLICATION_JSON.essence_str() || media_type.suffix() == Some(mime::JSON))
}

fn check(media_type: &Mime, is_supported: bool) -> Result<(), ApiError> {
    if !is_supported {
        return Err(ApiError::UnsupportedMediaType("application/json"));
    }
    match media_type.get_param(mime::CHARSET) {
        Some(charset) if !UTF_8_CHARSETS.iter().any(|utf_8| charset.as_str().eq_ignore_ascii_case(utf_8)) => {
            Err(ApiError::UnsupportedCharset(charset.as_str().to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn json_in_utf_8_is_accepted() {
        for accepted in [
            "application/json",
            "APPLICATION/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=UTF8",
            "application/json; charset=\"utf-8\"",
            "application/json; charset=us-ascii",
            "application/graphql+json",
            "application/vnd.api+json; charset=utf8",
        ] {
            assert!(check_json(&headers(&[("content-type", accepted)])).is_ok(), "{accepted}");
            assert!(check_sensor_json(&headers(&[("content-type", accepted)])).is_ok(), "{accepted}");
        }
    }

    #[test]
    fn unsupported_charset_is_rejected() {
        for (media_type, charset) in [
            ("application/json; charset=iso-8859-1", "iso-8859-1"),
            ("application/json; charset=utf-16", "utf-16"),
            ("application/json; charset=latin1", "latin1"),
        ] {
            for check in [check_json, check_sensor_json] {
                let refused = check(&headers(&[("content-type", media_type)]));
                assert!(matches!(refused, Err(ApiError::UnsupportedCharset(name)) if name == charset), "{media_type}");
            }
        }
    }

    #[test]
    fn generic_media_types_are_accepted_from_sensors_not_from_other_sites() {
        for general in ["", " ", "text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"] {
            let of = |site| headers(&[("content-type", general), ("sec-fetch-site", site)]);
            assert!(check_json(&of("same-origin")).is_err(), "{general:?}");
            assert!(check_sensor_json(&headers(&[("content-type", general)])).is_ok(), "{general:?}");
            assert!(check_sensor_json(&of("none")).is_ok() && check_sensor_json(&of("same-origin")).is_ok());
            assert!(check_sensor_json(&of("cross-site")).is_err() && check_sensor_json(&of("same-site")).is_err());
        }
        assert!(check_json(&HeaderMap::new()).is_err());
        assert!(check_sensor_json(&HeaderMap::new()).is_ok());
        for other in ["text/html", "multipart/form-data; boundary=x", "image/png", "application/xml", "json"] {
            assert!(check_sensor_json(&headers(&[("content-type", other)])).is_err(), "{other}");
        }
    }
}
