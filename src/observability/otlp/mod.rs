//! Traces for OpenTelemetry, from the spans of requests and of database queries. Exported by OTLP over HTTP to
//! `OTEL_EXPORTER_OTLP_ENDPOINT`.
//!
//! This is the feature `otlp`; without it `disabled.rs` replaces this module. No other code depends on which it is.

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

/// Sets the trace of a request's span: the one in its `traceparent` header, else a new one. The trace id is on the log
/// lines too.
pub fn set_parent_from_headers(span: &Span, headers: &HeaderMap) {
    let sender = TraceContextPropagator::new().extract(&Headers(headers));
    let is_new_trace = !sender.has_active_span();
    if span.set_parent(sender).is_err() || !is_new_trace {
        return; // nothing is exported, or the log line has the trace id already
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
    /// The operation of the current request.
    pub fn current() -> Self {
        Self(Span::current())
    }

    /// Records the outcome. The document and its variables may contain personal data, and are not recorded.
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
