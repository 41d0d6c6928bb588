//! The reader of the feed.
//!
//! A notification only signals new batches; their content is read from the table. So no single notification is
//! essential: after [`HEARTBEAT_INTERVAL`] without one, and after any error, the table is read from the last seen
//! batch.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Feed, FeedGap, FeedStream, RING_LIMITS,
    batch::{Outline, batch_headers},
    ring_buffer::RingItem,
};
use crate::{
    concurrency::retry::{Backoff, MAX_RETRY_DELAY},
    db::{DbError, feed::listener::FeedListener},
    domain::feed::FeedOffset,
};

/// Without a notification, the table is read after this time.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long the feed is followed without subscribers, since clients that lost their connection will soon return.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum number of batches per read.
const MAX_BATCHES_PER_READ: i64 = 500;

/// Why following over one connection ended.
enum StopReason {
    /// There are no more followers.
    Unused,
    /// The feed has a gap.
    FeedGap(FeedGap),
    /// The connection failed.
    ConnectionLost(DbError),
    /// Batches were committed without a notification.
    MissedNotification,
}

impl From<DbError> for StopReason {
    fn from(error: DbError) -> Self {
        Self::ConnectionLost(error)
    }
}

/// Follows the feed, over as many connections as necessary, until there are no more followers.
pub(super) async fn run(feed: Feed, stream: Arc<FeedStream>) {
    let mut follower = Follower { feed, stream, last_used: Instant::now() };
    let mut stopping = std::pin::pin!(follower.feed.0.shutdown.clone().cancelled_owned());
    let mut backoff = Backoff::new();
    loop {
        let since = Instant::now();
        let Err(end) = tokio::select! {
            ended = follower.follow() => ended,
            () = &mut stopping => return, // the gateway is shutting down
        };
        match end {
            StopReason::Unused => return,
            StopReason::FeedGap(why) => {
                tracing::error!(?why, "gap in the feed: all subscriptions end");
                follower.feed.close(&follower.stream, why);
                return;
            }
            StopReason::ConnectionLost(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the connection that follows the feed is lost"
                );
            }
            StopReason::MissedNotification => {
                tracing::warn!("batches committed without a notification: reconnecting the listener");
            }
        }
        if follower.is_unused() {
            return;
        }
        if since.elapsed() > MAX_RETRY_DELAY {
            backoff.reset();
        }
        backoff.wait().await;
    }
}

struct Follower {
    feed: Feed,
    stream: Arc<FeedStream>,
    /// Last time when there were followers.
    last_used: Instant,
}

impl Follower {
    /// Follows over one connection.
    async fn follow(&mut self) -> Result<std::convert::Infallible, StopReason> {
        let mut listener = FeedListener::connect(self.feed.database()).await?;
        let extent = listener.load_extent().await?;
        if extent.newest < self.last_seen() {
            return Err(StopReason::FeedGap(FeedGap::Restored));
        }
        // Before the first wait: batches committed before `listen` send no notification.
        self.read(&mut listener).await?;
        let mut unannounced = false;
        loop {
            if listener.wait_for_notification(HEARTBEAT_INTERVAL).await? {
                self.read(&mut listener).await?;
                unannounced = false;
            } else if unannounced {
                return Err(StopReason::MissedNotification);
            } else {
                // The notification of a batch committed just now may still arrive.
                unannounced = self.read(&mut listener).await?;
            }
            if self.is_unused() {
                return Err(StopReason::Unused);
            }
        }
    }

    /// Reads all new batches; returns whether there were any.
    async fn read(&self, listener: &mut FeedListener) -> Result<bool, StopReason> {
        let mut any = false;
        loop {
            let entries = listener
                .list_after(self.last_seen(), MAX_BATCHES_PER_READ)
                .await?
                .ok_or(StopReason::FeedGap(FeedGap::Trimmed))?;
            let Some(newest) = entries.last().map(|entry| entry.number) else {
                self.stream.mark_read();
                return Ok(any);
            };
            let (outlines, _) = batch_headers(&entries, FeedOffset::after(self.last_seen()), usize::MAX);
            let keys: Vec<_> = outlines.iter().flat_map(Outline::keys).collect();
            let found = if keys.is_empty() { HashMap::new() } else { listener.load_measurements(&keys).await? };
            let items = outlines.into_iter().map(|outline| {
                let batch = Arc::new(outline.into_batch(&found));
                RingItem { offset: FeedOffset::after(batch.number), bytes: batch.bytes(), value: batch }
            });
            self.stream.ring.push(items, FeedOffset::after(newest), RING_LIMITS);
            any = true;
        }
    }

    fn last_seen(&self) -> i64 {
        self.stream.ring.end_offset().number
    }

    /// Whether there have been no followers for [`IDLE_TIMEOUT`]; the stream is closed then.
    fn is_unused(&mut self) -> bool {
        if Arc::strong_count(&self.stream) > 2 {
            self.last_used = Instant::now();
        }
        self.last_used.elapsed() > IDLE_TIMEOUT && self.feed.close_if_unused(&self.stream)
    }
}
