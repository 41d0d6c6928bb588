//! Index keys of filters.

use chrono::{DateTime, Utc};
use h3o::{CellIndex, Resolution};

use super::blocks::{Block, cover_range};
use crate::domain::{
    area::SharedArea,
    device::DeviceId,
    filter::{Condition, Filter, ValueRange},
    quantity::Quantity,
    readings::to_f32,
};

/// Finest resolution of a cover (about 500 m), and its number of cells: a compromise between memory and needless
/// evaluations.
pub(super) const COVER_RESOLUTION: Resolution = Resolution::Eight;
const MAX_COVER_CELLS: usize = 16;
/// A filter with more keys is evaluated for each measurement instead.
const MAX_KEYS: usize = 1024;
/// Bits of a time, in hours.
pub(super) const TIME_BITS: u8 = 24;
/// Bits of a value: the upper half of a 32-bit float, so values that differ by less than a hundredth share a code.
pub(super) const VALUE_BITS: u8 = 16;

/// Quantities stored in the measurement itself. Others would have to be read from the database first.
pub(super) const INDEXED_QUANTITIES: [Quantity; 4] = [Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10];

/// A property shared by measurements or batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::subscriptions) enum IndexKey {
    /// Matches everything.
    Unindexed,
    /// A measurement of a device.
    MeasurementOf(DeviceId),
    /// A measurement in a cell.
    Cell(CellIndex),
    /// A measurement at a time in a block of hours.
    Time(Block),
    /// A measurement with a value in a block.
    Value(Quantity, Block),
    /// A batch with a change or measurements of a device.
    ChangeOf(DeviceId),
}

/// The keys of a topic.
pub(in crate::subscriptions) type IndexKeys = Box<[IndexKey]>;

/// Every measurement that fulfils a condition has at least one of these keys.
struct RequiredKeys {
    keys: Vec<IndexKey>,
    /// Estimated share of matching measurements; the lowest is chosen.
    selectivity: f64,
}

/// The keys of a filter: those of its most selective condition.
pub(super) fn keys_of_filter(filter: &Filter) -> IndexKeys {
    let devices = filter.devices.as_deref().map(keys_of_devices);
    let time = keys_of_time(filter.from, filter.to);
    let best = [devices, time].into_iter().flatten().chain(filter.conditions.iter().filter_map(keys_of_condition));
    let best = best.min_by(|one, other| one.selectivity.total_cmp(&other.selectivity));
    match best {
        Some(necessary) if necessary.keys.len() <= MAX_KEYS => necessary.keys.into(),
        _ => [IndexKey::Unindexed].into(),
    }
}

fn keys_of_condition(condition: &Condition) -> Option<RequiredKeys> {
    match condition {
        Condition::Devices(devices) => Some(keys_of_devices(devices)),
        Condition::MeasuredBetween { from, to } => keys_of_time(*from, *to),
        Condition::Within(area) => Some(keys_of_area(area)),
        Condition::Between(quantity, range) => keys_of_range(*quantity, *range),
        Condition::All(conditions) => {
            let each = conditions.iter().filter_map(keys_of_condition);
            each.min_by(|one, other| one.selectivity.total_cmp(&other.selectivity))
        }
        Condition::Any(conditions) => {
            let mut any = RequiredKeys { keys: Vec::new(), selectivity: 0.0 };
            for condition in conditions {
                let one = keys_of_condition(condition)?;
                any.keys.extend(one.keys);
                any.selectivity = any.selectivity.max(one.selectivity);
                if any.keys.len() > MAX_KEYS {
                    return None;
                }
            }
            Some(any)
        }
        // A negation also matches missing values, and most measurements have no flag.
        Condition::AnyFlag(_) | Condition::NoFlag(_) | Condition::Not(_) => None,
    }
}

fn keys_of_devices(devices: &[DeviceId]) -> RequiredKeys {
    RequiredKeys { keys: devices.iter().copied().map(IndexKey::MeasurementOf).collect(), selectivity: 0.0 }
}

fn keys_of_area(area: &SharedArea) -> RequiredKeys {
    let cover = area.cover(COVER_RESOLUTION, MAX_COVER_CELLS);
    let cells = || cover.inside.iter().chain(&cover.border).copied();
    let of_the_earth: f64 = cells().map(|cell| 7_f64.powi(-i32::from(u8::from(cell.resolution()))) / 122.0).sum();
    RequiredKeys { keys: cells().map(IndexKey::Cell).collect(), selectivity: 1.0 + 2.0 * of_the_earth }
}

fn keys_of_range(quantity: Quantity, range: ValueRange) -> Option<RequiredKeys> {
    if !INDEXED_QUANTITIES.contains(&quantity) {
        return None;
    }
    let max = (1 << VALUE_BITS) - 1;
    // Compared as in the filter.
    let first = range.min.map_or(0, |min| value_code(to_f32(min)));
    let last = range.max.map_or(max, |limit| value_code(to_f32(limit)));
    let keys = cover_range(first, last).into_iter().map(|block| IndexKey::Value(quantity, block)).collect();
    let share = f64::from(last.saturating_sub(first)) / f64::from(max);
    Some(RequiredKeys { keys, selectivity: 2.0 + share })
}

fn keys_of_time(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<RequiredKeys> {
    if from.is_none() && to.is_none() {
        return None;
    }
    let max = (1 << TIME_BITS) - 1;
    let (first, last) = (from.map_or(0, hour_code), to.map_or(max, hour_code));
    let keys = cover_range(first, last).into_iter().map(IndexKey::Time).collect();
    let share = f64::from(last.saturating_sub(first)) / f64::from(max);
    Some(RequiredKeys { keys, selectivity: 3.0 + share })
}

/// The hour of a time, as a monotonic number. Times out of range share the first or the last number.
pub(super) fn hour_code(time: DateTime<Utc>) -> u32 {
    let max = (1_i64 << TIME_BITS) - 1;
    let hours = time.timestamp().div_euclid(3600) + max / 2;
    u32::try_from(hours.clamp(0, max)).unwrap_or(0)
}

/// A value as a monotonic number of [`VALUE_BITS`] bits.
pub(super) fn value_code(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits(); // maps -0.0 to 0.0
    let ordered = if value.is_sign_negative() && value != 0.0 { !bits } else { bits | 1 << 31 };
    ordered >> (32 - u32::from(VALUE_BITS))
}
