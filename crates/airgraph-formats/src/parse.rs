//! Shared parts of decoders: parsing of JSON and positions, with their error reasons.

use std::{collections::HashSet, fmt};

use airgraph_domain::{
    device::{DeviceKey, DeviceKind},
    position::Position,
    sample::Sample,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{
    DecodeError, Decoded, Observation, Rejection,
    ignored::{IgnoredNames, truncate_name},
};

/// Maximum number of samples in a body of JSON objects.
pub(super) const MAX_SAMPLES_PER_BODY: usize = 10_000;

/// Why a sample, or a part of it, is rejected: a code and the reason.
pub(super) type Reason = (&'static str, String);

/// A text without its UTF-8 byte order mark.
pub(super) fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The body is UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is UTF-16; send UTF-8")]
pub struct Utf16Error;

/// The text of a body without its byte order mark.
///
/// # Errors
/// If it is UTF-16: with a byte order mark, or JSON without one.
pub fn utf8_text(body: &[u8]) -> Result<&[u8], Utf16Error> {
    match body {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, _, 0, ..] | [0, b'{' | b'[', 0, ..] => Err(Utf16Error),
        _ => Ok(without_byte_order_mark(body)),
    }
}

/// Parses a body that is one JSON value, with or without a byte order mark.
///
/// # Errors
/// `MALFORMED_JSON` or `WRONG_TYPE`, with the path in the value.
pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    let text = utf8_text(body).map_err(|error| DecodeError::new("MALFORMED_JSON", error.to_string()))?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let code = if error.inner().is_data() { "WRONG_TYPE" } else { "MALFORMED_JSON" };
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        DecodeError::new(code, format!("{place}{}", error.inner()))
    })?;
    json.end().map_err(|error| DecodeError::new("MALFORMED_JSON", error.to_string()))?;
    Ok(parsed)
}

/// The entries of an object in their order, including duplicate keys.
pub(super) fn entries<'de, V: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, V)>, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = map.next_entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

/// Parses a finite number, with white space around it. `nan`, `inf` and hexadecimal digits are invalid.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_numeral = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_numeral && number.is_finite())
}

/// Decodes a body that is a JSON object, or an array of at most [`MAX_SAMPLES_PER_BODY`] objects; each is one sample,
/// called `noun` in errors. A bad object is rejected by itself.
///
/// # Errors
/// If the body isn't a JSON object or array, or has no sample or too many.
pub(super) fn samples(
    body: &[u8],
    noun: &str,
    sample: impl Fn(&JsonValue, &mut IgnoredNames) -> Result<(DeviceKey, Sample), Reason>,
) -> Result<Decoded, DecodeError> {
    let elements = match json(body)? {
        JsonValue::Array(elements) => elements,
        object @ JsonValue::Object(_) => vec![object],
        _ => return Err(DecodeError::new("WRONG_TYPE", "the body must be an object or an array of objects")),
    };
    if elements.is_empty() {
        return Err(DecodeError::new("MISSING_VALUES", format!("the array holds no {noun}")));
    }
    if elements.len() > MAX_SAMPLES_PER_BODY {
        let detail = format!("{} {noun}s; at most {MAX_SAMPLES_PER_BODY} in one body", elements.len());
        return Err(DecodeError::new("TOO_MANY_SAMPLES", detail));
    }
    let mut ignored = IgnoredNames::default();
    let mut decoded = Decoded::empty(DeviceKind::Fixed);
    for (index, element) in elements.iter().enumerate() {
        match sample(element, &mut ignored) {
            Ok((device, sample)) => decoded.observations.push(Observation { index, device, sample }),
            Err((code, detail)) => decoded.rejected.push(Rejection { index, code, detail }),
        }
    }
    Ok(Decoded { ignored: ignored.into_names(), ..decoded })
}

/// The position of a sample, which has either both coordinates or none.
///
/// # Errors
/// A code and the reason why the sample is rejected.
pub(super) fn position(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<Position>, Reason> {
    match (latitude, longitude) {
        (None, None) => Ok(None),
        (Some(latitude), Some(longitude)) => {
            Position::try_new(latitude, longitude).map(Some).map_err(|reason| ("INVALID_POSITION", reason.to_string()))
        }
        _ => Err(("INVALID_POSITION", "latitude and longitude must both be present, or neither".to_owned())),
    }
}

/// A JSON value with objects as lists of entries, so duplicate keys can be detected.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum JsonValue {
    Null,
    Boolean,
    Number(Number),
    Text(String),
    Array(Vec<JsonValue>),
    Object(Vec<(String, JsonValue)>),
}

impl JsonValue {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The entries of an object; none of any other value.
    pub(super) fn entries(&self) -> &[(String, JsonValue)] {
        if let Self::Object(entries) = self { entries } else { &[] }
    }

    /// The value of the first entry with this key, if this is an object.
    pub(super) fn get(&self, wanted: &str) -> Option<&JsonValue> {
        self.entries().iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }
}

/// The entries of an object; each key must be unique.
///
/// # Errors
/// `DUPLICATE_KEY`, with the key.
pub(super) fn check_distinct_keys(entries: &[(String, JsonValue)]) -> Result<&[(String, JsonValue)], Reason> {
    let mut seen = HashSet::new();
    match entries.iter().find(|(key, _)| !seen.insert(key.as_str())) {
        Some((key, _)) => Err(("DUPLICATE_KEY", format!("key {:?} occurs twice", truncate_name(key)))),
        None => Ok(entries),
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JsonVisitor;
        impl<'de> Visitor<'de> for JsonVisitor {
            type Value = JsonValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<JsonValue, E> {
                Ok(JsonValue::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<JsonValue, E> {
                Ok(JsonValue::Boolean)
            }

            fn visit_i64<E>(self, number: i64) -> Result<JsonValue, E> {
                Ok(JsonValue::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<JsonValue, E> {
                Ok(JsonValue::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<JsonValue, E> {
                Ok(Number::from_f64(number).map_or(JsonValue::Null, JsonValue::Number)) // JSON numbers are finite
            }

            fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
                Ok(JsonValue::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonValue, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(JsonValue::Array(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonValue, A::Error> {
                entries(map).map(JsonValue::Object)
            }
        }
        deserializer.deserialize_any(JsonVisitor)
    }
}
