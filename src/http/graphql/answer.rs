//! The answer to a GraphQL request: status, headers, body.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::{
    Json,
    http::{self, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::accept::Media;
use crate::{
    error::ApiError,
    graphql::{admission::is_rate_limited, writer},
};

/// Whether the request was not executed at all: syntax, validation, variables. Errors of execution have a path.
pub fn is_refused(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// A response as JSON. One to a request that was not executed has no `data`.
pub fn text(response: &GraphqlResponse) -> Vec<u8> {
    if is_refused(response) {
        json!({ "errors": response.errors }).to_string().into_bytes()
    } else {
        writer::text(response)
    }
}

/// Answers a request that was understood as one.
pub fn answer(media: Media, response: &GraphqlResponse) -> http::Response<Vec<u8>> {
    let status = match media {
        _ if is_rate_limited(response) => StatusCode::TOO_MANY_REQUESTS,
        Media::GraphqlResponse if is_refused(response) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut answer = http::Response::new(text(response));
    *answer.status_mut() = status;
    answer.headers_mut().extend(response.http_headers.clone());
    label(media, answer)
}

/// Refuses what is no GraphQL request, in the shape of a GraphQL answer.
pub fn refuse(media: Media, error: ApiError) -> Response {
    let status = match (media, &error) {
        (Media::Json, ApiError::PersistedQueryNotFound) => StatusCode::OK, // clients from then look into the body only then
        _ => error.status(),
    };
    let headers = error.headers();
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    label(media, (status, headers, no_store, Json(json!({ "errors": [of(error)] }))).into_response())
}

/// An error as GraphQL tells it, of the whole request.
pub fn of(error: ApiError) -> async_graphql::ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
    error.locations.clear(); // it stands nowhere in the document
    error
}

fn label<B>(media: Media, mut response: http::Response<B>) -> http::Response<B> {
    let content_type = match media {
        Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        Media::Json | Media::EventStream => "application/json; charset=utf-8",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response
}
