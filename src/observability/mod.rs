//! Logs, traces and metrics.

pub mod logging;
pub mod metrics;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
#[cfg(not(feature = "otlp"))]
#[path = "otlp/disabled.rs"]
pub(crate) mod otlp;
