//! GraphQL over HTTP: POST with a JSON body, GET for queries and subscriptions, a single response or an event stream.
//!
//! Implements the GraphQL-over-HTTP specification, edition of September 2026, and the GraphQL-over-SSE protocol. The
//! handlers of async-graphql-axum also execute mutations by GET and accept form bodies, which would let pages of other
//! sites act with a visitor's rights.

mod accept;
pub(crate) mod http_cache;
pub(crate) mod request;
pub(crate) mod response;
mod schema;
mod status;

use async_graphql::{Request, Response as GraphqlResponse, parser::types::OperationType};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};

pub use self::status::Edition;
use self::{
    accept::{Accept, ResponseFormat},
    response::error_response,
};
use crate::{
    api_error::ApiError,
    graphql,
    graphql::execute::{
        admission::REJECTED_REQUEST_COST,
        replica_routing::{MIN_LSN_HEADER, RequestMinLsn},
    },
    http::{
        extract::authenticated::Authenticated,
        state::{AppState, SharedState},
        transports::{
            sse,
            sse::{PositionFormat, SseRequest},
            websocket,
        },
    },
    limits::rate_limit::CallerId,
};

const NOT_ACCEPTABLE_MESSAGE: &str = "the Accept header allows none of application/graphql-response+json, application/json and \
                             text/event-stream";
const EVENT_STREAM_ONLY_MESSAGE: &str =
    "this path answers with text/event-stream, which the Accept header doesn't allow";
const SUBSCRIPTION_FORMAT_MESSAGE: &str = "subscriptions are answered by a stream of events: send `Accept: text/event-stream`, or use a \
                            WebSocket";

pub(crate) fn routes() -> Router<SharedState> {
    Router::new()
        .route("/graphql", get(get_graphql).post(post_graphql))
        .route("/graphql/stream", get(get_stream).post(post_stream))
        .route("/schema.graphql", get(schema::sdl))
}

/// The formats that a path offers.
#[derive(Clone, Copy)]
enum RouteMode {
    /// The format that the client prefers.
    Negotiated,
    /// An event stream only.
    EventStream,
}

async fn post_graphql(
    State(app): State<SharedState>,
    headers: HeaderMap,
    authenticated: Result<Authenticated, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, RouteMode::Negotiated, &Method::POST, &headers, authenticated, request).await
}

async fn post_stream(
    State(app): State<SharedState>,
    headers: HeaderMap,
    authenticated: Result<Authenticated, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, RouteMode::EventStream, &Method::POST, &headers, authenticated, request).await
}

async fn get_graphql(
    State(app): State<SharedState>,
    authenticated: Result<Authenticated, ApiError>,
    parts: Parts,
) -> Response {
    if websocket::is_upgrade_request(&parts.headers) {
        return match authenticated {
            Ok(authenticated) => websocket::serve(app, parts, authenticated.caller, authenticated.address),
            Err(error) => error.into_response(),
        };
    }
    if app.state.info.security_profile.playground && is_browser_visit(&parts) {
        return Redirect::temporary("playground").into_response();
    }
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, RouteMode::Negotiated, &parts.method, &parts.headers, authenticated, request).await
}

async fn get_stream(
    State(app): State<SharedState>,
    authenticated: Result<Authenticated, ApiError>,
    parts: Parts,
) -> Response {
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, RouteMode::EventStream, &parts.method, &parts.headers, authenticated, request).await
}

/// Builds error responses in the format that the request headers accept.
pub(crate) fn error_responder(
    edition: Edition,
    method: &Method,
    headers: &HeaderMap,
) -> impl FnOnce(ApiError) -> Response + use<> {
    let accept = Accept::from_headers(headers);
    let (media, is_event_source) = (accept.error_format(), is_event_source(method, &accept));
    move |error| {
        if is_event_source && may_succeed_later(error.status()) {
            let mut response = GraphqlResponse::from_errors(Vec::new());
            response.http_headers = error.headers();
            response.errors = vec![response::server_error(error)];
            return sse::single_event(&response);
        }
        error_response(edition, media, error)
    }
}

/// Whether an `EventSource` sent the request: only it sends a GET that accepts nothing but an event stream. It stops
/// for good on every status but 200.
fn is_event_source(method: &Method, accept: &Accept) -> bool {
    method == Method::GET && accept.response_format() == Some(ResponseFormat::EventStream)
}

