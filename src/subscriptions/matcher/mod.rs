//! Finds the channels that a batch of the feed may concern, without evaluating every filter.
//!
//! Every topic is indexed by [keys](IndexKey): a filter by those of one necessary condition, such as its devices or the
//! H3 cells that cover its area. A measurement has few keys, so the channels found under them are those whose filter
//! may match, and only these are evaluated. A topic without such a condition is indexed under [`IndexKey::Unindexed`].
//! `tests.rs` checks that the channels found and then evaluated are exactly those whose filter matches.

mod blocks;
mod keys;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use h3o::Resolution;
pub(super) use keys::{IndexKey, IndexKeys};

use self::{
    blocks::Block,
    keys::{COVER_RESOLUTION, INDEXED_QUANTITIES, TIME_BITS, VALUE_BITS, hour_code, value_code},
};
use crate::{
    domain::{
        cell::{STORED_RESOLUTION, cell_at},
        device::DeviceId,
        measurement::Measurement,
    },
    graphql::subscriptions::topic::Topic,
};

/// Identifies a channel in the index. Never reused.
pub(super) type ChannelId = u64;

/// Index of the topics of channels.
#[derive(Default)]
pub(super) struct Matcher {
    channels: HashMap<IndexKey, HashSet<ChannelId>>,
    index_keys: HashMap<ChannelId, IndexKeys>,
    in_use: KeyCounts,
}

/// Number of keys of each kind; kinds without keys are not looked up.
#[derive(Default)]
struct KeyCounts {
    cells: [usize; COVER_RESOLUTION as usize + 1],
    times: [usize; TIME_BITS as usize + 1],
    values: [[usize; VALUE_BITS as usize + 1]; INDEXED_QUANTITIES.len()],
}

impl Matcher {
    /// Adds a channel under the keys of its topic.
    pub(super) fn insert(&mut self, channel: ChannelId, keys: IndexKeys) {
        for &key in &keys {
            if self.channels.entry(key).or_default().insert(channel)
                && let Some(count) = self.in_use.counter(key)
            {
                *count += 1;
            }
        }
        self.index_keys.insert(channel, keys);
    }

    /// Removes a channel.
    pub(super) fn remove(&mut self, channel: ChannelId) {
        let Some(keys) = self.index_keys.remove(&channel) else { return };
        for &key in &keys {
            let Some(channels) = self.channels.get_mut(&key) else { continue };
            if channels.remove(&channel)
                && let Some(count) = self.in_use.counter(key)
            {
                *count -= 1;
            }
            if channels.is_empty() {
                self.channels.remove(&key);
            }
        }
    }

    /// Calls `found` with each channel whose indexed condition a measurement may fulfil; some channels more than once.
    /// Excludes channels under [`IndexKey::Unindexed`].
    pub(super) fn channels_of(&self, measurement: &Measurement, mut found: impl FnMut(ChannelId)) {
        let mut visit = |key: IndexKey| self.channels_with_key(key).for_each(&mut found);
        visit(IndexKey::MeasurementOf(measurement.key.device_id));
        if let Some(position) = measurement.position
            && self.in_use.cells.iter().any(|&count| count > 0)
        {
            let cell = cell_at(position, STORED_RESOLUTION);
            for resolution in Resolution::range(Resolution::Zero, COVER_RESOLUTION) {
                if self.in_use.cells[usize::from(u8::from(resolution))] > 0
                    && let Some(ancestor) = cell.parent(resolution)
                {
                    visit(IndexKey::Cell(ancestor));
                }
            }
        }
        let hour = hour_code(measurement.key.measured_at);
        for block in blocks_in_use(hour, &self.in_use.times) {
            visit(IndexKey::Time(block));
        }
        for (quantity, in_use) in INDEXED_QUANTITIES.into_iter().zip(&self.in_use.values) {
            let Some(value) = measurement.particulate(quantity) else { continue };
            for block in blocks_in_use(value_code(value), in_use) {
                visit(IndexKey::Value(quantity, block));
            }
        }
    }

    /// The channels under a key.
    pub(super) fn channels_with_key(&self, key: IndexKey) -> impl Iterator<Item = ChannelId> {
        self.channels.get(&key).into_iter().flatten().copied()
    }
}

/// The blocks that contain a code, of the levels with keys.
fn blocks_in_use(code: u32, in_use: &[usize]) -> impl Iterator<Item = Block> {
    let levels = (0_u8..).zip(in_use).filter(|&(_, &count)| count > 0);
    levels.map(move |(level, _)| Block::containing(code, level))
}

impl KeyCounts {
    fn counter(&mut self, key: IndexKey) -> Option<&mut usize> {
        match key {
            IndexKey::Cell(cell) => self.cells.get_mut(usize::from(u8::from(cell.resolution()))),
            IndexKey::Time(block) => self.times.get_mut(usize::from(block.level)),
            IndexKey::Value(quantity, block) => {
                let at = INDEXED_QUANTITIES.iter().position(|&indexed| indexed == quantity)?;
                self.values.get_mut(at)?.get_mut(usize::from(block.level))
            }
            IndexKey::Unindexed | IndexKey::MeasurementOf(_) | IndexKey::ChangeOf(_) => None,
        }
    }
}

/// The keys of a topic. Covers areas with cells, so it may take milliseconds.
pub(super) fn index_keys(topic: &Topic) -> IndexKeys {
    let changes = |devices: &[DeviceId]| devices.iter().copied().map(IndexKey::ChangeOf).collect();
    match topic {
        Topic::Measurements(filter) => keys::keys_of_filter(filter),
        Topic::Devices(None) => [IndexKey::Unindexed].into(),
        Topic::Devices(Some(devices)) => changes(devices),
        Topic::Statistics(statistics) => changes(&statistics.devices),
    }
}
