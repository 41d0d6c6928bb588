//! Readings that were loaded together with their measurement.

use super::{
    quantity::{Group, Quantity},
    readings::Readings,
};

/// The values of a measurement's `weather`, `ambient`, `motion` and `device_status`, if loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinedReadings {
    /// The groups that were loaded, one bit each.
    read_groups: u8,
    /// The loaded groups that the measurement has.
    present_groups: u8,
    values: Readings,
}

/// The readings of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupReadings<'a> {
    /// The group was not loaded.
    NotRead,
    /// The measurement has no readings of the group.
    Absent,
    /// The readings, of loaded quantities only.
    Present(&'a Readings),
}

impl JoinedReadings {
    /// Marks a group as loaded, and whether the measurement has readings of it.
    pub fn set_group(&mut self, group: Group, is_present: bool) {
        self.read_groups |= bit(group);
        if is_present {
            self.present_groups |= bit(group);
        }
    }

    /// Sets a value. Stored values are valid; an invalid number (from manual SQL) is skipped.
    pub fn set(&mut self, quantity: Quantity, value: f64) {
        let _ = self.values.set(quantity, value);
    }

    /// The readings of a group.
    #[must_use]
    pub fn group(&self, group: Group) -> GroupReadings<'_> {
        if self.read_groups & bit(group) == 0 {
            GroupReadings::NotRead
        } else if self.present_groups & bit(group) == 0 {
            GroupReadings::Absent
        } else {
            GroupReadings::Present(&self.values)
        }
    }
}

fn bit(group: Group) -> u8 {
    1 << group as u8
}
