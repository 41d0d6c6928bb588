//! Shared by the tests: a database for each test, a gateway on it, and short ways to query it.

mod app;
pub mod citus_cluster;
mod database;
pub mod events;
pub mod gateway;
pub mod live;
pub mod load;
pub mod packet;
pub mod pooler;
pub mod postgres;
pub mod rollups;
pub mod socket;
pub mod statements;

use std::{io::Write as _, net::TcpListener};

pub use app::{Answer, TestApp};
use chrono::{DateTime, Utc};
pub use database::{copy_of_database, database_without_schema, empty_database};

/// Reports past the test's captured output that a test was skipped.
pub fn skipped(reason: &str) {
    std::io::stderr().write_all(format!("SKIPPED: {reason}\n").as_bytes()).expect("standard error");
}

/// A port without a listener.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port()
}

/// The fixed time of the tests' clocks.
pub fn noon() -> DateTime<Utc> {
    at("2026-05-01T12:00:00Z")
}

/// A query string with these parameters.
pub fn query_string(parameters: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    parameters.join("&")
}

/// A time in RFC 3339.
pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().expect("a time")
}
