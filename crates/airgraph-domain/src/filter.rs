//! Filters of measurements: a tree of conditions, and the parts that decide how a list is read.

use std::hash::{Hash, Hasher};

use chrono::{DateTime, Utc};

use super::{
    area::{Area, SharedArea},
    device::DeviceId,
    measurement::Measurement,
    quality::QualityFlags,
    quantity::{Group, Quantity},
    readings::{Readings, to_f32},
};

/// A range of values, both ends included. Neither end is NaN.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValueRange {
    /// Minimum.
    pub min: Option<f64>,
    /// Maximum.
    pub max: Option<f64>,
}

// Compared by bits, so filters can be keys of a map.
impl PartialEq for ValueRange {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}
impl Eq for ValueRange {}
impl Hash for ValueRange {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}
impl ValueRange {
    fn bits(self) -> [Option<u64>; 2] {
        [self.min, self.max].map(|end| end.map(f64::to_bits))
    }

    /// The intersection of both ranges.
    fn intersect(self, other: Self) -> Self {
        Self { min: later(self.min, other.min), max: earlier(self.max, other.max) }
    }

    /// Whether the range is empty.
    fn is_empty(self) -> bool {
        self.min.zip(self.max).is_some_and(|(min, max)| min > max)
    }
}

/// A condition on a measurement, with two-valued logic: a measurement without the quantity, or without a position,
/// fails a condition on it and therefore matches the negation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The device is one of these.
    Devices(Vec<DeviceId>),
    /// `measured_at` lies in this span.
    MeasuredBetween {
        /// Inclusive.
        from: Option<DateTime<Utc>>,
        /// Exclusive.
        to: Option<DateTime<Utc>>,
    },
    /// The position lies in this area.
    Within(SharedArea),
    /// The quantity has a value in this range.
    Between(Quantity, ValueRange),
    /// Has at least one of these flags.
    AnyFlag(QualityFlags),
    /// Has none of these flags.
    NoFlag(QualityFlags),
    /// All of these match.
    All(Vec<Condition>),
    /// At least one of these matches.
    Any(Vec<Condition>),
    /// This does not match.
    Not(Box<Condition>),
}

/// A filter of measurements; all of its parts must match. Devices and times are separate from the other conditions,
/// since they decide how a list is read: none of the conditions is [`Condition::Devices`],
/// [`Condition::MeasuredBetween`] or [`Condition::All`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Devices, sorted.
    pub devices: Option<Vec<DeviceId>>,
    /// Start of `measured_at`, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// End of `measured_at`, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Further conditions.
    pub conditions: Vec<Condition>,
}

/// A condition that no measurement can match together with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The intersection of the device lists is empty.
    #[error("none of these devices is among those of another condition")]
    Devices,
    /// The intersection of the spans is empty.
    #[error("has no moment in common with another condition on the time")]
    Times,
    /// The intersection of the ranges is empty.
    #[error("has no value in common with another condition on this quantity")]
    Values,
    /// A required flag is also excluded.
    #[error("all of these flags are excluded by `none`")]
    Flags,
}

impl Filter {
    /// Adds a condition. A condition of the same kind narrows the existing one; `All` is added part by part.
    ///
    /// # Errors
    /// If it contradicts the existing conditions.
    pub fn add(&mut self, condition: Condition) -> Result<(), Contradiction> {
        match condition {
            Condition::All(conditions) => conditions.into_iter().try_for_each(|condition| self.add(condition)),
            Condition::Devices(devices) => self.add_devices(devices),
            Condition::MeasuredBetween { from, to } => {
                (self.from, self.to) = (later(self.from, from), earlier(self.to, to));
                let empty = self.from.zip(self.to).is_some_and(|(from, to)| from >= to);
                if empty { Err(Contradiction::Times) } else { Ok(()) }
            }
            Condition::Between(quantity, range) => self.add_range(quantity, range),
            condition @ (Condition::AnyFlag(_) | Condition::NoFlag(_)) => {
                self.conditions.push(condition);
                let excluded_flags = self.excluded_flags();
                let impossible = |condition: &Condition| matches!(condition, Condition::AnyFlag(flags) if flags.and(excluded_flags) == *flags);
                if self.conditions.iter().any(impossible) { Err(Contradiction::Flags) } else { Ok(()) }
            }
            condition @ (Condition::Within(_) | Condition::Any(_) | Condition::Not(_)) => {
                self.conditions.push(condition);
                Ok(())
            }
        }
    }

    /// Size in memory, in bytes; an estimate.
    #[must_use]
    pub fn size(&self) -> usize {
        let devices = self.devices.as_ref().map_or(0, |devices| size_of_val(&devices[..]));
        size_of::<Self>() + devices + self.conditions.iter().map(Condition::size).sum::<usize>()
    }

    /// The groups of joined readings that the filter reads.
    #[must_use]
    pub fn side_table_groups(&self) -> Vec<Group> {
        side_table_groups(&self.conditions)
    }

    /// Average number of polygon edges that a measurement is compared with, over the bands of longitude.
    #[must_use]
    pub fn polygon_edges(&self) -> usize {
        self.conditions.iter().map(Condition::polygon_edges).sum()
    }

