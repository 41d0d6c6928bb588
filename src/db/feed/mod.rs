//! Table `feed`: committed batches, numbered in commit order, for followers of changes.
//!
//! A transaction that stores or removes measurements adds one row. Its number comes from `next_feed_number()`, which
//! takes a lock that Postgres holds until the transaction is committed and visible. So numbers become visible in
//! ascending order, and a reader that has seen one never needs to read below it again.
//!
//! The lock is never held while Postgres waits for the gateway, since a gateway that is frozen or disconnected at that
//! moment would block all other recorders. A transaction of one statement takes its number in that statement: its
//! commit follows without another message. Any other transaction adds its row with a temporary number, and a deferred
//! trigger replaces it inside COMMIT (migration 0013).
//!
//! Where a commit becomes visible in parts ([`committed`]), readers leave out the newest row until all of its
//! transaction is visible.

pub mod committed;
mod keys;
pub mod listener;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, PgExecutor};

use super::{
    DbError,
    multi_insert::{MultiInsert, record},
};
use crate::domain::{device::DeviceId, measurement::MeasurementKey};

/// The channel of notifications about new batches. They carry no data.
pub const NOTIFY_CHANNEL: &str = "airgraph_feed";

/// Maximum size of packed keys read at once, beyond one batch, in bytes: about 10,000 measurements.
const MAX_READ_BYTES: i64 = 64 << 10;
/// Maximum number of batches that a search reads at once.
const SEARCH_BATCH_COUNT: i64 = 1000;
/// Maximum number of batches trimmed in one statement.
const TRIM_BATCH_SIZE: i64 = 10_000;

/// The changes of a transaction that followers receive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedRecord {
    /// The measurements that it stores.
    pub recorded: Vec<MeasurementKey>,
    /// Devices with other changes: registered, updated, measurements removed.
    pub changed: Vec<DeviceId>,
}

/// One committed batch.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// Its number. A reader that has seen it never sees a new batch with a lower number; numbers may be skipped.
    pub number: i64,
    /// When it was about to be committed, by the clock of Postgres.
    pub committed_at: DateTime<Utc>,
    /// The same by this machine's monotonic clock; late by the latency of the connection.
    pub committed: Instant,
    /// Its changes.
    pub record: FeedRecord,
}

// A batch is the same whenever it is read.
impl PartialEq for FeedEntry {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.committed_at, &self.record) == (other.number, other.committed_at, &other.record)
    }
}

/// Batches after a position.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// Whole batches, in order.
    pub entries: Vec<FeedEntry>,
    /// Whether there is one more, whose rows may not all be visible yet.
    pub has_partial: bool,
}

/// The extent of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedExtent {
    /// Number of the newest trimmed batch. A reader that has not reached it may have missed changes.
    pub forgotten: i64,
    /// The newest batch; 0 before the first.
    pub newest: i64,
    /// All rows of the batches up to this number are visible.
    pub newest_whole: i64,
}

/// A [`FeedRecord`] as type `new_feed`.
#[derive(sqlx::Encode)]
struct FeedInsert {
    recorded: Vec<u8>,
    changed: Vec<i64>,
}

record!(FeedInsert, "feed", "new_feed", "recorded, changed");

impl FeedRecord {
    fn is_empty(&self) -> bool {
        self.recorded.is_empty() && self.changed.is_empty()
    }

    fn to_insert(&self) -> FeedInsert {
        FeedInsert {
            recorded: keys::pack(&self.recorded),
            changed: self.changed.iter().map(|device| device.0).collect(),
        }
    }
}

/// The view whose inserted rows get their number inside COMMIT.
const COMMIT_RELATION: &str = "feed_at_commit";

/// Adds the insert of a feed row, unless it would be empty. Outside a transaction it must be the last insert: its lock
/// is held from there on.
pub(super) fn add_insert(inserts: &mut MultiInsert, record: &FeedRecord, in_transaction: bool) -> Result<(), DbError> {
    match (record.is_empty(), in_transaction) {
        (true, _) => Ok(()),
        (false, true) => inserts.add_records_into(COMMIT_RELATION, "", vec![record.to_insert()]),
        (false, false) => inserts.add_records("", vec![record.to_insert()]),
    }
}

/// Inserts a feed row, in the connection's current transaction, if there is one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.append", skip_all)]
pub async fn append(db: &mut PgConnection, record: &FeedRecord) -> Result<(), DbError> {
    let mut inserts = MultiInsert::default();
    add_insert(&mut inserts, record, db.is_in_transaction())?;
    inserts.execute(db).await?;
    Ok(())
}

