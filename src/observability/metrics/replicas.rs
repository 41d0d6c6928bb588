//! Which server answers queries, where there are replicas.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// What the primary is called.
pub const PRIMARY_SERVER: &str = "primary";

/// Queries by server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ReplicaQueryMetrics(Family<[(&'static str, String); 2], Counter>);

impl ReplicaQueryMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Queries by the server that was asked, where there are replicas, and whether it could answer; what a \
                    replica can't answer is asked of the primary";
        registry.register("replica_queries", help, self.0.clone());
    }

    /// A server was asked a query. It is called as in the settings, never as a request says.
    pub fn count_query(&self, server: &str, answered: bool) {
        let outcome = if answered { "answered" } else { "failed" };
        self.0.get_or_create(&[("server", server.to_owned()), ("outcome", outcome.to_owned())]).inc();
    }
}
