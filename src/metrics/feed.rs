//! How late news of the feed are told.

use std::time::Duration;

use prometheus_client::{
    metrics::histogram::Histogram,
    registry::{Registry, Unit},
};

use super::SECONDS;

/// What is counted where the feed is told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    lag: Histogram,
}

impl Default for Feed {
    fn default() -> Self {
        Self { lag: Histogram::new(SECONDS.0.iter().copied()) }
    }
}

impl Feed {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "feed_lag",
            "Time from the commit of a batch of the feed until a channel of subscriptions had told it",
            Unit::Seconds,
            self.lag.clone(),
        );
    }

    /// A channel told a batch that was committed so long ago.
    pub fn told(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }
}
