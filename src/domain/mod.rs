//! Plain types and rules: what a device, a sample and a quantity are. No sqlx, no axum, no GraphQL.

pub mod air_quality_index;
pub mod api_key;
pub mod area;
pub mod cell;
pub mod device;
pub mod feed;
pub mod filter;
pub mod interval;
pub mod measurement;
pub mod month;
pub mod position;
pub mod quality;
pub mod quantity;
pub mod readings;
pub mod retention;
pub mod rollup;
pub mod sample;
pub mod sensor;
pub mod statistics;
pub mod time;
pub mod time_zone;
pub mod trace;
pub mod trip;
pub mod unit;
pub mod uplink;
pub mod validity;
