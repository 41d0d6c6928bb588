//! Candidates become rows, or turn out to be stored already.
//!
//! The rows' key is (device, time, `seq`). In the plain case, one content at a moment and none stored, `seq` is 0 and one
//! insert settles it, without reading. That is the hot path: what is newer than the newest sample of its device can't be
//! stored already, so that not even the key is asked for. Where something stands at that moment already, it is read and compared: the same
//! content is a duplicate, another gets the next `seq`.

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

/// Inserts what is not stored yet, and gives back those rows. What is taken to be fresh is inserted without asking.
///
/// # Errors
/// When the database fails; [`DbError::Violation`] when something was not fresh after all; [`DbError::Conflict`] when other
/// writers came between in every round.
pub(super) async fn insert<'a>(
    db: &mut PgConnection,
    mut left: Vec<Candidate<'a>>,
    freshness: Freshness<'_>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
    now: DateTime<Utc>,
) -> Result<Vec<NewMeasurement<'a>>, DbError> {
    let mut recorded = Vec::with_capacity(left.len());
    for moment in left.chunk_by_mut(|one, other| one.device_time() == other.device_time()) {
        if let [alone] = moment {
            alone.seq = Some(0); // in the hope that nothing is stored at its moment
        }
    }
    let fresh = find_fresh_devices(db, &left, freshness).await?;
    let is_fresh = |row: &NewMeasurement<'_>| fresh.contains(&row.key.device_id);
    let rows: Vec<_> = left.iter().filter_map(Candidate::row).filter(is_fresh).collect();
    if !rows.is_empty() {
        measurement::insert_new(db, &rows, now).await?;
        move_stored(&mut left, receipts, &mut recorded, is_fresh);
    }
    let mut rounds = 0;
    while !left.is_empty() {
        rounds += 1;
        if rounds > MAX_INSERT_ROUNDS {
            return Err(DbError::conflict());
        }
        let rows: Vec<_> = left.iter().filter_map(Candidate::row).collect();
        let added = if rows.is_empty() { HashSet::new() } else { measurement::insert(&mut *db, &rows, now).await? };
        move_stored(&mut left, receipts, &mut recorded, |row| added.contains(&row.key));
        if !left.is_empty() {
            // Something stands at these moments, or several contents do. When another writer commits between the
            // reading and the insert, some rows are not added and the round is made again.
            compare_with_stored(db, &mut left, replays, receipts).await?;
        }
    }
    Ok(recorded)
}

/// What may be taken for fresh.
#[derive(Clone, Copy)]
pub(super) enum Freshness<'a> {
    /// Samples of devices that have none stored that is as new, and, of many, those of devices that have none in their
    /// time. Other writers may know better: then a key is violated.
    Likely(&'a HashMap<DeviceId, DateTime<Utc>>),
    /// Nothing: each key is asked for.
    Unknown,
}

/// Whether a moment comes after the newest sample of its device: then nothing is stored there.
pub(super) fn is_newer(latest: &HashMap<DeviceId, DateTime<Utc>>, (device, at): DeviceTime) -> bool {
    latest.get(&device).is_none_or(|&latest_at| latest_at < at)
}

/// The devices whose samples have nothing stored at their moments.
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

/// Moves the candidates whose row is stored from what is left to what is recorded.
fn move_stored<'a>(
    left: &mut Vec<Candidate<'a>>,
    receipts: &mut [Receipt],
    recorded: &mut Vec<NewMeasurement<'a>>,
    is_stored: impl Fn(&NewMeasurement<'a>) -> bool,
) {
    left.retain(|candidate| match candidate.row().filter(&is_stored) {
        Some(row) => {
            receipts[candidate.submission].recorded += 1;
            recorded.push(row);
            false
        }
        None => true,
    });
}

/// Takes out what is stored already, and gives each other candidate the next free `seq` at its moment.
///
/// # Errors
/// When the database fails.
pub(super) async fn compare_with_stored(
    db: &mut PgConnection,
    left: &mut Vec<Candidate<'_>>,
    replays: &mut Replays<'_>,
    receipts: &mut [Receipt],
) -> Result<(), DbError> {
    let mut moments: Vec<_> = left.iter().map(Candidate::device_time).collect();
    moments.dedup();
    let mut stored = load_stored(db, &moments).await?;
    let mut vacated = replays.remove_stale(db, &mut stored).await?;
    let mut present: Option<(DeviceTime, usize, FreeSeqs)> = None; // at the moment of the last candidate: its room, and where
    left.retain_mut(|candidate| {
        let moment = candidate.device_time();
        let there = stored.get(&moment).map_or(&[][..], Vec::as_slice);
        if there.iter().any(|(_, stored)| stored.same_content(candidate.sample)) {
            receipts[candidate.submission].duplicates += 1;
            return false;
        }
        if present.as_ref().is_none_or(|(at, ..)| *at != moment) {
            let next = there.iter().map(|(seq, _)| seq + 1).max().unwrap_or(0);
            let places = vacated.remove(&moment).unwrap_or_default().seqs(next);
            present = Some((moment, MAX_SAMPLES_PER_TIME.saturating_sub(there.len()), Box::new(places)));
        }
        let place = present.as_mut().filter(|(_, room, _)| *room > 0).and_then(|(_, room, places)| {
            *room -= 1;
            places.next()
        });
        let Some((seq, flags)) = place else {
            receipts[candidate.submission].rejected.push(candidate.rejection());
            return false;
        };
        candidate.seq = Some(seq);
        candidate.flags = candidate.flags.or(flags);
        true
    });
    Ok(())
}

/// Places that are free at a moment, each with the flags that stay true of whatever stands there.
type FreeSeqs = Box<dyn Iterator<Item = (i32, QualityFlags)>>;

/// The stored samples at these moments, whole, each with its `seq`.
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
        let _ = sample.readings.set(quantity, value); // what was stored was usable
    }
}
