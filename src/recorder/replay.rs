//! Replays in the recording transaction: an uplink that is decoded again replaces its earlier rows.
//!
//! A row of the uplink is stale when the uplink, as decoded now, has samples of that device and time, but not this one.
//! Stale rows are deleted before the new ones are inserted, and these take over their `seq`: a decoder fix that finds
//! one more quantity leaves the same number of rows, with the same keys. Rows at times without a sample in the new
//! decoding stay.
//!
//! A row belongs to the first uplink that contains it. A replay takes over matching rows of later uplinks, so that a
//! later replay of these doesn't delete rows that are not theirs alone; a row deleted by a replay of an earlier uplink
//! is recorded anew by the replay of a later one that contains it too. So a replay of all uplinks, oldest first, leaves
//! exactly the samples that all of them contain.
//!
//! Of the rows at one device and time one always has `seq` 0; the recorder's first insert relies on that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Receipt, Submission, dedup::DeviceTime, transaction::to_i32};
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

/// Current decoding of the replayed uplinks of a batch.
#[derive(Default)]
pub(super) struct Replays<'a> {
    decoded: HashMap<Uuid, HashMap<DeviceTime, Vec<&'a Sample>>>,
    /// Devices and times where rows were removed.
    changed: BTreeSet<DeviceTime>,
    /// The hours of these rows.
    changed_hours: AffectedHours,
}

/// `seq` numbers at one device and time that stale rows freed, in ascending order, each with the flags that any sample
/// there has to keep.
#[derive(Default)]
pub(super) struct FreedSeqs(Vec<(i32, QualityFlags)>);

impl FreedSeqs {
    /// These numbers, and then those from `next` on.
    pub fn seqs(self, next: i32) -> impl Iterator<Item = (i32, QualityFlags)> {
        let next = self.0.last().map_or(next, |(seq, _)| next.max(seq + 1));
        self.0.into_iter().chain((next..).map(|seq| (seq, QualityFlags::default())))
    }
}

/// Locks the replayed uplinks, so that two replays of one uplink run one after the other, and returns the existing
/// ones.
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
    /// The replays among these submissions. Waits until no other replay is running for their devices.
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
            let samples = replays.decoded.entry(uplink.id).or_default();
            for seen in submission.observations() {
                let Some(&device) = devices.get(seen.device.as_str()) else { continue };
                samples.entry((device, seen.sample.measured_at)).or_default().push(&seen.sample);
                locked.insert(device);
            }
        }
        if !locked.is_empty() {
            replay_rows::lock_devices(db, &locked.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(replays)
    }

    /// Deletes the stale rows, removes them from `stored`, and returns the freed `seq` numbers.
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
            let own = self.decoded.get(&provenance.uplink_id).and_then(|samples| samples.get(&at));
            if own.is_some_and(|samples| !samples.iter().any(|decoded| decoded.same_content(sample))) {
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

    /// The first of the replayed uplinks that contains this sample: their ids are in the order of arrival.
    fn earliest_uplink_with(&self, at: &DeviceTime, sample: &Sample) -> Option<Uuid> {
        let contains = |decoded: &HashMap<DeviceTime, Vec<&Sample>>| {
            decoded.get(at).is_some_and(|samples| samples.iter().any(|decoded| decoded.same_content(sample)))
        };
        self.decoded.iter().filter(|(_, decoded)| contains(decoded)).map(|(&uplink, _)| uplink).min()
    }

    /// Moves another row to `seq` 0 if that is free and no new sample will take it.
    async fn close_gaps(
        &self,
        db: &mut PgConnection,
        stored: &mut StoredSamples,
        vacated: &mut HashMap<DeviceTime, FreedSeqs>,
    ) -> Result<(), DbError> {
        let mut moved = Vec::new();
        for (at, vacated) in vacated {
            let rows = stored.entry(*at).or_default();
            let is_stored = |sample: &&Sample| rows.iter().any(|(_, stored)| stored.same_content(sample));
            let all_stored = self.decoded.values().filter_map(|decoded| decoded.get(at)).flatten().all(is_stored);
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
        self.decoded.values().any(|decoded| decoded.contains_key(at))
    }

    /// The devices of which rows were removed.
    pub fn devices(&self) -> Vec<DeviceId> {
        let devices: BTreeSet<_> = self.changed.iter().map(|&(device, _)| device).collect();
        devices.into_iter().collect()
    }

    /// The last step: updates the uplinks with their outcome, and recomputes the hours from which rows were removed,
    /// and `latest` where it referred to such a row.
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
            .flat_map(|(&uplink, decoded)| decoded.keys().map(move |&(device, time)| (device, time, uplink)))
            .collect();
        let provenance = count_by_uplink(&mut *db, &moments).await?;
        let mut redecoded = HashMap::new(); // the same uplink may be in a batch twice
        let (mut refused, mut errors) = (Vec::new(), Vec::new());
        for (submission, receipt) in submissions.iter().zip(receipts) {
            let Some(key) = submission.replayed_uplink() else { continue };
            match &submission.decoded {
                Ok(decoded) => {
                    let device = submission.only_device().and_then(|key| devices.get(key.as_str()));
                    // Rows that it stored earlier are duplicates in the receipt, but not on the uplink.
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
