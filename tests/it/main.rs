//! Tests of the gateway as a whole, on a real Postgres: one private server for the run, one database a test.

#![expect(clippy::float_cmp, reason = "what is stored reads back exactly; that is the point")]

mod api;
mod auth;
mod citus;
mod export;
mod ingest;
mod limits;
mod ops;
mod postgres;
mod subscriptions;
mod support;
