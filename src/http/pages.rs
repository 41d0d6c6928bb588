//! The pages for people. Built from `web/` and embedded in the binary, so that they work on a network without internet.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use crate::{app::Shared, error::ApiError};

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct Files;

/// What the page may load: its own files, and nothing from elsewhere. Monaco, the editor, sets styles from scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self'; \
                      img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// The same for the page of a build without Node, which loads its scripts from a CDN and says so.
const CDN_POLICY: &str = "default-src 'none'; script-src 'self' https://unpkg.com; connect-src 'self'; \
                          style-src 'self' 'unsafe-inline' https://unpkg.com; font-src data:; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/", get(front)).route("/playground", get(playground)).route("/assets/{*path}", get(asset))
}

/// What stands at `/` where there is no playground.
const FRONT: &str = "This is airgraph, a GraphQL gateway for measurements of air quality.\n\n\
                     GraphQL is at graphql, beside this page: POST a request as JSON.\n\
                     Sensors post to the paths that their firmware has, or below ingest/.\n";

async fn front(State(app): State<Shared>) -> Response {
    if app.state.about.exposure.playground {
        Redirect::temporary("playground").into_response()
    } else {
        FRONT.into_response()
    }
}

async fn playground(State(app): State<Shared>) -> Result<Response, ApiError> {
    if app.state.about.exposure.playground { page("playground.html") } else { Err(ApiError::NotFound) }
}

fn page(name: &str) -> Result<Response, ApiError> {
    let policy = if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { CDN_POLICY } else { POLICY };
    let mut response = file(name, "no-cache")?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// A file whose name holds a hash of its content (but for the fallback page's), so it may be kept for good.
async fn asset(Path(path): Path<String>) -> Result<Response, ApiError> {
    let caching = if env!("AIRGRAPH_WEB_SOURCE") == "cdn" { "no-cache" } else { "public, max-age=31536000, immutable" };
    file(&format!("assets/{path}"), caching)
}

fn file(name: &str, caching: &'static str) -> Result<Response, ApiError> {
    let file = Files::get(name).ok_or(ApiError::NotFound)?;
    let media_type =
        HeaderValue::from_str(file.metadata.mimetype()).map_err(|error| ApiError::Internal(error.into()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok((StatusCode::OK, headers, file.data).into_response())
}
