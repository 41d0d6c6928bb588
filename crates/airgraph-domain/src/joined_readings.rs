//! Readings that were read together with their measurement.

use super::{
    quantity::{Group, Quantity},
    readings::Readings,
};

/// The values of a measurement's `weather`, `ambient`, `motion` and `device_status`, as far as they were read with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinedReadings {
    /// The groups that were read, one bit each.
    read_groups: u8,
    /// Those of them that the measurement has.
    present_groups: u8,
    values: Readings,
}

/// What was read of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GroupReadings<'a> {
    /// The group was not read.
    NotRead,
    /// The measurement has no readings of the group.
    Absent,
    /// The readings. Only quantities that were read are among them.
    Present(&'a Readings),
}

impl JoinedReadings {
    /// Notes that a group was read, and whether the measurement has readings of it.
    pub fn set_group(&mut self, group: Group, is_present: bool) {
        self.read_groups |= bit(group);
        if is_present {
            self.present_groups |= bit(group);
        }
    }

    /// Sets a value. What was stored was usable; a number that is not (written by hand) is left out.
    pub fn set(&mut self, quantity: Quantity, value: f64) {
        let _ = self.values.set(quantity, value);
    }

    /// What was read of a group.
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
