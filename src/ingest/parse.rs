//! What decoders share: reading JSON, and saying where it is wrong.

use serde::Deserialize;

use super::DecodeError;

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
