//! A channel: the events of one filter and selection, shared by all subscriptions to the same. Each event is rendered once, and the
//! newest are held for all of them.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Response, ServerError};
use bytes::Bytes;
use tokio::sync::Notify;

use super::{
    channel_error::ChannelError,
    channels::{ChannelKey, Channels},
    dispatcher::Dispatcher,
    events::{self, EventChunk},
    fair_permits::{FairPermits, PermitOwner, TurnPermit},
    feed::{
        Feed, FeedReader,
        batch::Batch,
        ring_buffer::{RingBuffer, RingItem, RingLimits},
    },
    inbox::{Inbox, RowSelection, Work},
    matcher::{ChannelId, IndexKeys},
    members::ChannelMembers,
    quotas::Quotas,
    renderer::Renderer,
    retry::RetryBackoff,
    statistics,
};
use crate::{
    api_error::ApiError,
    domain::{feed::FeedOffset, measurement::Measurement, readings::Readings},
    graphql::subscriptions::{render::Events, topic::Topic},
    limits::{Permit, rate_limit::CallerId},
    observability::metrics,
};

/// The events that one channel holds at most: a subscriber that is further behind is too slow. [`Quotas`] limit their bytes.
const MAX_RING_EVENTS: usize = 32_768;
/// When all channels together hold more bytes of events, each may hold only its share.
const MAX_TOTAL_RING_BYTES: usize = 256 << 20;
/// What an event takes beside its text.
const EVENT_OVERHEAD: usize = 64;
/// Filters of so many bytes are evaluated by the dispatcher, which takes less than starting a task does. Larger ones are
/// evaluated in a turn of the channel's callers.
const MAX_CHEAP_FILTER_BYTES: usize = 512;

/// What all channels share.
pub(super) struct SubscriptionPipeline {
    pub feed: Feed,
    pub channels: Channels,
    pub dispatcher: Dispatcher,
    /// For rendering events and evaluating filters.
    pub render_permits: FairPermits,
    /// For reading the stored feed.
    pub catch_up_permits: FairPermits,
    pub metrics: metrics::feed::FeedMetrics,
    pub quotas: Quotas,
    /// Bytes of the events that all channels hold.
    pub ring_bytes: AtomicUsize,
}

/// A channel, which ends with the last subscription to it.
pub(super) struct Channel {
    /// What its tasks work with.
    pub state: Arc<ChannelState>,
    id: ChannelId,
    _permit: Permit<()>,
}

/// What a channel is made of.
pub(super) struct NewChannel {
    pub key: Arc<ChannelKey>,
    /// Those of the topic.
    pub index_keys: IndexKeys,
    pub renderer: Arc<Renderer>,
    pub members: ChannelMembers,
    pub permit: Permit<()>,
    /// How many events may be rendered together.
    pub max_chunk_size: usize,
}

/// What the tasks of a channel work with.
pub(super) struct ChannelState {
    key: Arc<ChannelKey>,
    pub renderer: Arc<Renderer>,
    pub pipeline: Arc<SubscriptionPipeline>,
    /// How many events may be rendered together.
    pub max_chunk_size: usize,
    /// The callers that subscribe to it.
    pub members: ChannelMembers,
    /// The newest events.
    pub ring: RingBuffer<Bytes>,
    /// What the ring holds, as it was added to that of all channels.
    ring_bytes: AtomicUsize,
    /// What the ring may hold.
    max_ring_bytes: AtomicUsize,
    /// For statistics: a batch touched one of the devices.
    pub statistics_changed: Notify,
    inbox: Inbox,
    /// Whether the dispatcher evaluates the filter.
    is_cheap: bool,
    reader: FeedReader,
    /// The end of the ring when old events were forgotten last.
    expired_until: Mutex<FeedOffset>,
    /// Why there will be no more events.
    closed: OnceLock<Vec<ServerError>>,
}

impl Channel {
    /// Starts after a batch that was the newest a moment ago.
    pub(super) fn start(
        NewChannel { key, index_keys, renderer, members, permit, max_chunk_size: events_at_once }: NewChannel,
        pipeline: &Arc<SubscriptionPipeline>,
        newest: i64,
    ) -> Arc<Self> {
        let topic = key.topic();
        let begin = if topic.is_resumable() { FeedOffset::after(newest) } else { FeedOffset::after(0) };
        let is_cheap = matches!(topic, Topic::Measurements(filter)
            if filter.size() <= MAX_CHEAP_FILTER_BYTES && filter.side_table_groups().is_empty());
        let (id, state) = pipeline.dispatcher.add(newest, index_keys, |inbox, reader| {
            Arc::new(ChannelState {
                key,
                renderer,
                pipeline: pipeline.clone(),
                max_chunk_size: events_at_once,
                members,
                ring: RingBuffer::new(begin),
                ring_bytes: AtomicUsize::new(0),
                max_ring_bytes: AtomicUsize::new(0),
                statistics_changed: Notify::new(),
                inbox,
                is_cheap,
                reader,
                expired_until: Mutex::new(begin),
                closed: OnceLock::new(),
            })
        });
        state.clone().start();
        Arc::new(Self { state, id, _permit: permit })
    }

