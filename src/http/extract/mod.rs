//! What handlers take from a request: the caller, the address of the client.

pub(crate) mod authenticated;
pub(crate) mod client_ip;
pub(crate) mod key_checks;
