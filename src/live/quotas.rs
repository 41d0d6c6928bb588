//! How many subscriptions and channels each caller has, and all have together.

use crate::{
    budget::Payer,
    error::ApiError,
    limits::{Limit, Permit, Quota, QuotaExceeded, Refusals, SubscriptionLimits},
};

/// Permits for subscriptions and for channels. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quotas {
    limits: SubscriptionLimits,
    subscriptions: Quota<Payer>,
    /// What each caller uses of the channels. A channel with several callers counts for each of them.
    channels_by_caller: Quota<Payer>,
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

    /// Subscriptions of all callers.
    pub(super) fn subscriptions(&self) -> usize {
        self.subscriptions.in_use()
    }

    /// A permit for one more subscription of a caller.
    ///
    /// # Errors
    /// When the caller, or all callers together, have as many as they may.
    pub(super) fn subscription(&self, caller: Payer) -> Result<Permit<Payer>, ApiError> {
        let max = match caller {
            Payer::Key(_) => self.limits.max_per_key,
            Payer::Address(_) => self.limits.max_per_address,
        };
        self.subscriptions.try_acquire_many(&caller, 1, max).map_err(|exceeded| {
            self.refusals.refuse(match exceeded {
                QuotaExceeded::PerCaller => Limit::SubscriptionsPerCaller,
                QuotaExceeded::Total => Limit::Subscriptions,
            })
        })
    }

    /// A permit for a caller to subscribe to a channel of that size.
    ///
    /// # Errors
    /// When the caller subscribes to as many as it may.
    pub(super) fn channel_of_caller(&self, caller: Payer, bytes: usize) -> Result<Permit<Payer>, ApiError> {
        let max = match caller {
            Payer::Key(_) => self.limits.max_channels_per_key,
            Payer::Address(_) => self.limits.max_channels_per_address,
        };
        let permit = self.channels_by_caller.try_acquire_many(&caller, units(bytes), max);
        permit.map_err(|_| self.refusals.refuse(Limit::SubscriptionChannelsPerCaller))
    }

    /// A permit for one more channel of that size.
    ///
    /// # Errors
    /// When there are as many as there may be.
    pub(super) fn channel(&self, bytes: usize) -> Result<Permit<()>, ApiError> {
        let permit = self.channels.try_acquire_many(&(), units(bytes), self.limits.max_channels_total);
        permit.map_err(|_| self.refusals.refuse(Limit::SubscriptionChannels))
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(SubscriptionLimits::CHANNEL_UNIT_BYTES).max(1)
}
