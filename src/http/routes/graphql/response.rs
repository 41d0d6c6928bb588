//! The HTTP response to a GraphQL request: status, headers, body.

use async_graphql::{Response as GraphqlResponse, Value};
use axum::{
    Json,
    http::{self, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{accept::ResponseFormat, status::Edition};
use crate::{api_error::ApiError, graphql::execute::response_writer};

/// Whether the request was not executed at all: syntax, validation, variables. Execution errors have a path.
pub fn is_request_error(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// A response as JSON. If the request was not executed, it has no `data`.
pub fn to_json(response: &GraphqlResponse) -> Vec<u8> {
    if is_request_error(response) {
        json!({ "errors": response.errors }).to_string().into_bytes()
    } else {
        response_writer::to_json(response)
    }
}

/// Builds the response to a well-formed request.
pub fn to_http(edition: Edition, media: ResponseFormat, response: &GraphqlResponse) -> http::Response<Vec<u8>> {
    let mut sent = http::Response::new(to_json(response));
    *sent.status_mut() = edition.response_status(media, response);
    sent.headers_mut().extend(response.http_headers.clone());
    add_media_type(edition, media, sent)
}

/// Refuses a malformed GraphQL request, in the form of a GraphQL response.
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

/// An error of the whole request as a GraphQL error.
pub fn server_error(error: ApiError) -> async_graphql::ServerError {
    let mut error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
    error.locations.clear(); // the error has no location in the document
    error
}

fn add_media_type<B>(edition: Edition, media: ResponseFormat, mut response: http::Response<B>) -> http::Response<B> {
    let content_type = edition.media_type(media, response.status());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response
}
