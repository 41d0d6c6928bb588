//! A channel: the events of one filter and selection, shared by all subscriptions to them. Each event is rendered once,
//! and the channel holds the newest events for all of its subscriptions.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Response, ServerError};
use backon::Retryable as _;
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
    retry::RetryPeriod,
    statistics,
};
use crate::{
    api_error::ApiError,
    concurrency::retry::RETRY_DELAYS,
    domain::{feed::FeedOffset, measurement::Measurement, readings::Readings},
    graphql::subscriptions::{render::Events, topic::Topic},
    limits::{Permit, rate_limit::CallerId},
    observability::metrics,
};

/// Maximum number of events in a channel; a subscriber further behind is a slow consumer. [`Quotas`] limit their bytes.
const MAX_RING_EVENTS: usize = 32_768;
/// When all channels together hold more bytes of events, each may hold only its share.
const MAX_TOTAL_RING_BYTES: usize = 256 << 20;
/// Memory of an event beside its text, in bytes.
const EVENT_OVERHEAD: usize = 64;
/// Filters up to this size, in bytes, are evaluated by the dispatcher, which is cheaper than starting a task. Larger
/// ones are evaluated with a permit of the channel's callers.
const MAX_CHEAP_FILTER_BYTES: usize = 512;

/// State shared by all channels.
pub(super) struct SubscriptionPipeline {
    pub feed: Feed,
    pub channels: Channels,
    pub dispatcher: Dispatcher,
    /// Permits for rendering events and evaluating filters.
    pub render_permits: FairPermits,
    /// Permits for reading the stored feed.
    pub catch_up_permits: FairPermits,
    pub metrics: metrics::feed::FeedMetrics,
    pub quotas: Quotas,
    /// Bytes of events in all channels.
    pub ring_bytes: AtomicUsize,
}

/// A channel, which ends with its last subscription.
pub(super) struct Channel {
    /// State shared with its tasks.
    pub state: Arc<ChannelState>,
    id: ChannelId,
    _permit: Permit<()>,
}

/// Parameters of a new channel.
pub(super) struct NewChannel {
    pub key: Arc<ChannelKey>,
    /// Index keys of the topic.
    pub index_keys: IndexKeys,
    pub renderer: Arc<Renderer>,
    pub members: ChannelMembers,
    pub permit: Permit<()>,
    /// Maximum number of events rendered together.
    pub max_chunk_size: usize,
}

/// State of a channel that its tasks use.
pub(super) struct ChannelState {
    key: Arc<ChannelKey>,
    pub renderer: Arc<Renderer>,
    pub pipeline: Arc<SubscriptionPipeline>,
    /// Maximum number of events rendered together.
    pub max_chunk_size: usize,
    /// The subscribing callers.
    pub members: ChannelMembers,
    /// The newest events.
    pub ring: RingBuffer<Bytes>,
    /// Bytes in the ring, as last added to the total of all channels.
    ring_bytes: AtomicUsize,
    /// Maximum bytes in the ring.
    max_ring_bytes: AtomicUsize,
    /// For statistics: notified when a batch touches one of the devices.
    pub statistics_changed: Notify,
    inbox: Inbox,
    /// Whether the dispatcher evaluates the filter.
    is_cheap: bool,
    reader: FeedReader,
    /// End of the ring at the last removal of old events.
    expired_until: Mutex<FeedOffset>,
    /// Why there are no more events.
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

    /// Key of the channel.
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
    /// Topic of the channel.
    pub(super) fn topic(&self) -> &Topic {
        self.key.topic()
    }

    fn start(self: Arc<Self>) {
        if let Topic::Statistics(statistics) = self.topic() {
            let (state, statistics) = (self.clone(), statistics.clone());
            let task = tokio::spawn(async move {
                let running = TaskGuard(&state);
                let Err(ChannelError(errors)) = statistics::run(&state, &statistics).await;
                running.0.close(errors);
            });
            self.inbox.set_task(task.abort_handle());
        } else if self.inbox.starts_behind() {
            self.spawn();
        }
    }

    /// Whether a measurement may match: false only if it does not.
    pub(super) fn may_match(&self, measurement: &Measurement) -> bool {
        match self.topic() {
            Topic::Measurements(filter) if self.is_cheap => filter.matches(measurement, &Readings::default()),
            _ => true,
        }
    }

    /// Whether [`ChannelState::may_match`] is exact.
    pub(super) fn is_cheap(&self) -> bool {
        self.is_cheap
    }

    /// Adds a batch, of which these rows may match, to the inbox.
    pub(super) fn receive(self: &Arc<Self>, number: i64, rows: RowSelection) {
        if let Topic::Statistics(_) = self.topic() {
            self.statistics_changed.notify_one();
        } else if self.closed.get().is_none() && self.inbox.push(number, rows) {
            self.clone().spawn();
        }
    }

