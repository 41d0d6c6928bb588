//! Web pages. Built from `web/` and embedded in the binary, so that they work on a network without internet.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::precompressed::Precompressed;
use crate::{api_error::ApiError, http::state::SharedState};

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct EmbeddedFiles;

/// The files by name, each with its media type.
static FILES: LazyLock<HashMap<Cow<'static, str>, (HeaderValue, Precompressed)>> = LazyLock::new(|| {
    let file = |name: Cow<'static, str>| {
        let file = EmbeddedFiles::get(&name)?;
        let media_type = HeaderValue::from_str(file.metadata.mimetype()).ok()?;
        Some((name, (media_type, Precompressed::new(file.data.into_owned()))))
    };
    EmbeddedFiles::iter().filter_map(file).collect()
});

/// The page may load only its own files. Monaco, the editor, sets styles from scripts.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; \
                      img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// The policy of a build without Node: its page loads its scripts from a CDN.
const CDN_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' https://unpkg.com; connect-src 'self'; \
                          style-src 'self' 'unsafe-inline' https://unpkg.com; font-src data:; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router<SharedState> {
    Router::new().route("/", get(front_page)).route("/playground", get(playground)).route("/assets/{*path}", get(asset))
}

/// The text at `/` without a playground.
const FRONT_PAGE_TEXT: &str = "This is airgraph, a GraphQL gateway for measurements of air quality.\n\n\
                     GraphQL is at graphql, beside this page: POST a request as JSON.\n\
                     Sensors post to the paths that their firmware has, or below ingest/.\n";

async fn front_page(State(app): State<SharedState>) -> Response {
    if app.state.info.security_profile.playground {
        Redirect::temporary("playground").into_response()
    } else {
        FRONT_PAGE_TEXT.into_response()
    }
}

async fn playground(State(app): State<SharedState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if app.state.info.security_profile.playground {
        page("playground.html", &headers).await
    } else {
        Err(ApiError::NotFound)
    }
}

async fn page(name: &str, request: &HeaderMap) -> Result<Response, ApiError> {
    let policy =
        if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { CDN_CONTENT_SECURITY_POLICY } else { CONTENT_SECURITY_POLICY };
    let mut response = file(name, "no-cache", request).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// A file with a hash of its content in its name (except for the fallback page), so it may be cached for ever.
async fn asset(
    State(app): State<SharedState>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !app.state.info.security_profile.playground {
        return Err(ApiError::NotFound);
    }
    let caching = if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { "no-cache" } else { "public, max-age=31536000, immutable" };
    file(&format!("assets/{path}"), caching, &headers).await
}

async fn file(name: &str, caching: &'static str, request: &HeaderMap) -> Result<Response, ApiError> {
    let (media_type, file) = FILES.get(name).ok_or(ApiError::NotFound)?;
    let mut response = file.response(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
