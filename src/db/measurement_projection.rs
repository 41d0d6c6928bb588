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

/// Declares sets of columns of `measurement`, in reading order: the constant, and the end of the select list. A set is
/// read by [`MeasurementProjection::read`].
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $select:literal;)+) => {
        /// The bit of each set of columns.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "names of the constants")]
        enum Bit { $($name,)+ Count }

        impl MeasurementProjection {
            $($(#[$doc])* pub const $name: Self = Self(1 << Bit::$name as u32);)+

            /// Each set with its columns of table `m`, in reading order.
            const SELECT_LIST: [(Self, &'static str); Bit::Count as usize] = [$((Self::$name, $select)),+];
        }
    };
}

columns! {
    /// When it was stored.
    RECORDED_AT: ", m.recorded_at";
    /// Where it was taken.
    POSITION: ", m.latitude, m.longitude";
    /// PM1.
    PM1: ", m.pm1";
    /// PM2.5.
    PM2_5: ", m.pm2_5";
    /// PM4.
    PM4: ", m.pm4";
    /// PM10.
    PM10: ", m.pm10";
    /// Quality flags.
    FLAGS: ", m.flags";
    /// Uncertainty of the time, in seconds.
    TIME_UNCERTAINTY: ", m.time_uncertainty_s";
}

/// First bit of the groups, above those of `measurement`; one bit for each [`Group`].
const FIRST_GROUP_BIT: u32 = Bit::Count as u32;
/// First bit of the quantities, above those of the groups; one bit for each [`Quantity`].
const FIRST_QUANTITY_BIT: u32 = FIRST_GROUP_BIT + Group::Status as u32 + 1;
const _: () = assert!(Quantity::ALL.len() + FIRST_QUANTITY_BIT as usize <= 64, "a bit for each quantity");

impl MeasurementProjection {
    /// The key alone.
    pub const KEY: Self = Self(0);
    /// All columns of `measurement`.
    pub const ALL: Self = Self((1 << FIRST_GROUP_BIT) - 1);

    /// The presence of readings of a group.
    #[must_use]
    pub fn group(group: Group) -> Self {
        Self(1 << (FIRST_GROUP_BIT + group as u32))
    }

    /// A quantity; and for a group with a table of its own, the presence of its readings.
    #[must_use]
    pub fn quantity(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Pm1 => Self::PM1,
            Quantity::Pm2_5 => Self::PM2_5,
            Quantity::Pm4 => Self::PM4,
            Quantity::Pm10 => Self::PM10,
            _ => Self(1 << (FIRST_QUANTITY_BIT + quantity as u32)) | Self::group(quantity.definition().group),
        }
    }

    /// The columns of both.
    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it has all columns of the other.
    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The groups whose tables are joined.
    pub(super) fn groups(self) -> impl Iterator<Item = Group> {
        SIDE_TABLE_GROUPS.into_iter().filter(move |&group| self.has(Self::group(group)))
    }

    /// Whether tables of other readings are joined.
    #[must_use]
    pub fn is_joined(self) -> bool {
        self.groups().next().is_some()
    }

    /// The selected quantities of a group.
    pub(super) fn quantities(self, group: Group) -> impl Iterator<Item = Quantity> {
        Quantity::in_group(group).filter(move |&quantity| self.has(Self::quantity(quantity)))
    }

    /// The select list of `measurement` as `m`.
    pub(super) fn select(self) -> String {
        let names = Self::SELECT_LIST.iter().filter(|(column, _)| self.has(*column)).map(|(_, names)| *names);
        std::iter::once("m.device_id, m.measured_at, m.seq").chain(names).collect()
    }

    /// The names of all columns of a page `m`: those of [`Self::select`], then those of the joined tables:
    /// whether there are readings of the group, and its quantities.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        let own: Vec<_> = self.select().split(", ").map(str::to_owned).collect();
        let joined = self.groups().flat_map(move |group| {
            let names = self.quantities(group).map(|quantity| format!("m.{}", quantity.definition().name));
            std::iter::once(format!("m.has_{}", table(group))).chain(names)
        });
        own.into_iter().chain(joined)
    }

    /// The select list of the joined tables, which have their own names; follows the columns of `m`. Begins with a
    /// comma.
    pub(super) fn select_readings(self) -> String {
        let of_group = |group| {
            let table = table(group);
            let quantities =
                self.quantities(group).map(move |quantity| format!(", {table}.{}", quantity.definition().name));
            std::iter::once(format!(", {table}.seq is not null as has_{table}")).chain(quantities)
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
        self.union(other)
    }
}
