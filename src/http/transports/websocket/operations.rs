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

use super::{identity::Identity, message::Id};
use crate::{
    api_error::ApiError,
    domain::feed::Place,
    graphql,
    graphql::execute::admission,
    http::{
        middleware::{concurrency_limit, timeout},
        routes::graphql::response,
        state::Shared,
        transports::resume::Resume,
    },
    observability::metrics,
    subscriptions::{Event, Next, Progress, Subscriber},
};

/// What an operation tells.
pub(super) enum Told {
    /// A query or mutation ran, or was refused. The place is held until the answer is sent.
    Answer(Box<Response>, Option<concurrency_limit::Place>),
    /// A subscription began, at that place of the feed.
    Begun(Option<Place>, Option<Progress>),
    /// Something happened.
    Events(Vec<Event>),
    /// Something can't be told any more, as it was not taken for too long; the last that was told is at that place.
    TooSlow(Place),
    /// A subscription could not begin or go on.
    Failed(Box<Response>),
}

/// An operation that was asked for and has not ended.
pub(super) struct Operation {
    number: u64,
    pub id: Id,
    is_subscription: bool,
    /// Whether its results have cursors.
    pub has_cursors: bool,
    /// The position that its client was sent last.
    pub sent_position: Option<Place>,
    /// After what was sent of it.
    pub place: Option<Place>,
    /// How far that is, where nothing else was to be sent.
    pub progress: Option<Progress>,
    abort: AbortHandle,
}

/// What runs, all of it in the socket's own task.
#[derive(Default)]
pub(super) struct Operations {
    in_flight: Vec<Operation>,
    running: SelectAll<Abortable<BoxStream<'static, (u64, Told)>>>,
    last_number: u64,
}

impl Operations {
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    pub fn has(&self, id: &Id) -> bool {
        self.in_flight.iter().any(|operation| operation.id == *id)
    }

    /// Starts what was requested.
    pub fn start(&mut self, id: Id, app: &Shared, identity: &Identity, mut request: Request) {
        let is_subscription = app.state.documents.operation_type(&mut request) == OperationType::Subscription;
        let has_cursors = is_subscription && Resume::of(&request).is_some();
        let (app, identity) = (app.clone(), identity.clone());
        let counts = app.state.metrics.operations.clone();
        let answers = if is_subscription { subscribe(app, identity, request) } else { execute(app, identity, request) };
        self.run(id, is_subscription, has_cursors, caught(counts, answers).boxed());
    }

    fn run(&mut self, id: Id, is_subscription: bool, has_cursors: bool, answers: BoxStream<'static, Told>) {
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
    pub fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<(u64, Told)> {
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
        self.end_all(|operation| operation.number == number);
    }

    /// Ends the operation with this id, if there is one.
    pub fn complete(&mut self, id: &Id) {
        self.end_all(|operation| operation.id == *id);
    }

    /// Ends all that don't end by themselves.
    pub fn end_subscriptions(&mut self) {
        self.end_all(|operation| operation.is_subscription);
    }

    fn end_all(&mut self, which: impl Fn(&Operation) -> bool) {
        self.in_flight.retain(|operation| {
            let ends = which(operation);
            if ends {
                operation.abort.abort();
            }
            !ends
        });
    }

    /// The ids of all, which end with that.
    pub fn take_ids(&mut self) -> Vec<Id> {
        let ids = self.in_flight.iter().map(|operation| operation.id.clone()).collect();
        self.end_all(|_| true);
        ids
    }

    /// The positions of operations whose results have cursors, where they moved on since the client was sent one.
    pub fn new_positions(&mut self) -> Vec<(Id, Place)> {
        let moved = |operation: &mut Operation| {
            let reached = operation.reached().filter(|_| operation.has_cursors)?;
            let is_new = operation.sent_position.is_none_or(|sent| sent < reached);
            operation.sent_position = Some(reached);
            is_new.then(|| (operation.id.clone(), reached))
        };
        self.in_flight.iter_mut().filter_map(moved).collect()
    }

    /// The least place after which one of them goes on.
    pub fn least_place(&self) -> Option<Place> {
        self.in_flight.iter().filter_map(Operation::reached).min()
    }
}

impl Operation {
    /// The place after which it goes on.
    fn reached(&self) -> Option<Place> {
        Some(self.progress.as_ref()?.reached(self.place?))
    }
}

/// A panic ends its operation with an error; the socket and its other operations go on.
fn caught(
    counts: metrics::operations::Operations,
    answers: BoxStream<'static, Told>,
) -> impl Stream<Item = Told> + Send + 'static {
    AssertUnwindSafe(answers).catch_unwind().map(move |told| {
        told.unwrap_or_else(|_| {
            counts.panicked();
            refused(ApiError::panicked())
        })
    })
}