    /// The key it is found by.
    pub(super) fn key(&self) -> &Arc<ChannelKey> {
        &self.state.key
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.state.inbox.abort();
        self.state.pipeline.dispatcher.remove(self.id);
        self.state.pipeline.channels.leave(self);
    }
}

impl ChannelState {
    /// What its events are.
    pub(super) fn topic(&self) -> &Topic {
        self.key.topic()
    }

    fn start(self: Arc<Self>) {
        if let Topic::Statistics(wanted) = self.topic() {
            let (state, wanted) = (self.clone(), wanted.clone());
            let task = tokio::spawn(async move {
                let running = TaskGuard(&state);
                let Err(ChannelError(errors)) = statistics::run(&state, &wanted).await;
                running.0.close(errors);
            });
            self.inbox.set_task(task.abort_handle());
        } else if self.inbox.starts_behind() {
            self.spawn();
        }
    }

    /// Whether a measurement may match: false only when it does not.
    pub(super) fn may_match(&self, measurement: &Measurement) -> bool {
        match self.topic() {
            Topic::Measurements(filter) if self.is_cheap => filter.matches(measurement, &Readings::default()),
            _ => true,
        }
    }

    /// Whether [`ChannelState::may_match`] says all there is to say.
    pub(super) fn is_cheap(&self) -> bool {
        self.is_cheap
    }

    /// Adds a batch to the inbox, of which these rows may match.
    pub(super) fn receive(self: &Arc<Self>, number: i64, rows: RowSelection) {
        if let Topic::Statistics(_) = self.topic() {
            self.statistics_changed.notify_one();
        } else if self.closed.get().is_none() && self.inbox.push(number, rows) {
            self.clone().spawn();
        }
    }

    /// Starts the task that empties the inbox, and ends when it is empty.
    fn spawn(self: Arc<Self>) {
        let state = self.clone();
        let task = tokio::spawn(async move {
            let running = TaskGuard(&state);
            while let Some(work) = state.inbox.take() {
                if let Err(ChannelError(errors)) = state.work(work).await {
                    running.0.close(errors);
                    return; // the inbox waits for its end, so no other task is started
                }
            }
        });
        self.inbox.set_task(task.abort_handle());
    }

    async fn work(&self, work: Work) -> Result<(), ChannelError> {
        match work {
            Work::Batches(listed) => {
                let mut batches = Vec::with_capacity(listed.len());
                for (number, rows) in listed {
                    let Some(batch) = self.reader.cached(number) else {
                        self.inbox.fall_behind(number - 1);
                        break;
                    };
                    batches.push((batch, rows));
                }
                self.deliver(&batches).await
            }
            // On the heap, as thousands of tasks may wait for their turns.
            Work::ReadFeedAfter(number) => Box::pin(self.read_feed(number)).await,
        }
    }

    /// Reads the feed after a batch by itself.
    async fn read_feed(&self, number: i64) -> Result<(), ChannelError> {
        let is_held = self.reader.is_cached_after(number);
        let turn = if is_held { None } else { Some(self.acquire_permit(&self.pipeline.catch_up_permits).await) };
        let batches = self.reader.clone().next(number).await?;
        drop(turn);
        let last = batches.last().map_or(number, |batch| batch.number);
        let batches: Vec<_> = batches.into_iter().map(|batch| (batch, RowSelection::All)).collect();
        self.deliver(&batches).await?;
        self.inbox.mark_processed(last, self.pipeline.dispatcher.position());
        Ok(())
    }

    /// Renders the events of batches and puts them into the ring.
    async fn deliver(&self, batches: &[(Arc<Batch>, RowSelection)]) -> Result<(), ChannelError> {
        let Some((last, _)) = batches.last() else { return Ok(()) };
        for EventChunk { events, offsets: places } in self.events(batches).await? {
            let (turns, of) = (&self.pipeline.render_permits, PermitOwner::OneOf(&self.members));
            let payloads = self.renderer.render_once(&events, &places, turns, of).await?;
            let until = places.last().copied().unwrap_or(FeedOffset::after(last.number - 1));
            let items = places.into_iter().zip(payloads);
            let items =
                items.map(|(place, value)| RingItem { offset: place, bytes: value.len() + EVENT_OVERHEAD, value });
            self.ring.push(items, until, self.ring_limits());
            self.count_ring_bytes();
            // Subscribers that wait for it may be next on this very thread, and what comes now could overrun them.
            tokio::task::yield_now().await;
        }
        self.ring.advance(FeedOffset::after(last.number));
        for (batch, _) in batches {
            self.pipeline.metrics.record_delivery(batch.committed.elapsed());
        }
        Ok(())
    }

