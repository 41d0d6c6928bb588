//! The sensors of a device, for firmware that sends a sensor id with a value instead of a quantity's name.

use std::collections::BTreeMap;

use super::quantity::Quantity;

/// The quantities of a device's sensors: at most [`Sensors::MAX`], by sensor id. Several may measure one quantity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sensors(BTreeMap<String, Quantity>);

/// No sensors, for formats that name quantities.
pub static NO_SENSORS: Sensors = Sensors(BTreeMap::new());

/// Why a sensor cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSensor {
    /// The id is empty.
    #[error("a sensor's id can't be empty")]
    Empty,
    /// The id has more than [`Sensors::MAX_ID_CHARS`] characters.
    #[error("a sensor's id has at most {} characters", Sensors::MAX_ID_CHARS)]
    TooLong,
    /// The id contains a control character.
    #[error("a sensor's id can't hold control characters")]
    ControlCharacter,
    /// The id begins or ends with white space, which is trimmed where values are read.
    #[error("a sensor's id can't begin or end with white space")]
    SurroundingSpace,
    /// The id is already registered.
    #[error("the list has a sensor with this id already")]
    Duplicate,
    /// There are too many.
    #[error("a device has at most {} sensors", Sensors::MAX_SENSORS)]
    TooMany,
}

impl Sensors {
    /// Maximum number of sensors of a device. A senseBox has about ten.
    pub const MAX_SENSORS: usize = 100;
    /// Maximum length of an id, in characters. openSenseMap's have 24.
    pub const MAX_ID_CHARS: usize = 64;

    /// Whether there are no sensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a sensor.
    ///
    /// # Errors
    /// If the id is invalid or already registered, or there are too many sensors.
    pub fn add(&mut self, id: String, quantity: Quantity) -> Result<(), InvalidSensor> {
        if id.is_empty() {
            Err(InvalidSensor::Empty)
        } else if id.chars().count() > Self::MAX_ID_CHARS {
            Err(InvalidSensor::TooLong)
        } else if id.chars().any(char::is_control) {
            Err(InvalidSensor::ControlCharacter)
        } else if id.trim() != id {
            Err(InvalidSensor::SurroundingSpace)
        } else if self.0.contains_key(&id) {
            Err(InvalidSensor::Duplicate)
        } else if self.0.len() >= Self::MAX_SENSORS {
            Err(InvalidSensor::TooMany)
        } else {
            self.0.insert(id, quantity);
            Ok(())
        }
    }

    /// Sensors read from the database, which has valid ones only.
    #[must_use]
    pub fn from_stored(sensors: impl IntoIterator<Item = (String, Quantity)>) -> Self {
        Self(sensors.into_iter().collect())
    }

    /// The quantity of the sensor with this id, if registered.
    #[must_use]
    pub fn quantity_of(&self, id: &str) -> Option<Quantity> {
        self.0.get(id).copied()
    }

    /// Ids and quantities, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(id, &quantity)| (id.as_str(), quantity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_is_found_by_its_id_and_two_may_measure_one_quantity() {
        let mut sensors = Sensors::default();
        for id in ["5a8600000000000000000001", "innen", "Ä 2"] {
            sensors.add(id.to_owned(), Quantity::Temperature).expect("a sensor");
        }
        assert_eq!(sensors.quantity_of("innen"), Some(Quantity::Temperature));
        assert_eq!(sensors.quantity_of("INNEN"), None);
        assert_eq!(sensors.iter().map(|(id, _)| id).collect::<Vec<_>>(), ["5a8600000000000000000001", "innen", "Ä 2"]);
    }

    #[test]
    fn invalid_and_excess_sensors_are_rejected() {
        let mut sensors = Sensors::default();
        let mut add = |id: &str| sensors.add(id.to_owned(), Quantity::Pm10);
        assert_eq!(add(""), Err(InvalidSensor::Empty));
        assert_eq!(add(" a"), Err(InvalidSensor::SurroundingSpace));
        assert_eq!(add("a\0b"), Err(InvalidSensor::ControlCharacter));
        assert_eq!(add(&"ß".repeat(65)), Err(InvalidSensor::TooLong));
        assert_eq!(add(&"ß".repeat(64)), Ok(()));
        assert_eq!(add(&"ß".repeat(64)), Err(InvalidSensor::Duplicate));
        for number in 1..Sensors::MAX_SENSORS {
            assert_eq!(add(&number.to_string()), Ok(()));
        }
        assert_eq!(add("one more"), Err(InvalidSensor::TooMany));
        assert_eq!(add("1"), Err(InvalidSensor::Duplicate));
    }
}
