//! Devices and their keys.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{position::Position, text};

/// Primary key of a device, assigned by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub i64);

/// The name that a sensor sends, such as `bike-07`: 1 to [`DeviceKey::MAX_CHARS`] visible characters
/// ([`text::is_identifying`]), neither `<` nor `>`, no space at either end, no combining mark at the start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(Arc<str>); // shared by every sample of an upload

/// Why a text is not a valid device key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeviceKey {
    /// It has no characters.
    #[error("a device key can't be empty")]
    Empty,
    /// It has more than [`DeviceKey::MAX_CHARS`] characters.
    #[error("a device key has at most {} characters", DeviceKey::MAX_CHARS)]
    TooLong,
    /// It contains a control character.
    #[error("a device key can't hold control characters")]
    ControlCharacter,
    /// It contains an invisible character, or one of markup.
    #[error("a device key can't hold U+{:04X}", u32::from(*.0))]
    ForbiddenCharacter(char),
    /// It begins with a combining mark.
    #[error("a device key can't begin with a combining mark")]
    LeadingCombiningMark,
    /// It begins or ends with white space.
    #[error("a device key can't begin or end with white space")]
    SurroundingSpace,
}

impl DeviceKey {
    /// Maximum length of a key, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Parses an external text as the key of a device that may be created.
    ///
    /// # Errors
    /// If the text violates one of the rules above.
    pub fn try_new(key: impl Into<String>) -> Result<Self, InvalidDeviceKey> {
        let key = Self::try_stored(key)?;
        let is_forbidden = |char: &char| !text::is_identifying(*char) || matches!(char, '<' | '>');
        if let Some(forbidden) = key.0.chars().find(is_forbidden) {
            return Err(InvalidDeviceKey::ForbiddenCharacter(forbidden));
        }
        if key.0.chars().next().is_some_and(text::is_mark) {
            Err(InvalidDeviceKey::LeadingCombiningMark)
        } else {
            Ok(key)
        }
    }

    /// Parses an external text as a key for lookups: older databases have keys that [`try_new`](Self::try_new)
    /// rejects.
    ///
    /// # Errors
    /// If no device can have this key.
    pub fn try_stored(key: impl Into<String>) -> Result<Self, InvalidDeviceKey> {
        let key = key.into();
        if key.is_empty() {
            Err(InvalidDeviceKey::Empty)
        } else if key.chars().count() > Self::MAX_CHARS {
            Err(InvalidDeviceKey::TooLong)
        } else if key.chars().any(char::is_control) {
            Err(InvalidDeviceKey::ControlCharacter)
        } else if key.trim() != key {
            Err(InvalidDeviceKey::SurroundingSpace)
        } else {
            Ok(Self(key.into()))
        }
    }

    /// A key read from the database, which has valid keys only.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key.into())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a device moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Moves: every sample has its own position.
    Mobile,
    /// Has one position.
    Fixed,
}

impl DeviceKind {
    /// The kind's database value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
        }
    }

    /// The kind of a database value.
    #[must_use]
    pub fn from_stored(kind: &str) -> Self {
        if kind == "fixed" { Self::Fixed } else { Self::Mobile } // a check constraint admits these two
    }
}

/// A sensor device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Primary key.
    pub id: DeviceId,
    /// The key that its sensor sends.
    pub key: DeviceKey,
    /// Display name.
    pub name: Option<String>,
    /// Whether it moves.
    pub kind: DeviceKind,
    /// Position of a fixed device, if known.
    pub position: Option<Position>,
    /// Licence of its data.
    pub licence: Option<String>,
    /// Attribution that the licence requires.
    pub attribution: Option<String>,
    /// When the device was created in the gateway.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensor_identifiers_are_valid_keys() {
        for key in
            ["bike-07", "esp8266-12345678", "airgradient:84fce612eff4", "Schule Nord 2", "школа", "0004A30B001C0530"]
        {
            assert_eq!(DeviceKey::try_new(key).expect("a key").as_str(), key);
        }
        assert!(DeviceKey::try_new("x".repeat(128)).is_ok());
    }

    #[test]
    fn invalid_keys_are_rejected() {
        assert_eq!(DeviceKey::try_new(""), Err(InvalidDeviceKey::Empty));
        assert_eq!(DeviceKey::try_new("x".repeat(129)), Err(InvalidDeviceKey::TooLong));
        assert_eq!(DeviceKey::try_new("bike\0"), Err(InvalidDeviceKey::ControlCharacter));
        assert_eq!(DeviceKey::try_new(" bike"), Err(InvalidDeviceKey::SurroundingSpace));
        for (key, forbidden) in [
            ("bike\u{202e}70-ekib", '\u{202e}'),
            ("bike\u{200b}", '\u{200b}'),
            ("bi\u{200d}ke", '\u{200d}'),
            ("bike\u{e000}", '\u{e000}'),
            ("bike\u{378}", '\u{378}'),
            ("bike\u{a0}7", '\u{a0}'),
            ("<img onerror=1>", '<'),
        ] {
            assert_eq!(DeviceKey::try_new(key), Err(InvalidDeviceKey::ForbiddenCharacter(forbidden)), "{key:?}");
            assert!(DeviceKey::try_stored(key).is_ok(), "it is found where it is stored: {key:?}");
        }
        assert_eq!(DeviceKey::try_new("\u{301}bike"), Err(InvalidDeviceKey::LeadingCombiningMark));
    }
}
