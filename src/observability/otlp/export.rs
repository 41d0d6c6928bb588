//! Exports spans to the collector: a bounded queue, a thread that sends its content, and no caller that waits.

use std::{
    env, fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt as _, TraceId, TracerProvider as _},
};
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Config, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, SpanData, SpanExporter},
};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use super::convention::{self, REQUEST_SPAN};

/// Standard variables of OpenTelemetry for the endpoint. Its libraries read the other settings.
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// Timeout for exporting the last spans.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The export of traces while the gateway runs.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    /// Starts if an endpoint is configured.
    ///
    /// # Errors
    /// When the configuration is invalid.
    pub fn start() -> Result<Self, String> {
        if ENDPOINT_VARIABLES.iter().all(|name| env::var_os(name).is_none_or(|value| value.is_empty())) {
            return Ok(Self(None));
        }
        // The client needs a crypto provider even if it is unused, and panics without one. An earlier choice is kept.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The cause is not reported: it may contain secrets of the settings.
        let exporter = Otlp::builder().with_http().build();
        let exporter = exporter.map_err(|_| {
            "the settings OTEL_EXPORTER_OTLP_* can't be used: the endpoint is a URL such as http://localhost:4318, and the \
             protocol http/protobuf"
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(ConventionExporter { exporter, is_failing: AtomicBool::new(false) })
            .with_sampler(Box::new(RequestSampler(Config::default().sampler)) as Box<dyn ShouldSample>)
            .with_resource(resource())
            .build();
        Ok(Self(Some(provider)))
    }

    /// The layer that records spans. Events are logged only.
    pub fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.0.as_ref()?.tracer("airgraph");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        let ours = |span: &Metadata<'_>| {
            span.is_span() && *span.level() <= Level::INFO && span.target().starts_with("airgraph")
        };
        Some(layer.with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::INFO)))
    }

    /// Logs that traces are exported, without the endpoint, which may contain a password.
    pub fn log_status(&self) {
        if self.0.is_some() {
            tracing::info!("traces are exported by OTLP");
        }
    }

    /// Exports the remaining spans, and stops.
    pub fn shutdown(self) {
        if let Some(provider) = self.0
            && provider.shutdown_with_timeout(FLUSH_TIMEOUT).is_err()
        {
            tracing::warn!("the last traces could not be exported");
        }
    }
}

/// The service: `OTEL_SERVICE_NAME`, or this default.
fn resource() -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    match env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name("airgraph").build(),
    }
}

/// Samples only traces of requests among those that start here: the gateway itself queries its database every second or
/// so.
#[derive(Clone, Debug)]
struct RequestSampler(Box<dyn ShouldSample>);

impl ShouldSample for RequestSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if name != REQUEST_SPAN && !parent.is_some_and(Context::has_active_span) {
            let (decision, attributes) = (SamplingDecision::Drop, Vec::new());
            return SamplingResult { decision, attributes, trace_state: opentelemetry::trace::TraceState::default() };
        }
        self.0.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Exports spans in the semantic conventions. Spans that a collector refuses are lost, which is logged once until an
/// export succeeds again.
struct ConventionExporter {
    exporter: Otlp,
    is_failing: AtomicBool,
}

impl fmt::Debug for ConventionExporter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Conventional") // the exporter holds the headers, such as a key
    }
}

impl SpanExporter for ConventionExporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len();
        let outcome = self.exporter.export(spans.into_iter().map(convention::to_convention).collect()).await;
        let was_failing = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(_) if !was_failing => {
                tracing::warn!(spans = count, "traces can't be exported; until they can they are lost");
            }
            Ok(()) if was_failing => tracing::info!("traces are exported again"),
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
