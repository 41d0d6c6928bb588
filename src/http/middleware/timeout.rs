//! How long a request may take. What is given up ends in Postgres too: see [`crate::db::cancellation`].

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use super::{answer_memory, concurrency_limit::Place, decompression::decompressed};
use crate::{
    api_error::ApiError,
    db::cancellation::as_long_as_wanted,
    graphql::execute::admission,
    http::{
        extract::authenticated::Expected,
        routes::graphql,
        state::{App, Shared},
    },
    limits::rate_limit::Payer,
};

/// Does something for a request, and gives it up when it takes too long.
///
/// # Errors
/// When it was given up.
pub(crate) async fn within<T>(app: &App, work: impl Future<Output = T>) -> Result<T, ApiError> {
    timeout(app.request_timeout, as_long_as_wanted(work)).await.map_err(|_| ApiError::Timeout)
}

/// The same, once there is a place for it. The place is returned too, to be held until the answer is sent.
///
/// # Errors
/// When it was given up, or there is no place.
pub(crate) fn in_a_place<T>(
    app: &App,
    caller: Payer,
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<(T, Place), ApiError>> {
    let work = Box::pin(within(app, work)); // what it takes to answer is much beside what waits
    async move {
        let place = app.capacity.enter(caller).await?;
        Ok((work.await?, place))
    }
}

/// Answers a request of GraphQL in time, once there is a place for it. Streams and sockets last as long as they like once
/// they began; what they do then takes places of its own.
pub(crate) async fn of_graphql(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let refuse = graphql::refusal_for(app.graphql_http, request.method(), request.headers());
    let answer = async {
        let (parts, body) = request.into_parts();
        let Expected { address, caller, kind } = Expected::of(&parts, &app);
        if let Some(kind) = kind {
            admission::check_database_time(&app.state, caller, kind).map_err(ApiError::RateLimited)?;
        }
        // Read before there is a place: a client that sends slowly keeps none from others.
        let (parts, body) = decompressed(&app.bodies, address, Request::from_parts(parts, body))?.into_parts();
        let read = timeout(app.request_timeout, app.bodies.read(address, Request::new(body))).await;
        let (body, _held) = read.map_err(|_| ApiError::RequestTimeout)??.split();
        let request = Request::from_parts(parts, Body::from(body));
        let (response, place) = in_a_place(&app, caller, next.run(request)).await?;
        Ok(answer_memory::with_place(response, place))
    };
    answer.await.unwrap_or_else(refuse)
}
