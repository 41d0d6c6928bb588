//! Queries for the positions of servers in the log.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgExecutor, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{lsn::Lsn, state::ProbeResult};
use crate::db::DbError;

/// Time limit for connecting and the query together.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The flushed position, not the written one: an idle primary keeps the last few bytes, which are no commit, for some
/// seconds before it sends them. All commits lie before the flushed position.
const PRIMARY_STATEMENT: &str =
    "select (select system_identifier from pg_control_system()), pg_current_wal_flush_lsn()::text";

const REPLICA_STATEMENT: &str = "select (select system_identifier from pg_control_system()),
                              case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end";

const INSERT_LSN_STATEMENT: &str = "select pg_current_wal_insert_lsn()::text";

/// The current end of a primary's log: all earlier commits lie before it, even with asynchronous commit.
///
/// # Errors
/// When the database fails, or doesn't answer within a second.
#[tracing::instrument(name = "db.replicas.load_insert_lsn", skip_all)]
pub async fn load_insert_lsn(db: impl PgExecutor<'_>) -> Result<Lsn, DbError> {
    let statement = async { Ok(sqlx::query_scalar::<_, String>(INSERT_LSN_STATEMENT).fetch_one(db).await?) };
    let lsn = timeout(PROBE_TIMEOUT, statement).await.unwrap_or_else(|_| Err(DbError::timed_out()))?;
    parse_lsn(&lsn).map(Lsn::end_of_record)
}

/// A connection of its own for probing a server.
pub struct ProbeConnection {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl ProbeConnection {
    /// Not connected yet.
    #[must_use]
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: None }
    }

    /// The system identifier of a primary, and the end of its log.
    pub async fn probe_primary(&mut self) -> Result<(i64, Lsn), DbError> {
        let (cluster, end) = self.query::<String>(PRIMARY_STATEMENT).await?;
        Ok((cluster, parse_lsn(&end)?.end_of_record()))
    }

    /// The state of a replica.
    pub async fn probe_replica(&mut self) -> Result<ProbeResult, DbError> {
        let (cluster, replayed) = self.query::<Option<String>>(REPLICA_STATEMENT).await?;
        Ok(ProbeResult { system_identifier: cluster, replayed: replayed.map(|lsn| parse_lsn(&lsn)).transpose()? })
    }

    /// Runs a query. Reconnects after any error.
    async fn query<T>(&mut self, statement: &'static str) -> Result<(i64, T), DbError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let connection = self.connection.take();
        let query = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.options).await?,
            };
            let row = sqlx::query_as(statement).fetch_one(&mut connection).await?;
            Ok((connection, row))
        };
        let (connection, row) = timeout(PROBE_TIMEOUT, query).await.unwrap_or_else(|_| Err(DbError::timed_out()))?;
        self.connection = Some(connection);
        Ok(row)
    }
}

/// Replay position of a newly connected standby; `None` if the server is not in recovery.
pub async fn replayed(connection: &mut PgConnection) -> Result<Option<Lsn>, sqlx::Error> {
    let (_, replayed): (i64, Option<String>) = sqlx::query_as(REPLICA_STATEMENT).fetch_one(connection).await?;
    Ok(replayed.and_then(|lsn| lsn.parse().ok()))
}

fn parse_lsn(lsn: &str) -> Result<Lsn, DbError> {
    lsn.parse().map_err(|error| DbError::Other(sqlx::Error::Decode(Box::new(error))))
}
