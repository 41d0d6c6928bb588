//! Replays in the recording transaction: an uplink that is decoded again takes back what it told before.
//!
//! A row that the uplink brought is stale when the uplink, as it is understood now, tells something at that device and
//! time, but not this. Stale rows are deleted before the new ones are inserted, and these take over their `seq`: a fix
//! that finds one more quantity leaves as many rows as there were, with the same keys. Rows at times of which
//! the uplink tells nothing any more stay.
//!
//! A row belongs to the first uplink that tells it. A replay claims the rows that it tells and that came in later uplinks,
//! so that these don't take back what is not theirs alone; what an earlier uplink takes back, a later one that tells it
//! too records anew. So a replay of all, oldest first, leaves exactly what all of them tell.
//!
//! Of the rows at one device and time one always has `seq` 0; the recorder's first insert relies on that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Receipt, Submission,
    dedup::DeviceTime,
    transaction::{only_device, to_i32},
};
use crate::{
    db::{
        DbError, latest, replay_rows,
        replay_rows::{assign_uplink, count_by_uplink, load_provenance, move_to_seq_zero},
        rollup::AffectedHours,
        row_removal, uplink,
        uplink::RedecodedUplink,
    },
    domain::{device::DeviceId, measurement::MeasurementKey, quality::QualityFlags, sample::Sample},
};

/// Stored samples by device and time, each with its `seq`.
type StoredSamples = HashMap<DeviceTime, Vec<(i32, Sample)>>;

/// What the replayed uplinks of a batch tell now.
#[derive(Default)]
pub(super) struct Replays<'a> {
    decoded: HashMap<Uuid, HashMap<DeviceTime, Vec<&'a Sample>>>,
    /// Where rows were taken back.
    changed: BTreeSet<DeviceTime>,
    /// The hours of these rows.
    changed_hours: AffectedHours,
}

/// Places at one device and time that stale rows left, in the order of their `seq`, each with the flags that stay true of
/// whatever stands there.
#[derive(Default)]
pub(super) struct FreedSeqs(Vec<(i32, QualityFlags)>);

impl FreedSeqs {
    /// These places, and then those from `next` on.
    pub fn seqs(self, next: i32) -> impl Iterator<Item = (i32, QualityFlags)> {
        let next = self.0.last().map_or(next, |(seq, _)| next.max(seq + 1));
        self.0.into_iter().chain((next..).map(|seq| (seq, QualityFlags::default())))
    }
}

/// Locks the uplinks that are replayed, so that two replays of one follow each other, and tells which are still there.
///
/// # Errors
/// When the database fails.
pub(super) async fn lock_uplinks(db: &mut PgConnection, submissions: &[&Submission]) -> Result<HashSet<Uuid>, DbError> {
    let uplinks: Vec<_> = submissions.iter().filter_map(|submission| submission.replayed_uplink()).collect();
    if uplinks.is_empty() {
        return Ok(HashSet::new());
    }
    uplink::lock_uplinks(db, &uplinks).await
}

