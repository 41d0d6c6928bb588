//! Inserts candidates as rows, or detects them as duplicates.
//!
//! The primary key of a row is (device, time, `seq`). In the plain case, one sample at a time and none stored, `seq` is
//! 0 and one insert suffices, without reading. A sample newer than the newest one of its device can't be a duplicate,
//! so not even its key is looked up. If samples are already stored at that time, they are read and compared: equal
//! content is a duplicate, different content gets the next `seq`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Receipt,
    dedup::{Candidate, DeviceTime, MAX_SAMPLES_PER_TIME},
    limits::MAX_INSERT_ROUNDS,
    replay::Replays,
};
use crate::{
    db::{
        DbError, MIN_COPY_ROWS,
        dialect::Dialect,
        measurement::{self, NewMeasurement},
        readings,
    },
    domain::{
        device::DeviceId,
        measurement::{Measurement, MeasurementKey},
        quality::QualityFlags,
        quantity::Quantity,
        sample::Sample,
    },
};

/// Inserts the candidates that are not stored yet, and returns their rows. Candidates assumed to be fresh are inserted
/// without a lookup.
///
/// # Errors
/// When the database fails; [`DbError::Violation`] when a row assumed to be fresh was stored; [`DbError::Conflict`]
/// when other writers interfered in every round.
pub(super) async fn insert<'a>(
    db: &mut PgConnection,
    mut remaining: Vec<Candidate<'a>>,
    freshness: Freshness<'_>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
    now: DateTime<Utc>,
    dialect: Dialect,
) -> Result<Vec<NewMeasurement<'a>>, DbError> {
    let mut recorded = Vec::with_capacity(remaining.len());
    for moment in remaining.chunk_by_mut(|one, other| one.device_time() == other.device_time()) {
        if let [alone] = moment {
            alone.seq = Some(0); // assumes that no sample is stored at its time
        }
    }
    let fresh = find_fresh_devices(db, &remaining, freshness).await?;
    let is_fresh = |row: &NewMeasurement<'_>| fresh.contains(&row.key.device_id);
    let rows: Vec<_> = remaining.iter().filter_map(Candidate::row).filter(is_fresh).collect();
    if !rows.is_empty() {
        measurement::insert_new(db, &rows, now, dialect).await?;
        move_stored(&mut remaining, receipts, &mut recorded, is_fresh);
    }
    let mut rounds = 0;
    while !remaining.is_empty() {
        rounds += 1;
        if rounds > MAX_INSERT_ROUNDS {
            return Err(DbError::conflict());
        }
        let rows: Vec<_> = remaining.iter().filter_map(Candidate::row).collect();
        let added = if rows.is_empty() { HashSet::new() } else { measurement::insert(&mut *db, &rows, now).await? };
        move_stored(&mut remaining, receipts, &mut recorded, |row| added.contains(&row.key));
        if !remaining.is_empty() {
            // Samples are stored at these times, or the batch has several. If another writer commits between the read
            // and the insert, some rows are not inserted and the round is repeated.
            compare_with_stored(db, &mut remaining, replays, receipts).await?;
        }
    }
    Ok(recorded)
}

/// Which candidates are assumed to be fresh.
#[derive(Clone, Copy)]
pub(super) enum Freshness<'a> {
    /// Samples of devices without a stored sample as new, and, in large batches, those of devices without one in their
    /// time span. Concurrent writers may invalidate this: then a key is violated.
    Likely(&'a HashMap<DeviceId, DateTime<Utc>>),
    /// None: each key is looked up.
    Unknown,
}

/// Whether a sample is newer than the newest one of its device: then no sample is stored at its time.
pub(super) fn is_newer(latest: &HashMap<DeviceId, DateTime<Utc>>, (device, at): DeviceTime) -> bool {
    latest.get(&device).is_none_or(|&latest_at| latest_at < at)
}

