//! Traces for OpenTelemetry, of the spans that there are anyway: a request, and within it what reads and writes the
//! database. Exported by OTLP over HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says.
//!
//! This is the feature `otlp`; without it `absent.rs` stands in its place. Not one other line knows which it is.

mod convention;
mod export;

use axum::http::{HeaderMap, StatusCode};
pub use export::Export;
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::{Status, TraceContextExt as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// A request begins: its span belongs to the trace that its sender names, else to one of its own. Which it is stands on the
/// log lines too.
pub fn set_parent_from_headers(span: &Span, headers: &HeaderMap) {
    let sender = TraceContextPropagator::new().extract(&Headers(headers));
    let of_its_own = !sender.has_active_span();
    if span.set_parent(sender).is_err() || !of_its_own {
        return; // nothing is exported, or the line has it
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    if context.is_sampled() {
        span.record("trace_id", tracing::field::display(context.trace_id()));
    }
}

/// A request was answered.
pub fn record_status(span: &Span, status: StatusCode) {
    span.set_attribute(convention::HTTP_STATUS_CODE, i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}

/// The span of a request that a GraphQL operation is part of.
pub struct OperationSpan(Span);

impl OperationSpan {
    /// An operation of the request that is worked on.
    pub fn current() -> Self {
        Self(Span::current())
    }

    /// It ended so. The document and its variables tell of people, and are not told.
    pub fn record(&self, kind: &'static str, name: Option<&str>, outcome: &'static str, statements: u32) {
        self.0.set_attribute(convention::OPERATION_TYPE, kind);
        if let Some(name) = name {
            self.0.set_attribute(convention::OPERATION_NAME, name.to_owned());
        }
        self.0.set_attribute(convention::OUTCOME, outcome);
        self.0.set_attribute(convention::STATEMENTS, i64::from(statements));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
