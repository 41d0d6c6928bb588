//! `GET /schema.graphql`: the schema in the schema definition language, for code generators.

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};

use super::caching;
use crate::{app::Shared, error::ApiError, graphql};

static SDL: LazyLock<String> = LazyLock::new(graphql::sdl);

pub(super) async fn sdl(State(app): State<Shared>, headers: HeaderMap) -> Result<Response<Body>, ApiError> {
    if !app.state.about.exposure.introspection {
        return Err(ApiError::Forbidden("the schema can't be read here; ask the operator for it".to_owned()));
    }
    let mut response = Response::new(SDL.as_bytes().to_vec());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let tag = caching::tag(&response);
    let is_known = caching::is_known(&headers, &tag);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::ETAG, tag);
    if is_known {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.body_mut().clear();
    }
    Ok(response.map(Body::from))
}
