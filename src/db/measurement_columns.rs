//! A page of measurements, column by column, as Postgres returns it as arrays.

use chrono::{DateTime, Utc};
use sqlx::{Error, postgres::PgRow};

use super::{
    DbError, binary_array,
    copy::POSTGRES_EPOCH_MICROS,
    measurement::position,
    measurement_projection::MeasurementProjection,
    measurement_readings::{MeasurementRows, ResultForm, sort_by_key},
};
use crate::domain::{
    device::DeviceId,
    joined_readings::JoinedReadings,
    measurement::{Measurement, MeasurementKey},
    position::Position,
    quality::QualityFlags,
    quantity::{Group, Quantity},
};

/// A page of measurements. A column that was not read has no values.
#[derive(Default)]
pub struct MeasurementColumns {
    /// The key of each measurement in the order of the list, and its index in the columns.
    keys: Vec<(MeasurementKey, usize)>,
    recorded_at: Vec<Option<DateTime<Utc>>>,
    /// NaN where there is none, as in the quantities.
    latitude: Vec<f64>,
    longitude: Vec<f64>,
    flags: Vec<i32>,
    time_uncertainty_s: Vec<Option<i32>>,
    /// By [`Quantity`], as far as they were read.
    quantities: Vec<QuantityColumn>,
    /// The groups of the joined tables, and whether each measurement has readings of them.
    groups: Vec<(Group, Vec<bool>)>,
}

/// The values of a quantity.
enum QuantityColumn {
    NotRead,
    Float32(Vec<f32>),
    Float64(Vec<f64>),
}

/// A measurement of a page.
#[derive(Clone, Copy)]
pub struct MeasurementRow<'a> {
    columns: &'a MeasurementColumns,
    /// Its key.
    pub key: MeasurementKey,
    index: usize,
}

/// A value as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoredValue {
    /// A particulate.
    Float32(f32),
    /// Any other quantity.
    Float64(f64),
}

impl MeasurementColumns {
    /// The measurements in the order of the list.
    pub fn rows(&self) -> impl Iterator<Item = MeasurementRow<'_>> {
        self.keys.iter().map(|&(key, index)| MeasurementRow { columns: self, key, index })
    }

    /// The keys of the measurements in the order of the list.
    #[must_use]
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = MeasurementKey> {
        self.keys.iter().map(|(key, _)| *key)
    }
}

impl MeasurementRow<'_> {
    /// When it was stored; 1970 if that was not read.
    #[must_use]
    pub fn recorded_at(self) -> DateTime<Utc> {
        self.get(&self.columns.recorded_at).flatten().unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
    }

    /// Where it was taken.
    #[must_use]
    pub fn position(self) -> Option<Position> {
        let degrees = |column| self.get(column).filter(|value: &f64| value.is_finite());
        position(degrees(&self.columns.latitude), degrees(&self.columns.longitude))
    }

    /// Quality flags.
    #[must_use]
    pub fn flags(self) -> QualityFlags {
        self.get(&self.columns.flags).map(QualityFlags::from_bits).unwrap_or_default()
    }

    /// Uncertainty of the time, in seconds.
    #[must_use]
    pub fn time_uncertainty_s(self) -> Option<i32> {
        self.get(&self.columns.time_uncertainty_s).flatten()
    }

    /// The value of a quantity. Numbers that are not finite (from manual SQL) count as missing.
    #[must_use]
    pub fn value(self, quantity: Quantity) -> Option<StoredValue> {
        match self.columns.quantities.get(quantity as usize)? {
            QuantityColumn::NotRead => None,
            QuantityColumn::Float32(values) => {
                self.get(values).filter(|value| value.is_finite()).map(StoredValue::Float32)
            }
            QuantityColumn::Float64(values) => {
                self.get(values).filter(|value| value.is_finite()).map(StoredValue::Float64)
            }
        }
    }

    /// The measurement as a whole.
    #[must_use]
    pub fn to_measurement(self) -> Measurement {
        let particulate = |quantity| match self.value(quantity) {
            Some(StoredValue::Float32(value)) => Some(value),
            Some(StoredValue::Float64(_)) | None => None,
        };
        Measurement {
            key: self.key,
            recorded_at: self.recorded_at(),
            position: self.position(),
            pm1: particulate(Quantity::Pm1),
            pm2_5: particulate(Quantity::Pm2_5),
            pm4: particulate(Quantity::Pm4),
            pm10: particulate(Quantity::Pm10),
            flags: self.flags(),
            time_uncertainty_s: self.time_uncertainty_s(),
            readings: self.joined_readings(),
        }
    }

    fn joined_readings(self) -> JoinedReadings {
        let mut readings = JoinedReadings::default();
        for (group, present) in &self.columns.groups {
            readings.set_group(*group, self.get(present).unwrap_or_default());
            for quantity in Quantity::in_group(*group) {
                if let Some(StoredValue::Float64(value)) = self.value(quantity) {
                    readings.set(quantity, value);
                }
            }
        }
        readings
    }

    fn get<T: Copy>(self, column: &[T]) -> Option<T> {
        column.get(self.index).copied()
    }
}

