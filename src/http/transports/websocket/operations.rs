//! The operations that run on one socket.

use std::{
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};

use async_graphql::{Request, Response, parser::types::OperationType};
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, AbortHandle, Abortable, BoxStream, SelectAll},
};

use super::{identity::Identity, message::OperationId};
use crate::{
    api_error::ApiError,
    domain::feed::FeedOffset,
    graphql,
    graphql::execute::admission,
    http::{
        middleware::{concurrency_limit, timeout},
        routes::graphql::response,
        state::SharedState,
        transports::resume::Resume,
    },
    observability::metrics,
    subscriptions::{Delivery, Progress, Subscriber, SubscriptionEvent},
};

/// An event of an operation.
pub(super) enum OperationEvent {
    /// A query or mutation was executed or refused. The permit is held until the response is sent.
    Completed(Box<Response>, Option<concurrency_limit::ConcurrencyPermit>),
    /// A subscription started at this offset of the feed.
    Started(Option<FeedOffset>, Option<Progress>),
    /// Events of a subscription.
    Events(Vec<SubscriptionEvent>),
    /// The consumer was too slow, so the next event is lost. Holds the offset of the last delivered event.
    SlowConsumer(FeedOffset),
    /// A subscription failed, at its start or later.
    Failed(Box<Response>),
}

/// An operation that was requested and has not ended.
pub(super) struct Operation {
    number: u64,
    pub id: OperationId,
    is_subscription: bool,
    /// Whether its results have cursors.
    pub has_cursors: bool,
    /// The last position that was sent to the client.
    pub sent_position: Option<FeedOffset>,
    /// Offset of the last event that was sent.
    pub place: Option<FeedOffset>,
    /// Progress of the subscription beyond that, without events.
    pub progress: Option<Progress>,
    abort: AbortHandle,
}

/// Running operations, all polled by the socket's task.
#[derive(Default)]
pub(super) struct Operations {
    in_flight: Vec<Operation>,
    running: SelectAll<Abortable<BoxStream<'static, (u64, OperationEvent)>>>,
    last_number: u64,
}

impl Operations {
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    pub fn contains(&self, id: &OperationId) -> bool {
        self.in_flight.iter().any(|operation| operation.id == *id)
    }

    /// Starts an operation.
    pub fn start(&mut self, id: OperationId, app: &SharedState, identity: &Identity, mut request: Request) {
        let is_subscription = app.state.document_cache.operation_type(&mut request) == OperationType::Subscription;
        let has_cursors = is_subscription && Resume::from_request(&request).is_some();
        let (app, identity) = (app.clone(), identity.clone());
        let counts = app.state.metrics.operations.clone();
        let events = if is_subscription { subscribe(app, identity, request) } else { execute(app, identity, request) };
        self.run(id, is_subscription, has_cursors, catch_panics(counts, events).boxed());
    }

    fn run(
        &mut self,
        id: OperationId,
        is_subscription: bool,
        has_cursors: bool,
        events: BoxStream<'static, OperationEvent>,
    ) {
        self.last_number += 1;
        let number = self.last_number;
        let events = events.map(move |event| (number, event)).boxed();
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(events, registration));
        self.in_flight.push(Operation {
            number,
            id,
            is_subscription,
            has_cursors,
            sent_position: None,
            place: None,
            progress: None,
            abort,
        });
    }

    /// The next event of any operation, with the operation's number.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<(u64, OperationEvent)> {
        match self.running.poll_next_unpin(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(event),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// The operation with this number, unless it has ended.
    pub fn find(&mut self, number: u64) -> Option<&mut Operation> {
        self.in_flight.iter_mut().find(|operation| operation.number == number)
    }

    /// Ends the operation with this number.
    pub fn end(&mut self, number: u64) {
        self.end_matching(|operation| operation.number == number);
    }

    /// Ends the operation with this id, if there is one.
    pub fn complete(&mut self, id: &OperationId) {
        self.end_matching(|operation| operation.id == *id);
    }

    /// Ends all subscriptions.
    pub fn end_subscriptions(&mut self) {
        self.end_matching(|operation| operation.is_subscription);
    }

    fn end_matching(&mut self, which: impl Fn(&Operation) -> bool) {
        self.in_flight.retain(|operation| {
            let ends = which(operation);
            if ends {
                operation.abort.abort();
            }
            !ends
        });
    }

    /// Ends all operations, and returns their ids.
    pub fn take_ids(&mut self) -> Vec<OperationId> {
        let ids = self.in_flight.iter().map(|operation| operation.id.clone()).collect();
        self.end_matching(|_| true);
        ids
    }

    /// The new positions of operations with cursors in their results: those that advanced since the last one sent.
    pub fn new_positions(&mut self) -> Vec<(OperationId, FeedOffset)> {
        let moved = |operation: &mut Operation| {
            let reached = operation.position().filter(|_| operation.has_cursors)?;
            let is_new = operation.sent_position.is_none_or(|sent| sent < reached);
            operation.sent_position = Some(reached);
            is_new.then(|| (operation.id.clone(), reached))
        };
        self.in_flight.iter_mut().filter_map(moved).collect()
    }

    /// The smallest position of all operations.
    pub fn min_position(&self) -> Option<FeedOffset> {
        self.in_flight.iter().filter_map(Operation::position).min()
    }
}

