//! Connecting to the database: waiting until it is up, checking its version, opening the pools, migrating the schema.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    DbError, cancellation,
    dialect::Dialect,
    replaced_migrations,
    server_check::{ReadyServer, wait_until_ready},
    tls,
};

/// How long a request waits for a free connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// The same for a replica; afterwards the primary is used.
const REPLICA_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is pinged before use. Under load no connection is.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);
/// Default time limit of a request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Margin of the statement timeout of a query above the request timeout. A request timeout cancels its statements
/// first; this covers statements outside a request.
const STATEMENT_TIMEOUT_MARGIN: Duration = Duration::from_secs(1);
/// How often Postgres checks during a statement that the client connection is still open; see [`super::cancellation`].
const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "1s");

/// JIT compilation takes longer than running any of the gateway's statements: 0.68 of the 0.77 seconds of a map.
const JIT_OFF: (&str, &str) = ("jit", "off");

/// The recorder's statements take arrays. A custom plan depends on their lengths and is made anew each time; planning
/// takes longer than execution and always yields the same plan.
const WRITER_PLAN_CACHE_MODE: &str = "force_generic_plan";

/// Settings of every session. Postgres ends the transaction of a gateway that is frozen or disconnected, whose locks
/// would block others. No other transaction waits that long for its gateway.
const SESSION_SETTINGS: [(&str, &str); 4] = [
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
    ("tcp_keepalives_idle", "5s"),
    ("tcp_keepalives_interval", "2s"),
    ("tcp_keepalives_count", "3"),
];
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "2s";
/// A writing session also ends when its gateway acknowledges nothing for this long. Not set for queries: a gateway that
/// has not read a large result yet is only slow.
const TCP_USER_TIMEOUT: (&str, &str) = ("tcp_user_timeout", "5s");

/// In Citus, one connection to each worker for all shards that a transaction changes. With one for each shard, a
/// transaction can't insert a device or alter a type after it has read or changed several shards, and a commit prepares one
/// transaction for each.
const SEQUENTIAL_CHANGES: (&str, &str) = ("citus.multi_shard_modify_mode", "sequential");

/// In Citus, `explain` with the plans of all shards instead of one, for estimates of totals.
const ALL_PLANS: (&str, &str) = ("citus.explain_all_tasks", "on");

