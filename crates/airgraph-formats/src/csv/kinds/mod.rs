//! The kinds of files whose lines are samples, each with one file and one row of [`KINDS`]. Files whose lines are
//! single values are [`values`](super::values) and [`openaq`](super::openaq).

mod airgradient;
mod cleancycle;
mod plain;
mod sensor_community;

use airgraph_domain::{quantity::Quantity, unit::Unit};
use chrono::{NaiveDate, NaiveTime};

pub(super) use self::sensor_community::PARTICLE_COUNTER;
use crate::{
    parse::Reason,
    vocabulary::{self, SentUnit, Vocabulary},
};

/// A kind of file.
pub(super) struct FileKind {
    /// Its name, for messages.
    pub name: &'static str,
    /// Whether a file with these columns is one.
    pub recognises: fn(&[&str]) -> bool,
    /// The meaning of a column, if any.
    pub meaning: fn(&str) -> Option<ColumnMeaning>,
    /// Marks of a missing value.
    pub vocabulary: &'static Vocabulary,
    /// Prefix of the id in a device's key.
    pub device_prefix: &'static str,
    /// Whether the file is an archive of stations: they are fixed, and the device option names the device of
    /// every line.
    pub is_archive: bool,
    /// Whether the date option applies: times are those of a logger's clock.
    pub has_logger_clock: bool,
}

/// All kinds. The first that matches a header counts.
pub(super) const KINDS: &[FileKind] =
    &[sensor_community::ARCHIVE, airgradient::EXPORT, cleancycle::BACKUP, cleancycle::CARD, plain::PLAIN];

/// The meaning of a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum ColumnMeaning {
    Device,
    /// Date and time, or the time of day if another column has the date.
    Time,
    /// A date such as `2026-05-01`, beside a time of day.
    CalendarDate,
    Date(fn(&str, &str) -> Result<NaiveDate, Reason>),
    TimeOfDay(fn(&str, &str) -> Result<NaiveTime, Reason>),
    /// The type of sensor, in archives of Sensor.Community.
    SensorType,
    Latitude,
    Longitude,
    Quantity(Quantity, UnitConversion),
}

/// Conversion of a value into the unit of its quantity.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnitConversion {
    None,
    From(SentUnit),
}

impl ColumnMeaning {
    /// A quantity, in a unit.
    fn quantity(quantity: Quantity, unit: Unit) -> Self {
        Self::sent(quantity, SentUnit::Is(unit))
    }

    fn sent(quantity: Quantity, unit: SentUnit) -> Self {
        let is_own = unit == SentUnit::Is(Unit::for_quantity(quantity));
        Self::Quantity(quantity, if is_own { UnitConversion::None } else { UnitConversion::From(unit) })
    }

    /// Whether both are the same field of a sample, which may occur once only.
    pub fn is_same_field(self, other: Self) -> bool {
        match (self, other) {
            (Self::Quantity(one, _), Self::Quantity(other, _)) => one == other,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }
}

impl UnitConversion {
    /// The value in the unit of its quantity.
    pub fn apply(self, quantity: Quantity, value: f64) -> Option<f64> {
        match self {
            Self::None => Some(value),
            Self::From(unit) => unit.convert(quantity, value),
        }
    }
}

/// The meaning of a column in a vocabulary.
fn meaning_in_vocabulary(vocabulary: &Vocabulary, name: &str) -> Option<ColumnMeaning> {
    Some(match vocabulary.meaning(name)? {
        vocabulary::FieldMeaning::Latitude => ColumnMeaning::Latitude,
        vocabulary::FieldMeaning::Longitude => ColumnMeaning::Longitude,
        vocabulary::FieldMeaning::Quantity { quantity, unit, .. } => ColumnMeaning::sent(quantity, unit),
    })
}

fn contains_name(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}
