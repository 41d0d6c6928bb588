//! The recording transaction: submissions in, rows and receipts out.
//!
//! Two samples are equal if they have the same device, time and content. `dedup` removes duplicates within the batch,
//! `insert` those of stored samples; a batch for `append_path` can't have any.
//!
//! Every statement locks its rows in sorted order, so that two writers wait for each other instead of deadlocking.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    Arrival, Receipt, Submission,
    append_path::plan_append,
    dedup,
    device_cache::DeviceCache,
    insert::{self, Freshness},
    limits::TimeLimits,
    packet_continuity,
    replay::{self, Replays},
};
use crate::{
    db::{
        DbError,
        connect::set_timeouts,
        device,
        dialect::Dialect,
        feed,
        feed::FeedRecord,
        measurement::NewMeasurement,
        packet,
        packet::Packet,
        partition::{PartitionCache, PartitionFamily},
        readings, recorder_batch,
        recorder_batch::{BatchContext, BatchWrite},
        recorder_context,
        rollup::HourlyRollups,
        uplink::UplinkRow,
    },
    domain::{device::DeviceId, measurement::MeasurementKey, month::Month, sample_history::SampleHistory},
};

/// Outcome of a submission.
#[derive(Debug)]
pub(super) enum StoreOutcome {
    /// It is stored.
    Stored(Receipt),
    /// Nothing is stored: its key is no longer valid, or its uplink no longer exists.
    Refused,
    /// Nothing is stored: the given number of its devices is unknown, and [`NewDevices::Defer`] adds none.
    NewDevices(usize),
}

/// Handling of submissions with samples of unknown devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewDevices {
    /// They are not stored.
    Defer,
    /// The devices are added.
    Add,
}

/// Stores submissions in one transaction.
///
/// # Errors
/// When the database fails; then nothing is stored, or, when the connection broke during the commit, possibly
/// everything.
pub(super) async fn store(
    connection: &mut PgConnection,
    partitions: &PartitionCache,
    cache: &mut DeviceCache,
    submissions: &[&Submission],
    limits: TimeLimits,
    new_devices: NewDevices,
    now: DateTime<Utc>,
) -> Result<Vec<StoreOutcome>, DbError> {
    partitions.create_missing(connection, required_partitions(submissions), now).await?;
    let remembered =
        if limits.is_session_default { try_cached(connection, cache, submissions, now).await } else { Ok(None) };
    let outcome = match remembered {
        Ok(None) => attempt_with_limits(connection, cache, submissions, limits, new_devices, now, true).await,
        Ok(Some(outcomes)) => Ok(outcomes),
        Err(error) => Err(error),
    };
    match outcome {
        // Another writer has stored a row that was assumed to be fresh.
        Err(DbError::Violation { .. }) => {
            attempt_with_limits(connection, cache, submissions, limits, new_devices, now, false).await
        }
        outcome => outcome,
    }
}

/// Makes an attempt within these limits.
async fn attempt_with_limits(
    connection: &mut PgConnection,
    cache: &mut DeviceCache,
    submissions: &[&Submission],
    limits: TimeLimits,
    new_devices: NewDevices,
    now: DateTime<Utc>,
    optimistic: bool,
) -> Result<Vec<StoreOutcome>, DbError> {
    if limits.is_session_default {
        return attempt(connection, cache, submissions, new_devices, now, optimistic).await;
    }
    let mut transaction = connection.begin().await?;
    set_timeouts(&mut transaction, limits.lock, limits.statement).await?;
    let outcomes = attempt(&mut transaction, cache, submissions, new_devices, now, optimistic).await?;
    transaction.commit().await?;
    cache.remove(submissions); // a plain batch updates the cache before this commit
    Ok(outcomes)
}

