//! The answer to a GraphQL request: status, headers, body.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::{
    Json,
    http::{self, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{accept::ResponseFormat, status::Edition};
use crate::{api_error::ApiError, graphql::execute::response_writer};

/// Whether the request was not executed at all: syntax, validation, variables. Errors of execution have a path.
pub fn is_request_error(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// A response as JSON. One to a request that was not executed has no `data`.
pub fn to_json(response: &GraphqlResponse) -> Vec<u8> {
    if is_request_error(response) {
        json!({ "errors": response.errors }).to_string().into_bytes()
    } else {
        response_writer::to_json(response)
    }
}

/// Answers a request that was understood as one.
pub fn answer(edition: Edition, media: ResponseFormat, response: &GraphqlResponse) -> http::Response<Vec<u8>> {
    let mut answer = http::Response::new(to_json(response));
    *answer.status_mut() = edition.response_status(media, response);
    answer.headers_mut().extend(response.http_headers.clone());
    add_media_type(edition, media, answer)
}

/// Refuses what is no GraphQL request, in the shape of a GraphQL answer.
pub fn error_response(edition: Edition, media: ResponseFormat, error: ApiError) -> Response {
    let status = edition.error_status(media, &error);
    let headers = error.headers();
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    add_media_type(
        edition,
        media,
        (status, headers, no_store, Json(json!({ "errors": [server_error(error)] }))).into_response(),
    )
}

/// An error as GraphQL tells it, of the whole request.
pub fn server_error(error: ApiError) -> async_graphql::ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
    error.locations.clear(); // it stands nowhere in the document
    error
}

fn add_media_type<B>(edition: Edition, media: ResponseFormat, mut response: http::Response<B>) -> http::Response<B> {
    let content_type = edition.media_type(media, response.status());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response
}
