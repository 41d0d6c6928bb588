//! Tests of the gateway as a whole, on a real Postgres.

mod demo;
mod embedded;
