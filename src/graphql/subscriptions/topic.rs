//! What is subscribed to, its arguments checked.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::{device::DeviceId, feed::FeedOffset, filter::Filter, interval::Interval, validity::CountedValues};

/// What is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Measurements that the filter lets through, as they are stored.
    Measurements(Filter),
    /// Devices of which something changes; only these, sorted, where they are named.
    Devices(Option<Vec<DeviceId>>),
    /// Statistics of the present bucket.
    Statistics(CurrentStatistics),
}

impl Topic {
    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let devices = |devices: &[DeviceId]| size_of_val(devices);
        match self {
            Self::Measurements(filter) => filter.size(),
            Self::Devices(wanted) => devices(wanted.as_deref().unwrap_or_default()),
            Self::Statistics(wanted) => devices(&wanted.devices),
        }
    }

    /// Whether its events have places in the feed, to be resumed at.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        !matches!(self, Self::Statistics(_))
    }
}

/// Statistics of some devices, of the bucket that now lies in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CurrentStatistics {
    /// The devices, sorted.
    pub devices: Vec<DeviceId>,
    /// How long buckets are.
    pub every: Interval,
    /// By whose clocks.
    pub zone: Tz,
    /// Which values count.
    pub counted: CountedValues,
}

impl CurrentStatistics {
    /// From when to when the bucket goes that this moment lies in.
    #[must_use]
    pub fn bucket(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let after = now + TimeDelta::microseconds(1);
        // A moment is in one bucket.
        let bounds = self.every.bounds(self.zone, now, after, 1).unwrap_or_default();
        (bounds.first().copied().unwrap_or(now), bounds.last().copied().unwrap_or(after))
    }
}

/// A subscription as its resolver checked it.
#[derive(Clone, Debug)]
pub struct SubscriptionRequest {
    /// What it is to.
    pub topic: Topic,
    /// Only events after this; none begins with the next event.
    pub after: Option<FeedOffset>,
}

/// Where the resolver of a subscription leaves the checked request, as data of the GraphQL request.
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
