//! Which other sites' pages may ask this gateway, and read its answers.
//!
//! Browsers send no key by themselves: there are no cookies here, and credentials are never allowed. So a page can do what
//! its visitor typed a key in for, and read what anybody may.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::graphql::reading::POSITION;

/// How long a browser may remember what it was allowed.
const REMEMBER: Duration = Duration::from_hours(1);

/// Where pages may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From everywhere.
    Any,
    /// From this site, such as `https://map.example`.
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
        // As browsers write it, since that is what it is compared with.
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

/// What answers browsers that ask for other sites' pages; none where no other site may.
pub(super) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let allowed = if origins.contains(&Origin::Any) {
        AllowOrigin::any()
    } else {
        let sites: Vec<_> = origins.iter().filter_map(Origin::site).cloned().collect();
        (!sites.is_empty()).then(|| AllowOrigin::list(sites))?
    };
    let sent = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("x-api-key"),
        POSITION.clone(),
    ];
    let told = ["x-request-id", "retry-after", "ratelimit", "ratelimit-policy", "etag"].map(HeaderName::from_static);
    let told = told.into_iter().chain([POSITION.clone()]).collect::<Vec<_>>();
    let layer = CorsLayer::new().allow_origin(allowed).allow_methods([Method::GET, Method::POST]);
    Some(layer.allow_headers(sent).expose_headers(told).max_age(REMEMBER))
}

impl Origin {
    fn site(&self) -> Option<&HeaderValue> {
        match self {
            Self::Any => None,
            Self::Site(site) => Some(site),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
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
}
