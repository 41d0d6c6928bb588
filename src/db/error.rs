//! Database errors, classified by what the caller can do about them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{
    error::{DatabaseError, ErrorKind},
    postgres::PgDatabaseError,
};

use super::pruned_month::PROTECTED_MONTH_CONSTRAINT;
use crate::api_error::ApiError;

/// Why a statement did not run to completion although the database works: a limit of its request is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseLimit {
    /// No connection was free in time.
    #[error("no database connection available in time")]
    Busy,
    /// The request used up its database time.
    #[error("database time of the request used up")]
    TimeBudgetExceeded,
}

impl From<DatabaseLimit> for sqlx::Error {
    fn from(stopped: DatabaseLimit) -> Self {
        Self::AnyDriverError(stopped.into())
    }
}

/// A failed statement or connection. The text of the source is for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database can't be reached or can't serve now. The same request may succeed later.
    #[error("database unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// All connections available to the caller are in use.
    #[error("no database connection available")]
    Busy(#[source] sqlx::Error),
    /// The transaction conflicted with another one (deadlock, serialisation, a device that was deleted in the
    /// meantime). An immediate retry may succeed.
    #[error("transaction conflict; retry")]
    Conflict(#[source] sqlx::Error),
    /// The statement exceeded its time limit.
    #[error("statement timeout")]
    Timeout(#[source] sqlx::Error),
    /// Another session holds the lock, and the lock timeout expired.
    #[error("lock held by another session")]
    Locked(#[source] sqlx::Error),
    /// A row belongs to a month that has no partition.
    #[error("partition missing")]
    MissingPartition(#[source] sqlx::Error),
    /// A row violated a unique or check constraint.
    #[error("constraint {constraint} was violated")]
    Violation {
        /// The constraint's name.
        constraint: String,
        /// The error of the database.
        #[source]
        source: sqlx::Error,
    },
    /// Any other error: a bug in the gateway or in the database.
    #[error("a statement failed")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// The transaction conflicted with other writers in every attempt.
    #[must_use]
    pub fn conflict() -> Self {
        ERROR_COUNTS[1].fetch_add(1, Ordering::Relaxed);
        Self::Conflict(sqlx::Error::Protocol("rows were stored by other writers in every round".to_owned()))
    }

    /// The error of the database.
    #[must_use]
    pub fn into_source(self) -> sqlx::Error {
        match self {
            Self::Unavailable(source)
            | Self::Busy(source)
            | Self::Conflict(source)
            | Self::Timeout(source)
            | Self::Locked(source)
            | Self::MissingPartition(source)
            | Self::Violation { source, .. }
            | Self::Other(source) => source,
        }
    }

    /// No answer arrived in time.
    #[must_use]
    pub fn timed_out() -> Self {
        sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()
    }
}

/// Error kinds, as metric labels.
const ERROR_KINDS: [&str; 8] =
    ["unavailable", "conflict", "timeout", "locked", "missing_partition", "violation", "other", "busy"];
/// Number of errors of each kind, of the whole process: an error doesn't carry the request it belongs to.
static ERROR_COUNTS: [AtomicU64; ERROR_KINDS.len()] = [const { AtomicU64::new(0) }; ERROR_KINDS.len()];

/// Number of errors of each kind since the start, including those that a retry resolved.
pub fn error_counts() -> impl Iterator<Item = (&'static str, u64)> {
    ERROR_KINDS.into_iter().zip(ERROR_COUNTS.iter().map(|count| count.load(Ordering::Relaxed)))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let error = Self::classify(error);
        ERROR_COUNTS[error.kind()].fetch_add(1, Ordering::Relaxed);
        error
    }
}

impl DbError {
    /// Index in [`ERROR_KINDS`].
    const fn kind(&self) -> usize {
        match self {
            Self::Unavailable(_) => 0,
            Self::Conflict(_) => 1,
            Self::Timeout(_) => 2,
            Self::Locked(_) => 3,
            Self::MissingPartition(_) => 4,
            Self::Violation { .. } => 5,
            Self::Other(_) => 6,
            Self::Busy(_) => 7,
        }
    }

    fn classify(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let sqlx::Error::Database(database) = &error else {
            return match error {
                E::AnyDriverError(ref stopped) if let Some(stopped) = stopped.downcast_ref::<DatabaseLimit>() => match stopped {
                    DatabaseLimit::Busy => Self::Busy(error),
                    DatabaseLimit::TimeBudgetExceeded => Self::Timeout(error),
                },
                E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed
                // a Postgres that can't start a process for a connection reports it before the protocol begins
                | E::Protocol(_) => Self::Unavailable(error),
                _ => Self::Other(error),
            };
        };
        match database.code().as_deref().unwrap_or_default() {
            // connection exceptions; too many connections, disk full, out of memory; shutting down or starting up;
            // read-only after a fail-over; session ended by idle_in_transaction_session_timeout
            "53100" | "53200" | "53300" | "57P01" | "57P02" | "57P03" | "25006" | "25P03" => Self::Unavailable(error),
            code if code.starts_with("08") => Self::Unavailable(error),
            "XX000" | "58030" if is_lost_worker(&**database) => Self::Unavailable(error),
            "XX000" if is_locked_by_move(&**database) => Self::Locked(error),
            "XX000" if is_refused_copy(&**database) => Self::Violation { constraint: String::new(), source: error },
            // the referenced row was read a moment before, so the device was deleted since
            "40001" | "40P01" | "23503" => Self::Conflict(error),
            "57014" => Self::Timeout(error),
            "55P03" => Self::Locked(error),
            // "no partition of relation found for row" is a check violation that names no constraint
            "23514" if database.constraint().is_none() => Self::MissingPartition(error),
            _ if database.kind() != ErrorKind::Other => match database.constraint() {
                Some(constraint) => Self::Violation { constraint: constraint.to_owned(), source: error },
                // Citus passes an error of a worker on without the name.
                None if database.kind() == ErrorKind::UniqueViolation => {
                    Self::Violation { constraint: String::new(), source: error }
                }
                None => Self::Other(error),
            },
            _ => Self::Other(error),
        }
    }
}

/// Whether the coordinator of a Citus cluster has lost a worker. Where it reports a message of its client library, in the
/// language of the server, the code is that of an internal error; so the file of its source decides.
fn is_lost_worker(error: &dyn DatabaseError) -> bool {
    const FILES: [&str; 4] =
        ["remote_commands.c", "remote_transaction.c", "connection_management.c", "adaptive_executor.c"];
    const NO_PLACEMENT: &str = "could not connect to any active placements";
    let file = source_file(error);
    match error.code().as_deref() {
        Some("XX000") => file.is_some_and(|file| FILES[..2].contains(&file)) || error.message() == NO_PLACEMENT,
        Some("08006") => file.is_some_and(|file| FILES.contains(&file)),
        // Rows could not be sent to a shard. Postgres has this code for faults of its disk.
        Some("58030") => file == Some("multi_copy.c"),
        _ => false,
    }
}

/// Whether a worker of Citus has refused a row of a `COPY`: the coordinator passes the message on without its code. The rows
/// are checked before, so a key is taken.
fn is_refused_copy(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::routine) == Some("ReportCopyError")
}

/// Whether the partitions of a month can't be created, because a shard of their tables is being moved.
fn is_locked_by_move(error: &dyn DatabaseError) -> bool {
    source_file(error) == Some("shard_rebalancer.c")
}

/// The source file of Postgres or Citus that reported an error.
fn source_file(error: &dyn DatabaseError) -> Option<&str> {
    error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::file)
}

/// Message of a request that needs a lost worker.
const WORKER_UNAVAILABLE: &str =
    "a worker of the database that this request needs cannot be reached; retry in a moment";
/// Message of a transaction that changes measurements of a month that is being archived. Retried, it is refused with the month.
const PROTECTED_MONTH_MESSAGE: &str = "measurements of an archived month can't be changed; retry for details";
/// Message of a transaction that conflicted with another one, or of a replica's query that conflicted with recovery.
const CONFLICT_MESSAGE: &str = "conflict with a concurrent change; retry in a moment";

fn unavailable_message(source: &sqlx::Error) -> &'static str {
    match source {
        sqlx::Error::Database(database) if is_lost_worker(&**database) => WORKER_UNAVAILABLE,
        _ => ApiError::DATABASE_UNAVAILABLE,
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(source) => {
                tracing::warn!(error = &source as &dyn std::error::Error, "database unavailable");
                Self::Unavailable(unavailable_message(&source))
            }
            DbError::Conflict(_) | DbError::Locked(_) => Self::Unavailable(CONFLICT_MESSAGE),
            DbError::Busy(_) => Self::Overloaded,
            DbError::Timeout(_) => Self::Timeout,
            DbError::Violation { constraint, .. } if constraint == PROTECTED_MONTH_CONSTRAINT => {
                Self::Unavailable(PROTECTED_MONTH_MESSAGE)
            }
            error => Self::Internal(error.into()),
        }
    }
}

// All callers of a batch share one error.
impl From<Arc<DbError>> for ApiError {
    fn from(error: Arc<DbError>) -> Self {
        match &*error {
            DbError::Unavailable(source) => Self::Unavailable(unavailable_message(source)),
            DbError::Conflict(_) | DbError::Locked(_) => Self::Unavailable(CONFLICT_MESSAGE),
            DbError::Busy(_) => Self::Overloaded,
            DbError::Timeout(_) => Self::Timeout,
            _ => Self::Internal(anyhow::Error::new(error)),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}
