//! Reaching the database: waiting until it is up, checking that it will do, bringing its schema up to date.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use rand::RngExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{DbError, cancellation};

/// The oldest Postgres that works, as `server_version_num` tells it.
const MIN_SERVER_VERSION: i32 = 150_000;
/// The first and the longest pause between two tries to connect; each doubles the one before.
const MIN_CONNECT_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_CONNECT_RETRY_DELAY: Duration = Duration::from_secs(10);
/// How long a request waits for a free connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// The same for a replica's: then the primary answers.
const REPLICA_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection idle for longer is asked for a sign of life before it is used; in busy times none is.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);
/// What answering a request may take where nothing else is said.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// What one statement of a query may take beyond that. Requests are given up first, and with them their statements; this
/// is for those that belong to no request.
const STATEMENT_TIMEOUT_MARGIN: Duration = Duration::from_secs(1);
/// How often Postgres checks, while it runs a statement, that the connection is still open; see [`super::cancellation`].
const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "1s");

/// Compiling a statement takes Postgres longer than running any of ours: of a map's 0.77 seconds it took 0.68.
const JIT_OFF: (&str, &str) = ("jit", "off");

/// The recorder's statements take arrays, whose lengths Postgres would look at to plan anew each time; planning takes
/// longer than running them, and every time gives the same plan.
const WRITER_PLAN_CACHE_MODE: &str = "force_generic_plan";

/// Settings of every session. Postgres ends the transaction of a gateway that is frozen or disconnected, whose locks would
/// keep others waiting. No transaction waits that long for its gateway otherwise.
const SESSION_SETTINGS: [(&str, &str); 4] = [
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
    ("tcp_keepalives_idle", "5s"),
    ("tcp_keepalives_interval", "2s"),
    ("tcp_keepalives_count", "3"),
];
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "2s";
/// A session that writes also ends when its gateway acknowledges nothing for so long. Not for queries: a gateway that has
/// not read a large result yet is only slow.
const TCP_USER_TIMEOUT: (&str, &str) = ("tcp_user_timeout", "5s");

/// What one statement of a mutation may take, and one wait for a lock.
const MUTATION_STATEMENT_TIMEOUT: Duration = REQUEST_TIMEOUT;
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// The same of a job: finding what to delete may read months.
const JOB_STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);
/// The same of looking up a key, and of `/readyz`.
const SHORT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections for jobs: one deletion, two kinds of retention, one for [`super::stalled_session`].
const JOB_POOL_SIZE: u32 = 4;
/// Connections for looking up keys: one for requests that read, whose look-ups are batched, and the rest for senders.
const KEY_POOL_SIZE: u32 = 3;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Why the gateway can't work with this database. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// User or password were refused, or the database doesn't exist.
    #[error(
        "Postgres at {at} refuses the connection: {reason}. Check DATABASE_URL, or POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB"
    )]
    Refused {
        /// Host and port.
        at: String,
        /// What the server said of it.
        reason: String,
    },
    /// The server is older than 15.
    #[error("Postgres at {at} is version {version}; airgraph needs 15 or newer")]
    UnsupportedServerVersion {
        /// Host and port.
        at: String,
        /// The server's version as it tells it.
        version: String,
    },
    /// The database was migrated by a newer airgraph.
    #[error("the database's schema (migration {migration}) is newer than this airgraph ({}): use the newer binary", env!("CARGO_PKG_VERSION"))]
    NewerSchema {
        /// The first migration that this binary doesn't know.
        migration: i64,
    },
    /// A migration failed.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// Anything else that trying again would not mend.
    #[error("Postgres at {at} can't be used: {source}")]
    Other {
        /// Host and port.
        at: String,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}

/// The connections of one gateway. Writers have their own, so that readers can't starve them.
#[derive(Clone)]
pub struct Database {
    /// For queries. Statements are bounded in time.
    pub reads: PgPool,
    /// For mutations and commands. The recorder's pool is made from it.
    pub writes: PgPool,
    /// For work that may take minutes: deletions and retention.
    pub jobs: PgPool,
    /// For looking up API keys.
    pub keys: PgPool,
    /// For `/readyz`: one connection, so that busy pools never make the gateway look unready.
    pub readiness: PgPool,
    /// For what needs a session to itself: listening, migrating the schema, and making indexes beside those who write.
    pub direct: PgConnectOptions,
}

impl Database {
    /// The same where the pools are behind a pooler that keeps no sessions: this leads to Postgres itself.
    #[must_use]
    pub fn with_direct_connection(self, options: PgConnectOptions) -> Self {
        Self { direct: writer_options(base_options(options)), ..self }
    }

    /// The pools with the names that metrics and the schema give them.
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

    /// The same pool for everything.
    #[must_use]
    pub fn from_pool(pool: &PgPool, direct: PgConnectOptions) -> Self {
        let pool = || pool.clone();
        Self { reads: pool(), writes: pool(), jobs: pool(), keys: pool(), readiness: pool(), direct }
    }
}

// Written by hand since the options hold a password, which their own `Debug` shows.
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

