//! Limits of shared resources and fairness between callers.

mod bodies;
mod connections;
mod documents;
mod drain_body;
mod fairness;
mod hang_ups;
mod large_responses;
mod overload;
mod rate_limit;
mod recording_limits;
mod slow_uploads;
mod subscription_limits;
pub mod timeouts;
