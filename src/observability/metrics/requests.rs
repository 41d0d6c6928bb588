//! HTTP requests by route, and the time to the start of the response.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::{
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Buckets, DURATION_BUCKETS};

/// Route and class of status. A route is the pattern, such as `/key/{key}/write`, so their number is fixed.
type Labels = [(&'static str, String); 2];

/// HTTP requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    duration: Family<Labels, Histogram, Buckets>,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self { duration: Family::new_with_constructor(DURATION_BUCKETS) }
    }
}

impl RequestMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_request_duration",
            "Time until a response began, by route and class of status",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    /// A request was answered.
    pub fn record(&self, route: &str, status: StatusCode, took: Duration) {
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        let labels = [("route", route.to_owned()), ("status", class.to_owned())];
        self.duration.get_or_create(&labels).observe(took.as_secs_f64());
    }
}
