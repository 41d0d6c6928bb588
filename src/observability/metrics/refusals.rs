//! Requests refused because of a limit, for Prometheus.

use prometheus_client::metrics::{counter::Counter, family::Family};

use crate::{api_error::ApiError, limits::Limit};

/// Refused requests by limit. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Refusals(Family<[(&'static str, &'static str); 1], Counter>);

impl Default for Refusals {
    /// Every limit starts at zero, so that a rate over the first refusal is right.
    fn default() -> Self {
        let refusals = Family::default();
        for limit in Limit::ALL {
            drop(refusals.get_or_create(&[("limit", limit.name())]));
        }
        Self(refusals)
    }
}

impl Refusals {
    /// The metric, for registration.
    #[must_use]
    pub fn metric(&self) -> Family<[(&'static str, &'static str); 1], Counter> {
        self.0.clone()
    }

    /// Counts a refused request, and returns its error.
    #[must_use]
    pub fn refuse(&self, limit: Limit) -> ApiError {
        self.count(limit);
        limit.into()
    }

    /// Counts a refusal without an error that a client could read, such as a closed connection, or with an error that
    /// is created elsewhere.
    pub fn count(&self, limit: Limit) {
        self.0.get_or_create(&[("limit", limit.name())]).inc();
    }
}
