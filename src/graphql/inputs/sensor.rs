//! Sensors of a device and the quantities they measure.

use async_graphql::{InputObject, MaybeUndefined};

use crate::{
    api_error::ApiError,
    domain::sensor::{InvalidSensor, Sensors},
    graphql::types::quantity::Quantity,
};

/// Single sensor of a device whose firmware sends values by sensor id (senseBox).
#[derive(Clone, Debug, InputObject)]
pub struct SensorInput {
    /// Id of the sensor, as sent by the firmware. At most 64 characters.
    sensor: String,
    /// Quantity the sensor measures. The values must have the unit of this quantity; pressure may also be in Pa.
    quantity: Quantity,
}

/// Checks a device's list of sensors. `argument` is its path in the request.
///
/// # Errors
/// Names the invalid sensor.
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

/// The new list of sensors; `None` when it does not change. Null removes all sensors.
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
