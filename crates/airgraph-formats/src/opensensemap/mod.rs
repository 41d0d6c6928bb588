//! openSenseMap's `POST /boxes/<id>/data` and `POST /boxes/<id>/<sensorId>`, as sent by senseBox firmware.
//!
//! A body is values, each with its sensor's id; the device's registration defines the quantities. Three forms:
//!
//! - array: `[{"sensor":"5a86…","value":"6.38","createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972,66.6]}, …]`
//! - object: `{"5a86…":"6.38","5a87…":["6.38","2026-05-01T10:00:00Z",[7.684,51.972]], …}`
//! - CSV: `5a86…,6.38,2026-05-01T10:00:00Z,7.684,51.972,66.6`, one value in each line
//!
//! With a sensor in the path ([`Incoming::event`] is `sensor=<id>`) the body is one value without its sensor:
//! `{"value":22.5,"createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972]}`. (With `?luftdaten=1` the body is
//! [airRohr's](super::airrohr), and stored as such.)
//!
//! **Longitude comes first**; the height is the altitude. Time, position and height may be omitted. Values of one time
//! and position are one sample ([`MomentGatherer`]); without a time that of arrival counts.
//!
//! The first byte determines the form, not the media type: a sensor's id begins with neither bracket, and a stored
//! body that is decoded again has no media type.

pub(crate) mod csv;
mod json;
mod moments;
#[cfg(test)]
mod tests;
mod value;

use airgraph_domain::device::{DeviceKey, DeviceKind};

pub(crate) use self::moments::{GatheredMoments, MomentGatherer};
use super::{DecodeError, Decoded, Incoming, Observation};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "opensensemap";

/// Maximum number of values in a body: openSenseMap's own limit.
const MAX_VALUES: usize = 2500;
/// Maximum number of unknown sensors in an error.
const MAX_LISTED_SENSORS: usize = 3;

/// Decodes one body.
///
/// # Errors
/// If the path has no device, the body is none of the forms or has too many values, or none of its sensors is
/// registered.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let device = match incoming.device_hint.map(DeviceKey::try_new) {
        Some(Ok(device)) => device,
        Some(Err(reason)) => return Err(DecodeError::new("INVALID_DEVICE", format!("the path: {reason}"))),
        None => return Err(DecodeError::new("MISSING_DEVICE", "the path must name the device")),
    };
    let mut moments = MomentGatherer::new(incoming.sensors, incoming.received_at);
    if let Some(sensor) = incoming.event.and_then(|event| event.strip_prefix("sensor=")) {
        json::read_single(incoming.body, sensor, &mut moments)?;
        return gathered(&device, moments.finish());
    }
    match incoming.body.trim_ascii_start().first() {
        Some(b'[' | b'{') => json::read(incoming.body, &mut moments)?,
        Some(_) => csv::read(incoming.body, &mut moments)?,
        None => {}
    }
    gathered(&device, moments.finish())
}

fn gathered(device: &DeviceKey, gathered: GatheredMoments) -> Result<Decoded, DecodeError> {
    let GatheredMoments { samples, rejected, unknown, has_known_sensor } = gathered;
    if samples.is_empty() && rejected.is_empty() && unknown.is_empty() {
        return Err(DecodeError::new("MISSING_VALUES", "the body holds not one value"));
    }
    if !has_known_sensor && !unknown.is_empty() {
        return Err(unknown_sensors(device, &unknown));
    }
    let is_placed = samples.iter().any(|(_, sample)| sample.position.is_some());
    let kind = if is_placed { DeviceKind::Mobile } else { DeviceKind::Fixed };
    let observations =
        samples.into_iter().map(|(index, sample)| Observation { index, device: device.clone(), sample }).collect();
    Ok(Decoded { observations, rejected, ignored: unknown, ..Decoded::empty(kind) })
}

fn unknown_sensors(device: &DeviceKey, unknown: &[String]) -> DecodeError {
    let named: Vec<_> = unknown.iter().take(MAX_LISTED_SENSORS).map(|id| format!("{id:?}")).collect();
    let more = if unknown.len() > MAX_LISTED_SENSORS { ", …" } else { "" };
    let detail = format!(
        "not one of these sensors is registered with device {device}: {}{more}; register their quantities by registerDevice \
         or updateDevice, as in sensors: [{{sensor: {}, quantity: PM2_5}}]",
        named.join(", "),
        named[0]
    );
    DecodeError::new("UNKNOWN_SENSORS", detail)
}

fn check_value_count(values: usize) -> Result<(), DecodeError> {
    if values > MAX_VALUES {
        return Err(DecodeError::new("TOO_MANY_VALUES", format!("at most {MAX_VALUES} values in one body")));
    }
    Ok(())
}
