//! GraphQL over HTTP: POST with a JSON body, GET for what changes nothing, one answer or a stream of events.
//!
//! Written after the GraphQL-over-HTTP specification, edition of September 2026, and the GraphQL-over-SSE protocol. The handlers of async-graphql-axum
//! also run mutations by GET and take form bodies, which would let other sites' pages act with a visitor's rights.

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

/// What a path answers with.
#[derive(Clone, Copy)]
enum RouteMode {
    /// What the client likes best.
    Negotiated,
    /// A stream of events only.
    EventStream,
}

async fn post_graphql(
    State(app): State<SharedState>,
    headers: HeaderMap,
    holder: Result<Authenticated, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, RouteMode::Negotiated, &Method::POST, &headers, holder, request).await
}

async fn post_stream(
    State(app): State<SharedState>,
    headers: HeaderMap,
    holder: Result<Authenticated, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, RouteMode::EventStream, &Method::POST, &headers, holder, request).await
}

async fn get_graphql(
    State(app): State<SharedState>,
    holder: Result<Authenticated, ApiError>,
    parts: Parts,
) -> Response {
    if websocket::is_upgrade_request(&parts.headers) {
        return match holder {
            Ok(holder) => websocket::serve(app, parts, holder.caller, holder.address),
            Err(error) => error.into_response(),
        };
    }
    if app.state.info.security_profile.playground && is_browser_visit(&parts) {
        return Redirect::temporary("playground").into_response();
    }
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, RouteMode::Negotiated, &parts.method, &parts.headers, holder, request).await
}

async fn get_stream(State(app): State<SharedState>, holder: Result<Authenticated, ApiError>, parts: Parts) -> Response {
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, RouteMode::EventStream, &parts.method, &parts.headers, holder, request).await
}

/// How to refuse a request in the form that its headers ask for.
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

/// Whether an `EventSource` sent the request: only it asks by GET for a stream of events and nothing else. It gives up for good on
/// every status but 200.
fn is_event_source(method: &Method, accept: &Accept) -> bool {
    method == Method::GET && accept.response_format() == Some(ResponseFormat::EventStream)
}

fn may_succeed_later(status: StatusCode) -> bool {
    !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether somebody came with a browser, to look and not to ask.
fn is_browser_visit(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.uri.query().is_none() && accept.contains("text/html")
}

async fn respond(
    app: &SharedState,
    offer: RouteMode,
    method: &Method,
    headers: &HeaderMap,
    holder: Result<Authenticated, ApiError>,
    request: Result<Request, ApiError>,
) -> Response {
    let (accept, edition, is_get) = (Accept::from_headers(headers), app.graphql_http, method != Method::POST);
    let media = match offer {
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
    let (holder, mut request) = match (holder, request, min_lsn(app, headers).await) {
        (Ok(holder), Ok(request), Ok(position)) => {
            let request = request.data(holder.address);
            (holder, if let Some(position) = position { request.data(position) } else { request })
        }
        (Ok(holder), Err(error), _) | (Ok(holder), _, Err(error)) => {
            return error_responder(edition, method, headers)(charge_rejected_request(app, holder.caller_id(), error));
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
            match sse::subscribe(app, SseRequest { request, authenticated: holder }, resume.as_deref(), positions).await
            {
                Ok(stream) => stream,
                Err(refusal) if is_get => event_source_response(edition, accept.error_format(), &refusal),
                Err(refusal) => sse::single_event(&refusal),
            }
        }
        OperationType::Subscription => {
            error_response(edition, accept.error_format(), ApiError::NotAcceptable(SUBSCRIPTION_FORMAT_MESSAGE))
        }
        OperationType::Query | OperationType::Mutation if media == ResponseFormat::EventStream && is_get => {
            let response = graphql::execute(&app.schema, request, holder.caller).await;
            event_source_response(edition, accept.error_format(), &response)
        }
        OperationType::Query | OperationType::Mutation if media == ResponseFormat::EventStream => {
            sse::execute(app, SseRequest { request, authenticated: holder })
        }
        OperationType::Query | OperationType::Mutation => {
            let (caller, payer) = (holder.caller.clone(), holder.caller_id());
            let response = graphql::execute(&app.schema, request, holder.caller).await;
            let mut answer = response::answer(edition, media, &response);
            if is_get {
                let hints = response.errors.is_empty().then_some(response.cache_control);
                answer = http_cache::add_cache_headers(answer, hints, &caller, headers);
            }
            let (parts, text) = answer.into_parts();
            match app.response_memory.reserve(payer, text, None) {
                Ok(text) => Response::from_parts(parts, Body::from(text)),
                Err(error) => error_response(edition, accept.error_format(), error),
            }
        }
    }
}

/// The error of a request that is none, which costs as much as a refused document: to read it took about as long.
pub(crate) fn charge_rejected_request(app: &AppState, payer: CallerId, error: ApiError) -> ApiError {
    let spent = app.state.rate_limiters.cost.check_n(payer, REJECTED_REQUEST_COST, app.state.clock.now());
    spent.err().map_or(error, ApiError::RateLimited)
}

/// What the answer has to know of. Without replicas it knows of everything.
async fn min_lsn(app: &AppState, headers: &HeaderMap) -> Result<Option<RequestMinLsn>, ApiError> {
    let Some(value) = headers.get(&MIN_LSN_HEADER).filter(|_| !app.state.replicas.is_empty()) else { return Ok(None) };
    let position = value.to_str().unwrap_or_default().parse().map_err(|error| {
        ApiError::BadRequest(format!(
            "the header Airgraph-Min-LSN can't be read: {error}; send it as in the answer to a mutation"
        ))
    })?;
    if app.state.replicas.is_beyond_primary(position, &app.state.database).await {
        return Err(ApiError::BadRequest(
            "the header Airgraph-Min-LSN is beyond what the database holds; send it as in the answer to a mutation"
                .to_owned(),
        ));
    }
    Ok(Some(RequestMinLsn(position)))
}

/// A single response to an `EventSource`, which sends its request again 3 s after each end of a stream, for ever. So a request
/// that can never be executed gets its status; a stream is for what may be executed later.
fn event_source_response(edition: Edition, media: ResponseFormat, response: &GraphqlResponse) -> Response {
    let status = Edition::September2026.response_status(media, response);
    if !response::is_request_error(response) || may_succeed_later(status) {
        return sse::single_event(response);
    }
    let mut answer = response::answer(edition, media, response);
    if !answer.status().is_client_error() {
        *answer.status_mut() = StatusCode::BAD_REQUEST; // the drafts' 200 would look like a stream
    }
    http_cache::no_store(answer).map(Body::from)
}

fn refuse_get(edition: Edition, accept: &Accept, reason: &'static str) -> Response {
    let mut response = error_response(edition, accept.error_format(), ApiError::MethodNotAllowed(reason));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
