//! What a subscriber missed, rendered from the stored feed, until the channel goes on.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use super::{
    SubscriptionEvent,
    channel::ChannelState,
    channel_error::ChannelError,
    events::{self, EventChunk},
    fair_permits::PermitOwner,
    feed::{backlog, backlog::BacklogError, batch::Batch},
    inbox::RowSelection,
    retry::RetryBackoff,
};
use crate::{
    api_error::ApiError, domain::feed::FeedOffset, graphql::subscriptions::topic::Topic, limits::rate_limit::CallerId,
};

/// Before the stored feed is read again where it ended too early.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Some of what a subscriber missed.
pub(super) struct MissedEvents {
    /// The events, maybe none.
    pub events: Vec<SubscriptionEvent>,
    /// Up to here these are all.
    pub until: FeedOffset,
    /// How much of the feed to read next.
    pub next_limits: ChunkLimits,
}

/// How much of the stored feed is read at once.
#[derive(Clone, Copy)]
pub(super) struct ChunkLimits {
    /// Events of the feed, whether they match or not.
    pub feed_events: usize,
    /// Bytes of rendered events, after which no more are rendered.
    pub bytes: usize,
}

/// Reading some of the stored events after a place. A task of its own, so that no turn is held by a subscriber that is not polled;
/// it ends when this is dropped.
pub(super) struct CatchUpTask(JoinHandle<Result<MissedEvents, ChannelError>>);

impl CatchUpTask {
    pub(super) fn start(channel: Arc<ChannelState>, caller: CallerId, place: FeedOffset, chunk: ChunkLimits) -> Self {
        Self(tokio::spawn(async move { catch_up(&channel, caller, place, chunk).await }))
    }

    /// What was read.
    ///
    /// # Errors
    /// When the events are not stored any more, or the database is unavailable for long.
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
    place: FeedOffset,
    chunk: ChunkLimits,
) -> Result<MissedEvents, ChannelError> {
    let (pipeline, of) = (&channel.pipeline, PermitOwner::Caller(caller));
    let database = pipeline.feed.database();
    let measurements = matches!(channel.topic(), Topic::Measurements(_));
    let mut retries = RetryBackoff::new();
    let stored = loop {
        let turn = pipeline.catch_up_permits.acquire(of).await;
        let read = backlog::load_after(database, place, chunk.feed_events, measurements).await;
        drop(turn);
        match read {
            Ok(stored) => break stored,
            Err(BacklogError::Trimmed) => {
                return Err(ApiError::CursorExpired(ApiError::CURSOR_TOO_OLD_MESSAGE).into());
            }
            Err(BacklogError::Database(error)) => {
                if !retries.wait().await {
                    return Err(error.into());
                }
            }
        }
    };
    if stored.until == place {
        sleep(RETRY_DELAY).await; // the channel is further: what was read is an older state of the database
    }
    let batches: Vec<_> = stored.batches.into_iter().map(|batch| (Arc::new(batch), RowSelection::All)).collect();
    let at_once = channel.max_chunk_size.min(chunk.feed_events);
    let portions = loop {
        let turn = pipeline.render_permits.acquire(of).await;
        let portions = events::events_of_topic(channel.topic(), &batches, &database.reads, at_once).await;
        drop(turn);
        match portions {
            Ok(portions) => break portions,
            Err(error) => {
                if !retries.wait().await {
                    return Err(error.into());
                }
            }
        }
    };
    let mut missed = Vec::new();
    let mut bytes = 0;
    let mut portions = portions.into_iter().peekable();
    while let Some(EventChunk { events, offsets: places }) = portions.next() {
        let payloads = channel.renderer.render(&events, &pipeline.render_permits, of).await?;
        bytes += payloads.iter().map(bytes::Bytes::len).sum::<usize>();
        missed.extend(
            places.into_iter().zip(payloads).map(|(place, payload)| SubscriptionEvent { offset: Some(place), payload }),
        );
        if bytes >= chunk.bytes
            && portions.peek().is_some()
            && let Some(until) = missed.last().and_then(|event| event.offset)
        {
            // The rest is read again, and then only so much that nothing is read in vain.
            let feed_events = batches.iter().map(|(batch, _)| count_events_until(batch, until)).sum::<usize>().max(1);
            return Ok(MissedEvents { events: missed, until, next_limits: ChunkLimits { feed_events, ..chunk } });
        }
    }
    let feed_events = (chunk.feed_events * 2).min(backlog::MAX_CHUNK_EVENTS);
    Ok(MissedEvents { events: missed, until: stored.until, next_limits: ChunkLimits { feed_events, ..chunk } })
}

/// How many events of a batch there are up to a place.
fn count_events_until(batch: &Batch, until: FeedOffset) -> usize {
    let recorded = batch.recorded.iter().map(|&(index, _)| index);
    recorded.chain(batch.devices.iter().map(|&(index, _)| index)).filter(|&index| batch.offset(index) <= until).count()
}
