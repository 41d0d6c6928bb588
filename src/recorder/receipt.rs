//! What became of a submission, or why it was not stored.

use crate::{
    api_error::ApiError,
    auth::INVALID_KEY_MESSAGE,
    db::DbError,
    ingest::Rejection,
    limits::{Limit, rate_limit::RateLimited},
};

/// What became of a submission. Sent after the commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Samples stored.
    pub recorded: usize,
    /// Samples that were stored before.
    pub duplicates: usize,
    /// Samples that can't be true, in the order of the body.
    pub rejected: Vec<Rejection>,
}

impl Receipt {
    /// Why nothing of the submission is stored, where it had samples and every one was rejected.
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
    /// More waits than may, in all or of this key.
    #[error("the recorder's queue is full")]
    QueueFull,
    /// The key was revoked, or it expired, since it was last looked at.
    #[error("the key is no longer valid")]
    InvalidKey,
    /// The uplink to be replayed was forgotten in the meantime.
    #[error("the uplink is no longer kept")]
    UplinkDeleted,
    /// The gateway is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The database is away.
    #[error("the database is away")]
    Unavailable,
    /// It waited too long for rows that other transactions hold, or took too long by itself.
    #[error("could not be stored in time")]
    TimedOut,
    /// Its key adds more than one may. Says when there is budget for it again, where that will be.
    #[error("limit {} reached", .0.name())]
    LimitReached(Limit, Option<RateLimited>),
    /// The database refused it.
    #[error(transparent)]
    Database(DbError),
}

impl RecordError {
    /// Its name among the outcomes that are counted.
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