/// The same for requests that may take so long.
///
/// # Errors
/// When the database is up but can't be used.
pub async fn open_with_timeout(
    options: &PgConnectOptions,
    readers: u32,
    writers: u32,
    request_timeout: Duration,
) -> Result<Database, ConnectError> {
    let options = base_options(options.clone());
    wait_until_ready(&options).await?;
    let direct = writer_options(options.clone());
    Ok(Database {
        reads: pool(readers).connect_lazy_with(reader_options(options, request_timeout)),
        writes: pool(writers).connect_lazy_with(with_timeouts(direct.clone(), MUTATION_STATEMENT_TIMEOUT)),
        jobs: pool(JOB_POOL_SIZE).connect_lazy_with(with_timeouts(direct.clone(), JOB_STATEMENT_TIMEOUT)),
        keys: pool(KEY_POOL_SIZE).connect_lazy_with(with_timeouts(direct.clone(), SHORT_STATEMENT_TIMEOUT)),
        readiness: pool(1).connect_lazy_with(with_timeouts(direct.clone(), SHORT_STATEMENT_TIMEOUT)),
        direct,
    })
}

/// The pool of a replica, for queries; it connects when it is first used. Each new connection has to pass the check.
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
        .connect_lazy_with(reader_options(options, request_timeout))
}

/// A pool of its own for the recorder, beside the connections for writing: each wait for a lock and each statement is
/// bounded, so that what one submission waits for holds up no other.
#[must_use]
pub fn recorder_pool(writes: &PgPool, size: u32, lock_timeout: Duration, statement_timeout: Duration) -> PgPool {
    let options = (*writes.connect_options()).clone().options([
        ("lock_timeout", milliseconds(lock_timeout)),
        ("statement_timeout", milliseconds(statement_timeout)),
    ]);
    writes.options().clone().max_connections(size).connect_lazy_with(options)
}

/// Bounds each wait for a lock and each statement of the present transaction.
///
/// # Errors
/// When the database fails.
pub async fn set_timeouts(
    db: &mut PgConnection,
    lock_timeout: Duration,
    statement_timeout: Duration,
) -> Result<(), DbError> {
    let (lock, statement) = (milliseconds(lock_timeout), milliseconds(statement_timeout));
    let statement = format!("set local lock_timeout = '{lock}'; set local statement_timeout = '{statement}'");
    // Safe to put together: both are numbers.
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn base_options(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("airgraph").log_statements(log::LevelFilter::Debug).options(SESSION_SETTINGS)
}

/// Bounds each statement and each wait for a lock.
fn with_timeouts(options: PgConnectOptions, statement_timeout: Duration) -> PgConnectOptions {
    options
        .options([("statement_timeout", milliseconds(statement_timeout)), ("lock_timeout", milliseconds(LOCK_TIMEOUT))])
}

fn writer_options(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("plan_cache_mode", WRITER_PLAN_CACHE_MODE), TCP_USER_TIMEOUT, CLIENT_CHECK, JIT_OFF])
}

fn reader_options(options: PgConnectOptions, request_timeout: Duration) -> PgConnectOptions {
    let statement_timeout = milliseconds(request_timeout + STATEMENT_TIMEOUT_MARGIN);
    options.options([("statement_timeout", &*statement_timeout), CLIENT_CHECK, JIT_OFF])
}

fn pool(size: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false) // a ping each time costs as much as a small query
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

/// Logs a warning when sessions don't have the settings that this gateway sent: a pooler dropped them.
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

/// Brings the schema up to date. Only ever adds; several gateways may do it at once.
///
/// # Errors
/// When the schema is newer than this binary, or a migration fails.
pub async fn migrate(database: &Database) -> Result<(), ConnectError> {
    // Over a session of its own, to which its lock belongs.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.direct.clone());
    let outcome = MIGRATIONS.run(&pool).await;
    pool.close().await;
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(migration) => ConnectError::NewerSchema { migration },
        error => ConnectError::Migration(error),
    })
}

async fn wait_until_ready(options: &PgConnectOptions) -> Result<(), ConnectError> {
    let at = format!("{}:{}", options.get_host(), options.get_port());
    let mut pause = MIN_CONNECT_RETRY_DELAY;
    loop {
        match check(options, &at).await {
            Ok(checked) => return checked,
            Err(error) => {
                let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
                tracing::warn!(%at, reason = %error, next_try_in = ?jittered, "waiting for Postgres");
                tokio::time::sleep(jittered).await;
                pause = (pause * 2).min(MAX_CONNECT_RETRY_DELAY);
            }
        }
    }
}

/// The outer error is one that waiting may mend; the inner one isn't.
async fn check(options: &PgConnectOptions, at: &str) -> Result<Result<(), ConnectError>, sqlx::Error> {
    let mut connection = match PgConnection::connect_with(options).await {
        Ok(connection) => connection,
        Err(error) => return classify_connect_error(error, at).map(Err),
    };
    let (number, version): (i32, String) =
        sqlx::query_as("select current_setting('server_version_num')::int, current_setting('server_version')")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    if number < MIN_SERVER_VERSION {
        return Ok(Err(ConnectError::UnsupportedServerVersion { at: at.to_owned(), version }));
    }
    Ok(Ok(()))
}

/// `Err` for what may pass, `Ok` for what will not.
fn classify_connect_error(error: sqlx::Error, at: &str) -> Result<ConnectError, sqlx::Error> {
    let at = at.to_owned();
    match &error {
        sqlx::Error::Io(_) => Err(error),
        sqlx::Error::Database(database) => match database.code().as_deref().unwrap_or_default() {
            // starting up or shutting down; too many connections
            "57P01" | "57P02" | "57P03" | "53300" => Err(error),
            // a wrong password or user; a database that doesn't exist
            code if code.starts_with("28") || code == "3D000" => {
                Ok(ConnectError::Refused { at, reason: database.message().to_owned() })
            }
            _ => Ok(ConnectError::Other { at, source: error }),
        },
        _ => Ok(ConnectError::Other { at, source: error }),
    }
}
