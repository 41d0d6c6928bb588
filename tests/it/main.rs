//! Tests of the gateway as a whole, on a real Postgres: one private server for the run, one database a test.

#![expect(clippy::float_cmp, reason = "what is stored reads back exactly; that is the point")]

mod air_quality;
mod bad_input;
mod bad_uplinks;
mod cleancycle;
mod crash;
mod database_away;
mod deletion;
mod demo;
mod embedded;
mod everyday_formats;
mod filters;
mod flat_lists;
mod graphql_over_http;
mod import;
mod keys;
mod list_plans;
mod mutations;
mod network_servers;
mod opensensemap;
mod pages;
mod paging;
mod plans;
mod program;
mod quality;
mod queries;
mod recorder;
mod remembered;
mod replay;
mod retention;
mod rides;
mod rollups;
mod schema;
mod shim;
mod statements;
mod statistics;
mod support;
mod trips;
mod uplinks;
mod upload;
