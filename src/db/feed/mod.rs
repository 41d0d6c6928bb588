//! `feed`: what was committed, numbered in the order of the commits, for those who follow it.
//!
//! A transaction that stores or takes back something adds one row. Its number comes from `next_feed_number()`, which takes
//! a lock that Postgres holds until the transaction is committed and visible. So numbers become visible in ascending order,
//! and a reader that has seen one never needs to read below it again.
//!
//! The lock is never held while Postgres waits for the gateway, since a gateway that is frozen or disconnected at that
//! moment would keep all others from recording. A transaction of one statement takes its number in that statement: its
//! commit follows without another message. Any other transaction adds its row with a temporary number, and a deferred
//! trigger replaces it inside COMMIT (migration 0013).

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

/// The channel on which Postgres tells that there is something new. It tells no more than that.
pub const NOTIFY_CHANNEL: &str = "airgraph_feed";

/// Packed keys that are read at once at most, beyond one batch, in bytes: about 10,000 measurements.
const MAX_READ_BYTES: i64 = 64 << 10;
/// Batches that are forgotten in one statement at most.
const TRIM_BATCH_SIZE: i64 = 10_000;

/// What a transaction tells those who follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedRecord {
    /// The measurements that it stores.
    pub recorded: Vec<MeasurementKey>,
    /// Devices that it changes in another way: registered, updated, measurements taken back.
    pub changed: Vec<DeviceId>,
}

/// One committed batch.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// Its number. Whoever has seen it never sees a new one below it; numbers may be left out.
    pub number: i64,
    /// When it was about to be committed.
    pub committed_at: DateTime<Utc>,
    /// That by this machine's clock, too late by the time that the way from Postgres took.
    pub committed: Instant,
    /// What it tells.
    pub record: FeedRecord,
}

// The same batch, whenever it is read.
impl PartialEq for FeedEntry {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.committed_at, &self.record) == (other.number, other.committed_at, &other.record)
    }
}

/// How far the feed reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedExtent {
    /// Everything up to this was forgotten. Whoever has not seen it may have missed something.
    pub forgotten: i64,
    /// The newest batch; 0 before the first.
    pub newest: i64,
}

/// [`FeedRecord`] as `new_feed` has it.
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

/// The view that inserts rows whose number is taken inside COMMIT.
const COMMIT_RELATION: &str = "feed_at_commit";

/// Adds the insert of a feed row, unless it would be empty. Outside a transaction it must be the last insert: its lock is
/// held from there on.
pub(super) fn add_insert(inserts: &mut MultiInsert, news: &FeedRecord, in_transaction: bool) -> Result<(), DbError> {
    match (news.is_empty(), in_transaction) {
        (true, _) => Ok(()),
        (false, true) => inserts.add_records_into(COMMIT_RELATION, "", vec![news.to_insert()]),
        (false, false) => inserts.add_records("", vec![news.to_insert()]),
    }
}

/// Adds a feed row, in the transaction that the connection is in, if it is in one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.append", skip_all)]
pub async fn append(db: &mut PgConnection, news: &FeedRecord) -> Result<(), DbError> {
    let mut inserts = MultiInsert::default();
    add_insert(&mut inserts, news, db.is_in_transaction())?;
    inserts.execute(db).await?;
    Ok(())
}

/// How far the feed reaches now.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.extent", skip_all)]
pub async fn extent(db: impl PgExecutor<'_>) -> Result<FeedExtent, DbError> {
    let extent = sqlx::query_as!(
        FeedExtent,
        r#"select number as forgotten,
                  greatest(number, (select max(number) from feed)) as "newest!"
           from feed_forgotten"#
    );
    Ok(extent.fetch_one(db).await?)
}

/// The batches after this one, in their order: not more than `limit` of them, and of large ones few. Empty where there is no
/// newer one; none where some of them are forgotten.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.list_after", skip_all)]
pub async fn list_after(db: impl PgExecutor<'_>, number: i64, limit: i64) -> Result<Option<Vec<FeedEntry>>, DbError> {
    // The join has one row at least, so that what is forgotten is seen in the same moment as what is left.
    let rows = sqlx::query!(
        r#"select forgotten.number as forgotten, next.number as "number?", next.committed_at as "committed_at?",
                  extract(epoch from clock_timestamp() - next.committed_at)::float8 as age_s,
                  next.recorded as "recorded?", next.changed as "changed?"
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
    let now = Instant::now();
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(number), Some(committed_at)) = (row.number, row.committed_at) else { continue };
        let recorded = keys::unpack(&row.recorded.unwrap_or_default())
            .ok_or_else(|| sqlx::Error::Decode(format!("batch {number} of the feed holds no keys").into()))?;
        let changed = row.changed.unwrap_or_default().into_iter().map(DeviceId).collect();
        // less than nothing where Postgres' clock was put back
        let age = row.age_s.and_then(|age| Duration::try_from_secs_f64(age).ok()).unwrap_or_default();
        let committed = now.checked_sub(age).unwrap_or(now);
        entries.push(FeedEntry { number, committed_at, committed, record: FeedRecord { recorded, changed } });
    }
    Ok(Some(entries))
}

/// Forgets the batches from before that time.
///
/// # Errors
/// When the database fails; what was forgotten until then is.
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