impl Operation {
    /// The position after which it can be resumed.
    fn position(&self) -> Option<FeedOffset> {
        Some(self.progress.as_ref()?.reader_offset(self.place?))
    }
}

/// A panic ends its operation with an error; the socket and its other operations continue.
fn catch_panics(
    counts: metrics::operations::OperationMetrics,
    events: BoxStream<'static, OperationEvent>,
) -> impl Stream<Item = OperationEvent> + Send + 'static {
    AssertUnwindSafe(events).catch_unwind().map(move |event| {
        event.unwrap_or_else(|_| {
            counts.count_panic();
            failed_event(ApiError::panicked())
        })
    })
}

fn failed_event(error: ApiError) -> OperationEvent {
    OperationEvent::Failed(Box::new(Response::from_errors(vec![response::server_error(error)])))
}

/// The key is looked up for each operation, as for each HTTP request, so that a revoked key is refused at once.
fn execute(app: SharedState, identity: Identity, request: Request) -> BoxStream<'static, OperationEvent> {
    let executed = async move {
        let caller = match identity.reauthenticate(app.clone()).await {
            Ok(identity) => identity.caller,
            Err(error) => return failed_event(error),
        };
        let caller_id = admission::client_key(&request, &caller);
        let response = timeout::with_permit(&app, caller_id, graphql::execute(&app.schema, request, caller)).await;
        match response {
            Ok((response, permit)) => OperationEvent::Completed(Box::new(response), Some(permit)),
            Err(error) => {
                OperationEvent::Completed(Box::new(Response::from_errors(vec![response::server_error(error)])), None)
            }
        }
    };
    stream::once(executed).boxed()
}

/// The state of a subscription.
enum SubscriptionState {
    Requested(Box<(SharedState, Identity, Request)>),
    Running(Box<Subscriber>),
    Ended,
}

fn subscribe(app: SharedState, identity: Identity, request: Request) -> BoxStream<'static, OperationEvent> {
    stream::unfold(SubscriptionState::Requested(Box::new((app, identity, request))), |subscription| async {
        match subscription {
            SubscriptionState::Requested(request_parts) => {
                let (app, identity, request) = *request_parts;
                let caller = match Box::pin(identity.reauthenticate(app.clone())).await {
                    Ok(identity) => identity.caller,
                    Err(error) => return Some((failed_event(error), SubscriptionState::Ended)),
                };
                let permit = app.concurrency_limit.acquire_for_subscription().await;
                // Boxed and dropped after use: the state of request validation is large compared with a subscriber.
                let after = Resume::from_request(&request).and_then(|resume| resume.after.clone());
                let started = Box::pin(app.live.subscribe(request, &caller, after.as_deref())).await;
                drop(permit);
                Some(match started {
                    Ok(subscriber) => (
                        OperationEvent::Started(subscriber.offset(), subscriber.progress()),
                        SubscriptionState::Running(Box::new(subscriber)),
                    ),
                    Err(response) => (OperationEvent::Failed(response), SubscriptionState::Ended),
                })
            }
            SubscriptionState::Running(mut subscriber) => Some(match subscriber.next().await {
                Delivery::Events(events) => (OperationEvent::Events(events), SubscriptionState::Running(subscriber)),
                Delivery::SlowConsumer(offset) => (OperationEvent::SlowConsumer(offset), SubscriptionState::Ended),
                Delivery::Failed(response) => (OperationEvent::Failed(response), SubscriptionState::Ended),
            }),
            SubscriptionState::Ended => None,
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::http::transports::websocket::message::ClientMessage;

    fn id(text: &str) -> OperationId {
        let message = serde_json::json!({ "type": "complete", "id": text }).to_string();
        let Ok(ClientMessage::Complete { id }) = ClientMessage::parse(&message) else { panic!("no message") };
        id
    }

    #[tokio::test]
    async fn panic_ends_only_its_operation() {
        let mut operations = Operations::default();
        let counts = metrics::operations::OperationMetrics::default();
        let defect = catch_panics(counts.clone(), stream::poll_fn(|_| panic!("a defect")).boxed()).boxed();
        let response = stream::once(async { OperationEvent::Completed(Box::new(Response::new("fine")), None) }).boxed();
        operations.run(id("defect"), false, false, defect);
        operations.run(id("other"), false, false, response);
        let mut answered = 0;
        for _ in 0..2 {
            let (number, event) = poll_fn(|cx| operations.poll_event(cx)).await;
            match event {
                OperationEvent::Failed(response) => {
                    assert_eq!(number, 1);
                    let errors = serde_json::to_value(&response.errors).expect("JSON");
                    assert_eq!(errors[0]["extensions"]["code"], "INTERNAL", "{errors}");
                    operations.end(number);
                }
                OperationEvent::Completed(..) => answered = number,
                _ => panic!("neither"),
            }
        }
        assert_eq!((answered, operations.len(), counts.panics()), (2, 1, 1));
        assert!(operations.contains(&id("other")) && !operations.contains(&id("defect")));
    }
}
