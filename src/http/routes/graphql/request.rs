//! Parses a GraphQL request from a body or a query string.

use std::fmt;

use async_graphql::{Request, Value, Variables};
use axum::{
    body::Bytes,
    extract::Query,
    http::{HeaderMap, Uri},
};
use serde::Deserialize;
use serde_json::Map;

use crate::{
    api_error::ApiError,
    graphql::{
        execute::persisted::{DocumentRef, PersistedDocuments},
        fast_json::RawJson,
    },
    http::{
        media_type,
        transports::{resume, resume::Resume},
    },
    ingest,
};

const BATCH_NOT_SUPPORTED: &str = "batches are not answered, the body must be one request; several root fields make one request of them, \
                     and several requests can share a connection";

/// A request in a JSON body.
#[derive(Deserialize)]
pub(in crate::http) struct RequestBody {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<Map<String, serde_json::Value>>,
    extensions: Option<Map<String, serde_json::Value>>,
}

// Written by hand: variables may hold secrets.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(…)")
    }
}

/// A request in a query string.
#[derive(Deserialize)]
struct QueryParameters {
    query: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Parses a body. It must be JSON: pages of other sites could send a form or plain text with a visitor's rights.
pub fn from_body(persisted: &PersistedDocuments, headers: &HeaderMap, body: &Bytes) -> Result<Request, ApiError> {
    media_type::check_json(headers)?;
    let body = ingest::utf8_text(body).map_err(|error| ApiError::BadRequest(error.to_string()))?;
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::MalformedRequest(BATCH_NOT_SUPPORTED.to_owned()));
    }
    let body: RequestBody =
        serde_json::from_slice(body).map_err(|error| parse_error("the body is no GraphQL request", &error))?;
    build_request(persisted, body)
}

/// Parses a query string.
pub fn from_uri(persisted: &PersistedDocuments, uri: &Uri) -> Result<Request, ApiError> {
    let Query(parameters) = Query::<QueryParameters>::try_from_uri(uri)
        .map_err(|error| ApiError::BadRequest(format!("the query string can't be read: {error}")))?;
    let body = RequestBody {
        query: parameters.query.filter(|query| !query.is_empty()),
        document_id: parameters.document_id,
        operation_name: parameters.operation_name,
        variables: parse_object("variables", parameters.variables)?,
        extensions: parse_object("extensions", parameters.extensions)?,
    };
    build_request(persisted, body)
}

/// Builds a request to be executed. Its response must be written by [`crate::graphql::execute::response_writer`].
pub(in crate::http) fn build_request(
    persisted: &PersistedDocuments,
    mut body: RequestBody,
) -> Result<Request, ApiError> {
    let persisted_query = body.extensions.as_mut().and_then(|extensions| extensions.remove("persistedQuery"));
    let named = DocumentRef { query: body.query, document_id: body.document_id, persisted_query };
    let found = persisted.resolve(named).map_err(|error| match error {
        ApiError::BadRequest(reason) => ApiError::MalformedRequest(reason),
        error => error,
    })?;
    let registration = persisted.registration(&found);
    let mut request = Request::new(found.text).data(RawJson);
    if let Some(registration) = registration {
        request = request.data(registration);
    }
    if let Some(resume) = body.extensions.as_mut().and_then(|extensions| extensions.remove(resume::RESUME_EXTENSION)) {
        let resume: Resume =
            serde_json::from_value(resume).map_err(|error| parse_error("`extensions.resume`", &error))?;
        request = request.data(resume);
    }
    request.operation_name = body.operation_name.filter(|name| !name.is_empty());
    if let Some(variables) = body.variables {
        request = request.variables(Variables::from_json(serde_json::Value::Object(variables)));
    }
    for (name, extension) in body.extensions.into_iter().flatten() {
        let extension = Value::from_json(extension).map_err(|error| ApiError::MalformedRequest(error.to_string()))?;
        request.extensions.insert(name, extension);
    }
    Ok(request)
}

/// A JSON object in a parameter of the query string; empty counts as missing.
fn parse_object(name: &str, text: Option<String>) -> Result<Option<Map<String, serde_json::Value>>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_str(&text).map_err(|error| parse_error(&format!("`{name}` is no JSON object"), &error))
}

/// The error of invalid JSON, or of JSON of another type.
fn parse_error(what: &str, error: &serde_json::Error) -> ApiError {
    let reason = format!("{what}: {error}");
    if error.is_data() { ApiError::MalformedRequest(reason) } else { ApiError::BadRequest(reason) }
}
