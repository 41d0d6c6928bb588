//! Single sensors of a device.

use async_graphql::SimpleObject;

use super::quantity::Quantity;
use crate::domain;

/// Single sensor of a device whose firmware sends values by sensor id (senseBox).
#[derive(SimpleObject)]
pub struct Sensor {
    /// Id of the sensor, as sent by the firmware.
    sensor: String,
    /// Quantity the sensor measures.
    quantity: Quantity,
}

impl Sensor {
    /// The sensors of a device, sorted by id.
    #[must_use]
    pub fn from_sensors(sensors: &domain::sensor::Sensors) -> Vec<Self> {
        sensors.iter().map(|(id, quantity)| Self { sensor: id.to_owned(), quantity: quantity.into() }).collect()
    }
}
