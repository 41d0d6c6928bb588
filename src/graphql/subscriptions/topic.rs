//! Topics of subscriptions, with checked arguments.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::{device::DeviceId, feed::FeedOffset, filter::Filter, interval::Interval, validity::CountedValues};

/// Topic of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Measurements that match the filter, as they are stored.
    Measurements(Filter),
    /// Changes of devices: of all, or of these (sorted).
    Devices(Option<Vec<DeviceId>>),
    /// Statistics of the current bucket.
    Statistics(CurrentStatistics),
}

impl Topic {
    /// Estimated memory, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let devices = |devices: &[DeviceId]| size_of_val(devices);
        match self {
            Self::Measurements(filter) => filter.size(),
            Self::Devices(selected) => devices(selected.as_deref().unwrap_or_default()),
            Self::Statistics(selected) => devices(&selected.devices),
        }
    }

    /// Whether its events have cursors of the feed to resume from.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        !matches!(self, Self::Statistics(_))
    }
}

/// Statistics of devices in the current bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CurrentStatistics {
    /// The devices, sorted.
    pub devices: Vec<DeviceId>,
    /// Length of buckets.
    pub every: Interval,
    /// Time zone of buckets.
    pub zone: Tz,
    /// Values that count.
    pub counted: CountedValues,
}

impl CurrentStatistics {
    /// Start and end of the bucket that contains `now`.
    #[must_use]
    pub fn bucket(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let after = now + TimeDelta::microseconds(1);
        // A span of one microsecond is in one bucket.
        let bounds = self.every.bounds(self.zone, now, after, 1).unwrap_or_default();
        (bounds.first().copied().unwrap_or(now), bounds.last().copied().unwrap_or(after))
    }
}

/// A subscription with checked arguments.
#[derive(Clone, Debug)]
pub struct SubscriptionRequest {
    /// Topic of the subscription.
    pub topic: Topic,
    /// Only events after this offset; `None` starts with the next event.
    pub after: Option<FeedOffset>,
}

/// Slot for the checked request, set by the resolver of a subscription; data of the GraphQL request.
#[derive(Clone, Debug, Default)]
pub(super) struct ResultSlot(Arc<Mutex<Option<SubscriptionRequest>>>);

impl ResultSlot {
    pub(super) fn set(&self, request: SubscriptionRequest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
    }

    pub(super) fn take(&self) -> Option<SubscriptionRequest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
