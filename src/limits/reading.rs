//! Limits of the database reads of GraphQL requests.

use std::time::Duration;

/// Database reads of GraphQL requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Connections to Postgres that one request uses at a time. Its other statements wait.
    pub connections_per_request: usize,
    /// Connection time of one request without a key, summed over its connections.
    pub database_time_per_anonymous_request: Duration,
    /// The same for a request with a key.
    pub database_time_per_request: Duration,
    /// How long a statement waits for its caller's turn.
    pub connection_turn_timeout: Duration,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            connections_per_request: 2,
            database_time_per_anonymous_request: Duration::from_secs(10),
            database_time_per_request: Duration::from_mins(1),
            connection_turn_timeout: Duration::from_secs(10),
        }
    }
}
