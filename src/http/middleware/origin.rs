//! Origins of web pages (RFC 6454): which ones are configured, and whether a request comes from the gateway's own pages.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts, uri::Authority};
use ipnet::IpNet;

use crate::http::extract::client_ip;

const FORWARDED_HOST_HEADER: HeaderName = HeaderName::from_static("x-forwarded-host");

/// An origin with pages that may use the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Any origin.
    Any,
    /// One origin, such as `https://map.example`.
    Site(HeaderValue),
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let expected =
            || format!("{text:?} is no origin; it is `*`, or a scheme and a host such as https://map.example");
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(expected()) };
        // In the form that browsers send, since it is compared with that.
        let origin = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        if !["http", "https"].contains(&scheme)
            || origin != text.to_ascii_lowercase()
            || authority.as_str().contains('@')
        {
            return Err(expected());
        }
        HeaderValue::from_str(&origin).map(Self::Site).map_err(|_| expected())
    }
}

impl Origin {
    /// The configured origin; `None` for [`Origin::Any`].
    pub(crate) fn site(&self) -> Option<&HeaderValue> {
        match self {
            Self::Any => None,
            Self::Site(site) => Some(site),
        }
    }
}

/// Whether the configuration allows this origin.
pub(crate) fn is_configured(origins: &[Origin], origin: &HeaderValue) -> bool {
    origins.iter().any(|allowed| allowed.site().is_none_or(|site| site == origin))
}

/// Whether the `Origin` header names the host that the request was sent to. The scheme is not compared: behind a proxy that
/// ends TLS the gateway does not know it. `X-Forwarded-Host` counts when a trusted proxy sent it.
pub(crate) fn is_same_host(parts: &Parts, trusted: &[IpNet], origin: &HeaderValue) -> bool {
    let Some((scheme, origin)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Some(origin) = host_and_port(origin, default_port) else { return false };
    let forwarded = client_ip::is_from_trusted_proxy(parts, trusted)
        .then(|| header_text(&parts.headers, &FORWARDED_HOST_HEADER))
        .flatten();
    let hosts = [header_text(&parts.headers, &header::HOST), parts.uri.authority().map(Authority::as_str), forwarded];
    hosts.into_iter().flatten().any(|host| host_and_port(host, default_port).as_ref() == Some(&origin))
}

/// The lower-case host, and the port.
fn host_and_port(authority: &str, default_port: u16) -> Option<(String, u16)> {
    let authority: Authority = authority.trim().parse().ok()?;
    let port = authority.port_u16().unwrap_or(default_port);
    (!authority.as_str().contains('@')).then(|| (authority.host().to_ascii_lowercase(), port))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn origin_is_a_scheme_and_a_host() {
        assert_eq!("*".parse(), Ok(Origin::Any));
        for (text, origin) in [
            ("https://map.example", "https://map.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://Map.Example", "https://map.example"),
        ] {
            assert_eq!(text.parse(), Ok(Origin::Site(HeaderValue::from_static(origin))), "{text}");
        }
        for text in [
            "",
            "map.example",
            "https://map.example/",
            "https://map.example/page",
            "ftp://map.example",
            "null",
            "https://",
            "https://a@b",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn origin_is_compared_with_the_requested_host_and_port() {
        for (host, origin, same) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000", true),
            ("gateway.example", "https://gateway.example", true),
            ("Gateway.Example", "https://gateway.example", true),
            ("gateway.example:443", "https://gateway.example", true),
            ("gateway.example:80", "http://gateway.example", true),
            ("[::1]:8000", "http://[::1]:8000", true),
            ("gateway.example", "https://gateway.example:8443", false),
            ("gateway.example:80", "https://gateway.example", false),
            ("127.0.0.1:8000", "http://127.0.0.1:8001", false),
            ("127.0.0.1:8000", "http://localhost:8000", false),
            ("gateway.example", "https://gateway.example.evil.example", false),
            ("gateway.example", "https://evil.example/gateway.example", false),
            ("gateway.example", "https://gateway.example@evil.example", false),
            ("gateway.example", "ftp://gateway.example", false),
            ("null", "null", false),
            ("", "", false),
        ] {
            let (parts, ()) = Request::get("/graphql").header("host", host).body(()).expect("a request").into_parts();
            let origin = HeaderValue::from_str(origin).expect("a value");
            assert_eq!(is_same_host(&parts, &[], &origin), same, "{host} {origin:?}");
        }
    }
}
