//! Subscriptions, independent of the transport.
//!
//! [`self::feed`] reads committed batches, once, and the [`dispatcher`] passes each batch to the channels that it may
//! concern, which it finds with an index ([`matcher`]). A [`channel`] is shared by equal subscriptions: it renders each
//! event once and holds the newest, and a [`subscriber`] is a position in it. A subscriber that starts further back
//! first reads stored events ([`catch_up`]), until it reaches the channel. Work that needs CPU or the database takes
//! [`fair_permits`] of the callers.

mod catch_up;
mod channel;
mod channel_error;
mod channels;
mod dispatcher;
mod event_charge;
mod events;
mod fair_permits;
pub mod feed;
mod inbox;
mod matcher;
mod members;
mod quotas;
mod render_cache;
mod renderer;
pub(crate) mod retry;
mod statistics;
mod subscriber;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use async_graphql::{Request, Response};
use bytes::Bytes;
use channel::SubscriptionPipeline;
use channels::{ChannelKey, Channels};
use dispatcher::Dispatcher;
use event_charge::EventCharge;
use fair_permits::FairPermits;
use quotas::Quotas;
pub use subscriber::{Progress, Subscriber};
use tokio_util::sync::CancellationToken;

use self::feed::{Feed, FeedPosition, backlog::is_trimmed};
use crate::{
    api_error::ApiError,
    auth::Caller,
    domain::feed::FeedOffset,
    graphql::{
        Schema,
        context::State,
        execute::admission,
        subscriptions,
        subscriptions::{render::EventSchema, topic::SubscriptionRequest},
    },
};

/// Number of chunks of the stored feed read concurrently: enough to be quick, few enough to leave capacity of the
/// database when a thousand clients reconnect at once.
const MAX_CONCURRENT_CATCH_UPS: usize = 4;
const MAX_CONCURRENT_CATCH_UPS_PER_CALLER: usize = 2;
/// Number of chunks of events rendered concurrently, which may need the database.
const MAX_CONCURRENT_RENDERS: usize = 8;
const MAX_CONCURRENT_RENDERS_PER_CALLER: usize = 4;

/// All subscriptions of a gateway. Cheap to clone.
#[derive(Clone)]
pub struct Subscriptions(Arc<Inner>);

struct Inner {
    schema: Schema,
    event_schema: EventSchema,
    pipeline: Arc<SubscriptionPipeline>,
}

/// Progress of reading the feed and delivering its events.
#[derive(Clone, Copy, Debug)]
pub struct FeedLag {
    /// The newest batch that was read.
    pub newest_batch: i64,
    /// Time since the end of the feed was last reached.
    pub time_since_read: Duration,
    /// Batches, by number, that the slowest channel is behind.
    pub backlog_batches: i64,
}

/// One event, ready to be sent.
#[derive(Clone, Debug)]
pub struct SubscriptionEvent {
    /// Its offset in the feed, to be resumed from with the argument `after`. `None` if it can't be resumed.
    pub offset: Option<FeedOffset>,
    /// The GraphQL response as JSON: `{"data":{…}}`.
    pub payload: Bytes,
}

/// The next item for a subscriber.
#[derive(Debug)]
pub enum Delivery {
    /// Events, at least one, in the order of the feed.
    Events(Vec<SubscriptionEvent>),
    /// The subscriber was too slow and its next events were evicted; it can resume after its last one.
    SlowConsumer(FeedOffset),
    /// The subscription failed, with the errors to send.
    Failed(Box<Response>),
}

impl Subscriptions {
    /// Starts. No task runs before the first subscription.
    #[must_use]
    pub fn start(schema: Schema, shutdown: CancellationToken) -> Self {
        let state: &State = schema.data().unwrap_or_else(|| unreachable!("graphql::schema() puts it there"));
        let feed = Feed::new(state.database.clone(), shutdown);
        let pipeline = SubscriptionPipeline {
            dispatcher: Dispatcher::new(feed.clone()),
            feed,
            channels: Channels::default(),
            render_permits: FairPermits::new(MAX_CONCURRENT_RENDERS, MAX_CONCURRENT_RENDERS_PER_CALLER),
            catch_up_permits: FairPermits::new(MAX_CONCURRENT_CATCH_UPS, MAX_CONCURRENT_CATCH_UPS_PER_CALLER),
            metrics: state.metrics.feed.clone(),
            quotas: Quotas::new(state.info.limits.subscriptions.clone(), state.metrics.refusals.clone()),
            ring_bytes: AtomicUsize::new(0),
        };
        Self(Arc::new(Inner {
            event_schema: subscriptions::event_schema(state.clone()),
            pipeline: Arc::new(pipeline),
            schema,
        }))
    }

