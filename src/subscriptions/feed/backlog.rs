//! The stored feed, for readers behind the batches in memory.

use std::collections::HashMap;

use super::batch::{Batch, Outline, batch_headers};
use crate::{
    db::{
        self, DbError,
        connect::Database,
        feed::committed::{CommittedReader, commit_span},
    },
    domain::feed::FeedOffset,
};

/// Maximum number of events in a chunk; each may need a row.
pub const MAX_CHUNK_EVENTS: usize = 1000;
/// Maximum number of batches in a chunk.
const MAX_CHUNK_BATCHES: i64 = 500;

/// A chunk of the stored feed.
#[derive(Debug)]
pub struct BacklogChunk {
    /// The batches, of which the first and the last may be partial.
    pub batches: Vec<Batch>,
    /// The chunk is complete up to this offset; if that is the requested offset, there are no further events.
    pub until: FeedOffset,
}

/// Why the stored feed can't be read from an offset.
#[derive(Debug)]
pub enum BacklogError {
    /// Batches after the offset were trimmed.
    Trimmed,
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for BacklogError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// The whole batches after this one; empty if it is the newest.
///
/// # Errors
/// When the database fails, or has trimmed some of them.
pub async fn load_batches_after(database: &Database, number: i64) -> Result<Vec<Batch>, BacklogError> {
    Ok(load(database, FeedOffset::after(number), usize::MAX, true).await?.batches)
}

/// Up to `limit` events after an offset; with their measurements only if `measurements` is set.
///
/// # Errors
/// When the database fails, or has trimmed some of them.
pub async fn load_after(
    database: &Database,
    offset: FeedOffset,
    limit: usize,
    measurements: bool,
) -> Result<BacklogChunk, BacklogError> {
    load(database, offset, limit.clamp(1, MAX_CHUNK_EVENTS), measurements).await
}

#[tracing::instrument(name = "feed.stored.read", skip_all)]
async fn load(
    database: &Database,
    offset: FeedOffset,
    limit: usize,
    measurements: bool,
) -> Result<BacklogChunk, BacklogError> {
    let seen = if offset.index == FeedOffset::END { offset.number } else { offset.number - 1 };
    let entries = db::feed::list_after(&database.reads, seen, MAX_CHUNK_BATCHES).await?.ok_or(BacklogError::Trimmed)?;
    let (outlines, until) = batch_headers(&entries, offset, limit);
    let keys: Vec<_> = outlines.iter().filter(|_| measurements).flat_map(Outline::keys).collect();
    let found = if keys.is_empty() {
        HashMap::new()
    } else {
        let mut connection = database.reads.acquire().await.map_err(DbError::from)?;
        // The caller retries while a transaction with some of these rows is prepared.
        let read = CommittedReader::default().load(&mut *connection, &keys, commit_span(&entries)).await?;
        read.ok_or_else(DbError::timed_out)?
    };
    Ok(BacklogChunk { batches: outlines.into_iter().map(|outline| outline.into_batch(&found)).collect(), until })
}

/// Whether events after this offset may have been trimmed, given the number of the newest trimmed batch.
#[must_use]
pub fn is_trimmed(offset: FeedOffset, trimmed: i64) -> bool {
    offset < FeedOffset::after(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_at_the_end_of_the_last_trimmed_batch_is_valid() {
        assert!(!is_trimmed(FeedOffset::after(7), 7));
        assert!(is_trimmed(FeedOffset { number: 7, index: 3 }, 7));
        assert!(!is_trimmed(FeedOffset { number: 8, index: 0 }, 7));
    }
}
