//! airRohr, the firmware of Sensor.Community, as it posts to an "own API".
//!
//! `{"esp8266id":"12345678","sensordatavalues":[{"value_type":"SDS_P1","value":"12.40"}, …]}`; the names of the values
//! are in [`vocabulary::airrohr`](super::vocabulary::airrohr). One body is one sample. It has no time: the firmware
//! sends what it measured in the interval that has just ended, so the sample is up to one interval older than its
//! arrival. The interval is a value of its own, in milliseconds; firmware that omits it uses 145 s.

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
};
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::IgnoredNames,
    parse::{self, JsonValue},
    vocabulary::{RawValue, SampleBuilder, airrohr::AIRROHR},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "airrohr";

/// Default interval between two posts of the firmware, in seconds.
const DEFAULT_INTERVAL_S: i32 = 145;
/// Maximum plausible interval, in milliseconds: a day.
const MAX_INTERVAL_MS: f64 = 86_400_000.0;

#[derive(Deserialize)]
struct AirrohrBody {
    esp8266id: Option<String>,
    sensordatavalues: Vec<JsonValue>,
}

/// Decodes one body.
///
/// # Errors
/// If it isn't JSON of this shape, or no device is named.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: AirrohrBody = parse::json(incoming.body)?;
    let device = device_key(incoming, &body)?;
    let mut ignored = IgnoredNames::default();
    let mut interval_s = DEFAULT_INTERVAL_S;
    let mut builder = SampleBuilder::new(&AIRROHR);
    for (place, entry) in body.sensordatavalues.iter().enumerate() {
        let Some(name) = entry.get("value_type").and_then(JsonValue::as_text) else {
            ignored.insert(&format!("sensordatavalues[{place}]"));
            continue;
        };
        let value = entry.get("value").map_or(RawValue::Null, RawValue::from);
        match name {
            "interval" => match interval(value) {
                Some(seconds) => interval_s = seconds,
                None => ignored.insert(name),
            },
            // Sent by the firmware while its receiver has no time.
            "GPS_timestamp" if matches!(value, RawValue::Text(text) if text.contains("1970")) => {}
            _ => builder.add(name, value, &mut ignored),
        }
    }
    let kind = if builder.has_receiver { DeviceKind::Mobile } else { DeviceKind::Fixed };
    let mut decoded = Decoded { ignored: ignored.into_names(), ..Decoded::empty(kind) };
    match builder.build(incoming.received_at) {
        Ok(mut sample) => {
            sample.time_uncertainty_s = Some(interval_s);
            sample.flags.insert(QualityFlag::EstimatedTime);
            decoded.observations.push(Observation { index: 0, device, sample });
        }
        Err((code, detail)) => decoded.rejected.push(Rejection { index: 0, code, detail }),
    }
    Ok(decoded)
}

/// The interval between two posts, in seconds.
fn interval(value: RawValue<'_>) -> Option<i32> {
    let milliseconds = value.number().filter(|value| (0.0..=MAX_INTERVAL_MS).contains(value))?;
    #[expect(clippy::cast_possible_truncation, reason = "at most a day, in seconds")]
    Some((milliseconds / 1000.0).ceil() as i32)
}

/// The header `X-Sensor` (or the path), which has the chip's family; else the chip's number in the body.
fn device_key(incoming: &Incoming<'_>, body: &AirrohrBody) -> Result<DeviceKey, DecodeError> {
    let named = incoming.device_hint.filter(|named| !named.is_empty());
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
