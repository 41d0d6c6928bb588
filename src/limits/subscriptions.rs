//! Limits of GraphQL subscriptions.
//!
//! An idle subscription takes about 1 kB in addition to its connection. A channel (the events of one filter and
//! selection, shared by all equal subscriptions) takes about 2 kB and its filter. A dashboard has tens of
//! subscriptions, a school behind one address hundreds.

/// How many subscriptions and channels may exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionLimits {
    /// Subscriptions of one address without a key.
    pub max_per_address: usize,
    /// Subscriptions of one key.
    pub max_per_key: usize,
    /// Subscriptions of all callers together.
    pub max_total: usize,
    /// Channels that one address without a key subscribes to, in units of [`SubscriptionLimits::CHANNEL_UNIT_BYTES`].
    pub max_channels_per_address: usize,
    /// Channels that one key subscribes to, in the same units.
    pub max_channels_per_key: usize,
    /// Channels of all callers together, in the same units.
    pub max_channels_total: usize,
}

impl SubscriptionLimits {
    /// A channel counts once for each of these bytes of its filter and selection, and at least once.
    pub const CHANNEL_UNIT_BYTES: usize = 4096;
}

impl Default for SubscriptionLimits {
    fn default() -> Self {
        Self {
            max_per_address: 1000,
            max_per_key: 10_000,
            max_total: 50_000,
            max_channels_per_address: 500,
            max_channels_per_key: 2000,
            max_channels_total: 20_000,
        }
    }
}
