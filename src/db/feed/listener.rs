//! A connection on which Postgres tells that the feed has grown, and on which the feed is then read. It belongs to no
//! pool that requests use, so neither waits for the other.

use std::{collections::HashMap, time::Duration};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::time::timeout;

use super::{CHANNEL, DbError, Entry, Extent};
use crate::{
    db::{connect::Database, measurement},
    domain::measurement::{Measurement, MeasurementKey},
};

/// What the connection is called in `pg_stat_activity`.
const NAME: &str = "airgraph feed";
/// What connecting, or one statement, may take. So a connection whose other end is gone is found.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same, for Postgres: it is to give up no later than we do.
const STATEMENT_TIMEOUT: &str = "5s";

/// The connection. When anything on it fails it is of no use any more.
pub struct Listener(PgListener);

impl Listener {
    /// Connects, and asks to be told of new batches.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn connect(database: &Database) -> Result<Self, DbError> {
        // With the options of the writers: statements with arrays are planned once, whatever the arrays' lengths, and it
        // is the database that is written to, which alone has notifications. Not logged: there is one every second.
        let options =
            database.direct.clone().application_name(NAME).options([("statement_timeout", STATEMENT_TIMEOUT)]);
        // The library's listener connects by a pool. A new one each time, since a hanging connection would block it.
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.disable_statement_logging());
        bounded(async {
            let mut listener = PgListener::connect_with(&pool).await?;
            // By itself it would connect anew without a word, and what was told meanwhile would be lost.
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok(Self(listener))
        })
        .await
    }

    /// Waits until Postgres tells of new batches; whether it did in that time. What it tells more than once is one.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn told_within(&mut self, time: Duration) -> Result<bool, DbError> {
        match timeout(time, self.0.try_recv()).await {
            Err(_) => Ok(false),
            Ok(Ok(Some(_))) => {
                while self.0.next_buffered().is_some() {}
                Ok(true)
            }
            Ok(Ok(None)) => Err(DbError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()))),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// See [`super::extent`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extent(&mut self) -> Result<Extent, DbError> {
        bounded(super::extent(&mut self.0)).await
    }

    /// See [`super::after`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn after(&mut self, number: i64, limit: i64) -> Result<Option<Vec<Entry>>, DbError> {
        bounded(super::after(&mut self.0, number, limit)).await
    }

    /// See [`measurement::by_keys`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn measurements(
        &mut self,
        keys: &[MeasurementKey],
    ) -> Result<HashMap<MeasurementKey, Measurement>, DbError> {
        bounded(measurement::by_keys(&mut self.0, keys)).await
    }
}

async fn bounded<T>(statement: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    timeout(PATIENCE, statement).await.unwrap_or_else(|_| Err(DbError::hangs()))
}
