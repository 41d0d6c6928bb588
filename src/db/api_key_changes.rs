//! A connection on which Postgres reports changes of API keys, by whichever gateway or command they were made.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::{
    DbError,
    connect::Database,
    listener::{bounded, listen, next_within},
    server,
};
use crate::domain::api_key::ApiKeyId;

/// The channel of the trigger `api_key_changed`. The payload is the key's number.
const CHANNEL: &str = "airgraph_api_key";
/// What the connection is called in `pg_stat_activity`.
const APPLICATION_NAME: &str = "airgraph keys";

/// The connection. When anything on it fails it is of no use any more.
pub struct KeyListener(PgListener);

impl KeyListener {
    /// Connects and listens.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn connect(database: &Database) -> Result<Self, DbError> {
        listen(database, APPLICATION_NAME, CHANNEL).await.map(Self)
    }

    /// Waits for a change and returns the key; none when there was no change in that time. Then the connection has been
    /// checked.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn changed_within(&mut self, time: Duration) -> Result<Option<ApiKeyId>, DbError> {
        match next_within(&mut self.0, time).await? {
            Some(notification) => Ok(notification.payload().parse().ok().map(ApiKeyId)),
            None => bounded(server::ping(&mut self.0)).await.map(|()| None),
        }
    }
}
