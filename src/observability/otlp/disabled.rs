//! What stands in the place of the export of traces where the binary was built without it: nothing.

#![expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as what it stands for has it")]

use std::env;

use axum::http::{HeaderMap, StatusCode};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{Identity, Layer};

/// Nothing is exported.
pub struct Export;

impl Export {
    /// Nothing begins.
    ///
    /// # Errors
    /// Never.
    pub fn start() -> Result<Self, String> {
        Ok(Self)
    }

    /// Sees nothing.
    pub fn layer<S: Subscriber>(&self) -> Option<impl Layer<S> + use<S>> {
        None::<Identity>
    }

    /// Tells who expects traces that there are none.
    pub fn log_status(&self) {
        if env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            tracing::warn!(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this airgraph exports no traces: build it with `--features otlp`"
            );
        }
    }

    /// Nothing ends.
    pub fn shutdown(self) {}
}

/// A request begins.
pub fn set_parent_from_headers(_: &Span, _: &HeaderMap) {}

/// A request was answered.
pub fn record_status(_: &Span, _: StatusCode) {}

/// A GraphQL operation.
pub struct OperationSpan;

impl OperationSpan {
    /// It begins.
    pub fn current() -> Self {
        Self
    }

    /// It ended so.
    pub fn record(&self, _: &'static str, _: Option<&str>, _: &'static str, _: u32) {}
}
