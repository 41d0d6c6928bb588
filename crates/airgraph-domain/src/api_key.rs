//! API keys and their roles.

use chrono::{DateTime, Utc};

use super::device::DeviceKey;

/// Primary key of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyId(pub i64);

/// Permissions of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read.
    Reader,
    /// Read, and record measurements: for one device if the key is bound to one, otherwise for any.
    Sensor,
    /// Everything, including the administration of keys and devices.
    Admin,
}

impl Role {
    /// The role as the database and the command line write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Sensor => "sensor",
            Self::Admin => "admin",
        }
    }

    /// The role from its database value. An unknown value, which a check constraint excludes, is the least role.
    #[must_use]
    pub fn from_stored(role: &str) -> Self {
        match role {
            "admin" => Self::Admin,
            "sensor" => Self::Sensor,
            _ => Self::Reader,
        }
    }
}

/// Metadata of an API key. The secret itself is not stored; the database has its hash.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Primary key.
    pub id: ApiKeyId,
    /// Display name.
    pub name: String,
    /// Permissions.
    pub role: Role,
    /// The only device that the key may record for, if the key is bound to one. Kept when that device is deleted.
    pub device: Option<DeviceKey>,
    /// When the key was created.
    pub created_at: DateTime<Utc>,
    /// When the key expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the key was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When the key was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key that created it; `None` if it was created on the command line or by the environment.
    pub created_by: Option<ApiKeyId>,
}

impl ApiKey {
    /// Whether the key is valid at this time: neither expired nor revoked.
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
