//! Connections that receive notifications. They belong to no pool that requests use, so neither waits for the other.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _,
    postgres::{PgListener, PgNotification, PgPoolOptions},
};
use tokio::time::timeout;

use super::{DbError, connect::Database};

/// What connecting, or one statement, may take. So a connection whose other end is gone is found.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same, for Postgres.
const SERVER_STATEMENT_TIMEOUT: &str = "5s";

/// Connects, and listens on a channel. When anything fails on the connection it is of no use any more.
///
/// # Errors
/// When the database can't be reached.
pub(super) async fn listen(database: &Database, application_name: &str, channel: &str) -> Result<PgListener, DbError> {
    // With the options of the writers: statements with arrays are planned once, whatever the arrays' lengths, and it
    // is the database that is written to, which alone has notifications. Not logged: there is one every second.
    let options = database.direct.clone().application_name(application_name);
    let options = options.options([("statement_timeout", SERVER_STATEMENT_TIMEOUT)]);
    // The library's listener connects by a pool. A new one each time, since a hanging connection would block it.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.disable_statement_logging());
    with_statement_timeout(async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // By itself it would reconnect without a word, and notifications in between would be lost.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    })
    .await
}

/// Waits for a notification; none when there is none in that time.
///
/// # Errors
/// When the connection is lost.
pub(super) async fn next_notification(
    listener: &mut PgListener,
    time: Duration,
) -> Result<Option<PgNotification>, DbError> {
    match timeout(time, listener.try_recv()).await {
        Err(_) => Ok(None),
        Ok(Ok(Some(notification))) => Ok(Some(notification)),
        Ok(Ok(None)) => Err(DbError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()))),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// Gives a statement up when Postgres doesn't answer.
pub(super) async fn with_statement_timeout<T>(
    statement: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    timeout(STATEMENT_TIMEOUT, statement).await.unwrap_or_else(|_| Err(DbError::timed_out()))
}
