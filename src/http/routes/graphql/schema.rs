//! `GET /schema.graphql`: the schema in the schema definition language, for code generators.

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};

use super::http_cache;
use crate::{
    api_error::ApiError,
    graphql,
    http::{routes::precompressed::Precompressed, state::SharedState},
};

const SDL_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The schema, and its `ETag`.
static SDL: LazyLock<(Precompressed, HeaderValue)> = LazyLock::new(|| {
    let mut response = Response::new(graphql::sdl().into_bytes());
    response.headers_mut().insert(header::CONTENT_TYPE, SDL_MEDIA_TYPE);
    let tag = http_cache::tag(&response);
    (Precompressed::new(response.into_body()), tag)
});

pub(super) async fn sdl(State(app): State<SharedState>, request: HeaderMap) -> Result<Response<Body>, ApiError> {
    if !app.state.info.security_profile.introspection {
        return Err(ApiError::Forbidden("the schema can't be read here; ask the operator for it".to_owned()));
    }
    let (schema, tag) = &*SDL;
    let mut response = if http_cache::is_known(&request, tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = schema.response(&request).await;
        response.headers_mut().insert(header::CONTENT_TYPE, SDL_MEDIA_TYPE);
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::ETAG, tag.clone());
    Ok(response)
}
