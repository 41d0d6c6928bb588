//! Plain JSON for custom firmware: one object, or an array of objects.
//!
//! `{"device":"bike-07","time":"2026-05-01T10:00:00Z","latitude":52.2,"longitude":0.12,"pm10":12.4,"pm2_5":6.8}`, with
//! every quantity by one of its names ([`vocabulary::general`](super::vocabulary)), in its own unit or in the one that
//! the name ends with. `null` means no value; a number may be a text. An unreadable field is ignored by itself, and a
//! bad object is rejected by itself; only a body that isn't JSON (or has a number beyond a 64-bit float, which the
//! parser treats alike) is rejected as a whole.

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    sample::Sample,
};
use chrono::{DateTime, Utc};

use super::{
    DecodeError, Decoded, Incoming,
    ignored::IgnoredNames,
    parse::{self, JsonValue, Reason},
    timestamp::{self, ZoneRule},
    vocabulary::{PLAIN, RawValue, SampleBuilder},
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "json";

/// Decodes one body.
///
/// # Errors
/// If it isn't a JSON object or array, or has too many samples.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let mut decoded = parse::samples(incoming.body, "sample", |element, ignored| sample(element, incoming, ignored))?;
    if decoded.observations.iter().any(|seen| seen.sample.position.is_some()) {
        decoded.kind = DeviceKind::Mobile;
    }
    Ok(decoded)
}

fn sample(
    element: &JsonValue,
    incoming: &Incoming<'_>,
    ignored: &mut IgnoredNames,
) -> Result<(DeviceKey, Sample), Reason> {
    let JsonValue::Object(entries) = element else {
        return Err(("WRONG_TYPE", "a sample must be an object".to_owned()));
    };
    let (mut device, mut measured_at) = (incoming.device_hint, None);
    let mut builder = SampleBuilder::new(&PLAIN);
    for (key, value) in parse::check_distinct_keys(entries)?.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            "device" => {
                device = Some(value.as_text().ok_or_else(|| ("WRONG_TYPE", "device must be a text".to_owned()))?);
            }
            "time" | "timestamp" => measured_at = Some(time(key, value)?),
            _ => builder.add(key, RawValue::from(value), ignored),
        }
    }
    let device = device.ok_or_else(|| ("MISSING_DEVICE", "\"device\" must name the device".to_owned()))?;
    let device = DeviceKey::try_new(device).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
    let mut sample = builder.build(measured_at.unwrap_or(incoming.received_at))?;
    if measured_at.is_none() {
        sample.flags.insert(QualityFlag::EstimatedTime);
    }
    Ok((device, sample))
}

/// The time of a sample: RFC 3339, or seconds or milliseconds since 1970.
fn time(key: &str, value: &JsonValue) -> Result<DateTime<Utc>, Reason> {
    match value {
        JsonValue::Number(number) => timestamp::epoch(key, number.as_f64().unwrap_or(f64::NAN)),
        JsonValue::Text(text) => timestamp::parse(key, text, ZoneRule::Required),
        _ => Err(("WRONG_TYPE", format!("{key} must be a time such as 2026-05-01T10:00:00Z"))),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
