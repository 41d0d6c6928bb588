//! GraphQL over HTTP: POST with a JSON body, GET for queries only.
//!
//! Written after the GraphQL-over-HTTP specification. The handlers of async-graphql-axum also run mutations by GET and
//! take form bodies, which would let other sites' pages act with a visitor's rights.

use async_graphql::{
    Request, Response as GraphqlResponse, Value, Variables,
    parser::types::{DocumentOperations, OperationType},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequestParts as _, Query, State, WebSocketUpgrade, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, json};

use super::{websocket, writer};
use crate::{
    app::App,
    auth::Caller,
    error::ApiError,
    graphql::{self, flat::Spliced},
};

/// The media type of answers whose status tells how the request went.
const RESPONSE_JSON: &str = "application/graphql-response+json";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/graphql", get(by_get).post(by_post))
}

/// A request as a JSON body holds it.
#[derive(Deserialize)]
struct Body {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<Map<String, serde_json::Value>>,
    extensions: Option<Map<String, serde_json::Value>>,
}

/// A request as a query string holds it.
#[derive(Deserialize)]
struct Parameters {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

async fn by_post(
    State(app): State<App>,
    headers: HeaderMap,
    caller: Result<Caller, ApiError>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let media = Media::of(&headers);
    let request = async {
        if !super::has_json_body(&headers) {
            return Err(ApiError::UnsupportedMediaType("application/json"));
        }
        let body = body.map_err(|rejection| super::body_error(&rejection))?;
        let body: Body = serde_json::from_slice(&body)
            .map_err(|error| ApiError::BadRequest(format!("the body is no GraphQL request in JSON: {error}")))?;
        Ok((caller?, request(body)?))
    };
    match request.await {
        Ok((caller, request)) => media.answer(graphql::execute(&app.schema, request, caller).await),
        Err(error) => media.refuse(error),
    }
}

async fn by_get(State(app): State<App>, caller: Result<Caller, ApiError>, mut parts: Parts) -> Response {
    if let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        return match caller {
            Ok(caller) => websocket::serve(app, upgrade, parts, caller).await,
            Err(error) => error.into_response(),
        };
    }
    if is_visit(&parts) {
        return Redirect::temporary("playground").into_response();
    }
    let media = Media::of(&parts.headers);
    let request = || {
        let Query(parameters) = Query::<Parameters>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::BadRequest(format!("the query string can't be read: {error}")))?;
        let body = Body {
            query: parameters.query,
            operation_name: parameters.operation_name,
            variables: object("variables", parameters.variables)?,
            extensions: object("extensions", parameters.extensions)?,
        };
        Ok((caller?, request(body)?))
    };
    match request() {
        Ok((caller, mut request)) => {
            if !is_query(&mut request) {
                let refusal = ApiError::MethodNotAllowed("only queries are answered by GET; send mutations by POST");
                let mut response = media.refuse(refusal);
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
                return response;
            }
            media.answer(graphql::execute(&app.schema, request, caller).await)
        }
        Err(error) => media.refuse(error),
    }
}

fn request(body: Body) -> Result<Request, ApiError> {
    let query =
        body.query.ok_or_else(|| ApiError::BadRequest("`query` is missing: the GraphQL document".to_owned()))?;
    let mut request = Request::new(query).data(Spliced); // the answer is written by `writer`
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
    text.filter(|text| !text.is_empty())
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| ApiError::BadRequest(format!("`{name}` is no JSON object: {error}")))
}

/// Whether somebody came with a browser, to look and not to ask.
fn is_visit(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.uri.query().is_none() && accept.contains("text/html")
}

/// Whether the operation that would run is a query. A document that can't be parsed, or whose operation is not clear,
/// counts as one: its error is found where all are.
fn is_query(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return true };
    let operation = match (&document.operations, &name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name.as_str()),
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation.is_none_or(|operation| operation.node.ty == OperationType::Query)
}

/// How an answer is told.
#[derive(Clone, Copy)]
enum Media {
    /// The status tells whether the request could be executed.
    GraphqlResponse,
    /// As before there was a specification: 200 for every request that was understood as one.
    Json,
}

impl Media {
    /// What the client accepts; plain JSON when it doesn't name the newer type.
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.into_iter().any(|accept| accept.contains(RESPONSE_JSON)) {
            Self::GraphqlResponse
        } else {
            Self::Json
        }
    }

    fn answer(self, mut response: GraphqlResponse) -> Response {
        // Not executed at all: syntax, validation, variables. Errors of execution have a path.
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        let headers = std::mem::take(&mut response.http_headers);
        let (status, body) = if refused {
            let body = Json(json!({ "errors": response.errors })).into_response();
            (if matches!(self, Self::Json) { StatusCode::OK } else { StatusCode::BAD_REQUEST }, body)
        } else {
            (StatusCode::OK, writer::text(&response).into_response())
        };
        let mut response = (status, body).into_response();
        response.headers_mut().extend(headers);
        self.label(response)
    }

    /// Refuses what is no GraphQL request, in the shape of a GraphQL answer.
    fn refuse(self, error: ApiError) -> Response {
        let status = error.status();
        let headers = error.headers();
        let error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
        let body = json!({ "errors": [{ "message": error.message, "extensions": error.extensions }] });
        self.label((status, headers, Json(body)).into_response())
    }

    fn label(self, mut response: Response) -> Response {
        let media_type = match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }
}
