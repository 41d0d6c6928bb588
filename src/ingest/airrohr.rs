//! airRohr, the firmware of Sensor.Community, as it posts to an "own API".
//!
//! `{"esp8266id":"12345678","sensordatavalues":[{"value_type":"SDS_P1","value":"12.40"}, …]}`; what the names of the
//! values mean is said in [`value_type`](super::value_type). One body is one sample. It bears no time: the firmware
//! sends what it measured in the interval that has just ended, so the sample is up to that much older than its arrival.

use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::Ignored,
    parse,
    value_type::{Naming, Value, Values},
};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "airrohr";

/// The firmware's interval between two posts, in seconds, unless its owner set another.
const INTERVAL_S: i32 = 145;

#[derive(Deserialize)]
struct Body {
    esp8266id: Option<String>,
    sensordatavalues: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    value_type: String,
    value: serde_json::Value,
}

/// Decodes one body.
///
/// # Errors
/// When it isn't JSON of this shape, or nothing names the device.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: Body = parse::json(incoming.body)?;
    let device = device_key(incoming, &body)?;
    let mut ignored = Ignored::default();
    let mut values = Values::new(Naming::AirRohr);
    for Entry { value_type, value } in &body.sensordatavalues {
        let value = match value {
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Number(number) => number.as_f64().map_or(Value::Other, Value::Number),
            _ => Value::Other,
        };
        values.take(value_type, value, &mut ignored);
    }
    // A receiver without a fix makes a device mobile too: what it is on its first day is kept.
    let kind = if values.has_receiver { DeviceKind::Mobile } else { DeviceKind::Fixed };
    let mut decoded = Decoded { ignored: ignored.into_names(), ..Decoded::nothing(kind) };
    match values.sample(incoming.received_at) {
        Ok(mut sample) => {
            sample.time_uncertainty_s = Some(INTERVAL_S);
            sample.flags.insert(QualityFlag::EstimatedTime);
            decoded.observations.push(Observation { index: 0, device, sample });
        }
        Err((code, detail)) => decoded.rejected.push(Rejection { index: 0, code, detail }),
    }
    Ok(decoded)
}

/// The header `X-Sensor` (or the path), which tells the chip's family; else the chip's number in the body.
fn device_key(incoming: &Incoming<'_>, body: &Body) -> Result<DeviceKey, DecodeError> {
    let named = incoming.named.filter(|named| !named.is_empty());
    let chip = body.esp8266id.as_deref().filter(|id| !id.is_empty());
    let name = match (named, chip) {
        (Some(named), _) => named.to_owned(),
        (None, Some(id)) => format!("esp8266-{id}"),
        (None, None) => {
            return Err(DecodeError::new("MISSING_DEVICE", "X-Sensor or esp8266id must name the device"));
        }
    };
    DeviceKey::try_new(name).map_err(|reason| DecodeError::new("INVALID_DEVICE", reason.to_string()))
}

#[cfg(test)]
#[path = "airrohr_tests.rs"]
mod tests;
