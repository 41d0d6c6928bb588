//! The feed as the database keeps it, for who is behind what is held in memory.

use std::collections::HashMap;

use super::batch::{Batch, Outline, batch_headers};
use crate::{
    db::{self, DbError, connect::Database},
    domain::feed::FeedOffset,
};

/// Events in one portion at most: of each, a row may be read.
pub const MAX_CHUNK_EVENTS: usize = 1000;
/// Batches in one portion at most.
const MAX_CHUNK_BATCHES: i64 = 500;

/// Some of the stored feed.
#[derive(Debug)]
pub struct BacklogChunk {
    /// The batches, of which the first and the last may be told in part.
    pub batches: Vec<Batch>,
    /// Up to here this is all there is; where that is the place that was asked for, there is no more.
    pub until: FeedOffset,
}

/// Why the stored feed can't be read from a place on.
#[derive(Debug)]
pub enum BacklogError {
    /// It was forgotten.
    Trimmed,
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for BacklogError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// The whole batches after this one; none where it is the newest.
///
/// # Errors
/// When the database fails, or has forgotten some of them.
pub async fn load_batches_after(database: &Database, number: i64) -> Result<Vec<Batch>, BacklogError> {
    Ok(load(database, FeedOffset::after(number), usize::MAX, true).await?.batches)
}

/// What comes after a place, up to `most` events; with its measurements only where these are wanted.
///
/// # Errors
/// When the database fails, or has forgotten some of it.
pub async fn load_after(
    database: &Database,
    place: FeedOffset,
    most: usize,
    measurements: bool,
) -> Result<BacklogChunk, BacklogError> {
    load(database, place, most.clamp(1, MAX_CHUNK_EVENTS), measurements).await
}

#[tracing::instrument(name = "feed.stored.read", skip_all)]
async fn load(
    database: &Database,
    place: FeedOffset,
    most: usize,
    measurements: bool,
) -> Result<BacklogChunk, BacklogError> {
    let seen = if place.index == FeedOffset::END { place.number } else { place.number - 1 };
    let entries = db::feed::list_after(&database.reads, seen, MAX_CHUNK_BATCHES).await?.ok_or(BacklogError::Trimmed)?;
    let (outlines, until) = batch_headers(&entries, place, most);
    let keys: Vec<_> = outlines.iter().filter(|_| measurements).flat_map(Outline::keys).collect();
    let found =
        if keys.is_empty() { HashMap::new() } else { db::measurement::load_by_keys(&database.reads, &keys).await? };
    Ok(BacklogChunk { batches: outlines.into_iter().map(|outline| outline.into_batch(&found)).collect(), until })
}

/// Whether something after this place may have been forgotten, when all batches up to that number were.
#[must_use]
pub fn is_trimmed(place: FeedOffset, forgotten: i64) -> bool {
    place < FeedOffset::after(forgotten)
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
