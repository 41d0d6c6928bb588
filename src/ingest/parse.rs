//! What decoders share: reading JSON and positions, and saying what is wrong with them.

use serde::{Deserialize, de::MapAccess};

use super::DecodeError;
use crate::domain::position::Position;

/// Reads a body that is one JSON value.
///
/// # Errors
/// `MALFORMED_JSON` or `WRONG_TYPE`, with the place.
pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let code = if error.inner().is_data() { "WRONG_TYPE" } else { "MALFORMED_JSON" };
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        DecodeError::new(code, format!("{place}{}", error.inner()))
    })?;
    json.end().map_err(|error| DecodeError::new("MALFORMED_JSON", error.to_string()))?;
    Ok(parsed)
}

/// The entries of an object as they stand, so that a key that stands twice is seen.
pub(super) fn entries<'de, V: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, V)>, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = map.next_entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

/// The position of a sample, whose two coordinates are told together or not at all.
///
/// # Errors
/// A code and the reason why the sample is to be rejected.
pub(super) fn position(
    latitude: Option<f64>,
    longitude: Option<f64>,
) -> Result<Option<Position>, (&'static str, String)> {
    match (latitude, longitude) {
        (None, None) => Ok(None),
        (Some(latitude), Some(longitude)) => {
            Position::try_new(latitude, longitude).map(Some).map_err(|reason| ("INVALID_POSITION", reason.to_string()))
        }
        _ => Err(("INVALID_POSITION", "latitude and longitude must both be told, or neither".to_owned())),
    }
}
