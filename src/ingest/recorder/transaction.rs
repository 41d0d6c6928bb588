//! The recording transaction: submissions in, rows and receipts out.
//!
//! What makes two samples one: same device, same time, same content. `candidates` sorts that out within the batch,
//! `insert` against what is stored.
//!
//! Every statement touches its rows in sorted order, so that two writers wait for each other instead of blocking each
//! other for good.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    Arrival, Receipt, Submission, candidates, insert, packets,
    replacement::{self, Replays},
};
use crate::{
    db::{
        DbError, api_key, device,
        latest::{self, Known},
        measurement::NewMeasurement,
        partition::{Family, Partitions},
        readings, uplink,
        uplink::UplinkRow,
    },
    domain::{
        api_key::ApiKeyId,
        device::{DeviceId, DeviceKey},
        measurement::MeasurementKey,
        month::Month,
        trace::Trace,
    },
};

/// What became of a submission; none where its key is no longer valid, or its uplink gone, and nothing of it was stored.
pub(super) type Outcome = Option<Receipt>;

/// Stores submissions in one transaction.
///
/// # Errors
/// When the database fails; then nothing of them is stored, or, when the connection broke during the commit, perhaps
/// everything.
pub(super) async fn store(
    connection: &mut PgConnection,
    partitions: &Partitions,
    submissions: &[&Submission],
    now: DateTime<Utc>,
) -> Result<Vec<Outcome>, DbError> {
    partitions.ensure(connection, months(submissions)).await?;
    let mut transaction = connection.begin().await?;
    let keys = valid_keys(&mut transaction, submissions, now).await?;
    let uplinks = replacement::lock(&mut transaction, submissions).await?;
    let is_vouched_for = |submission: &Submission| {
        submission.api_key.is_none_or(|key| keys.contains(&key))
            && submission.replayed().is_none_or(|uplink| uplinks.contains(&uplink.id))
    };
    let vouched_for: Vec<_> = submissions.iter().copied().filter(|submission| is_vouched_for(submission)).collect();
    let mut receipts = store_all(&mut transaction, &vouched_for, now).await?.into_iter();
    transaction.commit().await?;
    Ok(submissions.iter().map(|submission| is_vouched_for(submission).then(|| receipts.next()).flatten()).collect())
}

/// The keys that are still valid, of those that vouched for these submissions.
async fn valid_keys(
    db: &mut PgConnection,
    submissions: &[&Submission],
    now: DateTime<Utc>,
) -> Result<HashSet<ApiKeyId>, DbError> {
    let ids: HashSet<_> = submissions.iter().filter_map(|submission| submission.api_key).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    api_key::valid(db, &ids.into_iter().collect::<Vec<_>>(), now).await
}

async fn store_all(
    db: &mut PgConnection,
    submissions: &[&Submission],
    now: DateTime<Utc>,
) -> Result<Vec<Receipt>, DbError> {
    let Devices { ids, traces } = devices(db, submissions, now).await?;
    let uplinks: Vec<_> = submissions.iter().map(|submission| uplink_id(submission)).collect();

    let mut receipts: Vec<_> = submissions.iter().map(|submission| receipt(submission)).collect();
    let mut candidates = candidates::gather(submissions, &ids, &uplinks, &mut receipts);
    candidates::judge(&mut candidates, &traces);
    let mut replays = Replays::begin(&mut *db, submissions, &ids).await?;
    let recorded = insert::insert(db, candidates, &mut replays, &mut receipts, now).await?;
    if !recorded.is_empty() {
        readings::add(db, &recorded).await?;
        latest::advance(&mut *db, &newest(&recorded)).await?;
        packets::compare(db, submissions, &ids, &uplinks, &receipts).await?;
    }
    let arrived = uplink_rows(submissions, &ids, &uplinks, &receipts);
    if !arrived.is_empty() {
        uplink::add(&mut *db, &arrived).await?;
    }
    replays.settle(db, submissions, &ids, &receipts).await?;
    Ok(receipts)
}

/// A receipt that tells of nothing but what was sorted out before.
pub(super) fn receipt(submission: &Submission) -> Receipt {
    let rejected = submission.decoded.as_ref().map_or_else(|_| Vec::new(), |decoded| decoded.rejected.clone());
    Receipt { recorded: 0, duplicates: 0, rejected }
}

