//! The recording transaction: submissions in, rows and receipts out.
//!
//! What makes two samples one: same device, same time, same content. The rows' key is (device, time, `seq`), so the
//! first content with a device and time gets `seq` 0, another one 1, and so on. In the plain case (one content, and none
//! stored) a single insert settles it. Where something stands at that device and time already, it is read and compared:
//! the same content is a duplicate, another gets the next `seq`.
//!
//! Every statement touches its rows in sorted order, so that two writers wait for each other instead of blocking each
//! other for good.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    Arrival, Receipt, Submission, packets,
    replacement::{self, Replays},
};
use crate::{
    db::{
        DbError, api_key, device,
        latest::{self, Known},
        measurement::{self, NewMeasurement},
        partition::{Family, Partitions},
        readings, uplink,
        uplink::UplinkRow,
    },
    domain::{
        api_key::ApiKeyId,
        device::{DeviceId, DeviceKey},
        measurement::{Measurement, MeasurementKey},
        month::Month,
        quality::QualityFlags,
        quantity::Quantity,
        sample::Sample,
        trace::Trace,
    },
    ingest::Rejection,
};

/// Different samples that one device may have at one time. More are a clock that stands still.
const MAX_AT_ONE_TIME: usize = 256;

/// A device and a time.
pub(super) type Moment = (DeviceId, DateTime<Utc>);

/// The samples of one device at one time: those that differ, in the order they came.
type Moments<'a> = BTreeMap<Moment, Vec<Distinct<'a>>>;

/// A content that no sample before it in the batch had at this device and time.
#[derive(Clone, Copy)]
struct Distinct<'a> {
    /// The submission that brought it first.
    submission: usize,
    /// Its place in that submission's body.
    index: usize,
    sample: &'a Sample,
    uplink_id: Option<Uuid>,
    flags: QualityFlags,
    trace: Trace,
}

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
    let mut moments = moments(submissions, &ids, &uplinks, &mut receipts);
    judge(&mut moments, &traces);
    let mut replays = Replays::begin(&mut *db, submissions, &ids).await?;
    let recorded = insert(db, moments, &mut replays, &mut receipts, now).await?;
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
fn receipt(submission: &Submission) -> Receipt {
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

/// Gathers the samples by device and time, and counts those that the batch holds twice.
fn moments<'a>(
    submissions: &[&'a Submission],
    devices: &HashMap<String, DeviceId>,
    uplinks: &[Option<Uuid>],
    receipts: &mut [Receipt],
) -> Moments<'a> {
    let mut moments = Moments::new();
    for (number, submission) in submissions.iter().enumerate() {
        for seen in submission.observations() {
            let Some(&device) = devices.get(seen.device.as_str()) else { continue }; // all of them were added
            let distinct = moments.entry((device, seen.sample.measured_at)).or_default();
            if distinct.iter().any(|other| other.sample.same_content(&seen.sample)) {
                receipts[number].duplicates += 1;
            } else if distinct.len() >= MAX_AT_ONE_TIME {
                receipts[number].rejected.push(too_many(seen.index));
            } else {
                let (index, sample, uplink_id) = (seen.index, &seen.sample, uplinks[number]);
                let (flags, trace) = (sample.flags, Trace::of(sample, None));
                distinct.push(Distinct { submission: number, index, sample, uplink_id, flags, trace });
            }
        }
    }
    moments
}

/// Flags what is doubtful by the sample before it: the one before in the batch, or the newest stored one. A sample that
/// comes late, from before the newest one, stands by itself; it is no reason to read its neighbours from the archive.
fn judge(moments: &mut Moments<'_>, traces: &HashMap<DeviceId, Trace>) {
    let mut carried: Option<(DeviceId, Trace)> = None;
    for (&(device, measured_at), distinct) in moments {
        let before = match carried {
            Some((carried, trace)) if carried == device => Some(trace),
            _ => traces.get(&device).copied().filter(|trace| trace.measured_at < measured_at),
        };
        for distinct in distinct.iter_mut() {
            distinct.trace = Trace::of(distinct.sample, before.as_ref());
            if let Some(before) = before {
                distinct.flags = distinct.sample.flags.or(distinct.trace.doubts(&before));
            }
        }
        carried = distinct.last().map(|distinct| (device, distinct.trace));
    }
}