    /// The events of batches that belong to the topic, trying again when they can't be read.
    ///
    /// # Errors
    /// When that fails for long.
    pub(super) async fn events(&self, batches: &[(Arc<Batch>, RowSelection)]) -> Result<Vec<EventChunk>, ChannelError> {
        let db = &self.pipeline.feed.database().reads;
        let is_evaluated = |(_, rows): &(_, RowSelection)| matches!(rows, RowSelection::Matching(_));
        let is_free = !matches!(self.topic(), Topic::Measurements(_)) || batches.iter().all(is_evaluated);
        let mut retries = RetryBackoff::new();
        loop {
            let turn = if is_free { None } else { Some(self.acquire_permit(&self.pipeline.render_permits).await) };
            let portions = Box::pin(events::events_of_topic(self.topic(), batches, db, self.max_chunk_size)).await;
            drop(turn);
            match portions {
                Ok(portions) => return Ok(portions),
                Err(error) => {
                    if !retries.wait().await {
                        return Err(error.into());
                    }
                }
            }
        }
    }

    /// Renders one event of its own, which no other channel has.
    ///
    /// # Errors
    /// When the database is unavailable for long.
    pub(super) async fn render(&self, events: &Events) -> Result<Vec<Bytes>, ChannelError> {
        self.renderer.render(events, &self.pipeline.render_permits, PermitOwner::OneOf(&self.members)).await
    }

    /// A turn of the caller that has the fewest before it.
    async fn acquire_permit(&self, turns: &FairPermits) -> TurnPermit {
        turns.acquire(PermitOwner::OneOf(&self.members)).await
    }

    /// Up to where all events are in the ring.
    pub(super) fn end_offset(&self) -> FeedOffset {
        self.advance();
        self.ring.end_offset()
    }

    /// How far a subscriber at this place has got: when no event follows, that is the end.
    pub(super) fn reader_offset(&self, place: FeedOffset) -> FeedOffset {
        self.advance();
        self.ring.reader_offset(place)
    }

    /// Moves the end of a channel with nothing left to process to where the dispatcher is: nothing before concerns it.
    fn advance(&self) {
        if self.topic().is_resumable() {
            let dispatched = self.pipeline.dispatcher.dispatched();
            self.inbox.when_idle(|| self.ring.advance(FeedOffset::after(dispatched)));
        }
    }

    /// Forgets events that were there when this was called before: subscribers had long enough to take them.
    pub(super) fn drop_old_events(&self) {
        if self.topic().is_resumable() {
            let mut old = self.expired_until.lock().unwrap_or_else(PoisonError::into_inner); // it is set in one step
            self.ring.drop_until(*old);
            *old = self.ring.end_offset();
            drop(old);
            self.count_ring_bytes();
            let max = self.members.max(|caller| self.pipeline.quotas.ring_bytes(caller));
            self.max_ring_bytes.store(max, Ordering::Relaxed);
        }
        self.renderer.clear_cache();
    }

    /// Why there will be no more events, once there will not.
    pub(super) fn closed(&self) -> Option<Box<Response>> {
        self.closed.get().map(|errors| Box::new(Response::from_errors(errors.clone())))
    }

    pub(super) fn close(&self, errors: Vec<ServerError>) {
        _ = self.closed.set(errors); // the first reason counts
        self.ring.wake();
        self.statistics_changed.notify_one();
    }

    /// A caller subscribes: the ring may hold as much as that of any of its callers.
    pub(super) fn add_member(&self, caller: CallerId) {
        self.max_ring_bytes.fetch_max(self.pipeline.quotas.ring_bytes(caller), Ordering::Relaxed);
    }

    fn ring_limits(&self) -> RingLimits {
        let max = self.max_ring_bytes.load(Ordering::Relaxed);
        let is_full = self.pipeline.ring_bytes.load(Ordering::Relaxed) > MAX_TOTAL_RING_BYTES;
        let share = MAX_TOTAL_RING_BYTES / self.pipeline.channels.count().max(1);
        RingLimits { items: MAX_RING_EVENTS, bytes: if is_full { max.min(share) } else { max } }
    }

    /// Adds the change of what the ring holds to that of all channels.
    fn count_ring_bytes(&self) {
        let bytes = self.ring.bytes();
        let before = self.ring_bytes.swap(bytes, Ordering::Relaxed);
        self.pipeline.ring_bytes.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed); // wraps around, as does a difference
    }
}

impl Drop for ChannelState {
    fn drop(&mut self) {
        self.pipeline.ring_bytes.fetch_sub(self.ring_bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A running task of a channel. If it panics, its subscriptions end with an error.
struct TaskGuard<'a>(&'a ChannelState);

impl Drop for TaskGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.renderer.answers().count_panic();
            self.0.close(ChannelError::from(ApiError::Internal(anyhow::anyhow!("a channel panicked"))).0);
        }
    }
}
