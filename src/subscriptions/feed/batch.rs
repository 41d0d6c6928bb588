//! Batches of the feed with their data, read once for all followers.

use std::{collections::HashMap, time::Instant};

use sqlx::PgPool;
use tokio::sync::OnceCell;

use crate::{
    db::{DbError, feed::FeedEntry, readings},
    domain::{
        device::DeviceId,
        feed::FeedOffset,
        filter::Filter,
        measurement::{Measurement, MeasurementKey},
        quantity::Group,
        readings::Readings,
    },
};

/// Number of filter evaluations before another task may run.
const EVALUATIONS_PER_YIELD: usize = 128;

/// A committed batch, or a part of one. Its events are numbered: first the measurements in their order, then the
/// devices in theirs, so that each keeps its number, whatever is deleted later.
#[derive(Debug)]
pub struct Batch {
    /// Its number in the feed.
    pub number: i64,
    /// When it was committed, by this machine's clock.
    pub committed: Instant,
    /// The measurements that it stored and that still exist.
    pub recorded: Vec<(u32, Measurement)>,
    /// The devices with new measurements or other changes.
    pub devices: Vec<(u32, DeviceId)>,
    /// Readings of the measurements other than particulates: loaded on first use.
    readings: [OnceCell<HashMap<MeasurementKey, Readings>>; readings::SIDE_TABLE_GROUPS.len()],
}

impl Batch {
    /// Offset of one of its events.
    #[must_use]
    pub fn offset(&self, index: u32) -> FeedOffset {
        FeedOffset { number: self.number, index }
    }

    /// Approximate memory in bytes, including the readings once they are loaded.
    #[must_use]
    pub fn bytes(&self) -> usize {
        200 + self.recorded.len() * 512 + self.devices.len() * size_of::<(u32, DeviceId)>()
    }

    /// Measurements by their indexes in `recorded`.
    pub fn rows(&self, positions: &[u32]) -> impl Iterator<Item = &(u32, Measurement)> {
        positions.iter().filter_map(|&at| self.recorded.get(usize::try_from(at).ok()?))
    }

    /// The measurements that match a filter, of all or of those at these indexes in `recorded`.
    ///
    /// # Errors
    /// When the filter needs readings and the database fails.
    pub async fn matching(
        &self,
        filter: &Filter,
        positions: Option<&[u32]>,
        db: &PgPool,
    ) -> Result<Vec<(u32, Measurement)>, DbError> {
        let mut beside = Vec::new();
        if !self.recorded.is_empty() {
            for group in filter.side_table_groups() {
                beside.push(self.readings(group, db).await?);
            }
        }
        let matches = |row: &Measurement| match beside[..] {
            [] => filter.matches(row, &Readings::default()),
            [only] => filter.matches(row, only.get(&row.key).unwrap_or(&Readings::default())),
            _ => filter.matches(row, &merge_readings(&beside, row.key)),
        };
        let rows: Vec<_> = match positions {
            Some(positions) => self.rows(positions).collect(),
            None => self.recorded.iter().collect(),
        };
        let mut matching = Vec::new();
        for rows in rows.chunks(EVALUATIONS_PER_YIELD) {
            matching.extend(rows.iter().filter(|(_, row)| matches(row)).copied().cloned());
            if rows.len() == EVALUATIONS_PER_YIELD {
                tokio::task::yield_now().await; // a filter may have thousands of points
            }
        }
        Ok(matching)
    }

    async fn readings(&self, group: Group, db: &PgPool) -> Result<&HashMap<MeasurementKey, Readings>, DbError> {
        let Some(cell) =
            readings::SIDE_TABLE_GROUPS.iter().position(|&of| of == group).and_then(|at| self.readings.get(at))
        else {
            unreachable!("particulates are in the measurement itself")
        };
        let read = || async {
            let keys: Vec<_> = self.recorded.iter().map(|(_, row)| row.key).collect();
            readings::load_by_keys(db, group, &keys).await
        };
        cell.get_or_try_init(read).await
    }
}

/// Merges the readings of several groups.
fn merge_readings(groups: &[&HashMap<MeasurementKey, Readings>], key: MeasurementKey) -> Readings {
    let mut all = Readings::default();
    for (quantity, value) in groups.iter().filter_map(|group| group.get(&key)).flat_map(Readings::iter) {
        let _ = all.set(quantity, value); // it was valid when it was stored
    }
    all
}

/// A batch, or a part of one, without its measurements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    number: i64,
    committed: Instant,
    recorded: Vec<(u32, MeasurementKey)>,
    devices: Vec<(u32, DeviceId)>,
}

impl Outline {
    /// Keys of its measurements.
    pub(super) fn keys(&self) -> impl Iterator<Item = MeasurementKey> {
        self.recorded.iter().map(|&(_, key)| key)
    }

