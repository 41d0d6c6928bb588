//! Plain JSON, for anyone's own firmware: one object, or an array of them.
//!
//! `{"device":"bike-07","time":"2026-05-01T10:00:00Z","latitude":52.2,"longitude":0.12,"pm10":12.4,"pm2_5":6.8}`, with
//! every quantity by its name in [`Quantity`] and in its unit. What is `null` counts as not told. One bad object costs
//! itself, not its neighbours; only a body that isn't JSON (or holds a number beyond a 64-bit float, which the parser
//! takes for the same) is refused as a whole.

use std::{collections::HashSet, fmt};

use chrono::{DateTime, Datelike as _, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    DecodeError, Decoded, Incoming, Observation, Rejection,
    ignored::{Ignored, shortened},
    parse,
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

/// Why one object is no sample: a code and the reason.
type Reason = (&'static str, String);

/// Decodes one body.
///
/// # Errors
/// When it isn't a JSON object or array, or holds too many samples.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let Body(elements) = parse::json(incoming.body)?;
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

fn sample(element: &Element, incoming: &Incoming<'_>, ignored: &mut Ignored) -> Result<(DeviceKey, Sample), Reason> {
    let Element::Object(entries) = element else {
        return Err(("WRONG_TYPE", "a sample must be an object".to_owned()));
    };
    let mut seen = HashSet::new();
    if let Some((key, _)) = entries.iter().find(|(key, _)| !seen.insert(key.as_str())) {
        return Err(("DUPLICATE_KEY", format!("key {:?} stands twice", shortened(key))));
    }
    let (mut device, mut latitude, mut longitude) = (incoming.named, None, None);
    let mut sample = Sample::new(incoming.received_at);
    sample.flags.insert(QualityFlag::EstimatedTime);
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            "device" => device = Some(text(key, value)?),
            "time" => sample = Sample { readings: sample.readings, ..Sample::new(time(text(key, value)?)?) },
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

fn time(text: &str) -> Result<DateTime<Utc>, Reason> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    // The offset may carry the last day of 9999 into a year that RFC 3339 can't write.
    time.ok().filter(|time| (0..=9999).contains(&time.year())).ok_or_else(|| {
        ("INVALID_TIME", format!("time: {:?} is no time like 2026-05-01T10:00:00Z (RFC 3339)", shortened(text)))
    })
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, Reason> {
    value.as_str().ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a text")))
}

fn number(key: &str, value: &Value) -> Result<f64, Reason> {
    value.as_f64().ok_or_else(|| ("WRONG_TYPE", format!("{key} must be a number, not a text or anything else")))
}

/// The samples of a body.
struct Body(Vec<Element>);

/// What should be a sample. Not a map: which keys stand twice must show.
enum Element {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BodyVisitor;
        impl<'de> Visitor<'de> for BodyVisitor {
            type Value = Body;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Body, A::Error> {
                Ok(Body(vec![Element::Object(parse::entries(map)?)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Body, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Body(elements))
            }
        }
        deserializer.deserialize_any(BodyVisitor)
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementVisitor;
        impl<'de> Visitor<'de> for ElementVisitor {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                parse::entries(map).map(Element::Object)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Element::Other)
            }

            fn visit_unit<E>(self) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Element, E> {
                Ok(Element::Other)
            }
        }
        deserializer.deserialize_any(ElementVisitor)
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
