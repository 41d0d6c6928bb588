//! Checks of texts and positions.

use async_graphql::MaybeUndefined;

use crate::{
    api_error::ApiError,
    domain::{
        device::DeviceKey,
        position::{InvalidPosition, Position},
        text::is_printable,
    },
};

/// Maximum length of a name, licence or attribution, in characters.
const MAX_TEXT_CHARS: usize = 500;
/// Maximum length of a search text, in characters.
const MAX_SEARCH_CHARS: usize = 100;

/// A device key that may already be stored.
pub(in crate::graphql) fn stored_device_key(argument: &str, key: String) -> Result<DeviceKey, ApiError> {
    DeviceKey::try_stored(key).map_err(|reason| ApiError::bad_input(argument, reason))
}

/// A device key valid for a new device.
pub(in crate::graphql) fn device_key(argument: &str, key: String) -> Result<DeviceKey, ApiError> {
    DeviceKey::try_new(key).map_err(|reason| ApiError::bad_input(argument, reason))
}

/// Checks a text that is searched for.
pub(in crate::graphql) fn search(argument: &str, text: &str) -> Result<(), ApiError> {
    if (1..=MAX_SEARCH_CHARS).contains(&text.chars().count()) && !text.contains('\0') {
        Ok(())
    } else {
        let reason = format!("must have 1 to {MAX_SEARCH_CHARS} characters, none of them NUL");
        Err(ApiError::bad_input(argument, reason))
    }
}

/// A display text. Empty text is `None`.
pub(in crate::graphql) fn optional(argument: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_TEXT_CHARS {
        Err(ApiError::bad_input(argument, format!("longer than {MAX_TEXT_CHARS} characters")))
    } else if text.chars().any(char::is_control) {
        Err(ApiError::bad_input(argument, "holds control characters"))
    } else if let Some(hidden) = text.chars().find(|&char| !is_printable(char)) {
        Err(ApiError::bad_input(argument, format!("holds U+{:04X}, which is not displayed", u32::from(hidden))))
    } else {
        Ok(Some(text))
    }
}

/// The new value of a display text: unchanged when the field is absent, removed when it is null.
pub(in crate::graphql) fn patched(
    argument: &str,
    patch: MaybeUndefined<String>,
    current: Option<String>,
) -> Result<Option<String>, ApiError> {
    match patch {
        MaybeUndefined::Undefined => Ok(current),
        MaybeUndefined::Null => Ok(None),
        MaybeUndefined::Value(text) => optional(argument, Some(text)),
    }
}

/// A position from two arguments that must be given together.
pub(in crate::graphql) fn position(
    latitude: Option<f64>,
    longitude: Option<f64>,
) -> Result<Option<Position>, ApiError> {
    match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => Position::try_new(latitude, longitude).map(Some).map_err(|reason| {
            let argument = match reason {
                InvalidPosition::Latitude(_) => "latitude",
                InvalidPosition::Longitude(_) => "longitude",
            };
            ApiError::bad_input(argument, reason)
        }),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ApiError::bad_input("latitude", "required together with longitude")),
        (Some(_), None) => Err(ApiError::bad_input("longitude", "required together with latitude")),
    }
}
