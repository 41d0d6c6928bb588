//! Converts spans to the semantic conventions of OpenTelemetry for HTTP, GraphQL and databases, which differ from those
//! of the log lines.

use opentelemetry::{KeyValue, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;

/// The span of a request, as `http::middleware::request_id` names it.
pub const REQUEST_SPAN: &str = "request";
/// Prefix of the names of database spans.
const DATABASE_SPAN_PREFIX: &str = "db.";

pub const HTTP_STATUS_CODE: &str = "http.response.status_code";
pub const OPERATION_TYPE: &str = "graphql.operation.type";
pub const OPERATION_NAME: &str = "graphql.operation.name";
pub const OUTCOME: &str = "airgraph.outcome";
pub const STATEMENTS: &str = "airgraph.statements";

/// A span as it is exported.
pub fn to_convention(mut span: SpanData) -> SpanData {
    if span.name == REQUEST_SPAN {
        span.span_kind = SpanKind::Server;
        let value = |key| {
            span.attributes
                .iter()
                .find(|attribute| attribute.key.as_str() == key)
                .map(|attribute| attribute.value.to_string())
        };
        let (method, route) = (value("method").unwrap_or_default(), value("route"));
        // The route and not the path, as in the log: a path may hold a key.
        let route = route.filter(|route| route != "none");
        span.name = route.map_or(method.clone(), |route| format!("{method} {route}")).into();
        span.attributes = span.attributes.into_iter().filter_map(request_attribute).collect();
    } else if span.name.starts_with(DATABASE_SPAN_PREFIX) {
        span.span_kind = SpanKind::Client;
        span.attributes.push(KeyValue::new("db.system.name", "postgresql"));
    }
    span
}

fn request_attribute(attribute: KeyValue) -> Option<KeyValue> {
    let key = match attribute.key.as_str() {
        "method" => "http.request.method",
        "route" if attribute.value.as_str() == "none" => return None,
        "route" => "http.route",
        "id" => "airgraph.request.id",
        "trace_id" => return None, // already the id of the span's trace
        _ => return Some(attribute),
    };
    Some(KeyValue::new(key, attribute.value))
}
