//! Metrics of the gateway, for Prometheus.
//!
//! Each gateway in a process has its own metrics, so that two of them, as in tests, don't count together. Labels take
//! values from fixed lists, never from a request: otherwise clients could fill the memory. Gauges that are read when
//! metrics are requested, such as queue lengths, are in `http::routes::metrics::gauges`.

pub mod database_time;
pub mod feed;
pub mod operations;
pub mod recorder;
pub(crate) mod refusals;
pub mod replicas;
pub mod requests;

use std::sync::Arc;

use database_time::DatabaseTimeMetrics;
use feed::FeedMetrics;
use operations::OperationMetrics;
use prometheus_client::{
    encoding::text,
    metrics::{family::MetricConstructor, histogram::Histogram},
    registry::Registry,
};
use recorder::RecorderMetrics;
use replicas::ReplicaQueryMetrics;
use requests::RequestMetrics;

use crate::observability::metrics::refusals::Refusals;

/// Prefix of all metric names.
const METRIC_PREFIX: &str = "airgraph";

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one gateway. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    /// HTTP requests.
    pub requests: RequestMetrics,
    /// GraphQL operations.
    pub operations: OperationMetrics,
    /// Delay of feed events.
    pub feed: FeedMetrics,
    /// Servers that answer queries.
    pub replica_queries: ReplicaQueryMetrics,
    /// Time that queries hold connections.
    pub database_time: DatabaseTimeMetrics,
    /// Requests refused because of a limit.
    pub refusals: Refusals,
    registry: Arc<Registry>,
}

impl Metrics {
    /// All metrics at zero, and those of the recorder.
    #[must_use]
    pub fn new(recording: &RecorderMetrics) -> Self {
        let (requests, operations) = (RequestMetrics::default(), OperationMetrics::default());
        let (feed, servers) = (FeedMetrics::default(), ReplicaQueryMetrics::default());
        let mut registry = registry();
        requests.register(&mut registry);
        operations.register(&mut registry);
        feed.register(&mut registry);
        servers.register(&mut registry);
        recording.register(&mut registry);
        let database_time = DatabaseTimeMetrics::default();
        database_time.register(&mut registry);
        let refusals = recording.refusals.clone();
        registry.register("limit_refusals", "Requests refused because of a limit, by limit", refusals.metric());
        Self {
            requests,
            operations,
            feed,
            replica_queries: servers,
            database_time,
            refusals,
            registry: Arc::new(registry),
        }
    }

    /// All metrics in the text format of `OpenMetrics`, and `readings`, which were read now.
    #[must_use]
    pub fn text(&self, readings: &Registry) -> String {
        let mut text = String::new();
        let written = text::encode_registry(&mut text, &self.registry)
            .and_then(|()| text::encode_registry(&mut text, readings))
            .and_then(|()| text::encode_eof(&mut text));
        written.unwrap_or_else(|error| unreachable!("a String takes all that is written to it: {error}"));
        text
    }
}

pub(crate) fn registry() -> Registry {
    Registry::with_prefix(METRIC_PREFIX)
}

/// Creates the histograms of a family with equal buckets.
#[derive(Clone, Copy, Debug)]
pub struct Buckets(&'static [f64]);

/// From the time of a lookup by key to the request timeout.
const DURATION_BUCKETS: Buckets =
    Buckets(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}