fn months(submissions: &[&Submission]) -> Vec<(Family, Month)> {
    let mut months: Vec<_> = submissions
        .iter()
        .flat_map(|submission| {
            let measured =
                submission.observations().iter().map(|seen| (Family::Measured, Month::of(seen.sample.measured_at)));
            let received = submission.arrival().map(|_| (Family::Received, Month::of(submission.received_at)));
            measured.chain(received)
        })
        .collect();
    months.dedup(); // most samples are of one month; the rest is for the set in Partitions
    months
}

/// The devices of a batch.
#[derive(Default)]
struct Devices {
    ids: HashMap<String, DeviceId>,
    /// What their next samples are judged by, where there is something.
    traces: HashMap<DeviceId, Trace>,
}

impl Devices {
    fn extend(&mut self, known: HashMap<String, Known>) {
        self.traces.extend(known.values().filter_map(|known| Some((known.device_id, known.trace?))));
        self.ids.extend(known.into_iter().map(|(key, known)| (key, known.device_id)));
    }
}

/// Looks the devices up; those never heard of are added.
async fn devices(db: &mut PgConnection, submissions: &[&Submission], now: DateTime<Utc>) -> Result<Devices, DbError> {
    let mut kinds = BTreeMap::new();
    for submission in submissions {
        if let Ok(decoded) = &submission.decoded {
            let kind = decoded.kind.as_str();
            kinds.extend(decoded.observations.iter().map(|seen| (seen.device.as_str(), kind)));
        }
    }
    let mut devices = Devices::default();
    if kinds.is_empty() {
        return Ok(devices);
    }
    let keys: Vec<_> = kinds.keys().copied().collect();
    devices.extend(latest::known(&mut *db, &keys).await?);
    kinds.retain(|key, _| !devices.ids.contains_key(*key));
    if !kinds.is_empty() {
        let (new, new_kinds): (Vec<_>, Vec<_>) = kinds.into_iter().unzip();
        device::add_heard_of(&mut *db, &new, &new_kinds, now).await?;
        devices.extend(latest::known(&mut *db, &new).await?); // also those that another gateway added meanwhile
    }
    Ok(devices)
}

/// The newest measurement of each device, sorted by device.
fn newest(recorded: &[NewMeasurement<'_>]) -> Vec<(MeasurementKey, Trace)> {
    let mut newest = BTreeMap::new();
    for row in recorded {
        let newest = newest.entry(row.key.device_id).or_insert((row.key, row.trace));
        if row.key > newest.0 {
            *newest = (row.key, row.trace);
        }
    }
    newest.into_values().collect()
}

/// The id of a body that is kept: a `UUIDv7` of the moment of arrival, sorted by time, and found again from its own time
/// in the right partition.
fn uplink_id(submission: &Submission) -> Option<Uuid> {
    if let Some(uplink) = submission.replayed() {
        return Some(uplink.id);
    }
    submission.arrival()?;
    let seconds = u64::try_from(submission.received_at.timestamp()).unwrap_or_default();
    Some(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, submission.received_at.timestamp_subsec_nanos())))
}

fn uplink_rows<'a>(
    submissions: &[&'a Submission],
    devices: &HashMap<String, DeviceId>,
    uplinks: &[Option<Uuid>],
    receipts: &[Receipt],
) -> Vec<UplinkRow<'a>> {
    let rows = submissions.iter().zip(uplinks).zip(receipts);
    rows.filter_map(|((submission, &uplink_id), receipt)| {
        let (frame_counter, error) = match &submission.decoded {
            Ok(decoded) => (decoded.frame_counter, None),
            Err(error) => (None, Some(error.detail.as_str())),
        };
        let device = only_device(submission).and_then(|key| devices.get(key.as_str()));
        let Arrival { body, named, event } = submission.arrival()?;
        Some(UplinkRow {
            uplink_id: uplink_id?,
            received_at: submission.received_at,
            format: submission.format,
            device_id: device.map(|id| id.0),
            api_key_id: submission.api_key.map(|id| id.0),
            frame_counter,
            named: named.as_deref(),
            event: event.as_deref(),
            body,
            error,
            recorded: count(receipt.recorded),
            duplicates: count(receipt.duplicates),
            rejected: count(receipt.rejected.len()),
        })
    })
    .collect()
}

/// The device of a submission that speaks of one.
pub(super) fn only_device(submission: &Submission) -> Option<&DeviceKey> {
    let (first, rest) = submission.observations().split_first()?;
    rest.iter().all(|seen| seen.device == first.device).then_some(&first.device)
}

pub(super) fn count(samples: usize) -> i32 {
    i32::try_from(samples).unwrap_or(i32::MAX)
}
