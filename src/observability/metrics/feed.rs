//! How late news of the feed are told.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::SECONDS;

/// What is counted where the feed is told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    lag: Histogram,
    delays: Counter,
}

impl Default for Feed {
    fn default() -> Self {
        Self { lag: Histogram::new(SECONDS.0.iter().copied()), delays: Counter::default() }
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
        registry.register(
            "subscription_budget_delays",
            "Times that events of a subscription waited because its caller had used up the budget of cost",
            self.delays.clone(),
        );
    }

    /// A channel told a batch that was committed so long ago.
    pub fn told(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    /// Events of a subscription wait for its caller's budget.
    pub fn delayed_for_budget(&self) {
        self.delays.inc();
    }
}
