//! Limits of shared resources: how much of each one caller may use, and how much all callers may use together.
//!
//! [`Limits`] holds every value with its default, one file a subject. Tests lower single values. A request that exceeds a
//! limit gets [`ApiError::LimitReached`], which names the limit and says when to retry; [`Refusals`] counts these errors
//! by limit.

mod quota;
mod recording;
mod refusals;
mod subscriptions;

use std::time::Duration;

pub use quota::{Permit, Quota, QuotaExceeded};
pub use recording::RecordingLimits;
pub use refusals::Refusals;
pub use subscriptions::SubscriptionLimits;

use crate::error::ApiError;

/// The values of all limits of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Subscriptions.
    pub subscriptions: SubscriptionLimits,
    /// Of what one key may add by recording.
    pub recording: RecordingLimits,
}

/// A limit of a shared resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Subscriptions of all callers together.
    Subscriptions,
    /// Subscriptions of one caller.
    SubscriptionsPerCaller,
    /// Different subscriptions of all callers together.
    SubscriptionChannels,
    /// Different subscriptions of one caller.
    SubscriptionChannelsPerCaller,
    /// Devices that a key adds in an hour.
    NewDevices,
    /// Months that a key needs new partitions for in an hour.
    NewMonths,
    /// Bytes of bodies that are kept of a key in a day.
    UplinkBytes,
    /// Room on the disk of the embedded Postgres.
    DiskSpace,
}

/// Whose use a limit bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One caller: a key, a device, or an address without a key. Refused with 429.
    Caller,
    /// All callers together. Refused with 503.
    Gateway,
}

impl Limit {
    /// The value of the label `limit` in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscriptions => "subscriptions",
            Self::SubscriptionsPerCaller => "subscriptions_per_caller",
            Self::SubscriptionChannels => "subscription_channels",
            Self::SubscriptionChannelsPerCaller => "subscription_channels_per_caller",
            Self::NewDevices => "new_devices",
            Self::NewMonths => "new_months",
            Self::UplinkBytes => "uplink_bytes",
            Self::DiskSpace => "disk_space",
        }
    }

    /// Whose use it bounds.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Subscriptions | Self::SubscriptionChannels | Self::DiskSpace => Scope::Gateway,
            Self::SubscriptionsPerCaller
            | Self::SubscriptionChannelsPerCaller
            | Self::NewDevices
            | Self::NewMonths
            | Self::UplinkBytes => Scope::Caller,
        }
    }

    /// What the client is told: what there is too much of, and what to do.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Subscriptions => "too many subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionsPerCaller => {
                "too many subscriptions of this key or address; end some, or retry in 30 seconds"
            }
            Self::SubscriptionChannels => "too many different subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionChannelsPerCaller => {
                "too many different subscriptions of this key or address; end some, or retry in 30 seconds"
            }
            Self::NewDevices => {
                "too many new devices with this key; send samples of fewer unknown devices, or register them"
            }
            Self::NewMonths => {
                "samples of too many new months with this key; send fewer, or upload them with an admin key"
            }
            Self::UplinkBytes => "too many bytes of undecodable bodies with this key; correct what is sent",
            Self::DiskSpace => "disk almost full, so undecodable bodies are not kept; retry later",
        }
    }

    /// When a client may retry.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::Subscriptions
            | Self::SubscriptionsPerCaller
            | Self::SubscriptionChannels
            | Self::SubscriptionChannelsPerCaller => Duration::from_secs(30),
            Self::NewDevices | Self::NewMonths | Self::UplinkBytes => Duration::from_hours(1),
            Self::DiskSpace => Duration::from_mins(10),
        }
    }
}

impl From<Limit> for ApiError {
    fn from(limit: Limit) -> Self {
        Self::LimitReached(limit)
    }
}
