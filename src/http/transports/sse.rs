//! GraphQL over Server-Sent Events, in the mode of distinct connections: one operation, one stream.
//!
//! Implements the protocol of graphql-sse. Over POST, errors of the document are sent as events, as graphql-sse
//! expects. Over GET, as sent by an `EventSource`, they have an error status, which ends the `EventSource`. The id of
//! an event is its cursor, which an `EventSource` sends as `Last-Event-ID` when it reconnects.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Request, Response as GraphqlResponse, connection::CursorType as _};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, stream};

use super::{resume, resume::Resume};
use crate::{
    api_error::ApiError,
    domain::feed::FeedOffset,
    graphql,
    graphql::cursor::FeedCursor,
    http::{extract::authenticated::Authenticated, middleware::timeout, routes::graphql::response, state::SharedState},
    observability::metrics::operations::OperationMetrics,
    subscriptions::{Delivery, Subscriber, SubscriptionEvent},
};

/// A comment is sent after this time of silence, so that no proxy treats the connection as dead.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(12);

const KEEP_ALIVE_COMMENT: &[u8] = b":\n\n";
/// With empty data: an `EventSource` drops an event without data.
const COMPLETE_EVENT: &[u8] = b"event: complete\ndata: \n\n";

/// An operation and its caller.
pub(crate) struct SseRequest {
    pub request: Request,
    pub authenticated: Authenticated,
}

/// How a position without an event is sent to a client without cursors in its results.
#[derive(Clone, Copy)]
pub(crate) enum PositionFormat {
    /// As a block with only an id, which GraphQL over SSE does not treat as an event.
    IdOnly,
    /// As an event `position`: the npm package `eventsource` reads ids of events only, and events without a listener
    /// are dropped.
    Event,
}

/// Executes a query or a mutation; its response is the only event.
pub(crate) fn execute(app: &SharedState, SseRequest { request, authenticated }: SseRequest) -> Response {
    let operations = app.state.metrics.operations.clone();
    let app = app.clone();
    let executed = async move {
        let caller_id = authenticated.caller_id();
        let response =
            timeout::with_permit(&app, caller_id, graphql::execute(&app.schema, request, authenticated.caller)).await;
        let event = response.and_then(|(response, permit)| {
            app.response_memory.reserve(caller_id, final_event_bytes(&response), Some(permit))
        });
        event.unwrap_or_else(|error| final_event(&GraphqlResponse::from_errors(vec![response::server_error(error)])))
    };
    respond(&operations, stream::once(executed))
}

/// Subscribes. `last_event_id` is the cursor sent by an `EventSource`; without it the cursor of the extension `resume`
/// is used.
///
/// # Errors
/// The response that refuses the request.
pub(crate) async fn subscribe(
    app: &SharedState,
    SseRequest { request, authenticated }: SseRequest,
    last_event_id: Option<&str>,
    positions: PositionFormat,
) -> Result<Response, Box<GraphqlResponse>> {
    let extension = Resume::from_request(&request).cloned();
    let positions = if extension.is_some() { None } else { Some(positions) };
    let after = extension.and_then(|extension| extension.after);
    let subscriber = app.live.subscribe(request, &authenticated.caller, last_event_id.or(after.as_deref())).await?;
    Ok(respond(&app.state.metrics.operations, events(app.clone(), subscriber, authenticated, positions)))
}

/// A stream of one response. An `EventSource` repeats its request after the time in `Retry-After`.
pub(crate) fn single_event(response: &GraphqlResponse) -> Response {
    let seconds = response.http_headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry = seconds.map_or_else(String::new, |seconds: u32| format!("retry: {}\n", u64::from(seconds) * 1000));
    let event = Bytes::from([retry.as_bytes(), &final_event(response)].concat());
    event_stream_response(stream::once(async { event }))
}

/// The events of a subscription. Ends without `complete` if the client should reconnect and resume: at shutdown, and
/// when the client is too slow.
///
/// The position is sent when the stream starts, and when it advanced without an event, so that a client can resume
/// after it. Without `positions`, it is in the results.
fn events(
    app: SharedState,
    subscriber: Subscriber,
    authenticated: Authenticated,
    positions: Option<PositionFormat>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let (stopping, interval) = (app.shutdown_triggered(), app.sockets.timeouts.ping_interval);
    let expired = async move { authenticated.key_invalidated(&app).await };
    let state = Some((subscriber, None, Box::pin(stopping), Box::pin(expired)));
    stream::unfold(state, move |state| async move {
        let (mut subscriber, mut sent, mut stopping, mut expired) = state?;
        loop {
            if let (None, Some(offset)) = (sent, subscriber.offset()) {
                return Some((position_block(offset, positions), Some((subscriber, Some(offset), stopping, expired))));
            }
            tokio::select! {
                biased;
                () = &mut stopping => return None,
                error = &mut expired => {
                    return Some((final_event(&GraphqlResponse::from_errors(vec![response::server_error(error)])), None));
                }
                next = subscriber.next() => return match next {
                    Delivery::Events(events) => {
                        let mut out = Vec::new();
                        for SubscriptionEvent { offset, payload } in &events {
                            match offset.filter(|_| positions.is_none()) {
                                Some(at) => write_next(*offset, &resume::with_cursor(payload, at), &mut out),
                                None => write_next(*offset, payload, &mut out),
                            }
                            sent = offset.or(sent);
                        }
                        Some((out.into(), Some((subscriber, sent, stopping, expired))))
                    }
                    Delivery::SlowConsumer(_) => None,
                    Delivery::Failed(response) => Some((final_event(&response), None)),
                },
                () = tokio::time::sleep(interval) => sent = sent.filter(|&sent| subscriber.offset() == Some(sent)),
            }
        }
    })
}

