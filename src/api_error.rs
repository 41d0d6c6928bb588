//! What a client is told when something goes wrong: one error with one code and one status, turned into a GraphQL error
//! and into an HTTP answer here and nowhere else.

use async_graphql::ErrorExtensionValues;
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::limits::{Limit, Scope, rate_limit::RateLimited};

/// After how many seconds a client may try again when the gateway can't serve it now.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The values of `Content-Encoding` that are read.
pub(crate) const ACCEPTED_ENCODINGS: &str = "gzip, zstd, deflate";

/// An error as a client sees it. It has no `Display` on purpose: with one, `?` in a resolver would publish its text
/// through the blanket conversion of async-graphql; so every error passes the conversion below.
#[derive(Debug)]
pub enum ApiError {
    /// An argument that can't be. Names the argument.
    BadUserInput {
        /// Where: `first`, `input.measurements[3].latitude`.
        argument: String,
        /// What was wrong and what is expected.
        reason: String,
    },
    /// A body that was not understood, though it is kept.
    Undecodable {
        /// The reason, for programs.
        code: &'static str,
        /// The reason, for people.
        detail: String,
    },
    /// A body whose samples were all rejected. Says why the first was.
    NothingRecorded(String),
    /// No key, or one that opens nothing.
    Unauthenticated(&'static str),
    /// A key that doesn't open this.
    Forbidden(String),
    /// A body beyond the limit, in bytes.
    TooLarge(usize),
    /// A body of another media type than the one named.
    UnsupportedMediaType(&'static str),
    /// A JSON body in a charset other than UTF-8. Names it.
    UnsupportedCharset(String),
    /// A body with codings that are not read. Names them.
    UnsupportedContentEncoding(String),
    /// A compressed body that expands to more than so many times its size.
    ExpandsTooMuch(u64),
    /// An answer in a form that there isn't. Says which there are.
    NotAcceptable(&'static str),
    /// A request that breaks the protocol it came by.
    BadRequest(String),
    /// A body that was read but is no well-formed GraphQL request.
    MalformedRequest(String),
    /// A request whose body was not sent in time.
    RequestTimeout,
    /// A document that was named by its hash and isn't known: the client sends it whole.
    PersistedQueryNotFound,
    /// A route there isn't.
    NotFound,
    /// A method that the route doesn't have.
    MethodNotAllowed(&'static str),
    /// The feed can't be followed from that place on, for this reason.
    CursorExpired(&'static str),
    /// More operations at a time than one connection may have.
    TooManyOperations(usize),
    /// A GraphQL request beyond what one may ask. Says which limit, and what to do.
    TooComplex(String),
    /// A GraphQL document that can't be one. Says why.
    InvalidDocument(String),
    /// More than the caller may use in a minute.
    RateLimited(RateLimited),
    /// More than the caller, or all callers together, may use of a shared resource.
    LimitReached(Limit),
    /// Can't be served now. The same request may work later.
    Unavailable(&'static str),
    /// More GraphQL requests come than can be answered.
    Overloaded,
    /// Took longer than it may.
    Timeout,
    /// A defect of ours. The chain is for the log.
    Internal(anyhow::Error),
}

impl ApiError {
    /// The code of what may work in a moment.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// The code of a defect of ours, or of the database.
    pub const INTERNAL: &str = "INTERNAL";
    /// The code of what is more than the caller may use in a minute.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The code of a GraphQL request beyond what one may ask.
    pub const TOO_COMPLEX: &str = "TOO_COMPLEX";
    /// Why a feed can't be followed that has forgotten what comes next.
    pub const CURSOR_TOO_OLD_MESSAGE: &str = "what was stored right after this cursor is not kept for subscriptions any more: query \
                                      what you missed, such as the measurements since the last one you got, together \
                                      with `feedCursor`, and subscribe after that";
    /// Why a feed can't be followed that has less than it had.
    pub const DATABASE_RESTORED_MESSAGE: &str = "the database was put back to an earlier state: query what you need, together with \
                                `feedCursor`, and subscribe after that";

    /// The message of an unreachable database.
    pub const DATABASE_UNAVAILABLE: &str = "the database cannot be reached; retry in a moment";

    /// A panic that ended one operation.
    #[must_use]
    pub fn panicked() -> Self {
        Self::Internal(anyhow::anyhow!("an operation panicked"))
    }

    /// An argument that can't be.
    pub fn bad_input(argument: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::BadUserInput { argument: argument.into(), reason: reason.to_string() }
    }

    /// The same error for an argument that lies within another: `latitude` in `input.measurements[3]`.
    #[must_use]
    pub fn in_argument(self, outer: impl std::fmt::Display) -> Self {
        match self {
            Self::BadUserInput { argument, reason } => {
                Self::BadUserInput { argument: format!("{outer}.{argument}"), reason }
            }
            other => other,
        }
    }

    /// The error's name for programs.
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

    /// The HTTP status outside GraphQL, where every answer but a refused request is 200.
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

    /// The error's text for people. Says nothing of the database.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::BadUserInput { argument, reason } => format!("{argument}: {reason}"),
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
            Self::UnsupportedMediaType(expected) => format!("the body must be {expected}, and its Content-Type say so"),
            Self::UnsupportedCharset(charset) => format!("charset {charset:?} is not supported; send JSON in UTF-8"),
            Self::UnsupportedContentEncoding(codings) => {
                format!("Content-Encoding {codings:?} is not supported; send one of {ACCEPTED_ENCODINGS}, or none")
            }
            Self::ExpandsTooMuch(most) => format!("the body expands to more than {most} times its size"),
            Self::PersistedQueryNotFound => "PersistedQueryNotFound".to_owned(), // the word that clients look for
            Self::NotFound => "there is nothing here".to_owned(),
            Self::RateLimited(exhausted) => exhausted.message(),
            Self::LimitReached(limit) => limit.reason().to_owned(),
            Self::TooManyOperations(most) => {
                format!("{most} operations run on this connection, which is the most; complete one, or open another")
            }
            Self::Overloaded => {
                "more is asked than this gateway can answer at a time; try again in a few seconds".to_owned()
            }
            Self::RequestTimeout => "the request body was not sent in time; send it again".to_owned(),
            Self::Timeout => "the request took too long; ask for less, such as a shorter time range".to_owned(),
            Self::Internal(_) => "internal error; the request id leads to it in the server's log".to_owned(),
        }
    }

    /// Logs what the client isn't told. Once, here at the edge.
    pub(crate) fn log(&self) {
        match self {
            Self::Internal(chain) => tracing::error!(error = format!("{chain:#}"), "internal error"),
            Self::Unavailable(reason) => tracing::warn!(reason, "not available"),
            Self::Timeout => tracing::warn!("a request took too long"),
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
    #[expect(clippy::disallowed_methods, reason = "this is the one place where errors become GraphQL's")]
    fn from(error: ApiError) -> Self {
        error.log();
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code());
        if let ApiError::BadUserInput { argument, .. } = &error {
            extensions.set("argument", argument.as_str());
        }
        let mut graphql = Self::new(error.message());
        graphql.extensions = Some(extensions);
        graphql
    }
}

impl ApiError {
    /// The headers that its answer bears.
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
    /// The answer, with what else there is to tell.
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
