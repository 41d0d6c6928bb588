//! Arguments. Each is checked here once and converted to the type of the database layer. An error names the argument by
//! its path.

pub mod api_key;
pub mod area;
pub mod device;
pub mod device_keys;
pub mod filter;
pub mod interval;
pub mod measurement;
pub mod range;
pub mod sensor;
pub mod statistics;
pub mod text;
pub mod trip;
pub mod uplink;
