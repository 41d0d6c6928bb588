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

/// What an operation tells.
pub(super) enum OperationEvent {
    /// A query or mutation ran, or was refused. The place is held until the answer is sent.
    Completed(Box<Response>, Option<concurrency_limit::ConcurrencyPermit>),
    /// A subscription began, at that place of the feed.
    Started(Option<FeedOffset>, Option<Progress>),
    /// Something happened.
    Events(Vec<SubscriptionEvent>),
    /// Something can't be told any more, as it was not taken for too long; the last that was told is at that place.
    SlowConsumer(FeedOffset),
    /// A subscription could not begin or go on.
    Failed(Box<Response>),
}

/// An operation that was asked for and has not ended.
pub(super) struct Operation {
    number: u64,
    pub id: OperationId,
    is_subscription: bool,
    /// Whether its results have cursors.
    pub has_cursors: bool,
    /// The position that its client was sent last.
    pub sent_position: Option<FeedOffset>,
    /// After what was sent of it.
    pub place: Option<FeedOffset>,
    /// How far that is, where nothing else was to be sent.
    pub progress: Option<Progress>,
    abort: AbortHandle,
}

/// What runs, all of it in the socket's own task.
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

    /// Starts what was requested.
    pub fn start(&mut self, id: OperationId, app: &SharedState, identity: &Identity, mut request: Request) {
        let is_subscription = app.state.document_cache.operation_type(&mut request) == OperationType::Subscription;
        let has_cursors = is_subscription && Resume::from_request(&request).is_some();
        let (app, identity) = (app.clone(), identity.clone());
        let counts = app.state.metrics.operations.clone();
        let answers = if is_subscription { subscribe(app, identity, request) } else { execute(app, identity, request) };
        self.run(id, is_subscription, has_cursors, catch_panics(counts, answers).boxed());
    }

    fn run(
        &mut self,
        id: OperationId,
        is_subscription: bool,
        has_cursors: bool,
        answers: BoxStream<'static, OperationEvent>,
    ) {
        self.last_number += 1;
        let number = self.last_number;
        let answers = answers.map(move |told| (number, told)).boxed();
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(answers, registration));
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

    /// What one of them tells next, and its number.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<(u64, OperationEvent)> {
        match self.running.poll_next_unpin(cx) {
            Poll::Ready(Some(told)) => Poll::Ready(told),
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

    /// Ends all that don't end by themselves.
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

    /// The ids of all, which end with that.
    pub fn take_ids(&mut self) -> Vec<OperationId> {
        let ids = self.in_flight.iter().map(|operation| operation.id.clone()).collect();
        self.end_matching(|_| true);
        ids
    }

    /// The positions of operations whose results have cursors, where they moved on since the client was sent one.
    pub fn new_positions(&mut self) -> Vec<(OperationId, FeedOffset)> {
        let moved = |operation: &mut Operation| {
            let reached = operation.position().filter(|_| operation.has_cursors)?;
            let is_new = operation.sent_position.is_none_or(|sent| sent < reached);
            operation.sent_position = Some(reached);
            is_new.then(|| (operation.id.clone(), reached))
        };
        self.in_flight.iter_mut().filter_map(moved).collect()
    }

    /// The least place after which one of them goes on.
    pub fn min_position(&self) -> Option<FeedOffset> {
        self.in_flight.iter().filter_map(Operation::position).min()
    }
}

impl Operation {
    /// The place after which it goes on.
    fn position(&self) -> Option<FeedOffset> {
        Some(self.progress.as_ref()?.reader_offset(self.place?))
    }
}

/// A panic ends its operation with an error; the socket and its other operations go on.
fn catch_panics(
    counts: metrics::operations::OperationMetrics,
    answers: BoxStream<'static, OperationEvent>,
) -> impl Stream<Item = OperationEvent> + Send + 'static {
    AssertUnwindSafe(answers).catch_unwind().map(move |told| {
        told.unwrap_or_else(|_| {
            counts.count_panic();
            failed_event(ApiError::panicked())
        })
    })
}

fn failed_event(error: ApiError) -> OperationEvent {
    OperationEvent::Failed(Box::new(Response::from_errors(vec![response::server_error(error)])))
}

/// The key is looked up for each operation, as for each HTTP request, so that a revoked one can do nothing more.
fn execute(app: SharedState, identity: Identity, request: Request) -> BoxStream<'static, OperationEvent> {
    let answer = async move {
        let caller = match identity.reauthenticate(app.clone()).await {
            Ok(identity) => identity.caller,
            Err(error) => return failed_event(error),
        };
        let payer = admission::client_key(&request, &caller);
        let answer = timeout::with_permit(&app, payer, graphql::execute(&app.schema, request, caller)).await;
        match answer {
            Ok((response, place)) => OperationEvent::Completed(Box::new(response), Some(place)),
            Err(error) => {
                OperationEvent::Completed(Box::new(Response::from_errors(vec![response::server_error(error)])), None)
            }
        }
    };
    stream::once(answer).boxed()
}

/// A subscription on its way.
enum SubscriptionState {
    Requested(Box<(SharedState, Identity, Request)>),
    Running(Box<Subscriber>),
    Ended,
}

fn subscribe(app: SharedState, identity: Identity, request: Request) -> BoxStream<'static, OperationEvent> {
    stream::unfold(SubscriptionState::Requested(Box::new((app, identity, request))), |subscription| async {
        match subscription {
            SubscriptionState::Requested(asked) => {
                let (app, identity, request) = *asked;
                let caller = match Box::pin(identity.reauthenticate(app.clone())).await {
                    Ok(identity) => identity.caller,
                    Err(error) => return Some((failed_event(error), SubscriptionState::Ended)),
                };
                let place = app.concurrency_limit.acquire_for_subscription().await;
                // On the heap, to be gone with its end: what it takes to check a request is much beside a subscriber.
                let after = Resume::from_request(&request).and_then(|resume| resume.after.clone());
                let begun = Box::pin(app.live.subscribe(request, &caller, after.as_deref())).await;
                drop(place);
                Some(match begun {
                    Ok(subscriber) => (
                        OperationEvent::Started(subscriber.offset(), subscriber.progress()),
                        SubscriptionState::Running(Box::new(subscriber)),
                    ),
                    Err(response) => (OperationEvent::Failed(response), SubscriptionState::Ended),
                })
            }
            SubscriptionState::Running(mut subscriber) => Some(match subscriber.next().await {
                Delivery::Events(events) => (OperationEvent::Events(events), SubscriptionState::Running(subscriber)),
                Delivery::SlowConsumer(place) => (OperationEvent::SlowConsumer(place), SubscriptionState::Ended),
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
        let answer = stream::once(async { OperationEvent::Completed(Box::new(Response::new("fine")), None) }).boxed();
        operations.run(id("defect"), false, false, defect);
        operations.run(id("other"), false, false, answer);
        let mut answered = 0;
        for _ in 0..2 {
            let (number, told) = poll_fn(|cx| operations.poll_event(cx)).await;
            match told {
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
