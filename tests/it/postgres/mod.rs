//! The database: faults, crashes, replicas, plans, deletions, retention.

mod covering_index;
pub mod crash;
mod database_away;
mod deletion;
mod device_deletion;
mod embedded;
mod faults;
mod frozen_gateway;
mod partitions;
mod pgbouncer;
mod plans;
mod replicas;
mod retention;
mod rollups;
mod shared_reads;
mod statement_shapes;
mod statements;
mod tls;
mod upgrade;
