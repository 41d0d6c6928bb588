//! A single sensor of a device.

use async_graphql::SimpleObject;

use super::quantity::Quantity;
use crate::domain;

/// A single sensor of a device, whose values the firmware tells by the sensor's id.
#[derive(SimpleObject)]
pub struct Sensor {
    /// The sensor's id, as the firmware sends it.
    sensor: String,
    /// What it measures.
    quantity: Quantity,
}

impl Sensor {
    /// The sensors of a device, sorted by id.
    #[must_use]
    pub fn from_sensors(sensors: &domain::sensor::Sensors) -> Vec<Self> {
        sensors.iter().map(|(id, quantity)| Self { sensor: id.to_owned(), quantity: quantity.into() }).collect()
    }
}