/// The devices without stored samples at the times of the candidates.
async fn find_fresh_devices(
    db: &mut PgConnection,
    candidates: &[Candidate<'_>],
    freshness: Freshness<'_>,
) -> Result<HashSet<DeviceId>, DbError> {
    let Freshness::Likely(latest) = freshness else { return Ok(HashSet::new()) };
    let mut fresh = HashSet::new();
    let mut spans = Vec::new();
    for some in candidates.chunk_by(|one, other| one.device == other.device) {
        let [first, ..] = some else { continue };
        let (device, first_at) = first.device_time();
        if is_newer(latest, first.device_time()) {
            fresh.insert(device);
        } else if let Some(last) = some.last() {
            spans.push((device, first_at, last.sample.measured_at));
        }
    }
    if candidates.len() >= MIN_COPY_ROWS && !spans.is_empty() {
        let known = measurement::list_devices_with_rows_in(&mut *db, &spans).await?;
        fresh.extend(spans.iter().map(|&(device, ..)| device).filter(|device| !known.contains(device)));
    }
    Ok(fresh)
}

/// Moves the candidates whose row is stored from `remaining` to `recorded`.
fn move_stored<'a>(
    remaining: &mut Vec<Candidate<'a>>,
    receipts: &mut [Receipt],
    recorded: &mut Vec<NewMeasurement<'a>>,
    is_stored: impl Fn(&NewMeasurement<'a>) -> bool,
) {
    remaining.retain(|candidate| match candidate.row().filter(&is_stored) {
        Some(row) => {
            receipts[candidate.submission].recorded += 1;
            recorded.push(row);
            false
        }
        None => true,
    });
}

/// Removes duplicates of stored samples, and gives each other candidate the next free `seq` at its time.
///
/// # Errors
/// When the database fails.
pub(super) async fn compare_with_stored(
    db: &mut PgConnection,
    remaining: &mut Vec<Candidate<'_>>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
) -> Result<(), DbError> {
    let mut moments: Vec<_> = remaining.iter().map(Candidate::device_time).collect();
    moments.dedup();
    let mut stored = load_stored(db, &moments).await?;
    let mut vacated = replays.remove_stale(db, &mut stored).await?;
    // free slots and `seq` numbers at the time of the last candidate
    let mut current: Option<(DeviceTime, usize, FreeSeqs)> = None;
    remaining.retain_mut(|candidate| {
        let moment = candidate.device_time();
        let there = stored.get(&moment).map_or(&[][..], Vec::as_slice);
        if there.iter().any(|(_, stored)| stored.same_content(candidate.sample)) {
            receipts[candidate.submission].duplicates += 1;
            return false;
        }
        if current.as_ref().is_none_or(|(at, ..)| *at != moment) {
            let next = there.iter().map(|(seq, _)| seq + 1).max().unwrap_or(0);
            let seqs = vacated.remove(&moment).unwrap_or_default().seqs(next);
            current = Some((moment, MAX_SAMPLES_PER_TIME.saturating_sub(there.len()), Box::new(seqs)));
        }
        let next_seq = current.as_mut().filter(|(_, slots, _)| *slots > 0).and_then(|(_, slots, seqs)| {
            *slots -= 1;
            seqs.next()
        });
        let Some((seq, flags)) = next_seq else {
            receipts[candidate.submission].rejected.push(candidate.rejection());
            return false;
        };
        candidate.seq = Some(seq);
        candidate.flags = candidate.flags.or(flags);
        true
    });
    Ok(())
}

/// Free `seq` numbers at one time, each with the flags that any sample there has to keep.
type FreeSeqs = Box<dyn Iterator<Item = (i32, QualityFlags)>>;

/// The stored samples at these times with all readings, each with its `seq`.
async fn load_stored(
    db: &mut PgConnection,
    moments: &[DeviceTime],
) -> Result<HashMap<DeviceTime, Vec<(i32, Sample)>>, DbError> {
    let measurements = measurement::load_at_times(&mut *db, moments).await?;
    let keys: Vec<_> = measurements.iter().map(|measurement| measurement.key).collect();
    let mut samples: HashMap<MeasurementKey, Sample> =
        measurements.iter().map(|measurement| (measurement.key, sample_of(measurement))).collect();
    for group in readings::SIDE_TABLE_GROUPS {
        for (key, readings) in readings::load_by_keys(&mut *db, group, &keys).await? {
            if let Some(sample) = samples.get_mut(&key) {
                readings.iter().for_each(|(quantity, value)| set(sample, quantity, Some(value)));
            }
        }
    }
    let mut by_moment: HashMap<_, Vec<_>> = HashMap::new();
    for (key, sample) in samples {
        by_moment.entry((key.device_id, key.measured_at)).or_default().push((key.seq, sample));
    }
    Ok(by_moment)
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
        let _ = sample.readings.set(quantity, value); // stored values are valid
    }
}
