//! Quotas for subscriptions and channels, per caller and in total.

use crate::{
    api_error::ApiError,
    limits::{Limit, Permit, Quota, QuotaExceeded, SubscriptionLimits, rate_limit::CallerId},
    observability::metrics::refusals::Refusals,
};

/// Maximum size of stored events read ahead for all subscriptions of a caller, in bytes, and the minimum for each of
/// them.
const MAX_CATCH_UP_BYTES_PER_CALLER: usize = 8 << 20;
const MIN_CATCH_UP_BYTES: usize = 4 << 10;
const MAX_CATCH_UP_BYTES: usize = 128 << 10;

/// Maximum size of the events of one channel, and of all channels of a caller.
const MAX_RING_BYTES: usize = 16 << 20;
const MAX_RING_BYTES_PER_CALLER: usize = 64 << 20;

/// Permits for subscriptions and for channels. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quotas {
    limits: SubscriptionLimits,
    subscriptions: Quota<CallerId>,
    /// Channels of each caller. A channel with several callers counts for each of them.
    channels_by_caller: Quota<CallerId>,
    /// All channels, each once.
    channels: Quota<()>,
    refusals: Refusals,
}

impl Quotas {
    pub(super) fn new(limits: SubscriptionLimits, refusals: Refusals) -> Self {
        Self {
            subscriptions: Quota::new(0, limits.max_total),
            channels_by_caller: Quota::new(0, usize::MAX),
            channels: Quota::new(limits.max_channels_total, limits.max_channels_total),
            limits,
            refusals,
        }
    }

    /// Number of subscriptions of all callers.
    pub(super) fn subscriptions(&self) -> usize {
        self.subscriptions.in_use()
    }

    /// Maximum bytes of events in each channel of a caller.
    pub(super) fn ring_bytes(&self, caller: CallerId) -> usize {
        (MAX_RING_BYTES_PER_CALLER / self.channels_by_caller.held_by(&caller).max(1)).min(MAX_RING_BYTES)
    }

    /// Maximum bytes of stored events held for each subscription of a caller.
    pub(super) fn catch_up_bytes(&self, caller: CallerId) -> usize {
        let subscriptions = self.subscriptions.held_by(&caller);
        (MAX_CATCH_UP_BYTES_PER_CALLER / subscriptions.max(1)).clamp(MIN_CATCH_UP_BYTES, MAX_CATCH_UP_BYTES)
    }

    /// A permit for one more subscription of a caller.
    ///
    /// # Errors
    /// When the caller, or all callers together, have the maximum number.
    pub(super) fn subscription(&self, caller: CallerId) -> Result<Permit<CallerId>, ApiError> {
        let max = match caller {
            CallerId::Key(_) => self.limits.max_per_key,
            CallerId::Address(_) => self.limits.max_per_address,
        };
        self.subscriptions.try_acquire_up_to(&caller, 1, max).map_err(|exceeded| {
            self.refusals.refuse(match exceeded {
                QuotaExceeded::PerCaller => Limit::SubscriptionsPerCaller,
                QuotaExceeded::Total => Limit::Subscriptions,
            })
        })
    }

    /// A permit for a caller to subscribe to a channel of that size.
    ///
    /// # Errors
    /// When the caller has the maximum number of channels.
    pub(super) fn channel_of_caller(&self, caller: CallerId, bytes: usize) -> Result<Permit<CallerId>, ApiError> {
        let max = match caller {
            CallerId::Key(_) => self.limits.max_channels_per_key,
            CallerId::Address(_) => self.limits.max_channels_per_address,
        };
        let permit = self.channels_by_caller.try_acquire_up_to(&caller, units(bytes), max);
        permit.map_err(|_| self.refusals.refuse(Limit::SubscriptionChannelsPerCaller))
    }

    /// A permit for one more channel of that size.
    ///
    /// # Errors
    /// When there is the maximum number of channels.
    pub(super) fn channel(&self, bytes: usize) -> Result<Permit<()>, ApiError> {
        let permit = self.channels.try_acquire_up_to(&(), units(bytes), self.limits.max_channels_total);
        permit.map_err(|_| self.refusals.refuse(Limit::SubscriptionChannels))
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(SubscriptionLimits::CHANNEL_UNIT_BYTES).max(1)
}
