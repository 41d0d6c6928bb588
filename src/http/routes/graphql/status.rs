//! The HTTP status of a GraphQL response. This file is the only place that decides it.

use async_graphql::{Response, ServerError, Value};
use axum::http::StatusCode;
use clap::ValueEnum;

use super::{accept::ResponseFormat, response::is_request_error};
use crate::{
    api_error::ApiError,
    graphql::execute::{admission::is_rate_limited, operation::error::PARSE_FAILED},
};

/// The edition of GraphQL over HTTP that decides the status codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Edition {
    /// September 2026: the same codes for every media type, 422 for requests that cannot be executed
    #[default]
    #[value(name = "2026")]
    September2026,
    /// The drafts before it: 200 with application/json, 400 for requests that cannot be executed
    Legacy,
}

impl Edition {
    /// The status of a response to a well-formed request.
    pub(super) fn response_status(self, media: ResponseFormat, response: &Response) -> StatusCode {
        match self {
            Self::September2026 if is_request_error(response) => request_error_status(&response.errors),
            Self::September2026 if media == ResponseFormat::GraphqlResponse && !response.errors.is_empty() => {
                partial_success()
            }
            Self::Legacy if is_rate_limited(response) => StatusCode::TOO_MANY_REQUESTS,
            Self::Legacy
                if is_request_error(response) && first_error_code(&response.errors) == Some("UNAUTHENTICATED") =>
            {
                StatusCode::UNAUTHORIZED
            }
            Self::Legacy if media == ResponseFormat::GraphqlResponse && is_request_error(response) => {
                StatusCode::BAD_REQUEST
            }
            _ => StatusCode::OK,
        }
    }

    /// The status of an error that occurs before the request is parsed.
    pub(super) fn error_status(self, media: ResponseFormat, error: &ApiError) -> StatusCode {
        match (self, error) {
            // Clients of the drafts read the body only when the status is 200.
            (Self::Legacy, ApiError::PersistedQueryNotFound) if media == ResponseFormat::Json => StatusCode::OK,
            (Self::Legacy, ApiError::MalformedRequest(_)) => StatusCode::BAD_REQUEST,
            (Self::September2026, ApiError::BadUserInput { .. } | ApiError::PersistedQueryNotFound) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => error.status(),
        }
    }

    /// The media type of a response. The edition labels only successful responses `application/json`: an error of that type
    /// may be a proxy's.
    pub(super) fn media_type(self, media: ResponseFormat, status: StatusCode) -> &'static str {
        match media {
            ResponseFormat::Json | ResponseFormat::EventStream if self == Self::Legacy || status.is_success() => {
                "application/json; charset=utf-8"
            }
            _ => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// 294 (Partial Success): there is data, and there are errors.
fn partial_success() -> StatusCode {
    StatusCode::from_u16(294).unwrap_or(StatusCode::OK)
}

/// The status of a request that was not executed, by the code of its first error.
fn request_error_status(errors: &[ServerError]) -> StatusCode {
    match first_error_code(errors) {
        Some(PARSE_FAILED) => StatusCode::BAD_REQUEST,
        Some("UNAUTHENTICATED") => StatusCode::UNAUTHORIZED,
        Some("FORBIDDEN") => StatusCode::FORBIDDEN,
        Some("CURSOR_EXPIRED") => StatusCode::GONE,
        Some(ApiError::RATE_LIMITED) => StatusCode::TOO_MANY_REQUESTS,
        Some(ApiError::UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
        Some("TIMEOUT") => StatusCode::GATEWAY_TIMEOUT,
        Some(ApiError::INTERNAL) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn first_error_code(errors: &[ServerError]) -> Option<&str> {
    match errors.first()?.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, PathSegment, Pos};

    use super::*;

    fn refused(code: &str, message: &str) -> Response {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        let mut error = ServerError::new(message, Some(Pos::default()));
        error.extensions = Some(extensions);
        Response::from_errors(vec![error])
    }

    #[test]
    fn request_error_has_the_status_of_its_code() {
        for (code, message, status) in [
            (PARSE_FAILED, "expected a name", 400),
            ("GRAPHQL_VALIDATION_FAILED", "Unknown field", 422),
            ("BAD_USER_INPUT", "Invalid value for argument", 422),
            ("TOO_COMPLEX", "too many fields", 422),
            ("UNAUTHENTICATED", "no key", 401),
            ("FORBIDDEN", "no introspection", 403),
            ("CURSOR_EXPIRED", "too old", 410),
            ("RATE_LIMITED", "later", 429),
            ("UNAVAILABLE", "later", 503),
            ("TIMEOUT", "too long", 504),
            ("INTERNAL", "a defect", 500),
        ] {
            let response = refused(code, message);
            for media in [ResponseFormat::GraphqlResponse, ResponseFormat::Json] {
                let (new, legacy) = (Edition::September2026, Edition::Legacy);
                assert_eq!(new.response_status(media, &response).as_u16(), status, "{code}");
                let drafts = match (code, media) {
                    ("UNAUTHENTICATED", _) => 401,
                    ("RATE_LIMITED", _) => 429,
                    (_, ResponseFormat::GraphqlResponse) => 400,
                    _ => 200,
                };
                assert_eq!(legacy.response_status(media, &response).as_u16(), drafts, "{code}");
            }
        }
    }

    #[test]
    fn data_with_errors_is_a_partial_success() {
        let mut response = refused("INTERNAL", "a defect");
        response.errors[0].path = vec![PathSegment::Field("device".to_owned())];
        for (edition, media, status) in [
            (Edition::September2026, ResponseFormat::GraphqlResponse, 294),
            (Edition::September2026, ResponseFormat::Json, 200),
            (Edition::Legacy, ResponseFormat::GraphqlResponse, 200),
            (Edition::Legacy, ResponseFormat::Json, 200),
        ] {
            assert_eq!(edition.response_status(media, &response).as_u16(), status, "{edition:?} {media:?}");
            let whole = Response::new(Value::Boolean(true));
            assert_eq!(edition.response_status(media, &whole), StatusCode::OK, "{edition:?} {media:?}");
        }
    }
}
