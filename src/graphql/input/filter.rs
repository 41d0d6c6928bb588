//! Which measurements.

use async_graphql::{Enum, InputObject};

use crate::{
    db::measurement_page::{self, ValueRange},
    domain::{device::DeviceKey, quantity::Quantity},
    error::ApiError,
    graphql::{input::text, scalar::DateTime},
};

/// Device keys in one filter at most.
const MAX_DEVICES: usize = 1000;

/// A moment, as the database takes it.
type Moment = chrono::DateTime<chrono::Utc>;

/// A span of time.
#[derive(Clone, Debug, InputObject)]
pub struct TimeRange {
    /// Not before this moment.
    from: Option<DateTime>,
    /// Before this moment.
    to: Option<DateTime>,
}

/// A range of values, both ends included.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct FloatRange {
    /// Not below this.
    min: Option<f64>,
    /// Not above this.
    max: Option<f64>,
}

/// Which measurements are meant. All conditions must hold; a measurement that doesn't tell a quantity fails a condition
/// on it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MeasurementFilter {
    /// Of the devices with these keys; at most 1000.
    devices: Option<Vec<String>>,
    /// Taken in this span.
    measured_at: Option<TimeRange>,
    /// PM1 in this range, in `ug/m3`.
    pm1: Option<FloatRange>,
    /// PM2.5 in this range, in `ug/m3`.
    pm25: Option<FloatRange>,
    /// PM4 in this range, in `ug/m3`.
    pm4: Option<FloatRange>,
    /// PM10 in this range, in `ug/m3`.
    pm10: Option<FloatRange>,
}

/// The order of a list of measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum MeasurementOrder {
    /// Oldest first.
    MeasuredAtAsc,
    /// Newest first.
    #[default]
    MeasuredAtDesc,
}

/// A checked filter.
#[derive(Clone, Debug)]
pub struct CheckedFilter {
    /// The devices it names, where it names any.
    pub devices: Option<Vec<DeviceKey>>,
    /// The rest of it.
    pub filter: measurement_page::MeasurementFilter,
}

impl TimeRange {
    /// Checks the span, given as this argument: its first moment, and the first one after it.
    pub(super) fn check(self, argument: &str) -> Result<(Option<Moment>, Option<Moment>), ApiError> {
        let (from, to) = (self.from.map(|time| time.0), self.to.map(|time| time.0));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(ApiError::bad_input(argument, "`from` must be before `to`"));
        }
        Ok((from, to))
    }
}

impl MeasurementFilter {
    /// Checks the filter, given as the argument `filter`.
    ///
    /// # Errors
    /// Names the argument that can't be.
    pub fn check(self) -> Result<CheckedFilter, ApiError> {
        let devices = self.devices.map(check_devices).transpose()?;
        let (from, to) = match self.measured_at {
            Some(range) => range.check("filter.measuredAt")?,
            None => (None, None),
        };
        let named = [
            ("filter.pm1", Quantity::Pm1, self.pm1),
            ("filter.pm25", Quantity::Pm2_5, self.pm25),
            ("filter.pm4", Quantity::Pm4, self.pm4),
            ("filter.pm10", Quantity::Pm10, self.pm10),
        ];
        let mut ranges = Vec::new();
        for (argument, quantity, range) in named {
            if let Some(range) = range {
                ranges.push((quantity, check_range(argument, range)?));
            }
        }
        let filter = measurement_page::MeasurementFilter { from, to, ranges };
        Ok(CheckedFilter { devices, filter })
    }
}

/// The device keys of the argument `filter.devices`.
pub(super) fn check_devices(keys: Vec<String>) -> Result<Vec<DeviceKey>, ApiError> {
    if keys.len() > MAX_DEVICES {
        return Err(ApiError::bad_input("filter.devices", format!("{} keys; at most {MAX_DEVICES}", keys.len())));
    }
    let mut keys = keys
        .into_iter()
        .enumerate()
        .map(|(at, key)| text::device_key(&format!("filter.devices[{at}]"), key))
        .collect::<Result<Vec<_>, _>>()?;
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn check_range(argument: &str, FloatRange { min, max }: FloatRange) -> Result<ValueRange, ApiError> {
    for (end, value) in [("min", min), ("max", max)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(ApiError::bad_input(format!("{argument}.{end}"), format!("{value} is not a finite number")));
        }
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(ApiError::bad_input(argument, "`min` must not be above `max`"));
    }
    Ok(ValueRange { min, max })
}