impl MeasurementRows for MeasurementColumns {
    fn form(_: i64) -> ResultForm {
        ResultForm::Arrays
    }

    fn read(rows: &[PgRow], columns: MeasurementProjection, _: ResultForm) -> Result<Self, DbError> {
        let [row] = rows else { return Err(Error::RowNotFound.into()) };
        Ok(ColumnReader { row, next: 0 }.read(columns)?)
    }

    fn sort(&mut self, descending: bool) {
        sort_by_key(&mut self.keys, |&(key, _)| key, descending);
    }

    fn row_count(&self) -> usize {
        self.keys.len()
    }
}

/// Reads the arrays of a row, one after the other.
struct ColumnReader<'a> {
    row: &'a PgRow,
    next: usize,
}

impl ColumnReader<'_> {
    /// All columns, in the order of [`MeasurementProjection::names`].
    fn read(mut self, columns: MeasurementProjection) -> Result<MeasurementColumns, Error> {
        let devices = self.array(None, |bytes| Some(Some(i64::from_be_bytes(bytes))))?;
        let (times, seqs) = (self.times()?, self.integers()?);
        let key = |(index, ((device, time), seq)): (usize, ((Option<i64>, Option<_>), i32))| {
            // The joins of readings may add rows without a measurement.
            let key = MeasurementKey { device_id: DeviceId(device?), measured_at: time?, seq };
            Some((key, index))
        };
        let mut keys = Vec::with_capacity(devices.len());
        keys.extend(devices.into_iter().zip(times).zip(seqs).enumerate().filter_map(key));
        let mut read = MeasurementColumns { keys, ..MeasurementColumns::default() };
        if columns.has(MeasurementProjection::RECORDED_AT) {
            read.recorded_at = self.times()?;
        }
        if columns.has(MeasurementProjection::POSITION) {
            (read.latitude, read.longitude) = (self.doubles()?, self.doubles()?);
        }
        read.quantities = Quantity::ALL.iter().map(|_| QuantityColumn::NotRead).collect();
        for quantity in [Quantity::Pm1, Quantity::Pm2_5, Quantity::Pm4, Quantity::Pm10] {
            if columns.has(MeasurementProjection::quantity(quantity)) {
                read.quantities[quantity as usize] = QuantityColumn::Float32(self.floats()?);
            }
        }
        if columns.has(MeasurementProjection::FLAGS) {
            read.flags = self.integers()?;
        }
        if columns.has(MeasurementProjection::TIME_UNCERTAINTY) {
            read.time_uncertainty_s = self.array(None, |bytes| Some(Some(i32::from_be_bytes(bytes))))?;
        }
        for group in columns.groups() {
            read.groups.push((group, self.array(false, |[byte]| Some(byte != 0))?));
            for quantity in columns.quantities(group) {
                read.quantities[quantity as usize] = QuantityColumn::Float64(self.doubles()?);
            }
        }
        Ok(read)
    }

    fn array<const N: usize, T: Copy>(
        &mut self,
        null: T,
        element: impl Fn([u8; N]) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        self.next += 1;
        binary_array::decode(self.row, self.next - 1, null, element)
    }

    fn integers(&mut self) -> Result<Vec<i32>, Error> {
        self.array(0, |bytes| Some(i32::from_be_bytes(bytes)))
    }

    fn floats(&mut self) -> Result<Vec<f32>, Error> {
        self.array(f32::NAN, |bytes| Some(f32::from_be_bytes(bytes)))
    }

    fn doubles(&mut self) -> Result<Vec<f64>, Error> {
        self.array(f64::NAN, |bytes| Some(f64::from_be_bytes(bytes)))
    }

    fn times(&mut self) -> Result<Vec<Option<DateTime<Utc>>>, Error> {
        self.array(None, |bytes| {
            let micros = i64::from_be_bytes(bytes).checked_add(POSTGRES_EPOCH_MICROS)?;
            DateTime::from_timestamp_micros(micros).map(Some)
        })
    }
}
