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
    accept::{Accept, Media},
    response::refuse,
};
use crate::{
    api_error::ApiError,
    graphql,
    graphql::execute::{
        admission::REFUSED,
        replica_routing::{POSITION, Position},
    },
    http::{
        extract::authenticated::Holder,
        state::{App, Shared},
        transports::{
            sse,
            sse::{Asked, Positions},
            websocket,
        },
    },
    limits::rate_limit::Payer,
};

const ANY_FORM: &str = "the Accept header allows none of application/graphql-response+json, application/json and \
                             text/event-stream";
const STREAM: &str = "this path answers with text/event-stream, which the Accept header doesn't allow";
const SUBSCRIPTION: &str = "subscriptions are answered by a stream of events: send `Accept: text/event-stream`, or use a \
                            WebSocket";

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/graphql", get(by_get).post(by_post))
        .route("/graphql/stream", get(stream_by_get).post(stream_by_post))
        .route("/schema.graphql", get(schema::sdl))
}

/// What a path answers with.
#[derive(Clone, Copy)]
enum Offer {
    /// What the client likes best.
    Anything,
    /// A stream of events only.
    EventStream,
}

async fn by_post(
    State(app): State<Shared>,
    headers: HeaderMap,
    holder: Result<Holder, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, Offer::Anything, &Method::POST, &headers, holder, request).await
}

async fn stream_by_post(
    State(app): State<Shared>,
    headers: HeaderMap,
    holder: Result<Holder, ApiError>,
    body: Bytes,
) -> Response {
    let request = request::from_body(&app.persisted, &headers, &body);
    respond(&app, Offer::EventStream, &Method::POST, &headers, holder, request).await
}

async fn by_get(State(app): State<Shared>, holder: Result<Holder, ApiError>, parts: Parts) -> Response {
    if websocket::is_asked(&parts.headers) {
        return match holder {
            Ok(holder) => websocket::serve(app, parts, holder.caller, holder.payer),
            Err(error) => error.into_response(),
        };
    }
    if app.state.about.exposure.playground && is_visit(&parts) {
        return Redirect::temporary("playground").into_response();
    }
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, Offer::Anything, &parts.method, &parts.headers, holder, request).await
}

async fn stream_by_get(State(app): State<Shared>, holder: Result<Holder, ApiError>, parts: Parts) -> Response {
    let request = request::from_uri(&app.persisted, &parts.uri);
    respond(&app, Offer::EventStream, &parts.method, &parts.headers, holder, request).await
}

/// How to refuse a request in the form that its headers ask for.
pub(crate) fn refusal_for(
    edition: Edition,
    method: &Method,
    headers: &HeaderMap,
) -> impl FnOnce(ApiError) -> Response + use<> {
    let accept = Accept::of(headers);
    let (media, is_event_source) = (accept.refusal(), is_event_source(method, &accept));
    move |error| {
        if is_event_source && may_succeed_later(error.status()) {
            let mut response = GraphqlResponse::from_errors(Vec::new());
            response.http_headers = error.headers();
            response.errors = vec![response::of(error)];
            return sse::once(&response);
        }
        refuse(edition, media, error)
    }
}

/// Whether an `EventSource` sent the request: only it asks by GET for a stream of events and nothing else. It gives up for good on
/// every status but 200.
fn is_event_source(method: &Method, accept: &Accept) -> bool {
    method == Method::GET && accept.answer() == Some(Media::EventStream)
}