/// Time limit of one statement of a mutation, and of one wait for a lock.
const MUTATION_STATEMENT_TIMEOUT: Duration = REQUEST_TIMEOUT;
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of one statement of a job: finding the rows to delete may read months.
const JOB_STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);
/// Time limit of an API key lookup, and of `/readyz`.
const SHORT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections for jobs: one deletion, two kinds of retention, one for [`super::stalled_session`] and other short statements.
const JOB_POOL_SIZE: u32 = 4;
/// Connections for API key lookups: one for reading requests, whose lookups are batched, the others for senders.
const KEY_POOL_SIZE: u32 = 3;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Why the gateway can't use this database. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// User or password were rejected, or the database doesn't exist.
    #[error(
        "Postgres at {at} refuses the connection: {reason}. Check DATABASE_URL, or POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB"
    )]
    Refused {
        /// Host and port.
        at: String,
        /// Error message of the server.
        reason: String,
    },
    /// TLS failed: the certificate can't be verified or read, or the server has no TLS.
    #[error(
        "no TLS connection to Postgres at {at} with sslmode={mode}: {reason}. {advice} (docs/operations.md, TLS to Postgres)"
    )]
    Tls {
        /// Host and port.
        at: String,
        /// Value of `sslmode`.
        mode: &'static str,
        /// Message of the TLS library.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file of a certificate or key of the database URL can't be read.
    #[error("TLS to Postgres at {at} with sslmode={mode}: {reason}")]
    CertificateFile {
        /// Host and port.
        at: String,
        /// Value of `sslmode`.
        mode: &'static str,
        /// Parameter, file and error.
        reason: String,
    },
    /// The server is older than 15.
    #[error("Postgres at {at} is version {version}; airgraph needs 15 or newer")]
    UnsupportedServerVersion {
        /// Host and port.
        at: String,
        /// Version as the server reports it.
        version: String,
    },
    /// The database was migrated by a newer airgraph.
    #[error("the database's schema (migration {migration}) is newer than this airgraph ({}): use the newer binary", env!("CARGO_PKG_VERSION"))]
    NewerSchema {
        /// The first migration that this binary doesn't contain.
        migration: i64,
    },
    /// A migration failed.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// Any other permanent error.
    #[error("Postgres at {at} can't be used: {source}")]
    Other {
        /// Host and port.
        at: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
}

/// Connection pools of one gateway. Writes have pools of their own, so that reads can't starve them.
#[derive(Clone)]
pub struct Database {
    /// For queries. Statements are bounded in time.
    pub reads: PgPool,
    /// For mutations and commands. The recorder's pool is derived from it.
    pub writes: PgPool,
    /// For work that may take minutes: deletions and retention.
    pub jobs: PgPool,
    /// For API key lookups.
    pub keys: PgPool,
    /// For `/readyz`: one connection, so that busy pools never make the gateway look unready.
    pub readiness: PgPool,
    /// For work that needs a session of its own: listening, migrations, and `create index concurrently`.
    pub direct: PgConnectOptions,
    /// Which database it is.
    pub dialect: Dialect,
}

impl Database {
    /// Sets the direct connection to Postgres, for pools behind a pooler that keeps no sessions.
    #[must_use]
    pub fn with_direct_connection(self, options: PgConnectOptions) -> Self {
        Self { direct: writer_options(base_options(options), self.dialect), ..self }
    }

    /// The pools with their names in metrics and in the GraphQL schema.
    #[must_use]
    pub const fn pools(&self) -> [(&'static str, &PgPool); 5] {
        [
            ("reads", &self.reads),
            ("writes", &self.writes),
            ("jobs", &self.jobs),
            ("keys", &self.keys),
            ("readiness", &self.readiness),
        ]
    }

    /// Closes all pools.
    pub async fn close(&self) {
        for (_, pool) in self.pools() {
            pool.close().await;
        }
    }

    /// Uses one pool for everything.
    #[must_use]
    pub fn from_pool(pool: &PgPool, direct: PgConnectOptions) -> Self {
        let pool = || pool.clone();
        let dialect = Dialect::default();
        Self { reads: pool(), writes: pool(), jobs: pool(), keys: pool(), readiness: pool(), direct, dialect }
    }
}

// Not derived: the options hold a password, which their own `Debug` shows.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("reads", &self.reads).finish_non_exhaustive()
    }
}

/// Waits for the database, checks its version and opens the pools. Doesn't change the schema.
///
/// # Errors
/// When the database is up but can't be used.
pub async fn open(options: &PgConnectOptions, readers: u32, writers: u32) -> Result<Database, ConnectError> {
    open_with_timeout(options, readers, writers, REQUEST_TIMEOUT).await
}

/// Like [`open`], with a request timeout.
///
/// # Errors
/// When the database is up but can't be used.
pub async fn open_with_timeout(
    options: &PgConnectOptions,
    readers: u32,
    writers: u32,
    request_timeout: Duration,
) -> Result<Database, ConnectError> {
    let ReadyServer { options, dialect } = wait_until_ready(&base_options(options.clone())).await?;
    let direct = writer_options(options.clone(), dialect);
    Ok(Database {
        reads: pool(readers).connect_lazy_with(reader_options(options, request_timeout, dialect)),
        writes: pool(writers).connect_lazy_with(with_timeouts(direct.clone(), MUTATION_STATEMENT_TIMEOUT)),
        jobs: pool(JOB_POOL_SIZE).connect_lazy_with(with_timeouts(direct.clone(), JOB_STATEMENT_TIMEOUT)),
        keys: pool(KEY_POOL_SIZE).connect_lazy_with(with_timeouts(direct.clone(), SHORT_STATEMENT_TIMEOUT)),
        readiness: pool(1).connect_lazy_with(with_timeouts(direct.clone(), SHORT_STATEMENT_TIMEOUT)),
        direct,
        dialect,
    })
}

/// Pool of a replica, for queries; connects on first use. Each new connection has to pass `check`.
pub(super) fn replica_pool<F>(options: &PgConnectOptions, size: u32, request_timeout: Duration, check: F) -> PgPool
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<(), sqlx::Error>> + Send + Sync + 'static,
{
    let options = base_options(options.clone());
    pool(size)
        .acquire_timeout(REPLICA_ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            cancellation::count_statement();
            check(connection)
        })
        .connect_lazy_with(reader_options(options, request_timeout, Dialect::default()))
}