    /// Starts the task that processes the inbox and ends when it is empty.
    fn spawn(self: Arc<Self>) {
        let state = self.clone();
        let task = tokio::spawn(async move {
            let running = TaskGuard(&state);
            while let Some(work) = state.inbox.take() {
                if let Err(ChannelError(errors)) = state.work(work).await {
                    running.0.close(errors);
                    return; // the inbox starts no other task before this one ends
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
            // Boxed, as thousands of tasks may wait for permits.
            Work::ReadFeedAfter(number) => Box::pin(self.read_feed(number)).await,
        }
    }

    /// Reads the feed after a batch directly.
    async fn read_feed(&self, number: i64) -> Result<(), ChannelError> {
        let is_held = self.reader.is_cached_after(number);
        let permit = if is_held { None } else { Some(self.acquire_permit(&self.pipeline.catch_up_permits).await) };
        let batches = self.reader.clone().next(number).await?;
        drop(permit);
        let last = batches.last().map_or(number, |batch| batch.number);
        let batches: Vec<_> = batches.into_iter().map(|batch| (batch, RowSelection::All)).collect();
        self.deliver(&batches).await?;
        self.inbox.mark_processed(last, self.pipeline.dispatcher.position());
        Ok(())
    }

    /// Renders the events of batches and appends them to the ring.
    async fn deliver(&self, batches: &[(Arc<Batch>, RowSelection)]) -> Result<(), ChannelError> {
        let Some((last, _)) = batches.last() else { return Ok(()) };
        for EventChunk { events, offsets } in self.events(batches).await? {
            let (permits, of) = (&self.pipeline.render_permits, PermitOwner::OneOf(&self.members));
            let payloads = self.renderer.render_once(&events, &offsets, permits, of).await?;
            let until = offsets.last().copied().unwrap_or(FeedOffset::after(last.number - 1));
            let items = offsets.into_iter().zip(payloads);
            let items = items.map(|(offset, value)| RingItem { offset, bytes: value.len() + EVENT_OVERHEAD, value });
            self.ring.push(items, until, self.ring_limits());
            self.count_ring_bytes();
            // Waiting subscribers may be next on this thread; without a yield, further events could overrun them.
            tokio::task::yield_now().await;
        }
        self.ring.advance(FeedOffset::after(last.number));
        for (batch, _) in batches {
            self.pipeline.metrics.record_delivery(batch.committed.elapsed());
        }
        Ok(())
    }

    /// The events of batches that belong to the topic; retries while they can't be read.
    ///
    /// # Errors
    /// When the retries fail for long.
    pub(super) async fn events(&self, batches: &[(Arc<Batch>, RowSelection)]) -> Result<Vec<EventChunk>, ChannelError> {
        let db = &self.pipeline.feed.database().reads;
        let is_evaluated = |(_, rows): &(_, RowSelection)| matches!(rows, RowSelection::Matching(_));
        let is_free = !matches!(self.topic(), Topic::Measurements(_)) || batches.iter().all(is_evaluated);
        let attempt = || async {
            let _permit = if is_free { None } else { Some(self.acquire_permit(&self.pipeline.render_permits).await) };
            Box::pin(events::events_of_topic(self.topic(), batches, db, self.max_chunk_size)).await
        };
        let period = RetryPeriod::start();
        Ok(attempt.retry(RETRY_DELAYS).when(|_| period.is_open()).await?)
    }

    /// Renders an event that no other channel has.
    ///
    /// # Errors
    /// When the database is unavailable for long.
    pub(super) async fn render(&self, events: &Events) -> Result<Vec<Bytes>, ChannelError> {
        self.renderer.render(events, &self.pipeline.render_permits, PermitOwner::OneOf(&self.members)).await
    }

    /// A permit of the caller with the lowest load.
    async fn acquire_permit(&self, permits: &FairPermits) -> TurnPermit {
        permits.acquire(PermitOwner::OneOf(&self.members)).await
    }

    /// The ring is complete up to this offset.
    pub(super) fn end_offset(&self) -> FeedOffset {
        self.advance();
        self.ring.end_offset()
    }

    /// Offset up to which a subscriber has received everything: without later events, the end of the ring.
    pub(super) fn reader_offset(&self, offset: FeedOffset) -> FeedOffset {
        self.advance();
        self.ring.reader_offset(offset)
    }

    /// Moves the end of a channel without pending work to the position of the dispatcher: no earlier batch concerns it.
    fn advance(&self) {
        if self.topic().is_resumable() {
            let dispatched = self.pipeline.dispatcher.dispatched();
            self.inbox.when_idle(|| self.ring.advance(FeedOffset::after(dispatched)));
        }
    }

    /// Removes events that were there at the previous call: subscribers had enough time to read them.
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

    /// Why there are no more events, once the channel has ended.
    pub(super) fn closed(&self) -> Option<Box<Response>> {
        self.closed.get().map(|errors| Box::new(Response::from_errors(errors.clone())))
    }

    pub(super) fn close(&self, errors: Vec<ServerError>) {
        _ = self.closed.set(errors); // the first reason is kept
        self.ring.wake();
        self.statistics_changed.notify_one();
    }

    /// Adds a caller: the ring may hold as much as the highest limit of its callers.
    pub(super) fn add_member(&self, caller: CallerId) {
        self.max_ring_bytes.fetch_max(self.pipeline.quotas.ring_bytes(caller), Ordering::Relaxed);
    }

    fn ring_limits(&self) -> RingLimits {
        let max = self.max_ring_bytes.load(Ordering::Relaxed);
        let is_full = self.pipeline.ring_bytes.load(Ordering::Relaxed) > MAX_TOTAL_RING_BYTES;
        let share = MAX_TOTAL_RING_BYTES / self.pipeline.channels.count().max(1);
        RingLimits { items: MAX_RING_EVENTS, bytes: if is_full { max.min(share) } else { max } }
    }

    /// Updates the total of all channels by the change of this ring.
    fn count_ring_bytes(&self) {
        let bytes = self.ring.bytes();
        let before = self.ring_bytes.swap(bytes, Ordering::Relaxed);
        // a wrapped difference, so the addition wraps back
        self.pipeline.ring_bytes.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
    }
}

impl Drop for ChannelState {
    fn drop(&mut self) {
        self.pipeline.ring_bytes.fetch_sub(self.ring_bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Guard of a running task of a channel. If the task panics, its subscriptions end with an error.
struct TaskGuard<'a>(&'a ChannelState);

impl Drop for TaskGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.renderer.event_renderer().count_panic();
            self.0.close(ChannelError::from(ApiError::Internal(anyhow::anyhow!("a channel panicked"))).0);
        }
    }
}
