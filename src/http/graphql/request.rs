//! A GraphQL request, read from a body or from a query string.

use async_graphql::{Request, Value, Variables, parser::types::OperationType};
use axum::{
    body::Bytes,
    extract::{Query, rejection::BytesRejection},
    http::{HeaderMap, Uri},
};
use serde::Deserialize;
use serde_json::Map;

use crate::{
    error::ApiError,
    graphql::{
        documents,
        flat::Spliced,
        persisted::{Persisted, Told},
    },
};

/// A request as a JSON body holds it.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Body {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<Map<String, serde_json::Value>>,
    extensions: Option<Map<String, serde_json::Value>>,
}

/// A request as a query string holds it.
#[derive(Deserialize)]
struct Parameters {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Reads a body. It must be JSON: a form or plain text could be sent by other sites' pages with a visitor's rights.
pub fn from_body(
    persisted: &Persisted,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Request, ApiError> {
    if !crate::http::has_json_body(headers) {
        return Err(ApiError::UnsupportedMediaType("application/json"));
    }
    let body = body.map_err(|rejection| crate::http::body_error(&rejection))?;
    let body: Body = serde_json::from_slice(&body)
        .map_err(|error| ApiError::BadRequest(format!("the body is no GraphQL request in JSON: {error}")))?;
    request(persisted, body)
}

/// Reads a query string.
pub fn from_uri(persisted: &Persisted, uri: &Uri) -> Result<Request, ApiError> {
    let Query(parameters) = Query::<Parameters>::try_from_uri(uri)
        .map_err(|error| ApiError::BadRequest(format!("the query string can't be read: {error}")))?;
    let body = Body {
        query: parameters.query.filter(|query| !query.is_empty()),
        document_id: parameters.document_id,
        operation_name: parameters.operation_name,
        variables: object("variables", parameters.variables)?,
        extensions: object("extensions", parameters.extensions)?,
    };
    request(persisted, body)
}

/// A request to be executed. Its answer must be written by [`crate::graphql::writer`].
pub(in crate::http) fn request(persisted: &Persisted, mut body: Body) -> Result<Request, ApiError> {
    let persisted_query = body.extensions.as_mut().and_then(|extensions| extensions.remove("persistedQuery"));
    let query = persisted.document(Told { query: body.query, document_id: body.document_id, persisted_query })?;
    let mut request = Request::new(query).data(Spliced);
    request.operation_name = body.operation_name.filter(|name| !name.is_empty());
    if let Some(variables) = body.variables {
        request = request.variables(Variables::from_json(serde_json::Value::Object(variables)));
    }
    for (name, extension) in body.extensions.into_iter().flatten() {
        let extension = Value::from_json(extension).map_err(|error| ApiError::BadRequest(error.to_string()))?;
        request.extensions.insert(name, extension);
    }
    Ok(request)
}

/// A JSON object in a parameter of the query string; empty is none.
fn object(name: &str, text: Option<String>) -> Result<Option<Map<String, serde_json::Value>>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_str(&text).map_err(|error| ApiError::BadRequest(format!("`{name}` is no JSON object: {error}")))
}

/// What kind of operation would run. A document that can't be parsed, or whose operation is not clear, counts as a query:
/// its error is found where all are.
pub fn operation_type(request: &mut Request) -> OperationType {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return OperationType::Query };
    documents::operation(document, name.as_deref()).map_or(OperationType::Query, |operation| operation.node.ty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_that_would_run_tells_its_kind() {
        let of = |document: &str, name: Option<&str>| {
            let mut request = Request::new(document);
            request.operation_name = name.map(str::to_owned);
            operation_type(&mut request)
        };
        assert_eq!(of("{ a }", None), OperationType::Query);
        assert_eq!(of("mutation { a }", None), OperationType::Mutation);
        assert_eq!(of("mutation M { a }", None), OperationType::Mutation);
        assert_eq!(of("subscription S { a } fragment F on Q { a }", None), OperationType::Subscription);
        assert_eq!(of("query A { a } mutation B { b }", Some("B")), OperationType::Mutation);
        for unclear in [("query A { a } mutation B { b }", None), ("mutation B { b }", Some("C")), ("mutation {", None)]
        {
            assert_eq!(of(unclear.0, unclear.1), OperationType::Query, "{unclear:?}");
        }
    }
}
