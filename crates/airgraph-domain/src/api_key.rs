//! Keys: who may do what.

use chrono::{DateTime, Utc};

use super::device::DeviceKey;

/// A key's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyId(pub i64);

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read.
    Reader,
    /// Read, and record measurements: of one device where the key names it, of any otherwise.
    Sensor,
    /// Everything.
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

    /// The role from what the database wrote. The least of them stands in for what a check constraint excludes.
    #[must_use]
    pub fn from_stored(role: &str) -> Self {
        match role {
            "admin" => Self::Admin,
            "sensor" => Self::Sensor,
            _ => Self::Reader,
        }
    }
}

/// A key as it is listed: everything but the key itself, which nobody has.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its row number.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// The one device it may write for, for a sensor's key that is bound to one. Kept when that device is deleted.
    pub device: Option<DeviceKey>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends to work by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key that created it; none for one from the command line or the environment.
    pub created_by: Option<ApiKeyId>,
}

impl ApiKey {
    /// Whether the key opens anything at this moment.
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}