    /// Current number of subscriptions.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.pipeline.quotas.subscriptions()
    }

    /// Current number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.0.pipeline.channels.count()
    }

    /// Progress of the feed, while there are subscriptions.
    #[must_use]
    pub fn lag(&self) -> Option<FeedLag> {
        let SubscriptionPipeline { feed, channels, .. } = &*self.0.pipeline;
        let FeedPosition { newest_batch: newest, time_since_read: age } = feed.position()?;
        let delivered = channels.list_feed_channels().iter().map(|channel| channel.state.end_offset().number).min();
        Some(FeedLag {
            newest_batch: newest,
            time_since_read: age,
            backlog_batches: delivered.map_or(0, |delivered| (newest - delivered).max(0)),
        })
    }

    /// Subscribes. The cursor `resume` takes precedence over the argument `after`.
    ///
    /// # Errors
    /// The error response: unknown field, invalid argument.
    pub async fn subscribe(
        &self,
        request: Request,
        caller: &Caller,
        resume: Option<&str>,
    ) -> Result<Subscriber, Box<Response>> {
        let outcome = self.start_subscription(request, caller, resume).await;
        self.state()
            .metrics
            .operations
            .record_subscription_start(outcome.as_ref().map(|_| ()).map_err(|refusal| &**refusal));
        outcome
    }

    fn state(&self) -> &State {
        self.0.schema.data().unwrap_or_else(|| unreachable!("graphql::schema() puts it there"))
    }

    async fn start_subscription(
        &self,
        request: Request,
        caller: &Caller,
        resume: Option<&str>,
    ) -> Result<Subscriber, Box<Response>> {
        let Inner { schema, event_schema, pipeline } = &*self.0;
        let client_key = admission::client_key(&request, caller);
        let permit = pipeline.quotas.subscription(client_key).map_err(subscriptions::error_response)?;
        // Boxed, so that it is freed before waiting for the database: when a gateway restarts, all clients reconnect at
        // once.
        let check = Box::pin(subscriptions::check(schema, event_schema, request, caller, resume));
        let (checked, renderer) = check.await?;
        let newest = newest_batch(&pipeline.feed, &checked).await.map_err(subscriptions::error_response)?;
        let offset = checked.after.unwrap_or(FeedOffset::after(newest));
        let key = ChannelKey::new(&renderer, checked.topic, caller);
        let state = self.state();
        let charge = EventCharge {
            rate_limiter: state.rate_limiters.cost.clone(),
            clock: state.clock.clone(),
            caller: client_key,
            cost: renderer.cost(),
            metrics: pipeline.metrics.clone(),
        };
        let joined = pipeline.channels.join(key, renderer, pipeline, newest, client_key);
        let membership = joined.map_err(subscriptions::error_response)?;
        Ok(Subscriber::new(membership, offset, charge, permit))
    }
}

/// The batch that a new stream starts after: the newest whole one, or that of the cursor, which is whole since its events
/// were delivered. Checks that all events after the cursor are stored.
async fn newest_batch(feed: &Feed, checked: &SubscriptionRequest) -> Result<i64, ApiError> {
    let extent = feed.load_extent().await?;
    if let Some(after) = checked.after {
        if is_trimmed(after, extent.forgotten) {
            return Err(ApiError::CursorExpired(ApiError::CURSOR_TOO_OLD_MESSAGE));
        }
        if after.number > extent.newest {
            return Err(ApiError::bad_input(
                "after",
                "this cursor is of another database, or from before it was restored",
            ));
        }
    }
    Ok(checked.after.map_or(extent.newest_whole, |after| extent.newest_whole.max(after.number)))
}
