//! The GraphQL operation of an export: it checks the parameters, and for everything but measurements it also reads the
//! rows.

use std::fmt::Write as _;

use async_graphql::{Request, Response, ServerError, Variables, parser::types::Selection};
use serde_json::{Map, Value};

use super::{
    ExportRequest, ExportSubject,
    columns::{ColumnSource, ExportColumn},
    format::ExportFormat,
};
use crate::{
    api_error::ApiError,
    graphql::execute::{admission, operation::Operation},
    limits::rate_limit::RateLimited,
};

/// Rows of a page of devices or trips: the maximum.
const LIST_PAGE_ROWS: i32 = 1000;
/// Trips of a page with their paths, and points of a path. More would exceed the complexity of one operation.
const TRIPS_WITH_PATH: i32 = 50;
const MAX_PATH_POINTS: i32 = 2000;

/// GraphQL types of arguments, by name. The others are not used by exports.
const ARGUMENT_TYPES: &[(&str, &str)] = &[
    ("after", "String"),
    ("cellResolution", "Int!"),
    ("devices", "[String!]!"),
    ("every", "Interval"),
    ("fill", "StatisticsFill!"),
    ("first", "Int!"),
    ("groupBy", "[StatisticsGroup!]"),
    ("includeInvalid", "Boolean!"),
    ("maxBuckets", "Int"),
    ("maxGap", "Int!"),
    ("measuredAt", "TimeRange!"),
    ("minDistance", "Int!"),
    ("orderByQuantity", "Quantity"),
    ("resolution", "Int!"),
    ("timeZone", "String!"),
];

/// Rows of a page.
pub fn page_rows(export: &ExportRequest) -> i32 {
    match (export.subject, export.format) {
        (ExportSubject::Trips, ExportFormat::GeoJson) => TRIPS_WITH_PATH,
        _ => LIST_PAGE_ROWS,
    }
}

/// The request with these arguments.
pub fn request(export: &ExportRequest, arguments: &Map<String, Value>) -> Request {
    let variables = Variables::from_json(Value::Object(arguments.clone()));
    Request::new(document(export, arguments)).variables(variables)
}

/// The document. Its list is named `rows`.
fn document(export: &ExportRequest, arguments: &Map<String, Value>) -> String {
    let (mut declarations, mut uses) = (Vec::new(), Vec::new());
    for name in arguments.keys() {
        declarations.push(format!("${name}: {}", argument_type(export.subject, name)));
        uses.push(format!("{name}: ${name}"));
    }
    let selection = selection(export);
    let selection = match export.subject {
        // its rows are read without GraphQL
        ExportSubject::Measurements => "pageInfo { hasNextPage }".to_owned(),
        ExportSubject::Statistics | ExportSubject::Cells => selection,
        ExportSubject::Devices => format!("nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }}"),
        ExportSubject::Trips => {
            format!("nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} incompleteBefore")
        }
    };
    format!(
        "query Export({}) {{ rows: {}({}) {{ {selection} }} }}",
        declarations.join(", "),
        export.subject.name(),
        uses.join(", ")
    )
}

fn argument_type(subject: ExportSubject, name: &str) -> &'static str {
    match (subject, name) {
        (ExportSubject::Devices, "filter") => "DeviceFilter",
        (ExportSubject::Measurements, "filter") => "MeasurementFilter",
        (_, "filter") => "MeasurementFilter!",
        (ExportSubject::Devices, "orderBy") => "DeviceOrder",
        (_, "orderBy") => "MeasurementOrder",
        (_, name) => ARGUMENT_TYPES.iter().find(|(known, _)| *known == name).map_or("String", |&(_, ty)| ty),
    }
}

/// The selected fields, each with the members that columns need.
fn selection(export: &ExportRequest) -> String {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut add = |field, member: Option<&'static str>| {
        let at = fields.iter().position(|(known, _)| *known == field).unwrap_or_else(|| {
            fields.push((field, Vec::new()));
            fields.len() - 1
        });
        fields[at].1.extend(member);
    };
    for ExportColumn { source, .. } in &*export.columns {
        if let ColumnSource::Json { field, member, .. } = source {
            add(field, *member);
        }
    }
    let path = format!("points(limit: {MAX_PATH_POINTS})");
    if export.format == ExportFormat::GeoJson {
        match export.subject {
            ExportSubject::Measurements => {}
            ExportSubject::Statistics => add("cell", None),
            ExportSubject::Cells => add("index", None),
            ExportSubject::Devices => ["latitude", "longitude"].into_iter().for_each(|field| add(field, None)),
            ExportSubject::Trips => ["latitude", "longitude"].into_iter().for_each(|member| add(&path, Some(member))),
        }
    }
    fields.iter().fold(String::new(), |mut text, (field, members)| {
        // Writing to a String can't fail.
        let _ = match members[..] {
            [] => write!(text, "{field} "),
            _ => write!(text, "{field} {{ {} }} ", members.join(" ")),
        };
        text
    })
}

/// The value of an argument of the operation's field, after coercion.
pub fn argument(operation: &Operation, name: &str) -> Option<async_graphql::Value> {
    let Selection::Field(field) = &operation.selection_set().items.first()?.node else { return None };
    let value = field.node.arguments.iter().find(|(known, _)| known.node == name).map(|(_, value)| &value.node)?;
    value.clone().into_const()
}

/// Whether the caller may retry the operation later because of a rate limit, and when.
pub fn retry_after(response: &Response) -> Option<std::time::Duration> {
    if !admission::is_rate_limited(response) {
        return None;
    }
    let seconds = response.http_headers.get(axum::http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(std::time::Duration::from_secs(seconds))
}

/// The error of a response, with the name of the parameter. `rate_limited` is the state of a limit that is exceeded.
pub fn response_error(
    export: &ExportRequest,
    response: &Response,
    rate_limited: impl FnOnce() -> Option<RateLimited>,
) -> Option<ApiError> {
    let error = response.errors.first()?;
    let text = |name: &str| match error.extensions.as_ref()?.get(name)? {
        async_graphql::Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    if admission::is_rate_limited(response)
        && let Some(limited) = rate_limited()
    {
        return Some(ApiError::RateLimited(limited));
    }
    Some(match text("code").unwrap_or_default() {
        "BAD_USER_INPUT" => bad_input(export, error, text("argument").unwrap_or_default()),
        ApiError::TOO_COMPLEX => ApiError::TooComplex(error.message.clone()),
        ApiError::UNAVAILABLE => ApiError::Unavailable(ApiError::DATABASE_UNAVAILABLE),
        "TIMEOUT" => ApiError::Timeout,
        "NOT_FOUND" => ApiError::NotFound,
        _ => ApiError::Internal(anyhow::anyhow!("the operation of an export failed: {}", error.message)),
    })
}

fn bad_input(export: &ExportRequest, error: &ServerError, argument: &str) -> ApiError {
    let reason = error.message.strip_prefix(argument).and_then(|rest| rest.strip_prefix(": "));
    ApiError::bad_input(export.names.find(argument), reason.unwrap_or(&error.message))
}

/// The same error with the name of the parameter.
pub fn named_by_parameter(export: &ExportRequest, error: ApiError) -> ApiError {
    match error {
        ApiError::BadUserInput { argument, reason, suggested_value } => {
            ApiError::BadUserInput { argument: export.names.find(&argument), reason, suggested_value }
        }
        other => other,
    }
}