/// The extent of the feed.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.extent", skip_all)]
pub async fn extent(db: impl PgExecutor<'_>) -> Result<FeedExtent, DbError> {
    let extent = sqlx::query_as!(
        FeedExtent,
        r#"select forgotten.number as forgotten, newest.number as "newest!",
                  case when newest.number = forgotten.number or is_feed_whole() then newest.number
                       else newest.number - 1 end as "newest_whole!"
           from feed_forgotten forgotten
           cross join lateral (
               select greatest(forgotten.number, (select max(number) from feed)) as number
           ) as newest"#
    );
    Ok(extent.fetch_one(db).await?)
}

/// The whole batches after this one, in order: at most `limit`, and fewer if they are large. Empty when there is no newer
/// one; `None` when some of them are trimmed.
///
/// # Errors
/// When the database fails.
pub async fn list_after(db: impl PgExecutor<'_>, number: i64, limit: i64) -> Result<Option<Vec<FeedEntry>>, DbError> {
    Ok(page_after(db, number, limit).await?.map(|page| page.entries))
}

/// Like [`list_after`], and whether there is a further batch that is not whole.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.page_after", skip_all)]
pub async fn page_after(db: impl PgExecutor<'_>, number: i64, limit: i64) -> Result<Option<FeedPage>, DbError> {
    // The join has at least one row, so that the trimmed number and the batches come from one snapshot.
    let rows = sqlx::query!(
        r#"select forgotten.number as forgotten, next.number as "number?", next.committed_at as "committed_at?",
                  extract(epoch from clock_timestamp() - next.committed_at)::float8 as age_s,
                  next.recorded as "recorded?", next.changed as "changed?",
                  (select max(number) from feed) as newest, (select is_feed_whole()) as "is_whole!"
           from feed_forgotten forgotten
           left join (
               select *, sum(octet_length(recorded)) over (order by number) - octet_length(recorded) as before
               from (select * from feed where number > $1 order by number limit $2) as newer
           ) as next on next.before < $3
           order by next.number"#,
        number,
        limit,
        MAX_READ_BYTES,
    )
    .fetch_all(db)
    .await?;
    if rows.iter().any(|row| row.forgotten > number) {
        return Ok(None);
    }
    let newest = rows.first().and_then(|row| row.newest);
    let is_whole = rows.first().is_none_or(|row| row.is_whole);
    let now = Instant::now();
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(number), Some(committed_at)) = (row.number, row.committed_at) else { continue };
        let recorded = keys::unpack(&row.recorded.unwrap_or_default())
            .ok_or_else(|| sqlx::Error::Decode(format!("batch {number} of the feed holds no keys").into()))?;
        let changed = row.changed.unwrap_or_default().into_iter().map(DeviceId).collect();
        // negative after the clock of Postgres was set back
        let age = row.age_s.and_then(|age| Duration::try_from_secs_f64(age).ok()).unwrap_or_default();
        let committed = now.checked_sub(age).unwrap_or(now);
        entries.push(FeedEntry { number, committed_at, committed, record: FeedRecord { recorded, changed } });
    }
    let has_partial = !is_whole && entries.last().is_some_and(|entry| Some(entry.number) == newest);
    if has_partial {
        entries.pop();
    }
    Ok(Some(FeedPage { entries, has_partial }))
}

/// Whether a batch has, or may have, measurements of a time span, which followers may still read.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.has_measurements_in", skip_all)]
pub async fn has_measurements_in(
    db: impl PgExecutor<'_> + Copy,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<bool, DbError> {
    let FeedExtent { forgotten: mut number, newest, .. } = extent(db).await?;
    while number < newest {
        let Some(entries) = list_after(db, number, SEARCH_BATCH_COUNT).await? else {
            number = extent(db).await?.forgotten; // trimmed in the meantime
            continue;
        };
        let Some(last) = entries.last() else { return Ok(true) }; // a batch that is not whole may have some
        number = last.number;
        let mut keys = entries.iter().flat_map(|entry| &entry.record.recorded);
        if keys.any(|key| (from..to).contains(&key.measured_at)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes the batches from before that time.
///
/// # Errors
/// When the database fails; the batches deleted until then stay deleted.
#[tracing::instrument(name = "db.feed.trim_before", skip_all)]
pub async fn trim_before<'a>(db: impl PgExecutor<'a> + Copy, time: DateTime<Utc>) -> Result<(), DbError> {
    loop {
        let forgotten = sqlx::query_scalar!(
            r#"with gone as (
                   delete from feed where number in (
                       select number from (select * from feed order by number limit $2) as oldest where committed_at < $1
                   ) returning number
               ), noted as (
                   update feed_forgotten set number = greatest(number, (select max(number) from gone))
                   where exists (select from gone)
               )
               select count(*) as "count!" from gone"#,
            time,
            TRIM_BATCH_SIZE,
        )
        .fetch_one(db)
        .await?;
        if forgotten < TRIM_BATCH_SIZE {
            return Ok(());
        }
    }
}
