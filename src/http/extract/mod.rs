//! Extractors: the caller and the client address of a request.

pub(crate) mod authenticated;
pub(crate) mod client_ip;
pub(crate) mod key_checks;
