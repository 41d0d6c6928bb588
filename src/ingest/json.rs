//! Plain JSON, for anyone's own firmware: one object, or an array of them.
//!
//! `{"device":"bike-07","time":"2026-05-01T10:00:00Z","latitude":52.2,"longitude":0.12,"pm10":12.4,"pm2_5":6.8}`, with
//! every quantity by its name in [`Quantity`] and in its unit. What is `null` counts as not told. One bad object costs
//! itself, not its neighbours; only a body that isn't JSON (or holds a number beyond a 64-bit float, which the parser
//! takes for the same) is refused as a whole.

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::Ignored,
    parse::{self, Json, Reason},
};
use crate::domain::{
    device::{DeviceKey, DeviceKind},
    quality::QualityFlag,
    quantity::Quantity,
    sample::Sample,
};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "json";

/// Samples in a body at most.
const MAX_SAMPLES: usize = 10_000;

/// Decodes one body.
///
/// # Errors
/// When it isn't a JSON object or array, or holds too many samples.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let elements = match parse::json(incoming.body)? {
        Json::Array(elements) => elements,
        object @ Json::Object(_) => vec![object],
        _ => return Err(DecodeError::new("WRONG_TYPE", "the body must be an object or an array of objects")),
    };
    if elements.len() > MAX_SAMPLES {
        let detail = format!("{} samples; at most {MAX_SAMPLES} in one body", elements.len());
        return Err(DecodeError::new("TOO_MANY_SAMPLES", detail));
    }
    let mut ignored = Ignored::default();
    let mut decoded = Decoded::nothing(DeviceKind::Fixed);
    for (index, element) in elements.iter().enumerate() {
        match sample(element, incoming, &mut ignored) {
            Ok((device, sample)) => decoded.observations.push(Observation { index, device, sample }),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    if decoded.observations.iter().any(|seen| seen.sample.position.is_some()) {
        decoded.kind = DeviceKind::Mobile;
    }
    Ok(Decoded { ignored: ignored.into_names(), ..decoded })
}

fn sample(element: &Json, incoming: &Incoming<'_>, ignored: &mut Ignored) -> Result<(DeviceKey, Sample), Reason> {
    let Json::Object(entries) = element else {
        return Err(("WRONG_TYPE", "a sample must be an object".to_owned()));
    };
    let (mut device, mut latitude, mut longitude) = (incoming.named, None, None);
    let mut sample = Sample::new(incoming.received_at);
    sample.flags.insert(QualityFlag::EstimatedTime);
    for (key, value) in parse::distinct(entries)?.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            "device" => device = Some(text(key, value)?),
            "time" => {
                sample = Sample { readings: sample.readings, ..Sample::new(parse::time(key, text(key, value)?)?) }
            }
            "latitude" => latitude = Some(number(key, value)?),
            "longitude" => longitude = Some(number(key, value)?),
            _ => match Quantity::named(key) {
                Some(quantity) => sample
                    .readings
                    .set(quantity, number(key, value)?)
                    .map_err(|reason| ("INVALID_VALUE", reason.to_string()))?,
                None => ignored.insert(key),
            },
        }
    }
    let device = device.ok_or_else(|| ("MISSING_DEVICE", "\"device\" must name the device".to_owned()))?;
    let device = DeviceKey::try_new(device).map_err(|reason| ("INVALID_DEVICE", reason.to_string()))?;
    sample.position = parse::position(latitude, longitude)?;
    if sample.readings.is_empty() {
        return Err(("NO_VALUES", "not one value of a known quantity".to_owned()));
    }
    Ok((device, sample))
}

fn text<'a>(key: &str, value: &'a Json) -> Result<&'a str, Reason> {
    value.as_text().ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a text")))
}

fn number(key: &str, value: &Json) -> Result<f64, Reason> {
    value.as_number().ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a number, not a text or anything else")))
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