/// Inserts what is not stored yet, and gives back those rows.
async fn insert<'a>(
    db: &mut PgConnection,
    mut moments: Moments<'a>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
    now: DateTime<Utc>,
) -> Result<Vec<NewMeasurement<'a>>, DbError> {
    let mut recorded = Vec::new();
    // The plain case first, without reading: one content, and the hope that none is stored.
    let mut rows: Vec<_> = moments
        .iter()
        .filter(|(_, distinct)| distinct.len() == 1)
        .map(|(&at, distinct)| row(at, 0, distinct[0]))
        .collect();
    loop {
        let added = if rows.is_empty() { HashSet::new() } else { measurement::add(&mut *db, &rows, now).await? };
        for row in rows.drain(..).filter(|row| added.contains(&row.key)) {
            if let Some(distinct) = moments.get_mut(&(row.key.device_id, row.key.measured_at)) {
                distinct.retain(|distinct| {
                    let mine = std::ptr::eq(distinct.sample, row.sample);
                    receipts[distinct.submission].recorded += usize::from(mine);
                    !mine
                });
            }
            recorded.push(row);
        }
        moments.retain(|_, distinct| !distinct.is_empty());
        if moments.is_empty() {
            return Ok(recorded);
        }
        // Something stands at these times, or several contents do: compare with what is stored. When another writer
        // commits between the reading and the insert, some rows are not added and the round is made again.
        rows = against_stored(db, &mut moments, replays, receipts).await?;
    }
}

/// Takes out what is stored already, and gives each other sample the next free `seq` at its device and time.
async fn against_stored<'a>(
    db: &mut PgConnection,
    moments: &mut Moments<'a>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
) -> Result<Vec<NewMeasurement<'a>>, DbError> {
    let times: Vec<_> = moments.keys().copied().collect();
    let mut stored = stored(db, &times).await?;
    let mut vacated = replays.vacate(db, &mut stored).await?;
    let mut rows = Vec::new();
    for (&at, distinct) in moments.iter_mut() {
        let there = stored.get(&at).map_or(&[][..], Vec::as_slice);
        let mut room = MAX_AT_ONE_TIME.saturating_sub(there.len());
        distinct.retain(|distinct| {
            if there.iter().any(|(_, stored)| stored.same_content(distinct.sample)) {
                receipts[distinct.submission].duplicates += 1;
                return false;
            }
            if room == 0 {
                receipts[distinct.submission].rejected.push(too_many(distinct.index));
                return false;
            }
            room -= 1;
            true
        });
        let next = there.iter().map(|(seq, _)| seq + 1).max().unwrap_or(0);
        let vacated = vacated.remove(&at).unwrap_or_default();
        rows.extend(vacated.places(next).zip(distinct.iter()).map(|((seq, flags), &distinct)| {
            let row = row(at, seq, distinct);
            NewMeasurement { flags: row.flags.or(flags), ..row }
        }));
    }
    Ok(rows)
}

/// The stored samples of these devices at these times, whole, each with its `seq`.
async fn stored(
    db: &mut PgConnection,
    times: &[(DeviceId, DateTime<Utc>)],
) -> Result<HashMap<(DeviceId, DateTime<Utc>), Vec<(i32, Sample)>>, DbError> {
    let measurements = measurement::at_times(&mut *db, times).await?;
    let keys: Vec<_> = measurements.iter().map(|measurement| measurement.key).collect();
    let mut samples: HashMap<MeasurementKey, Sample> =
        measurements.iter().map(|measurement| (measurement.key, sample_of(measurement))).collect();
    for group in readings::GROUPS {
        for (key, readings) in readings::by_keys(&mut *db, group, &keys).await? {
            if let Some(sample) = samples.get_mut(&key) {
                readings.iter().for_each(|(quantity, value)| set(sample, quantity, Some(value)));
            }
        }
    }
    let mut by_time: HashMap<_, Vec<_>> = HashMap::new();
    for (key, sample) in samples {
        by_time.entry((key.device_id, key.measured_at)).or_default().push((key.seq, sample));
    }
    Ok(by_time)
}

fn sample_of(measurement: &Measurement) -> Sample {
    let mut sample = Sample::new(measurement.key.measured_at);
    sample.position = measurement.position;
    set(&mut sample, Quantity::Pm1, measurement.pm1.map(f64::from));
    set(&mut sample, Quantity::Pm2_5, measurement.pm2_5.map(f64::from));
    set(&mut sample, Quantity::Pm4, measurement.pm4.map(f64::from));
    set(&mut sample, Quantity::Pm10, measurement.pm10.map(f64::from));
    sample
}

fn set(sample: &mut Sample, quantity: Quantity, value: Option<f64>) {
    if let Some(value) = value {
        let _ = sample.readings.set(quantity, value); // what was stored was usable
    }
}

fn row((device_id, measured_at): (DeviceId, DateTime<Utc>), seq: i32, distinct: Distinct<'_>) -> NewMeasurement<'_> {
    NewMeasurement {
        key: MeasurementKey { device_id, measured_at, seq },
        sample: distinct.sample,
        uplink_id: distinct.uplink_id,
        flags: distinct.flags,
        trace: distinct.trace,
    }
}

fn too_many(index: usize) -> Rejection {
    Rejection {
        index,
        code: "TOO_MANY_AT_ONE_TIME",
        detail: format!(
            "the device has {MAX_AT_ONE_TIME} different samples with this very time: its clock seems to stand still"
        ),
    }
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