/// A pool for the recorder beside the pool for writes. Each wait for a lock and each statement is limited, so that a
/// blocked submission delays no other.
#[must_use]
pub fn recorder_pool(writes: &PgPool, size: u32, lock_timeout: Duration, statement_timeout: Duration) -> PgPool {
    let options = (*writes.connect_options()).clone().options([
        ("lock_timeout", milliseconds(lock_timeout)),
        ("statement_timeout", milliseconds(statement_timeout)),
    ]);
    writes.options().clone().max_connections(size).connect_lazy_with(options)
}

/// Limits each wait for a lock and each statement of the current transaction.
///
/// # Errors
/// When the database fails.
pub async fn set_timeouts(
    db: &mut PgConnection,
    lock_timeout: Duration,
    statement_timeout: Duration,
) -> Result<(), DbError> {
    let (lock, statement) = (milliseconds(lock_timeout), milliseconds(statement_timeout));
    sqlx::query("select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)")
        .bind(lock)
        .bind(statement)
        .execute(db)
        .await?;
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn base_options(options: PgConnectOptions) -> PgConnectOptions {
    tls::with_verification(options)
        .application_name("airgraph")
        .log_statements(log::LevelFilter::Debug)
        .options(SESSION_SETTINGS)
}

/// Limits each statement and each wait for a lock.
fn with_timeouts(options: PgConnectOptions, statement_timeout: Duration) -> PgConnectOptions {
    options
        .options([("statement_timeout", milliseconds(statement_timeout)), ("lock_timeout", milliseconds(LOCK_TIMEOUT))])
}

fn writer_options(options: PgConnectOptions, dialect: Dialect) -> PgConnectOptions {
    let options = options.options([TCP_USER_TIMEOUT, CLIENT_CHECK, JIT_OFF]);
    // Citus can't make a generic plan for a distributed table.
    options.options([if dialect.is_citus { SEQUENTIAL_CHANGES } else { ("plan_cache_mode", WRITER_PLAN_CACHE_MODE) }])
}

fn reader_options(options: PgConnectOptions, request_timeout: Duration, dialect: Dialect) -> PgConnectOptions {
    let statement_timeout = milliseconds(request_timeout + STATEMENT_TIMEOUT_MARGIN);
    let options = options.options([("statement_timeout", &*statement_timeout), CLIENT_CHECK, JIT_OFF]);
    if dialect.is_citus { options.options([ALL_PLANS]) } else { options }
}

fn pool(size: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false) // a ping before each use costs as much as a small query
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                cancellation::count_statement();
                if meta.idle_for > PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|_, _| {
            cancellation::count_statement();
            Box::pin(async { Ok(()) })
        })
        .after_release(|connection, _| Box::pin(async move { Ok(cancellation::is_idle(connection).await) }))
}

/// Logs a warning when sessions lack the settings that this gateway sent: a pooler dropped them.
///
/// # Errors
/// When the database fails.
pub async fn check_session_settings(database: &Database) -> Result<(), DbError> {
    let timeout: String = sqlx::query_scalar("select current_setting('idle_in_transaction_session_timeout')")
        .fetch_one(&database.writes)
        .await?;
    if timeout == "0" {
        tracing::warn!(
            setting = "idle_in_transaction_session_timeout",
            "the connection pooler drops session settings; a frozen gateway would block others: set them for the role \
             (docs/operations.md, connection poolers)"
        );
    }
    Ok(())
}

/// Migrates the schema. Migrations only add; several gateways may run this at once.
///
/// # Errors
/// When the schema is newer than this binary, or a migration fails.
pub async fn migrate(database: &Database) -> Result<(), ConnectError> {
    // Runs on a session of its own, which holds the migration lock.
    // A migration may be slow; the log would have its whole text.
    let options = database.direct.clone().log_slow_statements(log::LevelFilter::Off, Duration::ZERO);
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let outcome = async {
        replaced_migrations::repair(&mut *pool.acquire().await?, &MIGRATIONS).await?;
        MIGRATIONS.run(&pool).await
    }
    .await;
    pool.close().await;
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(migration) => ConnectError::NewerSchema { migration },
        error => ConnectError::Migration(error),
    })
}
