//! Keys, roles, revocation, security profiles.

mod key_cache;
mod key_list;
mod key_revocation;
mod keys;
mod profiles;
mod secrets;