fn may_succeed_later(status: StatusCode) -> bool {
    !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether somebody came with a browser, to look and not to ask.
fn is_visit(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.uri.query().is_none() && accept.contains("text/html")
}

async fn respond(
    app: &Shared,
    offer: Offer,
    method: &Method,
    headers: &HeaderMap,
    holder: Result<Holder, ApiError>,
    request: Result<Request, ApiError>,
) -> Response {
    let (accept, edition, is_get) = (Accept::of(headers), app.graphql_http, method != Method::POST);
    let media = match offer {
        Offer::Anything => accept.answer().ok_or(ANY_FORM),
        Offer::EventStream => accept.event_stream().then_some(Media::EventStream).ok_or(STREAM),
    };
    let media = match media {
        Ok(media) => media,
        Err(reason) => return refuse(edition, Media::Json, ApiError::NotAcceptable(reason)),
    };
    if is_get && !app.state.about.exposure.get {
        return refuse_get(edition, &accept, "GET is not answered here; send the request by POST, as JSON");
    }
    let (holder, mut request) = match (holder, request, position(app, headers).await) {
        (Ok(holder), Ok(request), Ok(position)) => {
            let request = request.data(holder.payer);
            (holder, if let Some(position) = position { request.data(position) } else { request })
        }
        (Ok(holder), Err(error), _) | (Ok(holder), _, Err(error)) => {
            return refusal_for(edition, method, headers)(charged(app, holder.payer(), error));
        }
        (Err(error), ..) => return refusal_for(edition, method, headers)(error),
    };
    match app.state.documents.operation_type(&mut request) {
        OperationType::Mutation if is_get => {
            refuse_get(edition, &accept, "mutations are not run by GET; send them by POST")
        }
        OperationType::Subscription if accept.event_stream() => {
            let resume = headers.get("last-event-id").map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
            let resume = resume.filter(|cursor| !cursor.is_empty());
            let positions = if is_get { Positions::Events } else { Positions::Ids };
            match sse::subscribe(app, Asked { request, holder }, resume.as_deref(), positions).await {
                Ok(stream) => stream,
                Err(refusal) if is_get => event_source(edition, accept.refusal(), &refusal),
                Err(refusal) => sse::once(&refusal),
            }
        }
        OperationType::Subscription => refuse(edition, accept.refusal(), ApiError::NotAcceptable(SUBSCRIPTION)),
        OperationType::Query | OperationType::Mutation if media == Media::EventStream && is_get => {
            let response = graphql::execute(&app.schema, request, holder.caller).await;
            event_source(edition, accept.refusal(), &response)
        }
        OperationType::Query | OperationType::Mutation if media == Media::EventStream => {
            sse::execute(app, Asked { request, holder })
        }
        OperationType::Query | OperationType::Mutation => {
            let (caller, payer) = (holder.caller.clone(), holder.payer());
            let response = graphql::execute(&app.schema, request, holder.caller).await;
            let mut answer = response::answer(edition, media, &response);
            if is_get {
                let hints = response.errors.is_empty().then_some(response.cache_control);
                answer = http_cache::mark(answer, hints, &caller, headers);
            }
            let (parts, text) = answer.into_parts();
            match app.answers.hold(payer, text, None) {
                Ok(text) => Response::from_parts(parts, Body::from(text)),
                Err(error) => refuse(edition, accept.refusal(), error),
            }
        }
    }
}

/// The error of a request that is none, which costs as much as a refused document: to read it took about as long.
pub(crate) fn charged(app: &App, payer: Payer, error: ApiError) -> ApiError {
    let spent = app.state.budgets.cost.spend(payer, REFUSED, app.state.clock.now());
    spent.err().map_or(error, ApiError::RateLimited)
}

/// What the answer has to know of. Without replicas it knows of everything.
async fn position(app: &App, headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(value) = headers.get(&POSITION).filter(|_| !app.state.replicas.is_empty()) else { return Ok(None) };
    let position = value.to_str().unwrap_or_default().parse().map_err(|error| {
        ApiError::BadRequest(format!(
            "the header Airgraph-Position can't be read: {error}; send it as in the answer to a mutation"
        ))
    })?;
    if app.state.replicas.is_beyond_primary(position, &app.state.database).await {
        return Err(ApiError::BadRequest(
            "the header Airgraph-Position is beyond what the database holds; send it as in the answer to a mutation"
                .to_owned(),
        ));
    }
    Ok(Some(Position(position)))
}

/// A single response to an `EventSource`, which sends its request again 3 s after each end of a stream, for ever. So a request
/// that can never be executed gets its status; a stream is for what may be executed later.
fn event_source(edition: Edition, media: Media, response: &GraphqlResponse) -> Response {
    let status = Edition::September2026.of_response(media, response);
    if !response::is_refused(response) || may_succeed_later(status) {
        return sse::once(response);
    }
    let mut answer = response::answer(edition, media, response);
    if !answer.status().is_client_error() {
        *answer.status_mut() = StatusCode::BAD_REQUEST; // the drafts' 200 would look like a stream
    }
    http_cache::no_store(answer).map(Body::from)
}

fn refuse_get(edition: Edition, accept: &Accept, reason: &'static str) -> Response {
    let mut response = refuse(edition, accept.refusal(), ApiError::MethodNotAllowed(reason));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
