//! Sensor devices and what they call themselves.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{position::Position, text};

/// A device's row number. Only the database hands them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub i64);

/// What a sensor calls itself, such as `bike-07`: 1 to [`DeviceKey::MAX_CHARS`] characters that are displayed as themselves
/// ([`text::is_identifying`]), neither `<` nor `>`, no space at either end, no combining mark at the start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(Arc<str>); // shared: every sample of an upload bears it

/// Why a text is no device key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeviceKey {
    /// It has no characters.
    #[error("a device key can't be empty")]
    Empty,
    /// It has more than [`DeviceKey::MAX_CHARS`] characters.
    #[error("a device key has at most {} characters", DeviceKey::MAX_CHARS)]
    TooLong,
    /// It holds a control character.
    #[error("a device key can't hold control characters")]
    ControlCharacter,
    /// It holds a character that is not displayed as itself, or one of markup.
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
    /// The longest key, in characters.
    pub const MAX_CHARS: usize = 128;

    /// A key from foreign text, by which a device may be added.
    ///
    /// # Errors
    /// When the text breaks one of the rules above.
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

    /// A key from foreign text, by which a device is looked up: older databases have keys that [`try_new`](Self::try_new)
    /// refuses.
    ///
    /// # Errors
    /// When no device can have this key.
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

    /// A key read back from the database, where only valid ones are.
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
    /// Carried about: every sample has its own position.
    Mobile,
    /// Stays where it was put.
    Fixed,
}

impl DeviceKind {
    /// The kind as the database writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
        }
    }

    /// The kind from what the database wrote.
    #[must_use]
    pub fn from_stored(kind: &str) -> Self {
        if kind == "fixed" { Self::Fixed } else { Self::Mobile } // a check constraint admits these two
    }
}

/// A sensor device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its row number.
    pub id: DeviceId,
    /// What it calls itself.
    pub key: DeviceKey,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it moves.
    pub kind: DeviceKind,
    /// Where it stands, for a fixed device that told.
    pub position: Option<Position>,
    /// What its data may be used for.
    pub licence: Option<String>,
    /// Who is to be named when they are.
    pub attribution: Option<String>,
    /// When the gateway first heard of it.
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
