//! Connections that receive notifications. They belong to no pool of the requests, so neither waits for the other.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _,
    postgres::{PgListener, PgNotification, PgPoolOptions},
};
use tokio::time::timeout;

use super::{DbError, connect::Database};

/// Time limit of connecting and of each statement. Detects a broken connection.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same limit, as a Postgres setting.
const SERVER_STATEMENT_TIMEOUT: &str = "5s";

/// Connects and listens on a channel. After any error the connection must be replaced.
///
/// # Errors
/// When the database can't be reached.
pub(super) async fn listen(database: &Database, application_name: &str, channel: &str) -> Result<PgListener, DbError> {
    // The options of the writer sessions: generic plans for statements with arrays, and a connection to the primary,
    // which alone has notifications. Not logged: a statement runs every second.
    let options = database.direct.clone().application_name(application_name);
    let options = options.options([("statement_timeout", SERVER_STATEMENT_TIMEOUT)]);
    // `PgListener` connects through a pool. A new pool each time, since a hanging connection would block it.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.disable_statement_logging());
    with_statement_timeout(async {
        let mut listener = PgListener::connect_with(&pool).await?;
        // An automatic reconnect would lose notifications silently.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    })
    .await
}

/// Waits for a notification. Returns `None` after `time`.
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

/// Fails when Postgres doesn't answer in time.
pub(super) async fn with_statement_timeout<T>(
    statement: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    timeout(STATEMENT_TIMEOUT, statement).await.unwrap_or_else(|_| Err(DbError::timed_out()))
}