fn refused(error: ApiError) -> Told {
    Told::Failed(Box::new(Response::from_errors(vec![response::of(error)])))
}

/// The key is looked up for each operation, as for each HTTP request, so that a revoked one can do nothing more.
fn execute(app: Shared, identity: Identity, request: Request) -> BoxStream<'static, Told> {
    let answer = async move {
        let caller = match identity.again(app.clone()).await {
            Ok(identity) => identity.caller,
            Err(error) => return refused(error),
        };
        let payer = admission::payer(&request, &caller);
        let answer = timeout::in_a_place(&app, payer, graphql::execute(&app.schema, request, caller)).await;
        match answer {
            Ok((response, place)) => Told::Answer(Box::new(response), Some(place)),
            Err(error) => Told::Answer(Box::new(Response::from_errors(vec![response::of(error)])), None),
        }
    };
    stream::once(answer).boxed()
}

/// A subscription on its way.
enum Subscription {
    Asked(Box<(Shared, Identity, Request)>),
    Going(Box<Subscriber>),
    Over,
}

fn subscribe(app: Shared, identity: Identity, request: Request) -> BoxStream<'static, Told> {
    stream::unfold(Subscription::Asked(Box::new((app, identity, request))), |subscription| async {
        match subscription {
            Subscription::Asked(asked) => {
                let (app, identity, request) = *asked;
                let caller = match Box::pin(identity.again(app.clone())).await {
                    Ok(identity) => identity.caller,
                    Err(error) => return Some((refused(error), Subscription::Over)),
                };
                let place = app.capacity.enter_to_subscribe().await;
                // On the heap, to be gone with its end: what it takes to check a request is much beside a subscriber.
                let after = Resume::of(&request).and_then(|resume| resume.after.clone());
                let begun = Box::pin(app.live.subscribe(request, &caller, after.as_deref())).await;
                drop(place);
                Some(match begun {
                    Ok(subscriber) => (
                        Told::Begun(subscriber.place(), subscriber.progress()),
                        Subscription::Going(Box::new(subscriber)),
                    ),
                    Err(response) => (Told::Failed(response), Subscription::Over),
                })
            }
            Subscription::Going(mut subscriber) => Some(match subscriber.next().await {
                Next::Events(events) => (Told::Events(events), Subscription::Going(subscriber)),
                Next::TooSlow(place) => (Told::TooSlow(place), Subscription::Over),
                Next::Failed(response) => (Told::Failed(response), Subscription::Over),
            }),
            Subscription::Over => None,
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::http::transports::websocket::message::Message;

    fn id(text: &str) -> Id {
        let message = serde_json::json!({ "type": "complete", "id": text }).to_string();
        let Ok(Message::Complete { id }) = Message::parse(&message) else { panic!("no message") };
        id
    }

    #[tokio::test]
    async fn a_panic_ends_its_operation_and_no_other() {
        let mut operations = Operations::default();
        let counts = metrics::operations::Operations::default();
        let defect = caught(counts.clone(), stream::poll_fn(|_| panic!("a defect")).boxed()).boxed();
        let answer = stream::once(async { Told::Answer(Box::new(Response::new("fine")), None) }).boxed();
        operations.run(id("defect"), false, false, defect);
        operations.run(id("other"), false, false, answer);
        let mut answered = 0;
        for _ in 0..2 {
            let (number, told) = poll_fn(|cx| operations.poll_told(cx)).await;
            match told {
                Told::Failed(response) => {
                    assert_eq!(number, 1);
                    let errors = serde_json::to_value(&response.errors).expect("JSON");
                    assert_eq!(errors[0]["extensions"]["code"], "INTERNAL", "{errors}");
                    operations.end(number);
                }
                Told::Answer(..) => answered = number,
                _ => panic!("neither"),
            }
        }
        assert_eq!((answered, operations.len(), counts.panics()), (2, 1, 1));
        assert!(operations.has(&id("other")) && !operations.has(&id("defect")));
    }
}
