//! Events that a subscriber missed, rendered from the stored feed, until it reaches its channel.

use std::{sync::Arc, time::Duration};

use backon::Retryable as _;
use tokio::{task::JoinHandle, time::sleep};

use super::{
    SubscriptionEvent,
    channel::ChannelState,
    channel_error::ChannelError,
    events::{self, EventChunk},
    fair_permits::PermitOwner,
    feed::{backlog, backlog::BacklogError, batch::Batch},
    inbox::RowSelection,
    retry::RetryPeriod,
};
use crate::{
    api_error::ApiError, concurrency::retry::RETRY_DELAYS, domain::feed::FeedOffset,
    graphql::subscriptions::topic::Topic, limits::rate_limit::CallerId,
};

/// Delay before the stored feed is read again when it ended too early.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A chunk of missed events.
pub(super) struct MissedEvents {
    /// The events, maybe none.
    pub events: Vec<SubscriptionEvent>,
    /// The events are complete up to this offset.
    pub until: FeedOffset,
    /// Limits of the next chunk.
    pub next_limits: ChunkLimits,
}

/// Limits of one chunk of the stored feed.
#[derive(Clone, Copy)]
pub(super) struct ChunkLimits {
    /// Maximum number of feed events read, whether they match or not.
    pub feed_events: usize,
    /// Size of rendered events, in bytes, after which rendering stops.
    pub bytes: usize,
}

/// Task that reads a chunk of stored events after an offset. A separate task, so that a subscriber that is not polled
/// doesn't hold a permit; it is aborted on drop.
pub(super) struct CatchUpTask(JoinHandle<Result<MissedEvents, ChannelError>>);

impl CatchUpTask {
    pub(super) fn start(channel: Arc<ChannelState>, caller: CallerId, offset: FeedOffset, chunk: ChunkLimits) -> Self {
        Self(tokio::spawn(async move { catch_up(&channel, caller, offset, chunk).await }))
    }

    /// Waits for the chunk.
    ///
    /// # Errors
    /// When the events are no longer stored, or the database is unavailable for long.
    pub(super) async fn join(&mut self) -> Result<MissedEvents, ChannelError> {
        (&mut self.0).await.unwrap_or_else(|error| Err(ApiError::Internal(error.into()).into()))
    }
}

impl Drop for CatchUpTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn catch_up(
    channel: &ChannelState,
    caller: CallerId,
    offset: FeedOffset,
    chunk: ChunkLimits,
) -> Result<MissedEvents, ChannelError> {
    let (pipeline, of) = (&channel.pipeline, PermitOwner::Caller(caller));
    let database = pipeline.feed.database();
    let measurements = matches!(channel.topic(), Topic::Measurements(_));
    let period = RetryPeriod::start();
    let load = || async {
        let _permit = pipeline.catch_up_permits.acquire(of).await;
        backlog::load_after(database, offset, chunk.feed_events, measurements).await
    };
    let is_transient = |error: &BacklogError| matches!(error, BacklogError::Database(_)) && period.is_open();
    let stored = load.retry(RETRY_DELAYS).when(is_transient).await.map_err(|error| match error {
        BacklogError::Trimmed => ApiError::CursorExpired(ApiError::CURSOR_TOO_OLD_MESSAGE),
        BacklogError::Database(error) => error.into(),
    })?;
    if stored.until == offset {
        sleep(RETRY_DELAY).await; // the channel is ahead, so this was an older state of the database
    }
    let batches: Vec<_> = stored.batches.into_iter().map(|batch| (Arc::new(batch), RowSelection::All)).collect();
    let at_once = channel.max_chunk_size.min(chunk.feed_events);
    let read = || async {
        let _permit = pipeline.render_permits.acquire(of).await;
        events::events_of_topic(channel.topic(), &batches, &database.reads, at_once).await
    };
    let chunks = read.retry(RETRY_DELAYS).when(|_| period.is_open()).await?;
    let mut missed = Vec::new();
    let mut bytes = 0;
    let mut chunks = chunks.into_iter().peekable();
    while let Some(EventChunk { events, offsets }) = chunks.next() {
        let payloads = channel.renderer.render(&events, &pipeline.render_permits, of).await?;
        bytes += payloads.iter().map(bytes::Bytes::len).sum::<usize>();
        missed.extend(
            offsets
                .into_iter()
                .zip(payloads)
                .map(|(offset, payload)| SubscriptionEvent { offset: Some(offset), payload }),
        );
        if bytes >= chunk.bytes
            && chunks.peek().is_some()
            && let Some(until) = missed.last().and_then(|event| event.offset)
        {
            // The rest is read again, in a chunk of the size that was rendered now.
            let feed_events = batches.iter().map(|(batch, _)| count_events_until(batch, until)).sum::<usize>().max(1);
            return Ok(MissedEvents { events: missed, until, next_limits: ChunkLimits { feed_events, ..chunk } });
        }
    }
    let feed_events = (chunk.feed_events * 2).min(backlog::MAX_CHUNK_EVENTS);
    Ok(MissedEvents { events: missed, until: stored.until, next_limits: ChunkLimits { feed_events, ..chunk } })
}

/// Number of events of a batch up to an offset.
fn count_events_until(batch: &Batch, until: FeedOffset) -> usize {
    let recorded = batch.recorded.iter().map(|&(index, _)| index);
    recorded.chain(batch.devices.iter().map(|&(index, _)| index)).filter(|&index| batch.offset(index) <= until).count()
}