/// Stores plain submissions with cached state, if it is still current; this needs no query before the write.
async fn try_cached(
    connection: &mut PgConnection,
    cache: &mut DeviceCache,
    submissions: &[&Submission],
    now: DateTime<Utc>,
) -> Result<Option<Vec<StoreOutcome>>, DbError> {
    let Some(known) = cache.get(submissions) else { return Ok(None) };
    let Some((batch_write, receipts)) = plan_append(submissions, &known) else { return Ok(None) };
    let dialect = cache.dialect(connection).await?;
    let Some(version) = recorder_batch::write_if_unchanged(connection, &known, &batch_write, now, dialect).await?
    else {
        return Ok(None);
    };
    cache.update(known, &batch_write, version);
    Ok(Some(receipts.into_iter().map(StoreOutcome::Stored).collect()))
}

/// Stores submissions, a plain batch with one statement and any other step by step. With `optimistic`, rows that are
/// likely fresh are assumed to be.
async fn attempt(
    connection: &mut PgConnection,
    cache: &mut DeviceCache,
    submissions: &[&Submission],
    new_devices: NewDevices,
    now: DateTime<Utc>,
    optimistic: bool,
) -> Result<Vec<StoreOutcome>, DbError> {
    let dialect = cache.dialect(connection).await?;
    let mut known = load_context(connection, submissions, now, dialect).await?;
    let has_valid_key = |submission: &&Submission| submission.api_key.is_none_or(|key| known.valid_keys.contains(&key));
    let mut taken: Vec<_> = submissions.iter().map(has_valid_key).collect();
    let mut deferred = vec![0; submissions.len()];
    if new_devices == NewDevices::Defer {
        for ((submission, taken), deferred) in submissions.iter().zip(&mut taken).zip(&mut deferred) {
            if *taken {
                *deferred = unknown_devices(submission, &known).count();
                *taken = *deferred == 0;
            }
        }
    }
    let mut accepted = filter_marked(submissions, &taken);
    let receipts = if optimistic && let Some((batch_write, receipts)) = plan_append(&accepted, &known) {
        if let Some(version) = recorder_batch::write(&mut *connection, &batch_write, now, dialect).await? {
            cache.update(known, &batch_write, version);
        }
        receipts
    } else {
        cache.remove(submissions);
        let mut transaction = connection.begin().await?;
        let uplinks = replay::lock_uplinks(&mut transaction, submissions).await?;
        for (submission, taken) in submissions.iter().zip(&mut taken) {
            *taken &= submission.replayed_uplink().is_none_or(|uplink| uplinks.contains(&uplink.id));
        }
        accepted = filter_marked(submissions, &taken);
        if new_devices == NewDevices::Add {
            insert_unknown_devices(&mut transaction, &accepted, &mut known, now, dialect).await?;
        }
        let receipts = merge(&mut transaction, &accepted, &known, now, optimistic, dialect).await?;
        transaction.commit().await?;
        receipts
    };
    let mut receipts = receipts.into_iter();
    let outcome = |(taken, deferred): (bool, usize)| match taken.then(|| receipts.next()).flatten() {
        Some(receipt) => StoreOutcome::Stored(receipt),
        None if deferred > 0 => StoreOutcome::NewDevices(deferred),
        None => StoreOutcome::Refused,
    };
    Ok(taken.into_iter().zip(deferred).map(outcome).collect())
}

/// The unknown devices of a submission, each once.
fn unknown_devices<'a>(submission: &&'a Submission, known: &BatchContext) -> impl Iterator<Item = &'a str> {
    device_kinds(&[submission]).into_keys().filter(|key| !known.devices.contains_key(*key))
}

/// The marked submissions.
fn filter_marked<'a>(submissions: &[&'a Submission], marks: &[bool]) -> Vec<&'a Submission> {
    submissions.iter().zip(marks).filter_map(|(&submission, &mark)| mark.then_some(submission)).collect()
}

