//! Queries by server, with replicas.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Label of the primary.
pub const PRIMARY_SERVER: &str = "primary";

/// Queries by server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ReplicaQueryMetrics(Family<[(&'static str, String); 2], Counter>);

impl ReplicaQueryMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Queries by server and outcome, if there are replicas; a query that fails on a replica is repeated on \
                    the primary";
        registry.register("replica_queries", help, self.0.clone());
    }

    /// A query was sent to a server. The label is its name in the settings, never text of a request.
    pub fn count_query(&self, server: &str, answered: bool) {
        let outcome = if answered { "answered" } else { "failed" };
        self.0.get_or_create(&[("server", server.to_owned()), ("outcome", outcome.to_owned())]).inc();
    }
}
