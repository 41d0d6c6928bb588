//! airgraph: a self-hosted GraphQL gateway over Postgres for air-quality sensors.
//!
//! # Dependencies
//!
//! Arrows point one way: `cli` → `http` → {`subscriptions`, `graphql`} → {`recorder`, `ingest`, `jobs`} → `auth` →
//! `db` → `domain`. `docs/architecture.md` follows one sample in and one query out. `demo` generates samples and records them
//! like a route does. `domain`, the decoders of `ingest` and the embedded Postgres are crates in `crates/`.
//!
//! # How to add a sensor format
//!
//! Write `<format>.rs` in `crates/airgraph-formats/src`: a `FORMAT` name and a pure
//! `decode(&Incoming) -> Result<Decoded, DecodeError>`, with its tests. `Incoming` holds what a decoder needs of the
//! device; `src/ingest/decode_context.rs` loads it. Add the format to the table in `format.rs`, and its status codes and
//! paths to `src/http/routes/ingest.rs`; test it in `tests/it/ingest` with requests like those of its firmware. Bodies of
//! real sensors belong into `crates/airgraph-formats/corpus/<format>`, from which `fuzz` derives invalid ones; further
//! invalid bodies belong into `tests/it/ingest/bad_uplinks.rs`.
//!
//! After a decoder is fixed, `airgraph replay` decodes stored uplinks again.
//!
//! # How to add a quantity
//!
//! A line in `crates/airgraph-domain/src/quantity.rs`, a migration that adds the column of that name, a field in
//! `graphql/types/readings.rs` and `graphql/inputs/measurement.rs`, and a value in `graphql/types/quantity.rs`.
//!
//! # How to add a GraphQL type
//!
//! Write `graphql/types/<type>.rs` with a wrapper of the domain's type; doc comments become descriptions. If it is
//! reached from a list, add `graphql/loaders/<type>.rs`. If its lists are long, declare the fields that are values of
//! its row in a table of `row_fields!`, and add `graphql/fast_json/<type>.rs`. Then run
//! `cargo run -- schema > schema.graphql`.
//!
//! # How to add a field
//!
//! A value of the row is a line in the table of its type. A new column of `measurement` also needs a migration, a field
//! in `crates/airgraph-domain/src/measurement.rs`, two lines in `db/measurement_projection.rs`, and its insert statements.
//!
//! # How to add a table
//!
//! Add a file to `migrations/` (never change one that was released), and `db/<table>.rs` with all of its SQL. Then run
//! `.ci/sqlx-prepare`, which refreshes `.sqlx`.

pub mod api_error;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod concurrency;
pub mod config;
pub mod db;
pub mod demo;
pub mod export;
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
