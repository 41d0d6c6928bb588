//! The error of a request: one type with one code and one status, converted into a GraphQL error and into an HTTP
//! response here and nowhere else.

use async_graphql::ErrorExtensionValues;
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::limits::{Limit, Scope, rate_limit::RateLimited};

/// Value of `Retry-After` for temporary errors, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Supported values of `Content-Encoding`.
pub(crate) const ACCEPTED_ENCODINGS: &str = "gzip, zstd, deflate";

/// An error as a client sees it. It has no `Display` on purpose: with one, `?` in a resolver would publish its text
/// through the blanket conversion of async-graphql. Without it every error passes the conversion below.
#[derive(Debug)]
pub enum ApiError {
    /// An invalid argument.
    BadUserInput {
        /// Path of the argument: `first`, `input.measurements[3].latitude`.
        argument: String,
        /// What is wrong, and what is expected.
        reason: String,
        /// A value of the argument that would be accepted, for clients that try again with it.
        suggested_value: Option<async_graphql::Value>,
    },
    /// A body that could not be decoded, though it is stored.
    Undecodable {
        /// The reason as a code.
        code: &'static str,
        /// The reason as text.
        detail: String,
    },
    /// A body with rejected samples only. Holds the reason of the first.
    NothingRecorded(String),
    /// No key, or an invalid one.
    Unauthenticated(&'static str),
    /// A valid key without the needed permission.
    Forbidden(String),
    /// A body larger than this limit, in bytes.
    TooLarge(usize),
    /// A body of a media type other than this one.
    UnsupportedMediaType(&'static str),
    /// A JSON body in this charset, which is not UTF-8.
    UnsupportedCharset(String),
    /// A body with these unsupported codings.
    UnsupportedContentEncoding(String),
    /// A compressed body that expands to more than this factor.
    ExpandsTooMuch(u64),
    /// The `Accept` header allows none of the available media types. Holds the reason, which lists them.
    NotAcceptable(&'static str),
    /// A request that violates its protocol.
    BadRequest(String),
    /// A body that was read but is not a well-formed GraphQL request.
    MalformedRequest(String),
    /// The request body was not sent in time.
    RequestTimeout,
    /// A persisted document with an unknown hash: the client sends the whole document.
    PersistedQueryNotFound,
    /// An unknown route.
    NotFound,
    /// A method that the route does not support.
    MethodNotAllowed(&'static str),
    /// The feed can't be continued at this cursor, for this reason.
    CursorExpired(&'static str),
    /// More concurrent operations than this limit of one connection.
    TooManyOperations(usize),
    /// A GraphQL request that exceeds a limit of complexity. Names the limit and what to do.
    TooComplex(String),
    /// An invalid GraphQL document. Holds the reason.
    InvalidDocument(String),
    /// The caller exceeded its rate limit.
    RateLimited(RateLimited),
    /// The caller, or all callers together, exceeded a limit of a shared resource.
    LimitReached(Limit),
    /// Temporarily unavailable. The same request may succeed later.
    Unavailable(&'static str),
    /// More GraphQL requests are in flight than can be answered.
    Overloaded,
    /// The request exceeded its timeout.
    Timeout,
    /// An internal error. The chain of causes is logged only.
    Internal(anyhow::Error),
}

impl ApiError {
    /// Code of a temporary failure.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// Code of a defect of the gateway or of the database.
    pub const INTERNAL: &str = "INTERNAL";
    /// Code of an exceeded rate limit.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// Code of a GraphQL request that exceeds a limit of complexity.
    pub const TOO_COMPLEX: &str = "TOO_COMPLEX";
    /// Message for a cursor followed by events that are no longer kept.
    pub const CURSOR_TOO_OLD_MESSAGE: &str = "what was stored right after this cursor is not kept for subscriptions any more: query \
                                      what you missed, such as the measurements since the last one you got, together \
                                      with `feedCursor`, and subscribe after that";
    /// Message for a cursor beyond the end of the feed, after a restore of the database.
    pub const DATABASE_RESTORED_MESSAGE: &str = "the database was put back to an earlier state: query what you need, together with \
                                `feedCursor`, and subscribe after that";

    /// Message for an unreachable database.
    pub const DATABASE_UNAVAILABLE: &str = "the database cannot be reached; retry in a moment";

    /// Error of an operation that panicked.
    #[must_use]
    pub fn panicked() -> Self {
        Self::Internal(anyhow::anyhow!("an operation panicked"))
    }

    /// An invalid argument.
    pub fn bad_input(argument: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::BadUserInput { argument: argument.into(), reason: reason.to_string(), suggested_value: None }
    }

    /// The same error with a value of the argument that would be accepted.
    #[must_use]
    pub fn with_suggested_value(self, value: impl Into<async_graphql::Value>) -> Self {
        match self {
            Self::BadUserInput { argument, reason, .. } => {
                Self::BadUserInput { argument, reason, suggested_value: Some(value.into()) }
            }
            other => other,
        }
    }

    /// The same error for an argument nested in another: `latitude` in `input.measurements[3]`.
    #[must_use]
    pub fn in_argument(self, outer: impl std::fmt::Display) -> Self {
        match self {
            Self::BadUserInput { argument, reason, suggested_value } => {
                Self::BadUserInput { argument: format!("{outer}.{argument}"), reason, suggested_value }
            }
            other => other,
        }
    }

    /// The error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadUserInput { .. } => "BAD_USER_INPUT",
            Self::Undecodable { code, .. } => code,
            Self::NothingRecorded(_) => "NOTHING_RECORDED",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::TooLarge(_) | Self::ExpandsTooMuch(_) => "BODY_TOO_LARGE",
            Self::UnsupportedMediaType(_) | Self::UnsupportedCharset(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::UnsupportedContentEncoding(_) => "UNSUPPORTED_CONTENT_ENCODING",
            Self::NotAcceptable(_) => "NOT_ACCEPTABLE",
            Self::BadRequest(_) | Self::MalformedRequest(_) => "BAD_REQUEST",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed(_) => "METHOD_NOT_ALLOWED",
            Self::CursorExpired(_) => "CURSOR_EXPIRED",
            Self::Unavailable(_) | Self::Overloaded => Self::UNAVAILABLE,
            Self::TooManyOperations(_) => "TOO_MANY_OPERATIONS",
            Self::TooComplex(_) => Self::TOO_COMPLEX,
            Self::RateLimited(_) => Self::RATE_LIMITED,
            Self::LimitReached(limit) => match limit.scope() {
                Scope::Caller => Self::RATE_LIMITED,
                Scope::Gateway => Self::UNAVAILABLE,
            },
            Self::InvalidDocument(_) => "GRAPHQL_VALIDATION_FAILED",
            Self::Timeout => "TIMEOUT",
            Self::Internal(_) => Self::INTERNAL,
        }
    }

    /// The HTTP status outside GraphQL. In GraphQL, the status is decided by `routes::graphql::status`.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadUserInput { .. }
            | Self::Undecodable { .. }
            | Self::BadRequest(_)
            | Self::TooComplex(_)
            | Self::InvalidDocument(_)
            | Self::PersistedQueryNotFound => StatusCode::BAD_REQUEST,
            Self::NothingRecorded(_) | Self::MalformedRequest(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooLarge(_) | Self::ExpandsTooMuch(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) | Self::UnsupportedCharset(_) | Self::UnsupportedContentEncoding(_) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::CursorExpired(_) => StatusCode::GONE,
            Self::TooManyOperations(_) | Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::LimitReached(limit) => match limit.scope() {
                Scope::Caller => StatusCode::TOO_MANY_REQUESTS,
                Scope::Gateway => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Unavailable(_) | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The message for clients. Contains no database text.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::BadUserInput { argument, reason, .. } => format!("{argument}: {reason}"),
            Self::Undecodable { detail, .. } => detail.clone(),
            Self::Unauthenticated(reason)
            | Self::Unavailable(reason)
            | Self::MethodNotAllowed(reason)
            | Self::NotAcceptable(reason)
            | Self::CursorExpired(reason) => (*reason).to_owned(),
            Self::NothingRecorded(reason)
            | Self::Forbidden(reason)
            | Self::BadRequest(reason)
            | Self::MalformedRequest(reason)
            | Self::TooComplex(reason)
            | Self::InvalidDocument(reason) => reason.clone(),
            Self::TooLarge(limit) => format!("the body is larger than {limit} bytes"),
            Self::UnsupportedMediaType(expected) => format!("the body must be {expected}, with that Content-Type"),
            Self::UnsupportedCharset(charset) => format!("charset {charset:?} is not supported; send JSON in UTF-8"),
            Self::UnsupportedContentEncoding(codings) => {
                format!("Content-Encoding {codings:?} is not supported; send one of {ACCEPTED_ENCODINGS}, or none")
            }
            Self::ExpandsTooMuch(max) => format!("the body expands to more than {max} times its size"),
            Self::PersistedQueryNotFound => "PersistedQueryNotFound".to_owned(), // clients compare this text
            Self::NotFound => "not found".to_owned(),
            Self::RateLimited(exhausted) => exhausted.message(),
            Self::LimitReached(limit) => limit.reason().to_owned(),
            Self::TooManyOperations(max) => {
                format!("{max} operations are running on this connection, the maximum; complete one, or open another")
            }
            Self::Overloaded => "server overloaded; retry in a few seconds".to_owned(),
            Self::RequestTimeout => "the request body was not sent in time; send it again".to_owned(),
            Self::Timeout => "the request timed out; request less, such as a shorter time range".to_owned(),
            Self::Internal(_) => "internal error; the request id leads to it in the server's log".to_owned(),
        }
    }

    /// Logs the internal detail, which is not sent to the client. Called once, at the edge.
    pub(crate) fn log(&self) {
        match self {
            Self::Internal(chain) => tracing::error!(error = format!("{chain:#}"), "internal error"),
            Self::Unavailable(reason) => tracing::warn!(reason, "not available"),
            Self::Timeout => tracing::warn!("request timed out"),
            _ => tracing::debug!(code = self.code(), message = self.message(), "request refused"),
        }
    }
}

impl From<Limit> for ApiError {
    fn from(limit: Limit) -> Self {
        Self::LimitReached(limit)
    }
}

impl From<ApiError> for async_graphql::Error {
    #[expect(clippy::disallowed_methods, reason = "the only place where errors become GraphQL's")]
    fn from(error: ApiError) -> Self {
        error.log();
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code());
        if let ApiError::BadUserInput { argument, suggested_value, .. } = &error {
            extensions.set("argument", argument.as_str());
            if let Some(value) = suggested_value {
                extensions.set("suggestedValue", value.clone());
            }
        }
        let mut graphql = Self::new(error.message());
        graphql.extensions = Some(extensions);
        graphql
    }
}

impl ApiError {
    /// Headers of the response.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        if let Self::RateLimited(exhausted) = self {
            return exhausted.headers();
        }
        let mut headers = HeaderMap::new();
        if let Self::LimitReached(limit) = self {
            headers.insert(header::RETRY_AFTER, limit.retry_after().as_secs().into());
        } else if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"airgraph\", Basic realm=\"airgraph\", charset=\"UTF-8\"";
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Self::UnsupportedContentEncoding(_) = self {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED_ENCODINGS));
        }
        headers
    }
}

impl ApiError {
    /// The response, with further members in its body.
    #[must_use]
    pub fn into_response_with(self, mut body: serde_json::Value) -> Response {
        self.log();
        body["errors"] = json!([{ "code": self.code(), "detail": self.message() }]);
        (self.status(), self.headers(), Json(body)).into_response()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.into_response_with(json!({}))
    }
}
