//! GraphQL over Server-Sent Events, in the mode of distinct connections: one operation, one stream.
//!
//! Written after the protocol of graphql-sse. Over POST, errors of the document come as events, as graphql-sse expects it. Over
//! GET, as an `EventSource` sends it, they have a status, which ends the `EventSource`. An event bears the cursor of its place
//! as its id, which an `EventSource` sends back as `Last-Event-ID` when it comes again.

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

/// After how much silence a comment is sent, so that nobody between takes the connection for dead.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(12);

const KEEP_ALIVE_COMMENT: &[u8] = b":\n\n";
/// With empty data: an `EventSource` passes no event on that has none.
const COMPLETE_EVENT: &[u8] = b"event: complete\ndata: \n\n";

/// An operation, and who asked for it.
pub(crate) struct SseRequest {
    pub request: Request,
    pub authenticated: Authenticated,
}

/// How a position without an event is sent to a client that has no cursors in its results.
#[derive(Clone, Copy)]
pub(crate) enum PositionFormat {
    /// As a block that has only an id, from which GraphQL over SSE makes no event.
    IdOnly,
    /// As an event `position`: the npm package `eventsource` takes ids from events only, and events without a listener are dropped.
    Event,
}

/// Runs a query or a mutation; its answer is the one event.
pub(crate) fn execute(app: &SharedState, SseRequest { request, authenticated: holder }: SseRequest) -> Response {
    let operations = app.state.metrics.operations.clone();
    let app = app.clone();
    let answer = async move {
        let payer = holder.caller_id();
        let answer = timeout::with_permit(&app, payer, graphql::execute(&app.schema, request, holder.caller)).await;
        let event = answer.and_then(|(response, place)| {
            app.response_memory.reserve(payer, final_event_bytes(&response), Some(place))
        });
        event.unwrap_or_else(|error| final_event(&GraphqlResponse::from_errors(vec![response::server_error(error)])))
    };
    respond(&operations, stream::once(answer))
}

/// Subscribes; `last_event_id` is the cursor that an `EventSource` goes on after, else that of the extension `resume`.
///
/// # Errors
/// The response that refuses it.
pub(crate) async fn subscribe(
    app: &SharedState,
    SseRequest { request, authenticated: holder }: SseRequest,
    last_event_id: Option<&str>,
    positions: PositionFormat,
) -> Result<Response, Box<GraphqlResponse>> {
    let extension = Resume::from_request(&request).cloned();
    let positions = if extension.is_some() { None } else { Some(positions) };
    let after = extension.and_then(|extension| extension.after);
    let subscriber = app.live.subscribe(request, &holder.caller, last_event_id.or(after.as_deref())).await?;
    Ok(respond(&app.state.metrics.operations, events(app.clone(), subscriber, holder, positions)))
}

/// A stream of one response. An `EventSource` sends its request again after the time in `Retry-After`.
pub(crate) fn single_event(response: &GraphqlResponse) -> Response {
    let seconds = response.http_headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry = seconds.map_or_else(String::new, |seconds: u32| format!("retry: {}\n", u64::from(seconds) * 1000));
    let event = Bytes::from([retry.as_bytes(), &final_event(response)].concat());
    event_stream_response(stream::once(async { event }))
}

/// The events of a subscription. Ends without `complete` where the client shall come again and go on after the last one: when
/// the gateway stops, and when the client is too slow.
///
/// The position is sent when the stream begins, and when it moved on without an event, so that a client can go on after it.
/// Without `positions`, it is in the results.
fn events(
    app: SharedState,
    subscriber: Subscriber,
    holder: Authenticated,
    positions: Option<PositionFormat>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let (stopping, interval) = (app.shutdown_triggered(), app.sockets.timeouts.ping_interval);
    let expired = async move { holder.key_invalidated(&app).await };
    let state = Some((subscriber, None, Box::pin(stopping), Box::pin(expired)));
    stream::unfold(state, move |state| async move {
        let (mut subscriber, mut sent, mut stopping, mut expired) = state?;
        loop {
            if let (None, Some(place)) = (sent, subscriber.offset()) {
                return Some((position_block(place, positions), Some((subscriber, Some(place), stopping, expired))));
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
fn position_block(place: FeedOffset, positions: Option<PositionFormat>) -> Bytes {
    let mut out = Vec::new();
    match positions {
        None => write_next(Some(place), &resume::position_result(place), &mut out),
        Some(PositionFormat::IdOnly) => {
            write_id(place, &mut out);
            out.push(b'\n');
        }
        Some(PositionFormat::Event) => {
            out.extend_from_slice(b"event: position\n");
            write_id(place, &mut out);
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
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would hold events back until a buffer is full
    ];
    let events = with_keep_alive(events, KEEP_ALIVE_INTERVAL).map(Ok::<_, std::convert::Infallible>);
    (headers, Body::from_stream(events)).into_response()
}

/// The same events. A panic is the last one, as an internal error.
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

/// The last answer, and that it is the last.
fn final_event(response: &GraphqlResponse) -> Bytes {
    final_event_bytes(response).into()
}

fn final_event_bytes(response: &GraphqlResponse) -> Vec<u8> {
    let mut out = Vec::new();
    write_next(None, &response::to_json(response), &mut out);
    out.extend_from_slice(COMPLETE_EVENT);
    out
}

/// Writes an answer as an event. JSON as it is written here has no line breaks, which would end the data.
fn write_next(place: Option<FeedOffset>, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: next\n");
    if let Some(place) = place {
        write_id(place, out);
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\n\n");
}

fn write_id(place: FeedOffset, out: &mut Vec<u8>) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(FeedCursor(place).encode_cursor().as_bytes());
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
        let place = FeedOffset { number: 7, index: 3 };
        let mut out = Vec::new();
        write_next(Some(place), b"{\"data\":{}}", &mut out);
        let cursor = FeedCursor(place).encode_cursor();
        assert_eq!(out, format!("event: next\nid: {cursor}\ndata: {{\"data\":{{}}}}\n\n").into_bytes());
    }
}
