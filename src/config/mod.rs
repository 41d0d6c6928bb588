//! Settings that several layers read.

pub mod comma_separated;
pub mod explorer;
pub mod security;
