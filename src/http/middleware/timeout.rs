//! The request timeout. Statements of a cancelled request are cancelled in Postgres too: see
//! [`crate::db::cancellation`].

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use super::{concurrency_limit::ConcurrencyPermit, decompression::with_decompressed_body, response_memory};
use crate::{
    api_error::ApiError,
    db::cancellation::cancel_on_drop,
    graphql::execute::admission,
    http::{
        extract::authenticated::PresumedCaller,
        routes::graphql,
        state::{AppState, SharedState},
    },
    limits::rate_limit::CallerId,
};

/// Runs `work` with the request timeout.
///
/// # Errors
/// When it exceeds the timeout.
pub(crate) async fn with_request_timeout<T>(app: &AppState, work: impl Future<Output = T>) -> Result<T, ApiError> {
    timeout(app.request_timeout, cancel_on_drop(work)).await.map_err(|_| ApiError::Timeout)
}

/// The same, after acquiring a concurrency permit. The permit is returned too, to be held until the response is sent.
///
/// # Errors
/// When it exceeds the timeout, or there is no permit.
pub(crate) fn with_permit<T>(
    app: &AppState,
    caller: CallerId,
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<(T, ConcurrencyPermit), ApiError>> {
    let work = Box::pin(with_request_timeout(app, work)); // boxed: large compared with the wait for a permit
    async move {
        let permit = app.concurrency_limit.acquire(caller).await?;
        Ok((work.await?, permit))
    }
}

/// Answers a GraphQL request within the timeout, after acquiring a permit. Streams and sockets have no timeout once
/// started, and acquire permits of their own.
pub(crate) async fn graphql_layer(State(app): State<SharedState>, request: Request, next: Next) -> Response {
    let refuse = graphql::error_responder(app.graphql_http, request.method(), request.headers());
    let executed = async {
        let (parts, body) = request.into_parts();
        let PresumedCaller { address, caller, kind } = PresumedCaller::from_parts(&parts, &app);
        if let Some(kind) = kind {
            admission::check_database_time(&app.state, caller, kind).map_err(ApiError::RateLimited)?;
        }
        // The body is read before a permit is acquired: a client that sends slowly blocks no others.
        let (parts, body) =
            with_decompressed_body(&app.body_memory, address, Request::from_parts(parts, body))?.into_parts();
        let read = timeout(app.request_timeout, app.body_memory.read(address, Request::new(body))).await;
        let (body, _held) = read.map_err(|_| ApiError::RequestTimeout)??.into_parts();
        let request = Request::from_parts(parts, Body::from(body));
        let (response, permit) = with_permit(&app, caller, next.run(request)).await?;
        Ok(response_memory::hold_permit_while_sending(response, permit))
    };
    executed.await.unwrap_or_else(refuse)
}
