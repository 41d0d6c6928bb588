//! Outcome of a submission, or the error.

use crate::{
    api_error::ApiError,
    auth::INVALID_KEY_MESSAGE,
    db::DbError,
    ingest::Rejection,
    limits::{Limit, rate_limit::RateLimited},
};

/// Outcome of a submission. Sent after the commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Number of samples stored.
    pub recorded: usize,
    /// Number of samples that were already stored.
    pub duplicates: usize,
    /// Implausible samples, in the order of the body.
    pub rejected: Vec<Rejection>,
}

impl Receipt {
    /// Why nothing of the submission is stored, if it had samples and all were rejected.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let first = self.rejected.first().filter(|_| self.recorded + self.duplicates == 0)?;
        let Rejection { index, code, detail } = first;
        Some(format!("no sample was stored; sample {index}: {code}: {detail}"))
    }
}

/// Why a submission was not stored.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The queue is full, in total or for this key.
    #[error("the recorder's queue is full")]
    QueueFull,
    /// The key was revoked or expired since its last check.
    #[error("the key is no longer valid")]
    InvalidKey,
    /// The uplink to replay was deleted in the meantime.
    #[error("the uplink is no longer kept")]
    UplinkDeleted,
    /// The gateway is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The database is unavailable.
    #[error("database unavailable")]
    Unavailable,
    /// It waited too long for rows locked by other transactions, or took too long by itself.
    #[error("could not be stored in time")]
    TimedOut,
    /// A budget of its key is exhausted. Contains the time when it is available again, where one is known.
    #[error("limit {} reached", .0.name())]
    LimitReached(Limit, Option<RateLimited>),
    /// The database rejected it.
    #[error(transparent)]
    Database(DbError),
}

impl RecordError {
    /// The outcome as a metric label.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::InvalidKey => "key_not_valid",
            Self::UplinkDeleted => "uplink_gone",
            Self::ShuttingDown => "shutting_down",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::LimitReached(..) => "limit_reached",
            Self::Database(_) => "failed",
        }
    }
}

impl From<DbError> for RecordError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::Unavailable,
            error => Self::Database(error),
        }
    }
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::QueueFull => {
                Self::Unavailable("more samples arrive than can be stored; try again in a moment")
            }
            RecordError::ShuttingDown => Self::Unavailable("the gateway is shutting down; try again in a moment"),
            RecordError::UplinkDeleted => Self::NotFound,
            RecordError::InvalidKey => Self::Unauthenticated(INVALID_KEY_MESSAGE),
            RecordError::Unavailable => Self::Unavailable(ApiError::DATABASE_UNAVAILABLE),
            RecordError::TimedOut => Self::Unavailable("the samples could not be stored in time; retry later"),
            RecordError::LimitReached(_, Some(exhausted)) => Self::RateLimited(exhausted),
            RecordError::LimitReached(limit, None) => Self::LimitReached(limit),
            RecordError::Database(error) => error.into(),
        }
    }
}
