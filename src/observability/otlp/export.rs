//! From a span that ended to the collector: a queue that is bounded, a thread that sends what is in it, and nobody who waits.

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

/// Where to, in OpenTelemetry's own words. Its other settings are read by its libraries.
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// How long the last spans may take on their way.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The export of traces while the gateway runs.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    /// Begins where it is set up.
    ///
    /// # Errors
    /// When it is set up in a way that can't be.
    pub fn start() -> Result<Self, String> {
        if ENDPOINT_VARIABLES.iter().all(|name| env::var_os(name).is_none_or(|value| value.is_empty())) {
            return Ok(Self(None));
        }
        // The client needs one, also where it is not used; without a choice it panics. An earlier choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The reason isn't told: it may hold what the settings hold.
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

    /// What sees the spans. Events are for the log.
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

    /// Tells that it goes on. Not where to: that may hold a password.
    pub fn log_status(&self) {
        if self.0.is_some() {
            tracing::info!("traces are exported by OTLP");
        }
    }

    /// Sends what is left, and ends.
    pub fn shutdown(self) {
        if let Some(provider) = self.0
            && provider.shutdown_with_timeout(FLUSH_TIMEOUT).is_err()
        {
            tracing::warn!("the last traces could not be exported");
        }
    }
}

/// Who sends them: `OTEL_SERVICE_NAME`, or this.
fn resource() -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    match env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name("airgraph").build(),
    }
}

/// Of traces that begin here only those of requests: the gateway asks its database by itself too, every second or so.
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

/// Sends spans in the words of the conventions. Those that a collector doesn't take are lost, which is logged once until it
/// takes some again.
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
        let was_away = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(_) if !was_away => {
                tracing::warn!(spans = count, "traces can't be exported; until they can they are lost");
            }
            Ok(()) if was_away => tracing::info!("traces are exported again"),
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
