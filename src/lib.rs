//! airgraph: a self-hosted GraphQL gateway over Postgres for air-quality sensors.
//!
//! # The way of a request
//!
//! Arrows point one way: `http` → `graphql` → `db` → `domain`, and `http` → `ingest` → `db` → `domain`.
//! `docs/architecture.md` follows one sample in and one question out. `demo` makes samples up and hands them to `ingest`,
//! as a route would.
//!
//! # How to add a sensor format
//!
//! Write `ingest/<format>.rs`: a `FORMAT` name and a pure `decode(&Incoming) -> Result<Decoded, DecodeError>`, tested
//! beside it. What a decoder must know of the device stands in `Incoming`; `ingest/decoding.rs` looks it up. Add it to
//! the table in `ingest/format.rs`, and its status codes and paths to `http/ingest.rs`; try them as its firmware would in
//! `tests/it`. Bodies of real sensors go into `tests/corpus/<format>`, from which `ingest/fuzz` makes bad ones; what else
//! the format doesn't allow goes into `tests/it/bad_uplinks.rs`.
//!
//! After a fix of a decoder, `airgraph replay` decodes again what arrived before it.
//!
//! # How to add a quantity
//!
//! A line in `domain/quantity.rs`, a migration that adds the column of that name, a field in `graphql/model/readings.rs`
//! and `graphql/input/measurement.rs`, and a value in `graphql/model/quantity.rs`.
//!
//! # How to add a GraphQL type
//!
//! `graphql/model/<type>.rs` with a wrapper of the domain's type; doc comments become descriptions. If it is reached
//! from a list, `graphql/loader/<type>.rs`. If its lists are long and its fields stand in its row,
//! `graphql/flat/<type>.rs`. Then `cargo run -- schema > schema.graphql`.
//!
//! # How to add a table
//!
//! A new file in `migrations/` (never change one that was released), and `db/<table>.rs` with all of its SQL. Then
//! `.ci/sqlx-prepare`, which refreshes `.sqlx`.

pub mod api_error;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod concurrency;
pub mod config;
pub mod db;
pub mod demo;
pub mod graphql;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod limits;
pub mod observability;
pub mod recorder;
pub mod shutdown;
pub mod subscriptions;

pub use airgraph_domain as domain;