fn may_succeed_later(status: StatusCode) -> bool {
    !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether a browser opened the path as a page.
fn is_browser_visit(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.uri.query().is_none() && accept.contains("text/html")
}

async fn respond(
    app: &SharedState,
    mode: RouteMode,
    method: &Method,
    headers: &HeaderMap,
    authenticated: Result<Authenticated, ApiError>,
    request: Result<Request, ApiError>,
) -> Response {
    let (accept, edition, is_get) = (Accept::from_headers(headers), app.graphql_http, method != Method::POST);
    let media = match mode {
        RouteMode::Negotiated => accept.response_format().ok_or(NOT_ACCEPTABLE_MESSAGE),
        RouteMode::EventStream => {
            accept.accepts_event_stream().then_some(ResponseFormat::EventStream).ok_or(EVENT_STREAM_ONLY_MESSAGE)
        }
    };
    let media = match media {
        Ok(media) => media,
        Err(reason) => return error_response(edition, ResponseFormat::Json, ApiError::NotAcceptable(reason)),
    };
    if is_get && !app.state.info.security_profile.get {
        return refuse_get(edition, &accept, "GET is not answered here; send the request by POST, as JSON");
    }
    let (authenticated, mut request) = match (authenticated, request, min_lsn(app, headers).await) {
        (Ok(authenticated), Ok(request), Ok(min_lsn)) => {
            let request = request.data(authenticated.address);
            (authenticated, if let Some(min_lsn) = min_lsn { request.data(min_lsn) } else { request })
        }
        (Ok(authenticated), Err(error), _) | (Ok(authenticated), _, Err(error)) => {
            return error_responder(edition, method, headers)(charge_rejected_request(
                app,
                authenticated.caller_id(),
                error,
            ));
        }
        (Err(error), ..) => return error_responder(edition, method, headers)(error),
    };
    match app.state.document_cache.operation_type(&mut request) {
        OperationType::Mutation if is_get => {
            refuse_get(edition, &accept, "mutations are not run by GET; send them by POST")
        }
        OperationType::Subscription if accept.accepts_event_stream() => {
            let resume = headers.get("last-event-id").map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
            let resume = resume.filter(|cursor| !cursor.is_empty());
            let positions = if is_get { PositionFormat::Event } else { PositionFormat::IdOnly };
            match sse::subscribe(app, SseRequest { request, authenticated }, resume.as_deref(), positions).await {
                Ok(stream) => stream,
                Err(refusal) if is_get => event_source_response(edition, accept.error_format(), &refusal),
                Err(refusal) => sse::single_event(&refusal),
            }
        }
        OperationType::Subscription => {
            error_response(edition, accept.error_format(), ApiError::NotAcceptable(SUBSCRIPTION_FORMAT_MESSAGE))
        }
        OperationType::Query | OperationType::Mutation if media == ResponseFormat::EventStream && is_get => {
            let response = graphql::execute(&app.schema, request, authenticated.caller).await;
            event_source_response(edition, accept.error_format(), &response)
        }
        OperationType::Query | OperationType::Mutation if media == ResponseFormat::EventStream => {
            sse::execute(app, SseRequest { request, authenticated })
        }
        OperationType::Query | OperationType::Mutation => {
            let (caller, caller_id) = (authenticated.caller.clone(), authenticated.caller_id());
            let response = graphql::execute(&app.schema, request, authenticated.caller).await;
            let mut sent = response::to_http(edition, media, &response);
            if is_get {
                let hints = response.errors.is_empty().then_some(response.cache_control);
                sent = http_cache::add_cache_headers(sent, hints, &caller, headers);
            }
            let (parts, text) = sent.into_parts();
            match app.response_memory.reserve(caller_id, text, None) {
                Ok(text) => Response::from_parts(parts, Body::from(text)),
                Err(error) => error_response(edition, accept.error_format(), error),
            }
        }
    }
}

/// The error of an invalid request. It costs as much as a refused document: parsing it took about as long.
pub(crate) fn charge_rejected_request(app: &AppState, caller_id: CallerId, error: ApiError) -> ApiError {
    let spent = app.state.rate_limiters.cost.check_n(caller_id, REJECTED_REQUEST_COST, app.state.clock.now());
    spent.err().map_or(error, ApiError::RateLimited)
}

/// The minimum position of the replica that answers. `None` without replicas.
async fn min_lsn(app: &AppState, headers: &HeaderMap) -> Result<Option<RequestMinLsn>, ApiError> {
    let Some(value) = headers.get(&MIN_LSN_HEADER).filter(|_| !app.state.replicas.is_empty()) else { return Ok(None) };
    let position = value.to_str().unwrap_or_default().parse().map_err(|error| {
        ApiError::BadRequest(format!(
            "the header Airgraph-Min-LSN can't be read: {error}; send it as in the response to a mutation"
        ))
    })?;
    if app.state.replicas.is_beyond_primary(position, &app.state.database).await {
        return Err(ApiError::BadRequest(
            "the header Airgraph-Min-LSN is beyond what the database holds; send it as in the response to a mutation"
                .to_owned(),
        ));
    }
    Ok(Some(RequestMinLsn(position)))
}

/// A single response to an `EventSource`, which sends its request again 3 s after each end of a stream, for ever. So a
/// request that can never succeed gets an error status; a request that may succeed later gets a stream.
fn event_source_response(edition: Edition, media: ResponseFormat, response: &GraphqlResponse) -> Response {
    let status = Edition::September2026.response_status(media, response);
    if !response::is_request_error(response) || may_succeed_later(status) {
        return sse::single_event(response);
    }
    let mut sent = response::to_http(edition, media, response);
    if !sent.status().is_client_error() {
        *sent.status_mut() = StatusCode::BAD_REQUEST; // the drafts' 200 would look like a stream
    }
    http_cache::no_store(sent).map(Body::from)
}

fn refuse_get(edition: Edition, accept: &Accept, reason: &'static str) -> Response {
    let mut response = error_response(edition, accept.error_format(), ApiError::MethodNotAllowed(reason));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