/// The general path, within a transaction.
async fn merge(
    db: &mut PgConnection,
    submissions: &[&Submission],
    known: &BatchContext,
    now: DateTime<Utc>,
    optimistic: bool,
    dialect: Dialect,
) -> Result<Vec<Receipt>, DbError> {
    let DeviceIndex { ids, latest, histories: traces, packets } = DeviceIndex::from_context(known);
    let uplinks = uplink_ids(submissions);
    let mut receipts: Vec<_> = submissions.iter().map(|submission| new_receipt(submission)).collect();
    let mut candidates = dedup::dedup(submissions, &ids, &uplinks, &mut receipts);
    dedup::flag(&mut candidates, &traces);
    let mut replays = Replays::start(&mut *db, submissions, &ids).await?;
    let freshness = if optimistic { Freshness::Likely(&latest) } else { Freshness::Unknown };
    let recorded = insert::insert(db, candidates, freshness, &mut replays, &mut receipts, now, dialect).await?;
    readings::insert(db, &recorded, dialect).await?;
    let (contradicted, packets) = packet_continuity::find_contradicted(submissions, &ids, packets, &uplinks, &receipts);
    if !contradicted.is_empty() {
        packet::flag_tails(&mut *db, &contradicted).await?;
    }
    let uplinks = uplink_rows(submissions, &ids, &uplinks, &receipts);
    let record = feed_record(&recorded, replays.devices());
    let (hours, latest) = (HourlyRollups::from_rows(&recorded), newest_per_device(&recorded));
    let batch_write =
        BatchWrite { new_rows: Vec::new(), hours, latest, packets, uplinks, feed_record: FeedRecord::default() };
    recorder_batch::write(&mut *db, &batch_write, now, dialect).await?;
    replays.finish(&mut *db, submissions, &ids, &receipts).await?;
    feed::append(db, &record).await?;
    Ok(receipts)
}

/// Known devices, indexed for each use.
pub(super) struct DeviceIndex {
    pub ids: HashMap<String, DeviceId>,
    pub latest: HashMap<DeviceId, DateTime<Utc>>,
    pub histories: HashMap<DeviceId, SampleHistory>,
    pub packets: BTreeMap<DeviceId, Packet>,
}

impl DeviceIndex {
    pub fn from_context(known: &BatchContext) -> Self {
        let devices = || known.devices.values();
        Self {
            ids: known.devices.iter().map(|(key, device)| (key.clone(), device.device_id)).collect(),
            latest: devices().filter_map(|device| Some((device.device_id, device.latest_at?))).collect(),
            histories: devices().filter_map(|device| Some((device.device_id, device.history?))).collect(),
            packets: devices().filter_map(|device| Some((device.device_id, device.packet?))).collect(),
        }
    }
}

/// Loads the state of the keys and devices of these submissions. Read before the transaction: a change in between
/// counts as one right after it.
async fn load_context(
    db: &mut PgConnection,
    submissions: &[&Submission],
    now: DateTime<Utc>,
    dialect: Dialect,
) -> Result<BatchContext, DbError> {
    let keys: HashSet<_> = submissions.iter().filter_map(|submission| submission.api_key).collect();
    let devices: Vec<_> = device_kinds(submissions).into_keys().collect();
    if keys.is_empty() && devices.is_empty() {
        return Ok(BatchContext::default());
    }
    recorder_context::load(db, &devices, &keys.into_iter().collect::<Vec<_>>(), now, dialect).await
}

/// The devices of these submissions, each with its kind if it has to be added.
pub(super) fn device_kinds<'a>(submissions: &[&'a Submission]) -> BTreeMap<&'a str, &'static str> {
    let mut kinds = BTreeMap::new();
    for submission in submissions {
        let Ok(decoded) = &submission.decoded else { continue };
        let mut last = ""; // most submissions are of one device
        for seen in &decoded.observations {
            if seen.device.as_str() != last {
                last = seen.device.as_str();
                kinds.insert(last, decoded.kind.as_str());
            }
        }
    }
    kinds
}

/// Adds the unknown devices.
async fn insert_unknown_devices(
    db: &mut PgConnection,
    submissions: &[&Submission],
    known: &mut BatchContext,
    now: DateTime<Utc>,
    dialect: Dialect,
) -> Result<(), DbError> {
    let mut unheard_of = device_kinds(submissions);
    unheard_of.retain(|key, _| !known.devices.contains_key(*key));
    if unheard_of.is_empty() {
        return Ok(());
    }
    let (keys, kinds): (Vec<_>, Vec<_>) = unheard_of.into_iter().unzip();
    device::insert_missing(&mut *db, &keys, &kinds, now).await?;
    // includes those added by another gateway in the meantime
    known.devices.extend(recorder_context::load(db, &keys, &[], now, dialect).await?.devices);
    Ok(())
}

