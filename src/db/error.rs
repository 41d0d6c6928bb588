//! What can go wrong with the database, sorted by what the caller can do about it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::error::ErrorKind;

use crate::api_error::ApiError;

/// Why a statement was not run, or not to its end, though the database works: what its request may use is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseLimit {
    /// No connection was free for this caller in time.
    #[error("no connection was free for this caller")]
    Busy,
    /// The request used all the time it may use of the database.
    #[error("the request used up its time of the database")]
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
    /// The database can't be reached or can't serve now. The same request may work later.
    #[error("the database is away")]
    Unavailable(#[source] sqlx::Error),
    /// Others, or the caller's own requests, use the connections.
    #[error("no connection is free for this caller")]
    Busy(#[source] sqlx::Error),
    /// The transaction lost against another (deadlock, serialisation, a device that was deleted meanwhile). The same
    /// transaction may work at once.
    #[error("the transaction has to be tried again")]
    Conflict(#[source] sqlx::Error),
    /// The statement took longer than it may.
    #[error("the statement took too long")]
    Timeout(#[source] sqlx::Error),
    /// Somebody else holds a lock that was not waited for any longer.
    #[error("a lock is held by somebody else")]
    Locked(#[source] sqlx::Error),
    /// A row belongs to a month that has no partition.
    #[error("a partition is missing")]
    MissingPartition(#[source] sqlx::Error),
    /// A unique or check constraint refused the row.
    #[error("constraint {constraint} was violated")]
    Violation {
        /// The constraint's name.
        constraint: String,
        /// The database's own account.
        #[source]
        source: sqlx::Error,
    },
    /// Anything else: a defect of ours, or of the database.
    #[error("a statement failed")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// The transaction met other writers again and again.
    #[must_use]
    pub fn conflict() -> Self {
        ERROR_COUNTS[1].fetch_add(1, Ordering::Relaxed);
        Self::Conflict(sqlx::Error::Protocol("rows were stored by other writers in every round".to_owned()))
    }

    /// No answer came in the time that was waited for one.
    #[must_use]
    pub fn timed_out() -> Self {
        sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()
    }
}

/// The kinds of errors as labels.
const ERROR_KINDS: [&str; 8] =
    ["unavailable", "conflict", "timeout", "locked", "missing_partition", "violation", "other", "busy"];
/// How many there were of each. Of the whole process: where an error comes from, nobody knows whose it is.
static ERROR_COUNTS: [AtomicU64; ERROR_KINDS.len()] = [const { AtomicU64::new(0) }; ERROR_KINDS.len()];

/// How many errors of each kind there were since the start, those included that were mended by trying again.
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
    /// Its place in [`ERROR_KINDS`].
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
                // a Postgres that can start no process for a connection says so before the protocol begins
                | E::Protocol(_) => Self::Unavailable(error),
                _ => Self::Other(error),
            };
        };
        match database.code().as_deref().unwrap_or_default() {
            // connection exceptions; too many connections, disk full, out of memory; shutting down or starting up;
            // read-only after a fail-over; session ended because its transaction was idle for too long
            "53100" | "53200" | "53300" | "57P01" | "57P02" | "57P03" | "25006" | "25P03" => Self::Unavailable(error),
            code if code.starts_with("08") => Self::Unavailable(error),
            // what is referenced was read a moment before: a device that was deleted since
            "40001" | "40P01" | "23503" => Self::Conflict(error),
            "57014" => Self::Timeout(error),
            "55P03" => Self::Locked(error),
            // "no partition of relation found for row" is a check violation that names no constraint
            "23514" if database.constraint().is_none() => Self::MissingPartition(error),
            _ if database.kind() != ErrorKind::Other => match database.constraint() {
                Some(constraint) => Self::Violation { constraint: constraint.to_owned(), source: error },
                None => Self::Other(error),
            },
            _ => Self::Other(error),
        }
    }
}

/// The message of a transaction that conflicted with another one, or a query of a replica with recovery.
const CONFLICT: &str = "conflict with a concurrent change; retry in a moment";

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(source) => {
                tracing::warn!(error = &source as &dyn std::error::Error, "database unavailable");
                Self::Unavailable(ApiError::DATABASE_UNAVAILABLE)
            }
            DbError::Conflict(_) | DbError::Locked(_) => Self::Unavailable(CONFLICT),
            DbError::Busy(_) => Self::Overloaded,
            DbError::Timeout(_) => Self::Timeout,
            error => Self::Internal(error.into()),
        }
    }
}

// All callers of a batch share one error.
impl From<Arc<DbError>> for ApiError {
    fn from(error: Arc<DbError>) -> Self {
        match &*error {
            DbError::Unavailable(_) => Self::Unavailable(ApiError::DATABASE_UNAVAILABLE),
            DbError::Conflict(_) | DbError::Locked(_) => Self::Unavailable(CONFLICT),
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
