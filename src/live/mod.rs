//! Subscriptions, whatever carries them to the client.
//!
//! [`crate::feed`] reads what is committed, once. Those who subscribe to the same share a [`channel`], which tells each event
//! once and holds the newest; a subscriber is no more than a place in it. One that begins further back first reads what is
//! stored ([`catch_up`]), up to where the channel goes on.

mod catch_up;
mod channel;
mod channels;
mod charge;
mod events;
mod members;
mod patience;
mod quotas;
mod statistics;
mod subscriber;

use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::{
    auth::Caller,
    domain::feed::Place,
    error::ApiError,
    feed::{Feed, Reached, stored::is_forgotten},
    graphql::{
        Schema, admission,
        context::State,
        subscription::{self, answers::Answering, topic::Asked},
    },
    metrics,
    shutdown::Shutdown,
};
use channel::{Limits, Source};
use channels::{Channels, Key};
use charge::EventCharge;
use quotas::Quotas;
pub use subscriber::{Progress, Subscriber};

/// Who may read the stored feed at the same time: enough to be quick, few enough that it is not all that the database does
/// when a thousand clients come back at once.
const CATCHING_UP: usize = 4;
/// How many channels may tell events at the same time, for which they may need the database.
const TELLING: usize = 8;

/// All that is subscribed to at this gateway. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

struct Shared {
    schema: Schema,
    answering: Answering,
    feed: Feed,
    channels: Channels,
    limits: Limits,
    metrics: metrics::feed::Feed,
    quotas: Quotas,
}

/// How far the feed was read and told.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    /// The newest batch that was read.
    pub newest: i64,
    /// How long ago that was all there is.
    pub read_age: Duration,
    /// How many numbers of batches the slowest channel is behind.
    pub untold: i64,
}

/// One event, ready to be sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where it stands in the feed; a subscription with this as `after` goes on behind it. None for what can't be resumed.
    pub place: Option<Place>,
    /// The GraphQL answer as JSON: `{"data":{…}}`.
    pub payload: Bytes,
}

/// What a subscriber hears next.
#[derive(Debug)]
pub enum Next {
    /// Events, at least one, in the order of the feed.
    Events(Vec<Event>),
    /// It took its events so slowly that they are no longer held for it; it can go on after its last one.
    TooSlow(Place),
    /// It can't go on, and this says why.
    Failed(Box<Response>),
}

impl Live {
    /// Begins. Nothing runs until somebody subscribes.
    #[must_use]
    pub fn start(schema: Schema, shutdown: Shutdown) -> Self {
        let state: &State = schema.data().unwrap_or_else(|| unreachable!("graphql::schema() puts it there"));
        Self(Arc::new(Shared {
            answering: subscription::answering(state.clone()),
            feed: Feed::new(state.database.clone(), shutdown),
            channels: Channels::default(),
            limits: Limits {
                telling: Arc::new(Semaphore::new(TELLING)),
                catching_up: Arc::new(Semaphore::new(CATCHING_UP)),
            },
            metrics: state.metrics.feed.clone(),
            quotas: Quotas::new(state.about.limits.subscriptions.clone(), state.metrics.refusals.clone()),
            schema,
        }))
    }

    /// Subscriptions at this moment.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.quotas.subscriptions()
    }

    /// Different subscriptions at this moment.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.0.channels.count()
    }

    /// How far the feed was read and told, while anybody follows it.
    #[must_use]
    pub fn lag(&self) -> Option<Lag> {
        let Reached { newest, age } = self.0.feed.reached()?;
        let told = self.0.channels.of_feed().iter().map(|channel| channel.outlet.ring.end().number).min();
        Some(Lag { newest, read_age: age, untold: told.map_or(0, |told| (newest - told).max(0)) })
    }

    /// Subscribes. `resume` is a cursor that takes the place of the argument `after`.
    ///
    /// # Errors
    /// The answer that refuses the request: no such field, an argument that can't be.
    pub async fn subscribe(
        &self,
        request: Request,
        caller: &Caller,
        resume: Option<&str>,
    ) -> Result<Subscriber, Box<Response>> {
        let outcome = self.begin(request, caller, resume).await;
        self.state().metrics.operations.began(outcome.as_ref().map(|_| ()).map_err(|refusal| &**refusal));
        outcome
    }

    fn state(&self) -> &State {
        self.0.schema.data().unwrap_or_else(|| unreachable!("graphql::schema() puts it there"))
    }

    async fn begin(
        &self,
        request: Request,
        caller: &Caller,
        resume: Option<&str>,
    ) -> Result<Subscriber, Box<Response>> {
        let Shared { schema, answering, feed, channels, limits, metrics, quotas } = &*self.0;
        let payer = admission::payer(&request, caller);
        let permit = quotas.subscription(payer).map_err(subscription::refuse)?;
        // On the heap, to be gone before the database is waited for: when a gateway restarts, all come at once.
        let check = Box::pin(subscription::check(schema, answering, request, caller, resume));
        let (asked, answers) = check.await?;
        let newest = newest(feed, &asked).await.map_err(subscription::refuse)?;
        let place = asked.after.unwrap_or(Place::after(newest));
        let key = Key::new(&answers, asked.topic.clone(), caller);
        let source = Source {
            topic: asked.topic,
            answers,
            feed: feed.clone(),
            limits: limits.clone(),
            metrics: metrics.clone(),
        };
        let state = self.state();
        let charge = EventCharge {
            budget: state.budgets.cost.clone(),
            clock: state.clock.clone(),
            caller: payer,
            cost: source.answers.cost(),
            metrics: metrics.clone(),
        };
        let membership = channels.join(key, source, newest, payer, quotas).map_err(subscription::refuse)?;
        Ok(Subscriber::new(membership, place, charge, permit))
    }
}

/// The newest batch of the feed now, which has all that was asked for.
async fn newest(feed: &Feed, asked: &Asked) -> Result<i64, ApiError> {
    let extent = feed.extent().await?;
    if let Some(after) = asked.after {
        if is_forgotten(after, extent.forgotten) {
            return Err(ApiError::CursorExpired(ApiError::CURSOR_TOO_OLD));
        }
        if after.number > extent.newest {
            return Err(ApiError::bad_input(
                "after",
                "this cursor is of another database, or from before it was restored",
            ));
        }
    }
    Ok(extent.newest)
}