    fn add_devices(&mut self, mut devices: Vec<DeviceId>) -> Result<(), Contradiction> {
        devices.sort_unstable();
        devices.dedup();
        let Some(before) = self.devices.replace(devices) else { return Ok(()) };
        let left = self.devices.get_or_insert_default();
        // An empty list is a valid filter without results; two disjoint lists are an error of the caller.
        let both_set = !before.is_empty() && !left.is_empty();
        left.retain(|device| before.binary_search(device).is_ok());
        if both_set && left.is_empty() { Err(Contradiction::Devices) } else { Ok(()) }
    }

    fn add_range(&mut self, quantity: Quantity, range: ValueRange) -> Result<(), Contradiction> {
        let before = self.conditions.iter_mut().find_map(|condition| match condition {
            Condition::Between(of, range) if *of == quantity => Some(range),
            _ => None,
        });
        let Some(before) = before else {
            self.conditions.push(Condition::Between(quantity, range));
            return Ok(());
        };
        *before = before.intersect(range);
        if before.is_empty() { Err(Contradiction::Values) } else { Ok(()) }
    }

    /// The flags that a measurement must not have.
    fn excluded_flags(&self) -> QualityFlags {
        let of = |condition: &Condition| match condition {
            Condition::NoFlag(flags) => *flags,
            _ => QualityFlags::default(),
        };
        self.conditions.iter().map(of).fold(QualityFlags::default(), QualityFlags::or)
    }

    /// Whether a measurement matches. `joined` contains its readings other than particulates.
    #[must_use]
    pub fn matches(&self, measurement: &Measurement, joined: &Readings) -> bool {
        let devices = self.devices.as_ref();
        devices.is_none_or(|devices| devices.binary_search(&measurement.key.device_id).is_ok())
            && is_within(measurement.key.measured_at, self.from, self.to)
            && self.conditions.iter().all(|condition| condition.matches(measurement, joined))
    }
}

/// The groups of joined readings that these conditions read, without duplicates.
#[must_use]
pub fn side_table_groups<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Vec<Group> {
    let mut groups = Vec::new();
    for condition in conditions {
        condition.add_side_table_groups(&mut groups);
    }
    groups
}

impl Condition {
    fn size(&self) -> usize {
        let more = match self {
            Self::Devices(devices) => size_of_val(&devices[..]),
            Self::Within(area) => area.size(),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().map(Self::size).sum(),
            Self::Not(condition) => condition.size(),
            Self::MeasuredBetween { .. } | Self::Between(..) | Self::AnyFlag(_) | Self::NoFlag(_) => 0,
        };
        size_of::<Self>() + more
    }

    fn add_side_table_groups(&self, groups: &mut Vec<Group>) {
        match self {
            Self::Between(quantity, _) => {
                let group = quantity.definition().group;
                if group != Group::Air && !groups.contains(&group) {
                    groups.push(group);
                }
            }
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.add_side_table_groups(groups);
                }
            }
            Self::Not(condition) => condition.add_side_table_groups(groups),
            Self::Devices(_) | Self::MeasuredBetween { .. } | Self::Within(_) | Self::AnyFlag(_) | Self::NoFlag(_) => {}
        }
    }

    fn polygon_edges(&self) -> usize {
        match self {
            Self::Within(area) => match &**area {
                Area::Polygon(polygon) => polygon.bands().mean_edges(),
                Area::BoundingBox(_) | Area::Circle(_) | Area::Cells(_) => 0,
            },
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().map(Self::polygon_edges).sum(),
            Self::Not(condition) => condition.polygon_edges(),
            Self::Devices(_)
            | Self::MeasuredBetween { .. }
            | Self::Between(..)
            | Self::AnyFlag(_)
            | Self::NoFlag(_) => 0,
        }
    }

    /// Whether a measurement matches. `joined` contains its readings other than particulates.
    #[must_use]
    pub fn matches(&self, measurement: &Measurement, joined: &Readings) -> bool {
        match self {
            Self::Devices(devices) => devices.contains(&measurement.key.device_id),
            Self::MeasuredBetween { from, to } => is_within(measurement.key.measured_at, *from, *to),
            Self::Within(area) => measurement.position.is_some_and(|place| area.contains(place)),
            Self::Between(quantity, range) => is_between(*quantity, *range, measurement, joined),
            Self::AnyFlag(flags) => !measurement.flags.and(*flags).is_empty(),
            Self::NoFlag(flags) => measurement.flags.and(*flags).is_empty(),
            Self::All(conditions) => conditions.iter().all(|condition| condition.matches(measurement, joined)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.matches(measurement, joined)),
            Self::Not(condition) => !condition.matches(measurement, joined),
        }
    }
}

fn is_within(time: DateTime<Utc>, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> bool {
    from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to)
}

fn is_between(quantity: Quantity, range: ValueRange, measurement: &Measurement, joined: &Readings) -> bool {
    if quantity.definition().group == Group::Air {
        // Compared as 32-bit floats, as stored: 12.4 then equals the 12.4 of the sensor.
        measurement.particulate(quantity).is_some_and(|value| {
            range.min.is_none_or(|min| value >= to_f32(min)) && range.max.is_none_or(|max| value <= to_f32(max))
        })
    } else {
        joined
            .get(quantity)
            .is_some_and(|value| range.min.is_none_or(|min| value >= min) && range.max.is_none_or(|max| value <= max))
    }
}

/// The later of two times or the greater of two values, if any.
fn later<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other > one { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// The earlier of two times or the smaller of two values, if any.
fn earlier<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other < one { other } else { one }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
