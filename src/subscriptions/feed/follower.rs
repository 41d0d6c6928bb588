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

use tokio::time::sleep;

use super::{
    Feed, FeedGap, FeedStream, RING_LIMITS,
    batch::{Outline, batch_headers},
    ring_buffer::RingItem,
};
use crate::{
    concurrency::retry::{Backoff, MAX_RETRY_DELAY},
    db::{
        DbError,
        feed::{
            committed::{CommittedReader, TimeSpan, commit_span},
            listener::FeedListener,
        },
    },
    domain::{
        feed::FeedOffset,
        measurement::{Measurement, MeasurementKey},
    },
};

/// Without a notification, the table is read after this time.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long the feed is followed without subscribers, since clients that lost their connection will soon return.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Without a notification, a batch that was not whole is read again after this time.
const PARTIAL_BATCH_DELAY: Duration = Duration::from_millis(10);
/// Delay before rows of prepared transactions are read again.
const PREPARED_ROWS_DELAY: Duration = Duration::from_millis(100);
/// How long rows of prepared transactions are awaited. Citus recovers its transactions every minute.
const MAX_PREPARED_ROWS_WAIT: Duration = Duration::from_mins(5);
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

/// Result of a read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ReadOutcome {
    /// Whether there were new batches.
    any: bool,
    /// The number before a batch that is not whole yet.
    partial_after: Option<i64>,
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
        let mut last = self.read(&mut listener, None).await?;
        let mut unannounced = false;
        loop {
            let partial = last.partial_after;
            let delay = if partial.is_some() { PARTIAL_BATCH_DELAY } else { HEARTBEAT_INTERVAL };
            if listener.wait_for_notification(delay).await? {
                last = self.read(&mut listener, partial).await?;
                unannounced = false;
            } else if unannounced && partial.is_none() {
                return Err(StopReason::MissedNotification);
            } else {
                last = self.read(&mut listener, partial).await?;
                // The notification of a batch committed just now may still arrive. The one of a batch that was not whole
                // has arrived.
                unannounced = last.any && partial.is_none();
            }
            if self.is_unused() {
                return Err(StopReason::Unused);
            }
        }
    }

    /// Reads all new whole batches. `partial_after` is that of the read before.
    async fn read(&self, listener: &mut FeedListener, partial_after: Option<i64>) -> Result<ReadOutcome, StopReason> {
        let mut any = false;
        loop {
            let page = listener
                .page_after(self.last_seen(), MAX_BATCHES_PER_READ)
                .await?
                .ok_or(StopReason::FeedGap(FeedGap::Trimmed))?;
            let Some(newest) = page.entries.last().map(|entry| entry.number) else {
                let partial = page.has_partial.then(|| self.last_seen());
                // A batch that stays partial counts as not read.
                if partial.is_none() || partial != partial_after {
                    self.stream.mark_read();
                }
                return Ok(ReadOutcome { any, partial_after: partial });
            };
            let (outlines, _) = batch_headers(&page.entries, FeedOffset::after(self.last_seen()), usize::MAX);
            let keys: Vec<_> = outlines.iter().flat_map(Outline::keys).collect();
            let found = if keys.is_empty() {
                HashMap::new()
            } else {
                load_measurements(listener, &keys, commit_span(&page.entries)).await?
            };
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

/// The measurements of these batches. Waits for prepared transactions that may contain the missing ones.
async fn load_measurements(
    listener: &mut FeedListener,
    keys: &[MeasurementKey],
    committed: TimeSpan,
) -> Result<HashMap<MeasurementKey, Measurement>, DbError> {
    let mut reader = CommittedReader::default();
    let since = Instant::now();
    loop {
        if let Some(found) = listener.load_measurements(&mut reader, keys, committed).await? {
            return Ok(found);
        }
        if since.elapsed() > MAX_PREPARED_ROWS_WAIT {
            return Err(DbError::timed_out());
        }
        sleep(PREPARED_ROWS_DELAY).await;
    }
}