impl<'a> Replays<'a> {
    /// The replays among these submissions, once no other replay is at their devices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(
        db: &mut PgConnection,
        submissions: &[&'a Submission],
        devices: &HashMap<String, DeviceId>,
    ) -> Result<Self, DbError> {
        let mut replays = Self::default();
        let mut locked = BTreeSet::new();
        for submission in submissions {
            let Some(uplink) = submission.replayed_uplink() else { continue };
            let told = replays.decoded.entry(uplink.id).or_default();
            for seen in submission.observations() {
                let Some(&device) = devices.get(seen.device.as_str()) else { continue };
                told.entry((device, seen.sample.measured_at)).or_default().push(&seen.sample);
                locked.insert(device);
            }
        }
        if !locked.is_empty() {
            replay_rows::lock_devices(db, &locked.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(replays)
    }

    /// Deletes the stale ones of these rows, takes them out of `stored`, and gives the places that are free now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_stale(
        &mut self,
        db: &mut PgConnection,
        stored: &mut StoredSamples,
    ) -> Result<HashMap<DeviceTime, FreedSeqs>, DbError> {
        let mut vacated: HashMap<_, FreedSeqs> = HashMap::new();
        let candidates: Vec<_> = stored.iter().filter(|(at, _)| self.contains(at)).flat_map(keys).collect();
        if candidates.is_empty() {
            return Ok(vacated);
        }
        let (mut stale, mut claimed) = (Vec::new(), BTreeMap::new());
        for (key, provenance) in load_provenance(&mut *db, &candidates).await? {
            let at = (key.device_id, key.measured_at);
            let Some(rows) = stored.get_mut(&at) else { continue };
            let Some((_, sample)) = rows.iter().find(|(seq, _)| *seq == key.seq) else { continue };
            let mine = self.decoded.get(&provenance.uplink_id).and_then(|told| told.get(&at));
            if mine.is_some_and(|told| !told.iter().any(|told| told.same_content(sample))) {
                rows.retain(|(seq, _)| *seq != key.seq);
                vacated.entry(at).or_default().0.push((key.seq, provenance.flags.by_history()));
                stale.push((key, provenance.cell));
            } else if let Some(first) =
                self.earliest_uplink_with(&at, sample).filter(|first| *first < provenance.uplink_id)
            {
                claimed.insert(key, first);
            }
        }
        if !claimed.is_empty() {
            assign_uplink(&mut *db, &claimed).await?;
        }
        if stale.is_empty() {
            return Ok(vacated);
        }
        self.changed_hours.extend(row_removal::remove(&mut *db, &stale).await?);
        self.changed.extend(vacated.keys().copied());
        self.close_gaps(db, stored, &mut vacated).await?;
        Ok(vacated)
    }

    /// The first of the replayed uplinks that tells this: their ids are in the order of arrival.
    fn earliest_uplink_with(&self, at: &DeviceTime, sample: &Sample) -> Option<Uuid> {
        let tells = |told: &HashMap<DeviceTime, Vec<&Sample>>| {
            told.get(at).is_some_and(|told| told.iter().any(|told| told.same_content(sample)))
        };
        self.decoded.iter().filter(|(_, told)| tells(told)).map(|(&uplink, _)| uplink).min()
    }

    /// Moves another row to `seq` 0 where that is free and no content comes to take it.
    async fn close_gaps(
        &self,
        db: &mut PgConnection,
        stored: &mut StoredSamples,
        vacated: &mut HashMap<DeviceTime, FreedSeqs>,
    ) -> Result<(), DbError> {
        let mut moved = Vec::new();
        for (at, vacated) in vacated {
            let rows = stored.entry(*at).or_default();
            let is_stored = |told: &&Sample| rows.iter().any(|(_, stored)| stored.same_content(told));
            let all_stored = self.decoded.values().filter_map(|told| told.get(at)).flatten().all(is_stored);
            if vacated.0.first().is_some_and(|(seq, _)| *seq == 0)
                && all_stored
                && let Some((seq, _)) = rows.iter_mut().max_by_key(|(seq, _)| *seq)
            {
                moved.push(MeasurementKey { device_id: at.0, measured_at: at.1, seq: *seq });
                *seq = 0;
                vacated.0.remove(0);
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        moved.sort_unstable();
        move_to_seq_zero(db, &moved).await
    }

    fn contains(&self, at: &DeviceTime) -> bool {
        self.decoded.values().any(|told| told.contains_key(at))
    }

    /// The devices of which rows were taken back.
    pub fn devices(&self) -> Vec<DeviceId> {
        let devices: BTreeSet<_> = self.changed.iter().map(|&(device, _)| device).collect();
        devices.into_iter().collect()
    }

    /// When all else is stored: notes on the uplinks what became of them, and tells anew what the hours come to of which rows
    /// were taken back, and `latest` where it stood on such a row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(
        self,
        db: &mut PgConnection,
        submissions: &[&Submission],
        devices: &HashMap<String, DeviceId>,
        receipts: &[Receipt],
    ) -> Result<(), DbError> {
        if self.decoded.is_empty() {
            return Ok(());
        }
        if !self.changed.is_empty() {
            row_removal::finish(&mut *db, &self.changed_hours).await?;
            latest::refresh_after_replay(&mut *db, &self.changed.iter().copied().collect::<Vec<_>>()).await?;
        }
        let moments: Vec<_> = self
            .decoded
            .iter()
            .flat_map(|(&uplink, told)| told.keys().map(move |&(device, time)| (device, time, uplink)))
            .collect();
        let provenance = count_by_uplink(&mut *db, &moments).await?;
        let mut redecoded = HashMap::new(); // the same uplink may be in a batch twice
        let (mut refused, mut errors) = (Vec::new(), Vec::new());
        for (submission, receipt) in submissions.iter().zip(receipts) {
            let Some(key) = submission.replayed_uplink() else { continue };
            match &submission.decoded {
                Ok(decoded) => {
                    let device = only_device(submission).and_then(|key| devices.get(key.as_str()));
                    // What it brought earlier is a duplicate in the receipt, but not on the uplink.
                    let brought =
                        provenance.get(&key.id).map_or(0, |&rows| usize::try_from(rows).unwrap_or(usize::MAX));
                    let stored = receipt.recorded + receipt.duplicates;
                    let row = RedecodedUplink {
                        key,
                        device_id: device.copied(),
                        frame_counter: decoded.frame_counter,
                        recorded: to_i32(brought),
                        duplicates: to_i32(stored.saturating_sub(brought)),
                        rejected: to_i32(receipt.rejected.len()),
                        error: receipt.failure(),
                    };
                    redecoded.insert(key, row);
                }
                Err(error) => {
                    refused.push(key);
                    errors.push(error.detail.as_str());
                }
            }
        }
        if !redecoded.is_empty() {
            uplink::update_redecoded(&mut *db, &redecoded.into_values().collect::<Vec<_>>()).await?;
        }
        if !refused.is_empty() {
            uplink::update_undecodable(db, &refused, &errors).await?;
        }
        Ok(())
    }
}

/// The keys of the rows at one device and time.
fn keys((at, rows): (&DeviceTime, &Vec<(i32, Sample)>)) -> Vec<MeasurementKey> {
    rows.iter().map(|&(seq, _)| MeasurementKey { device_id: at.0, measured_at: at.1, seq }).collect()
}
