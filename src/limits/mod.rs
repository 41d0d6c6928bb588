//! Limits of shared resources: how much of each one caller may use, and how much all callers may use together.
//!
//! [`Limits`] holds every value with its default, one file a subject. Tests lower single values. A request that exceeds a
//! limit gets [`ApiError::LimitReached`], which names the limit and says when to retry; [`Refusals`] counts these errors
//! by limit.

mod connections;
mod quota;
mod refusals;
mod subscriptions;

use std::time::Duration;

pub use connections::ConnectionLimits;
pub use quota::{Permit, Quota, QuotaExceeded};
pub use refusals::Refusals;
pub use subscriptions::SubscriptionLimits;

use crate::error::ApiError;

/// The values of all limits of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections.
    pub connections: ConnectionLimits,
    /// Subscriptions.
    pub subscriptions: SubscriptionLimits,
}

/// A limit of a shared resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Connections of one address.
    ConnectionsPerAddress,
    /// Connections of all clients.
    Connections,
    /// Time to send the head of a request.
    RequestHead,
    /// Time to read an answer.
    SlowReader,
    /// Subscriptions of all callers together.
    Subscriptions,
    /// Subscriptions of one caller.
    SubscriptionsPerCaller,
    /// Different subscriptions of all callers together.
    SubscriptionChannels,
    /// Different subscriptions of one caller.
    SubscriptionChannelsPerCaller,
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
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::Connections => "connections",
            Self::RequestHead => "request_head",
            Self::SlowReader => "slow_reader",
            Self::Subscriptions => "subscriptions",
            Self::SubscriptionsPerCaller => "subscriptions_per_caller",
            Self::SubscriptionChannels => "subscription_channels",
            Self::SubscriptionChannelsPerCaller => "subscription_channels_per_caller",
        }
    }

    /// Whose use it bounds.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::ConnectionsPerAddress | Self::RequestHead | Self::SlowReader => Scope::Caller,
            Self::Connections => Scope::Gateway,
            Self::Subscriptions | Self::SubscriptionChannels => Scope::Gateway,
            Self::SubscriptionsPerCaller | Self::SubscriptionChannelsPerCaller => Scope::Caller,
        }
    }

    /// What the client is told: what there is too much of, and what to do.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "too many connections from your address; close some",
            Self::Connections => "too many connections to this gateway; retry later",
            Self::RequestHead => "the request head was not sent in time",
            Self::SlowReader => "the answer was not read in time; request less at once",
            Self::Subscriptions => "too many subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionsPerCaller => {
                "too many subscriptions of this key or address; end some, or retry in 30 seconds"
            }
            Self::SubscriptionChannels => "too many different subscriptions on this gateway; retry in 30 seconds",
            Self::SubscriptionChannelsPerCaller => {
                "too many different subscriptions of this key or address; end some, or retry in 30 seconds"
            }
        }
    }

    /// When a client may retry.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::RequestHead | Self::SlowReader => Duration::from_secs(1),
            Self::ConnectionsPerAddress | Self::Connections => Duration::from_secs(10),
            Self::Subscriptions
            | Self::SubscriptionsPerCaller
            | Self::SubscriptionChannels
            | Self::SubscriptionChannelsPerCaller => Duration::from_secs(30),
        }
    }
}

impl From<Limit> for ApiError {
    fn from(limit: Limit) -> Self {
        Self::LimitReached(limit)
    }
}
