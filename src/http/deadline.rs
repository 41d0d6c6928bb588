//! How long a request may take. What is given up ends in Postgres too: see [`crate::db::work`].

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use super::graphql;
use crate::{app::App, db::work::as_long_as_wanted, error::ApiError};

/// Does something for a request, and gives it up when it takes too long.
///
/// # Errors
/// When it was given up.
pub(super) async fn within<T>(app: &App, work: impl Future<Output = T>) -> Result<T, ApiError> {
    timeout(app.request_timeout, as_long_as_wanted(work)).await.map_err(|_| ApiError::Timeout)
}

/// Answers a request of GraphQL in time. Streams and sockets last as long as they like once they began.
pub(super) async fn of_graphql(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    within(&app, next.run(request)).await.unwrap_or_else(|error| graphql::refuse_for(&headers, error))
}
