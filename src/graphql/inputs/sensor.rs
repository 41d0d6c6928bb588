//! What the sensors of a device measure.

use async_graphql::{InputObject, MaybeUndefined};

use crate::{
    api_error::ApiError,
    domain::sensor::{InvalidSensor, Sensors},
    graphql::types::quantity::Quantity,
};

/// A single sensor of a device, whose values the firmware tells by the sensor's id: a senseBox's.
#[derive(Clone, Debug, InputObject)]
pub struct SensorInput {
    /// The sensor's id, as the firmware sends it: at most 64 characters.
    sensor: String,
    /// What it measures, in the unit of this quantity; pressure may also come in pascals.
    quantity: Quantity,
}

/// A device's list of sensors, given as the argument `argument`.
///
/// # Errors
/// Names the sensor that can't be.
pub(super) fn check_sensors(argument: &str, inputs: Vec<SensorInput>) -> Result<Sensors, ApiError> {
    let mut sensors = Sensors::default();
    for (index, SensorInput { sensor, quantity }) in inputs.into_iter().enumerate() {
        sensors.add(sensor, quantity.into()).map_err(|reason| match reason {
            InvalidSensor::TooMany => ApiError::bad_input(argument, reason),
            _ => ApiError::bad_input(format!("{argument}[{index}].sensor"), reason),
        })?;
    }
    Ok(sensors)
}

/// The list that takes the place of the present one, where one is given; null takes all sensors away.
pub(super) fn check_sensors_patch(
    argument: &str,
    patch: MaybeUndefined<Vec<SensorInput>>,
) -> Result<Option<Sensors>, ApiError> {
    match patch {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(Sensors::default())),
        MaybeUndefined::Value(inputs) => check_sensors(argument, inputs).map(Some),
    }
}
