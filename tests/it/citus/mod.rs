//! Tests that need a Citus cluster ([`CITUS_URL`](crate::support::citus_cluster)).

mod comparison;
mod failures;
mod visibility;
