//! Replaces the export of traces in a build without the feature `otlp`.

#![expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the signatures match those of the feature `otlp`")]

use std::env;

use axum::http::{HeaderMap, StatusCode};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{Identity, Layer};

/// Exports nothing.
pub struct Export;

impl Export {
    /// Starts nothing.
    ///
    /// # Errors
    /// Never.
    pub fn start() -> Result<Self, String> {
        Ok(Self)
    }

    /// No layer.
    pub fn layer<S: Subscriber>(&self) -> Option<impl Layer<S> + use<S>> {
        None::<Identity>
    }

    /// Warns that traces are configured but not supported.
    pub fn log_status(&self) {
        if env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            tracing::warn!(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this airgraph exports no traces: build it with `--features otlp`"
            );
        }
    }

    /// Does nothing.
    pub fn shutdown(self) {}
}

/// Does nothing.
pub fn set_parent_from_headers(_: &Span, _: &HeaderMap) {}

/// Does nothing.
pub fn record_status(_: &Span, _: StatusCode) {}

/// A GraphQL operation.
pub struct OperationSpan;

impl OperationSpan {
    /// Does nothing.
    pub fn current() -> Self {
        Self
    }

    /// Does nothing.
    pub fn record(&self, _: &'static str, _: Option<&str>, _: &'static str, _: u32) {}
}