    /// The batch, with those of its measurements that were found.
    pub(super) fn into_batch(self, found: &HashMap<MeasurementKey, Measurement>) -> Batch {
        let recorded =
            self.recorded.iter().filter_map(|(index, key)| Some((*index, found.get(key)?.clone()))).collect();
        let Self { number, committed, devices, .. } = self;
        Batch { number, committed, recorded, devices, readings: Default::default() }
    }
}

/// Up to `limit` events after an offset, and the offset up to which they are complete.
pub(super) fn batch_headers(entries: &[FeedEntry], after: FeedOffset, limit: usize) -> (Vec<Outline>, FeedOffset) {
    let (mut outlines, mut until, mut remaining) = (Vec::with_capacity(entries.len()), after, limit);
    for entry in entries {
        let mut devices: Vec<_> = entry.record.recorded.iter().map(|key| key.device_id).collect();
        devices.extend(&entry.record.changed);
        devices.sort_unstable();
        devices.dedup();
        let is_new = |index: u32| FeedOffset { number: entry.number, index } > until;
        let recorded = (0..).zip(entry.record.recorded.iter().copied()).filter(|&(index, _)| is_new(index));
        let recorded: Vec<_> = recorded.take(remaining).collect();
        remaining -= recorded.len();
        let behind = u32::try_from(entry.record.recorded.len()).unwrap_or(FeedOffset::END);
        let devices = (behind..).zip(devices).filter(|&(index, _)| is_new(index));
        let devices: Vec<_> = devices.take(remaining).collect();
        remaining -= devices.len();
        let last = devices.last().map(|&(index, _)| index).or(recorded.last().map(|&(index, _)| index));
        // The limit was reached within the batch: it may have more events.
        until = match last {
            Some(index) if remaining == 0 => FeedOffset { number: entry.number, index },
            _ => FeedOffset::after(entry.number),
        };
        outlines.push(Outline { number: entry.number, committed: entry.committed, recorded, devices });
        if remaining == 0 {
            break;
        }
    }
    (outlines, until)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::db::feed::FeedRecord;

    fn entries() -> impl Strategy<Value = Vec<FeedEntry>> {
        let key = (0..4_i64, 0..9_i64).prop_map(|(device, second)| MeasurementKey {
            device_id: DeviceId(device),
            measured_at: DateTime::from_timestamp(second, 0).expect("a time"),
            seq: 0,
        });
        let entry = (1..3_i64, prop::collection::vec(key, 0..6), prop::collection::btree_set(0..6_i64, 0..3));
        prop::collection::vec(entry, 0..6).prop_map(|entries| {
            let mut number = 0;
            let each = entries.into_iter().map(|(step, recorded, changed)| {
                number += step;
                let record = FeedRecord { recorded, changed: changed.into_iter().map(DeviceId).collect() };
                FeedEntry { number, committed_at: DateTime::UNIX_EPOCH, committed: Instant::now(), record }
            });
            each.collect()
        })
    }

    /// All events in order: offset, and measurement or device.
    fn events(outlines: &[Outline]) -> Vec<(FeedOffset, Result<MeasurementKey, DeviceId>)> {
        let each = outlines.iter().flat_map(|outline| {
            let offset = |index| FeedOffset { number: outline.number, index };
            let recorded = outline.recorded.iter().map(move |&(index, key)| (offset(index), Ok(key)));
            recorded.chain(outline.devices.iter().map(move |&(index, device)| (offset(index), Err(device))))
        });
        each.collect()
    }

    proptest! {
        #[test]
        fn chunks_concatenate_to_the_whole_feed(entries in entries(), limit in 1..9_usize) {
            let (whole, end) = batch_headers(&entries, FeedOffset::after(0), usize::MAX);
            prop_assert_eq!(end, entries.last().map_or(FeedOffset::after(0), |entry| FeedOffset::after(entry.number)));
            let mut concatenated = Vec::new();
            let mut offset = FeedOffset::after(0);
            while offset < end {
                let remaining: Vec<_> =
                    entries.iter().filter(|entry| FeedOffset::after(entry.number) > offset).cloned().collect();
                let (chunk, until) = batch_headers(&remaining, offset, limit);
                prop_assert!(until > offset, "it goes on");
                let chunk = events(&chunk);
                prop_assert!(chunk.len() <= limit && chunk.iter().all(|&(at, _)| offset < at && at <= until));
                concatenated.extend(chunk);
                offset = until;
            }
            prop_assert!(concatenated.windows(2).all(|two| two[0].0 < two[1].0));
            prop_assert_eq!(concatenated, events(&whole));
        }
    }
}
