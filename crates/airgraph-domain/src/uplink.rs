//! A stored uplink: what arrived, and what became of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{api_key::ApiKeyId, device::DeviceId};

/// What names a stored uplink; in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UplinkKey {
    /// When it arrived, in whole microseconds.
    pub received_at: DateTime<Utc>,
    /// Tells those apart that arrived at one moment.
    pub id: Uuid,
}

/// What became of an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UplinkOutcome {
    /// It was decoded, and its samples are stored.
    Recorded,
    /// It could not be decoded, and waits for a replay.
    Undecodable,
}

impl UplinkOutcome {
    /// The outcome as the database and the command line write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Undecodable => "undecodable",
        }
    }

    /// The outcome from what the database wrote, where a check constraint excludes anything else.
    #[must_use]
    pub fn from_stored(outcome: &str) -> Self {
        if outcome == "recorded" { Self::Recorded } else { Self::Undecodable }
    }
}

/// A stored uplink, without its body, which may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// What names it.
    pub key: UplinkKey,
    /// The decoder's name.
    pub format: String,
    /// The one device it spoke of.
    pub device_id: Option<DeviceId>,
    /// The key that vouched for it.
    pub api_key_id: Option<ApiKeyId>,
    /// What named the device outside the body.
    pub device_hint: Option<String>,
    /// What else the URL said of the body: a kind of event, `precision=ms`, `sensor=<id>`.
    pub event: Option<String>,
    /// LoRaWAN frame counter.
    pub frame_counter: Option<i64>,
    /// The size of what is kept of the body.
    pub bytes: i32,
    /// The size of the body, where it is not kept whole.
    pub cut_from: Option<i32>,
    /// What became of it.
    pub outcome: UplinkOutcome,
    /// Why it could not be decoded.
    pub error: Option<String>,
    /// Samples that it brought.
    pub recorded: i32,
    /// Samples that were stored before it came.
    pub duplicates: i32,
    /// Samples that can't be true.
    pub rejected: i32,
}
