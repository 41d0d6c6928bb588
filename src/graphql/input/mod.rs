//! Arguments. Each is checked here, once, into the plain type that the database understands; an error names the
//! argument by its path.

pub mod device;
pub mod filter;
pub mod measurement;
pub mod sensor;
pub mod statistics;
pub mod text;
pub mod uplink;
