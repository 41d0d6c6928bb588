//! Stored uplinks: received bodies and the result of decoding them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{api_key::ApiKeyId, device::DeviceId};

/// Key of a stored uplink, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UplinkKey {
    /// When it arrived, in whole microseconds.
    pub received_at: DateTime<Utc>,
    /// Distinguishes uplinks that arrived at the same time.
    pub id: Uuid,
}

/// Outcome of an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UplinkOutcome {
    /// It was decoded, and its samples are stored.
    Recorded,
    /// It could not be decoded; a replay may decode it.
    Undecodable,
}

impl UplinkOutcome {
    /// The outcome's database and command-line value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Undecodable => "undecodable",
        }
    }

    /// The outcome of a database value; a check constraint excludes anything else.
    #[must_use]
    pub fn from_stored(outcome: &str) -> Self {
        if outcome == "recorded" { Self::Recorded } else { Self::Undecodable }
    }
}

/// A stored uplink without its body, which may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Its key.
    pub key: UplinkKey,
    /// The decoder's name.
    pub format: String,
    /// The device of the uplink, if it is exactly one.
    pub device_id: Option<DeviceId>,
    /// The API key of the request.
    pub api_key_id: Option<ApiKeyId>,
    /// The device key that was sent outside the body.
    pub device_hint: Option<String>,
    /// Further parameters of the URL: an event type, `precision=ms`, `sensor=<id>`.
    pub event: Option<String>,
    /// LoRaWAN frame counter.
    pub frame_counter: Option<i64>,
    /// Size of the stored body, in bytes.
    pub bytes: i32,
    /// Size of the received body, in bytes, if it is stored truncated.
    pub cut_from: Option<i32>,
    /// The outcome.
    pub outcome: UplinkOutcome,
    /// Why it could not be decoded.
    pub error: Option<String>,
    /// Number of samples in it.
    pub recorded: i32,
    /// Number of samples that were stored before.
    pub duplicates: i32,
    /// Number of samples with implausible times.
    pub rejected: i32,
}