/// A position without an event.
fn position_block(offset: FeedOffset, positions: Option<PositionFormat>) -> Bytes {
    let mut out = Vec::new();
    match positions {
        None => write_next(Some(offset), &resume::position_result(offset), &mut out),
        Some(PositionFormat::IdOnly) => {
            write_id(offset, &mut out);
            out.push(b'\n');
        }
        Some(PositionFormat::Event) => {
            out.extend_from_slice(b"event: position\n");
            write_id(offset, &mut out);
            out.extend_from_slice(b"data: {}\n\n");
        }
    }
    out.into()
}

fn respond(operations: &OperationMetrics, events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    event_stream_response(catch_panics(operations.clone(), events))
}

fn event_stream_response(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would buffer events
    ];
    let events = with_keep_alive(events, KEEP_ALIVE_INTERVAL).map(Ok::<_, std::convert::Infallible>);
    (headers, Body::from_stream(events)).into_response()
}

/// The same events. A panic becomes a final internal error.
fn catch_panics(
    operations: OperationMetrics,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static {
    AssertUnwindSafe(events).catch_unwind().map(move |event| {
        event.unwrap_or_else(|_| {
            operations.count_panic();
            final_event(&GraphqlResponse::from_errors(vec![response::server_error(ApiError::panicked())]))
        })
    })
}

/// The same events, and a comment after each silence of this length.
fn with_keep_alive(
    events: impl Stream<Item = Bytes> + Send + 'static,
    after: Duration,
) -> impl Stream<Item = Bytes> + Send {
    stream::unfold((Box::pin(events), after), async |(mut events, after)| {
        let event =
            tokio::time::timeout(after, events.next()).await.unwrap_or(Some(Bytes::from_static(KEEP_ALIVE_COMMENT)))?;
        Some((event, (events, after)))
    })
}

/// The last response, and the event `complete`.
fn final_event(response: &GraphqlResponse) -> Bytes {
    final_event_bytes(response).into()
}

fn final_event_bytes(response: &GraphqlResponse) -> Vec<u8> {
    let mut out = Vec::new();
    write_next(None, &response::to_json(response), &mut out);
    out.extend_from_slice(COMPLETE_EVENT);
    out
}

/// Writes a response as an event. JSON as serialised here has no line breaks, which would end the data.
fn write_next(offset: Option<FeedOffset>, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: next\n");
    if let Some(offset) = offset {
        write_id(offset, out);
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\n\n");
}

fn write_id(offset: FeedOffset, out: &mut Vec<u8>) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(FeedCursor(offset).encode_cursor().as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn comments_are_sent_between_distant_events() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
        let events = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        let mut kept = pin!(with_keep_alive(events, Duration::from_millis(20)));
        for event in ["one", "two"] {
            assert_eq!(kept.next().await.as_deref(), Some(KEEP_ALIVE_COMMENT));
            assert_eq!(kept.next().await.as_deref(), Some(KEEP_ALIVE_COMMENT));
            sender.send(Bytes::from(event)).await.expect("sent");
            assert_eq!(kept.next().await.as_deref(), Some(event.as_bytes()));
        }
        drop(sender);
        assert_eq!(kept.next().await, None);
    }

    #[tokio::test]
    async fn panic_ends_the_stream_with_an_internal_error() {
        let mut count = 0;
        let events = stream::poll_fn(move |_| {
            count += 1;
            assert!(count < 2, "a defect");
            std::task::Poll::Ready(Some(Bytes::from_static(b"one")))
        });
        let operations = OperationMetrics::default();
        let events: Vec<_> = catch_panics(operations.clone(), events).collect().await;
        assert_eq!(operations.panics(), 1);
        let [first, last] = &events[..] else { panic!("{events:?}") };
        let last = String::from_utf8_lossy(last);
        assert_eq!(first.as_ref(), b"one");
        assert!(last.contains("\"code\":\"INTERNAL\"") && last.ends_with("event: complete\ndata: \n\n"), "{last}");
    }

    #[test]
    fn event_id_is_the_cursor() {
        let offset = FeedOffset { number: 7, index: 3 };
        let mut out = Vec::new();
        write_next(Some(offset), b"{\"data\":{}}", &mut out);
        let cursor = FeedCursor(offset).encode_cursor();
        assert_eq!(out, format!("event: next\nid: {cursor}\ndata: {{\"data\":{{}}}}\n\n").into_bytes());
    }
}
