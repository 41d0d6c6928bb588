//! W3C Trace Context: the trace id that a request's sender names, for log lines.

use axum::http::{HeaderMap, HeaderName};

const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// The trace id of a request: 32 hexadecimal digits. A header that violates the specification is ignored, so a sender
/// can't write anything else into the log.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(TRACEPARENT_HEADER).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let mut parts = value.splitn(5, '-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest_is_allowed = parts.next().is_none() || version != "00"; // a later version may have more parts
    let known = is_hex(version, 2) && version != "ff" && rest_is_allowed;
    let ids = is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    (known && ids && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn trace_id_of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT_HEADER, HeaderValue::from_str(value).expect("a header"));
        }
        trace_id(&headers).map(str::to_owned)
    }

    #[test]
    fn trace_id_follows_the_w3c_specification() {
        let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(trace_id_of(&[&good]).as_deref(), Some(TRACE));
        assert_eq!(trace_id_of(&[&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later")]).as_deref(), Some(TRACE));
        for bad in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            "00-ag_somebodys_key_that_is_not_hex_000-00f067aa0ba902b7-01".to_owned(),
        ] {
            assert_eq!(trace_id_of(&[&bad]), None, "{bad}");
        }
        assert_eq!(trace_id_of(&[&good, &good]), None, "two of them");
        assert_eq!(trace_id_of(&[]), None);
    }
}