/// A receipt with only the samples rejected before.
pub(super) fn new_receipt(submission: &Submission) -> Receipt {
    let rejected = submission.decoded.as_ref().map_or_else(|_| Vec::new(), |decoded| decoded.rejected.clone());
    Receipt { recorded: 0, duplicates: 0, rejected }
}

/// The months that these submissions need partitions for.
pub(super) fn required_partitions(submissions: &[&Submission]) -> Vec<(PartitionFamily, Month)> {
    let mut months: Vec<_> = submissions
        .iter()
        .flat_map(|submission| {
            let measured = submission
                .observations()
                .iter()
                .map(|seen| (PartitionFamily::Measurement, Month::from_time(seen.sample.measured_at)));
            let received =
                submission.arrival().map(|_| (PartitionFamily::Uplink, Month::from_time(submission.received_at)));
            measured.chain(received)
        })
        .collect();
    months.dedup(); // most samples are of one month; `Partitions` has a set for the rest
    months
}

/// The newest measurement of each device, sorted by device.
pub(super) fn newest_per_device(recorded: &[NewMeasurement<'_>]) -> Vec<(MeasurementKey, SampleHistory)> {
    let mut newest = BTreeMap::new();
    for row in recorded {
        let newest = newest.entry(row.key.device_id).or_insert((row.key, row.history));
        if row.key > newest.0 {
            *newest = (row.key, row.history);
        }
    }
    newest.into_values().collect()
}

/// The record for followers of the feed.
pub(super) fn feed_record(recorded: &[NewMeasurement<'_>], changed: Vec<DeviceId>) -> FeedRecord {
    FeedRecord { recorded: recorded.iter().map(|row| row.key).collect(), changed }
}

/// The uplink ids of submissions.
pub(super) fn uplink_ids(submissions: &[&Submission]) -> Vec<Option<Uuid>> {
    submissions.iter().map(|submission| uplink_id(submission)).collect()
}

/// The id of a stored body: a `UUIDv7` of its time of arrival, so ids sort by time, and the id determines the
/// partition.
fn uplink_id(submission: &Submission) -> Option<Uuid> {
    if let Some(uplink) = submission.replayed_uplink() {
        return Some(uplink.id);
    }
    submission.arrival()?;
    let seconds = u64::try_from(submission.received_at.timestamp()).unwrap_or_default();
    Some(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, submission.received_at.timestamp_subsec_nanos())))
}

pub(super) fn uplink_rows<'a>(
    submissions: &[&'a Submission],
    devices: &HashMap<String, DeviceId>,
    uplinks: &[Option<Uuid>],
    receipts: &[Receipt],
) -> Vec<UplinkRow<'a>> {
    let rows = submissions.iter().zip(uplinks).zip(receipts);
    rows.filter_map(|((submission, &uplink_id), receipt)| {
        let (frame_counter, error) = match &submission.decoded {
            Ok(decoded) => (decoded.frame_counter, receipt.failure()),
            Err(error) => (None, Some(error.detail.clone())),
        };
        let device = submission.only_device().and_then(|key| devices.get(key.as_str()));
        let Arrival { body, device_hint: named, event, cut_from } = submission.arrival()?;
        Some(UplinkRow {
            uplink_id: uplink_id?,
            received_at: submission.received_at,
            format: submission.format,
            device_id: device.map(|id| id.0),
            api_key_id: submission.api_key.map(|id| id.0),
            frame_counter,
            device_hint: named.as_deref(),
            event: event.as_deref(),
            body,
            cut_from: cut_from.map(to_i32),
            error,
            recorded: to_i32(receipt.recorded),
            duplicates: to_i32(receipt.duplicates),
            rejected: to_i32(receipt.rejected.len()),
        })
    })
    .collect()
}

pub(super) fn to_i32(samples: usize) -> i32 {
    i32::try_from(samples).unwrap_or(i32::MAX)
}
