//! GraphQL over HTTP: POST with a JSON body, GET for what changes nothing, one answer or a stream of events.
//!
//! Written after the GraphQL-over-HTTP specification and the GraphQL-over-SSE protocol. The handlers of async-graphql-axum
//! also run mutations by GET and take form bodies, which would let other sites' pages act with a visitor's rights.

mod accept;
pub(super) mod answer;
mod caching;
pub(super) mod request;

use async_graphql::{Request, parser::types::OperationType};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};

use self::{
    accept::{Accept, Media},
    answer::refuse,
};
use super::{
    caller::Holder,
    sse::{self, Asked},
    websocket,
};
use crate::{
    app::{App, Shared},
    error::ApiError,
    graphql::{
        self,
        reading::{POSITION, Position},
    },
};

const ANY_FORM: &str = "the Accept header allows none of application/graphql-response+json, application/json and \
                             text/event-stream";
const STREAM: &str = "this path answers with text/event-stream, which the Accept header doesn't allow";
const SUBSCRIPTION: &str = "subscriptions are answered by a stream of events: send `Accept: text/event-stream`, or use a \
                            WebSocket";

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/graphql", get(by_get).post(by_post))
        .route("/graphql/stream", get(stream_by_get).post(stream_by_post))
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
pub(super) fn refusal_for(headers: &HeaderMap) -> impl FnOnce(ApiError) -> Response + use<> {
    let media = Accept::of(headers).refusal();
    move |error| refuse(media, error)
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
    let accept = Accept::of(headers);
    let media = match offer {
        Offer::Anything => accept.answer().ok_or(ANY_FORM),
        Offer::EventStream => accept.event_stream().then_some(Media::EventStream).ok_or(STREAM),
    };
    let media = match media {
        Ok(media) => media,
        Err(reason) => return refuse(Media::Json, ApiError::NotAcceptable(reason)),
    };
    if method != Method::POST && !app.state.about.exposure.get {
        return refuse_get(&accept, "GET is not answered here; send the request by POST, as JSON");
    }
    let (holder, mut request) = match (holder, request, position(app, headers)) {
        (Ok(holder), Ok(request), Ok(position)) => {
            let request = request.data(holder.payer);
            (holder, if let Some(position) = position { request.data(position) } else { request })
        }
        (_, Err(error), _) | (Err(error), _, _) | (_, _, Err(error)) => return refuse(accept.refusal(), error),
    };
    match app.state.documents.operation_type(&mut request) {
        OperationType::Mutation if method != Method::POST => {
            refuse_get(&accept, "mutations are not run by GET; send them by POST")
        }
        OperationType::Subscription if accept.event_stream() => {
            let resume = headers.get("last-event-id").map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
            let resume = resume.filter(|cursor| !cursor.is_empty());
            sse::subscribe(app, Asked { request, holder }, resume.as_deref()).await
        }
        OperationType::Subscription => refuse(accept.refusal(), ApiError::NotAcceptable(SUBSCRIPTION)),
        OperationType::Query | OperationType::Mutation if media == Media::EventStream => {
            sse::execute(app, Asked { request, holder })
        }
        OperationType::Query | OperationType::Mutation => {
            let caller = holder.caller.clone();
            let response = graphql::execute(&app.schema, request, holder.caller).await;
            let mut answer = answer::answer(media, &response);
            if method != Method::POST {
                let hints = response.errors.is_empty().then_some(response.cache_control);
                answer = caching::mark(answer, hints, &caller, headers);
            }
            answer.map(Body::from)
        }
    }
}

/// What the answer has to know of. Without replicas it knows of everything.
fn position(app: &App, headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(value) = headers.get(&POSITION).filter(|_| !app.state.replicas.is_empty()) else { return Ok(None) };
    let position = value.to_str().unwrap_or_default().parse();
    position.map(|position| Some(Position(position))).map_err(|error| {
        ApiError::BadRequest(format!(
            "the header Airgraph-Position can't be read: {error}, as a mutation's answer told it"
        ))
    })
}

fn refuse_get(accept: &Accept, reason: &'static str) -> Response {
    let mut response = refuse(accept.refusal(), ApiError::MethodNotAllowed(reason));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
