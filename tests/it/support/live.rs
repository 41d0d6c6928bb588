//! Subscriptions without a transport.

use std::time::Duration;

use airgraph::{
    auth::Caller,
    subscriptions::{Delivery, Subscriber, SubscriptionEvent},
};
use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::TestApp;

/// Generous, for a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);
/// How long to wait where no event is expected. It is no deadline: a later event is found by the next check.
const NO_EVENT_TIMEOUT: Duration = Duration::from_millis(100);

impl TestApp {
    /// Subscribes without a key.
    pub async fn subscribe(&self, query: &str) -> Subscriber {
        self.try_subscribe(query, json!({}), None).await.unwrap_or_else(|refused| panic!("{refused:#}"))
    }

    /// Subscribes with variables and a cursor; returns the rejecting response, if any.
    pub async fn try_subscribe(
        &self,
        query: &str,
        variables: Value,
        resume: Option<&str>,
    ) -> Result<Subscriber, Value> {
        let request = Request::new(query).variables(Variables::from_json(variables));
        let subscribed = self.live.subscribe(request, &Caller::Anonymous, resume).await;
        subscribed.map_err(|refused| serde_json::to_value(refused).expect("JSON"))
    }

    /// The cursor of the current end of the feed.
    pub async fn feed_cursor(&self) -> String {
        self.query("{ feedCursor }").await["feedCursor"].as_str().expect("a cursor").to_owned()
    }
}

/// The next delivery.
pub async fn next(subscriber: &mut Subscriber) -> Delivery {
    timeout(DEADLINE, subscriber.next()).await.expect("something comes")
}

/// The next events, at least `count`.
pub async fn events(subscriber: &mut Subscriber, count: usize) -> Vec<SubscriptionEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        match next(subscriber).await {
            Delivery::Events(next) => events.extend(next),
            other => panic!("{other:?} after {} of {count} events", events.len()),
        }
    }
    events
}

/// The responses of the next events, at least `count`.
pub async fn payloads(subscriber: &mut Subscriber, count: usize) -> Vec<Value> {
    events(subscriber, count).await.iter().map(payload).collect()
}

/// The response of an event.
pub fn payload(event: &SubscriptionEvent) -> Value {
    serde_json::from_slice(&event.payload).expect("JSON")
}

/// Checks that no event comes.
pub async fn assert_no_event(subscriber: &mut Subscriber) {
    if let Ok(next) = timeout(NO_EVENT_TIMEOUT, subscriber.next()).await {
        panic!("{next:?}");
    }
}
