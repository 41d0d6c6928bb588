//! Delay of feed events.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::DURATION_BUCKETS;

/// Counters of the delivery of events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FeedMetrics {
    delivery_latency: Histogram,
    rate_limit_delays: Counter,
}

impl Default for FeedMetrics {
    fn default() -> Self {
        Self {
            delivery_latency: Histogram::new(DURATION_BUCKETS.0.iter().copied()),
            rate_limit_delays: Counter::default(),
        }
    }
}

impl FeedMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "feed_delivery_latency",
            "Time from the commit of a batch of the feed until a subscription channel delivered it",
            Unit::Seconds,
            self.delivery_latency.clone(),
        );
        registry.register(
            "subscription_budget_delays",
            "Times that events of a subscription waited because its caller exceeded its rate limit of cost",
            self.rate_limit_delays.clone(),
        );
    }

    /// A channel delivered a batch that was committed this long ago.
    pub fn record_delivery(&self, lag: Duration) {
        self.delivery_latency.observe(lag.as_secs_f64());
    }

    /// Events of a subscription wait for the rate limit of its caller.
    pub fn count_rate_limit_delay(&self) {
        self.rate_limit_delays.inc();
    }
}
