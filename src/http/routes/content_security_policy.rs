//! Content security policies (CSP level 3) of the pages: what they may load and run, and which pages may embed them.

use axum::http::{HeaderValue, header::InvalidHeaderValue};

use crate::config::explorer::{ExplorerSettings, MapSource};

/// The playground loads only its own files. Monaco, the editor, sets styles from scripts.
const PLAYGROUND: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; \
                          img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";
/// The playground of a build without Node loads its scripts from a CDN.
const CDN_PLAYGROUND: &str = "default-src 'none'; script-src 'self' https://unpkg.com; connect-src 'self'; \
                              style-src 'self' 'unsafe-inline' https://unpkg.com; font-src data:; img-src data:; \
                              base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether a page may be embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Embedding {
    /// By the configured origins.
    Configured,
    /// By no page: a page with a field for a key must not be overlaid by another one.
    Refused,
}

/// The policy of the playground.
pub(super) fn playground() -> HeaderValue {
    HeaderValue::from_static(if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { CDN_PLAYGROUND } else { PLAYGROUND })
}

/// The policy of the explorer and of the admin page. They load their own files, and the ground map from its host, whose
/// tiles are images or are read by `fetch`. The map draws in a worker of its own file. The icons of its controls are
/// `data:` URLs in the style sheet.
pub(super) fn explorer(settings: &ExplorerSettings, embedding: Embedding) -> Result<HeaderValue, InvalidHeaderValue> {
    let map = match settings.ground_map.as_ref().map(|map| &map.source) {
        Some(MapSource::Remote { origin, .. }) => format!(" {origin}"),
        Some(MapSource::File(_)) | None => String::new(),
    };
    let frame_ancestors = match embedding {
        Embedding::Configured if !settings.frame_ancestors.is_empty() => settings.frame_ancestors.join(" "),
        Embedding::Configured | Embedding::Refused => "'none'".to_owned(),
    };
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'{map}; font-src 'self'; \
         img-src 'self' data:{map}; style-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors {frame_ancestors}"
    ))
}
