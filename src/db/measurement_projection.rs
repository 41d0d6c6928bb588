//! The columns of a measurement to read. Most queries need two or three values, and every column of every row costs
//! time in Postgres and in the gateway.

use std::ops::BitOr;

use chrono::{DateTime, Utc};
use sqlx::{Decode, Postgres, Row as _, Type, postgres::PgRow};

use super::{
    measurement::position,
    readings::{SIDE_TABLE_GROUPS, table},
};
use crate::domain::{
    device::DeviceId,
    joined_readings::JoinedReadings,
    measurement::{Measurement, MeasurementKey},
    quality::QualityFlags,
    quantity::{Group, Quantity},
};

/// A set of columns beside the key, which is always read: of `measurement`, and of the tables of the other readings.
/// Columns that are not read have placeholders: none, no flags, and 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeasurementProjection(u64);

/// First bit of the groups, above those of `measurement`; one bit for each [`Group`].
const FIRST_GROUP_BIT: u32 = 8;
/// First bit of the quantities, above those of the groups; one bit for each [`Quantity`].
const FIRST_QUANTITY_BIT: u32 = 16;
const _: () = assert!(Quantity::ALL.len() + 16 <= 64, "a bit for each quantity");

impl MeasurementProjection {
    /// The key alone.
    pub const KEY: Self = Self(0);
    /// When it was stored.
    pub const RECORDED_AT: Self = Self(1);
    /// Where it was taken.
    pub const POSITION: Self = Self(1 << 1);
    /// PM1.
    pub const PM1: Self = Self(1 << 2);
    /// PM2.5.
    pub const PM2_5: Self = Self(1 << 3);
    /// PM4.
    pub const PM4: Self = Self(1 << 4);
    /// PM10.
    pub const PM10: Self = Self(1 << 5);
    /// Quality flags.
    pub const FLAGS: Self = Self(1 << 6);
    /// Uncertainty of the time, in seconds.
    pub const TIME_UNCERTAINTY: Self = Self(1 << 7);
    /// All columns of `measurement`.
    pub const ALL: Self = Self((1 << FIRST_GROUP_BIT) - 1);

    /// Each column with its name in table `m`, in reading order.
    const NAMES: [(Self, &'static str); 8] = [
        (Self::RECORDED_AT, ", m.recorded_at"),
        (Self::POSITION, ", m.latitude, m.longitude"),
        (Self::PM1, ", m.pm1"),
        (Self::PM2_5, ", m.pm2_5"),
        (Self::PM4, ", m.pm4"),
        (Self::PM10, ", m.pm10"),
        (Self::FLAGS, ", m.flags"),
        (Self::TIME_UNCERTAINTY, ", m.time_uncertainty_s"),
    ];

    /// The presence of readings of a group.
    #[must_use]
    pub fn group(group: Group) -> Self {
        Self(1 << (FIRST_GROUP_BIT + group as u32))
    }

    /// A quantity of a group with a table of its own, and the presence of readings of the group.
    #[must_use]
    pub fn quantity(quantity: Quantity) -> Self {
        Self(1 << (FIRST_QUANTITY_BIT + quantity as u32)) | Self::group(quantity.definition().group)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The groups whose tables are joined.
    pub(super) fn groups(self) -> impl Iterator<Item = Group> {
        SIDE_TABLE_GROUPS.into_iter().filter(move |&group| self.has(Self::group(group)))
    }

    /// The selected quantities of a group.
    pub(super) fn quantities(self, group: Group) -> impl Iterator<Item = Quantity> {
        Quantity::in_group(group).filter(move |&quantity| self.has(Self::quantity(quantity)))
    }

    /// The select list of `measurement` as `m`.
    pub(super) fn select(self) -> String {
        let names = Self::NAMES.iter().filter(|(column, _)| self.has(*column)).map(|(_, name)| *name);
        std::iter::once("m.device_id, m.measured_at, m.seq").chain(names).collect()
    }

    /// The select list of the joined tables, which have their own names; follows the columns of `m`. Begins with a
    /// comma.
    pub(super) fn select_readings(self) -> String {
        let of_group = |group| {
            let table = table(group);
            let quantities =
                self.quantities(group).map(move |quantity| format!(", {table}.{}", quantity.definition().name));
            std::iter::once(format!(", {table}.seq is not null")).chain(quantities)
        };
        self.groups().flat_map(of_group).collect()
    }

    /// Parses a row, by column index: access by name costs a map lookup per value.
    pub(super) fn read(self, row: &PgRow) -> sqlx::Result<Measurement> {
        let mut next = 3;
        let mut column_index = |column, wide| {
            let at = self.has(column).then_some(next);
            next += at.map_or(0, |_| wide);
            at
        };
        Ok(Measurement {
            key: MeasurementKey {
                device_id: DeviceId(row.try_get(0)?),
                measured_at: row.try_get(1)?,
                seq: row.try_get(2)?,
            },
            recorded_at: value(row, column_index(Self::RECORDED_AT, 1))?.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
            position: match column_index(Self::POSITION, 2) {
                Some(at) => position(row.try_get(at)?, row.try_get(at + 1)?),
                None => None,
            },
            pm1: value(row, column_index(Self::PM1, 1))?,
            pm2_5: value(row, column_index(Self::PM2_5, 1))?,
            pm4: value(row, column_index(Self::PM4, 1))?,
            pm10: value(row, column_index(Self::PM10, 1))?,
            flags: value(row, column_index(Self::FLAGS, 1))?.map(QualityFlags::from_bits).unwrap_or_default(),
            time_uncertainty_s: value(row, column_index(Self::TIME_UNCERTAINTY, 1))?,
            readings: self.read_joined(row, next)?,
        })
    }

    /// Parses the readings of the joined tables, from this column on.
    fn read_joined(self, row: &PgRow, mut next: usize) -> sqlx::Result<JoinedReadings> {
        let mut readings = JoinedReadings::default();
        for group in self.groups() {
            readings.set_group(group, row.try_get(next)?);
            next += 1;
            for quantity in self.quantities(group) {
                if let Some(value) = row.try_get(next)? {
                    readings.set(quantity, value);
                }
                next += 1;
            }
        }
        Ok(readings)
    }
}

/// The value at this column index, if it was selected.
fn value<'r, T>(row: &'r PgRow, at: Option<usize>) -> sqlx::Result<Option<T>>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    at.map_or(Ok(None), |at| row.try_get(at))
}

impl BitOr for MeasurementProjection {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
