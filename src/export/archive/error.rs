//! Why an archive can't be written or read.

use std::{io, path::Path};

use super::ArchiveStorage;
use crate::{api_error::ApiError, db::DbError};

/// Why an archive can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The database fails.
    #[error("the database")]
    Database(#[from] DbError),
    /// A defect of the gateway.
    #[error("{0}")]
    Internal(String),
    /// The manifest is not one.
    #[error("{path}: {reason}")]
    Manifest {
        /// The manifest.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Rows of a month changed each time it was written.
    #[error("month {0}: its rows changed while it was written, three times; run the command again later")]
    Changing(String),
    /// Another process writes to the archive.
    #[error("{0}: another `airgraph archive` writes there")]
    Locked(String),
    /// Another process wrote to the archive meanwhile.
    #[error("{0}: another `airgraph archive` wrote there meanwhile; run the command again")]
    Conflict(String),
    /// The storage can't be used.
    #[error("{location}: {reason}")]
    Storage {
        /// The folder or the URL.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// Another process removes months from the database.
    #[error("another `airgraph archive --prune` runs on this database")]
    Pruning,
    /// The database can't protect months from changes.
    #[error("`airgraph archive --prune` needs plain Postgres: partitions of distributed tables have no triggers")]
    Distributed,
}

impl ArchiveError {
    /// An error of a location without an archive.
    #[must_use]
    pub fn no_archive(storage: &ArchiveStorage) -> Self {
        Self::Manifest { path: storage.to_string(), reason: "no archive: there is no manifest.json".to_owned() }
    }

    /// An error of a file.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }
}

impl From<ApiError> for ArchiveError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Internal(cause) => Self::Internal(format!("{cause:#}")),
            error => Self::Internal(error.message()),
        }
    }
}
