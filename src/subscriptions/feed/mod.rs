//! Following the feed: one reader per gateway, however many subscriptions there are, reads each batch once and holds
//! the newest.

pub mod backlog;
pub mod batch;
mod follower;
pub mod ring_buffer;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use backlog::BacklogError;
use batch::Batch;
use ring_buffer::{RingBuffer, RingLimits, RingRead};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    concurrency::retry::Backoff,
    db,
    db::{
        DbError,
        batcher::{Batcher, with_timeout},
        connect::Database,
        feed::FeedExtent,
        kept_connections::KeptConnections,
    },
    domain::feed::FeedOffset,
};

/// Limits of the ring of batches: enough for readers that are delayed while a large file is imported.
const RING_LIMITS: RingLimits = RingLimits { items: 10_000, bytes: 32 << 20 };
/// Maximum number of batches per read.
const MAX_BATCHES_PER_READ: usize = 100;

/// The feed as followed by a gateway. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    database: Database,
    shutdown: CancellationToken,
    /// The current stream, while there are followers.
    current: Mutex<Option<Arc<FeedStream>>>,
    extents: Batcher<(), FeedExtent>,
}

/// A period of following without a gap.
struct FeedStream {
    ring: RingBuffer<Arc<Batch>>,
    gap: OnceLock<FeedGap>,
    /// When the end of the feed was last reached.
    read_at: Mutex<Instant>,
}

/// Position of the reader in the feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedPosition {
    /// The newest batch.
    pub newest_batch: i64,
    /// Time since the end of the feed was last reached.
    pub time_since_read: Duration,
}

/// Why the feed can't be followed from the last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedGap {
    /// The database has trimmed batches that were not read yet.
    Trimmed,
    /// The feed of the database ends before the last position: the database was restored or replaced.
    Restored,
}

/// A reader of the feed. Cheap to clone.
#[derive(Clone)]
pub struct FeedReader {
    feed: Feed,
    stream: Arc<FeedStream>,
    changed: watch::Receiver<()>,
}

impl Feed {
    /// The feed of a database. Its reader runs while there are followers, until the gateway shuts down.
    #[must_use]
    pub fn new(database: Database, shutdown: CancellationToken) -> Self {
        let connections = KeptConnections::new(database.reads.clone(), 1); // as one statement runs at a time
        let extents = Batcher::start(move |_| {
            let connections = connections.clone();
            async move { with_timeout(&connections, async |connection| db::feed::extent(connection).await).await }
        });
        Self(Arc::new(Inner { database, shutdown, current: Mutex::default(), extents }))
    }

    /// The current extent of the feed. Concurrent subscriptions share one query: after a restart there are ten
    /// thousand.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_extent(&self) -> Result<FeedExtent, Arc<DbError>> {
        self.0.extents.load(()).await.map(|extent| *extent)
    }

    /// Follows the feed. `newest` is a batch that was the newest a moment ago: a new stream starts there.
    #[must_use]
    pub fn follow(&self, newest: i64) -> FeedReader {
        let mut current = self.lock();
        let stream = current.get_or_insert_with(|| {
            let stream = Arc::new(FeedStream::new(newest));
            tokio::spawn(follower::run(self.clone(), stream.clone()));
            stream
        });
        FeedReader { feed: self.clone(), changed: stream.ring.watch(), stream: stream.clone() }
    }

    /// Position of the reader, while there are followers.
    #[must_use]
    pub fn position(&self) -> Option<FeedPosition> {
        let stream = self.lock().clone()?;
        let age = stream.read_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        Some(FeedPosition { newest_batch: stream.ring.end_offset().number, time_since_read: age })
    }

    /// The database of the feed.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Ends this stream. The next follower starts another one.
    fn close(&self, stream: &Arc<FeedStream>, why: FeedGap) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, stream)) {
            *current = None;
        }
        drop(current);
        _ = stream.gap.set(why);
        stream.ring.wake();
    }

    /// Ends this stream if it has no followers; returns whether it did.
    fn close_if_unused(&self, stream: &Arc<FeedStream>) -> bool {
        let mut current = self.lock();
        let is_unused = Arc::strong_count(stream) <= 2; // the current one and the follower task's
        if is_unused {
            *current = None;
        }
        is_unused
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<FeedStream>>> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner) // it is set in one step
    }
}

impl FeedStream {
    fn new(newest: i64) -> Self {
        let read_at = Mutex::new(Instant::now());
        Self { ring: RingBuffer::new(FeedOffset::after(newest)), gap: OnceLock::new(), read_at }
    }

    fn mark_read(&self) {
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl FeedReader {
    /// The batches after this one, at least one, as soon as there are any. Waits while the database is unavailable.
    /// Cancel-safe.
    ///
    /// # Errors
    /// When the feed has a gap.
    pub async fn next(&mut self, after: i64) -> Result<Vec<Arc<Batch>>, FeedGap> {
        let mut backoff = Backoff::new();
        loop {
            self.changed.borrow_and_update();
            match self.stream.ring.read_after(FeedOffset::after(after), MAX_BATCHES_PER_READ) {
                RingRead::Items(batches) => return Ok(batches.into_iter().map(|(_, batch)| batch).collect()),
                RingRead::UpToDate => {
                    if let Some(&broken) = self.stream.gap.get() {
                        return Err(broken);
                    }
                    if self.changed.changed().await.is_err() {
                        return Err(FeedGap::Trimmed); // unreachable: the stream holds the sender
                    }
                }
                RingRead::Overrun => match self.load_stored(after).await {
                    Ok(batches) if !batches.is_empty() => return Ok(batches),
                    // It was evicted because it is stored: a replica, or a restored database, may not have it yet.
                    Ok(_) => backoff.wait().await,
                    Err(BacklogError::Trimmed) => return Err(FeedGap::Trimmed),
                    Err(BacklogError::Database(error)) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "feed read failed");
                        backoff.wait().await;
                    }
                },
            }
        }
    }

    /// The batch with this number, while it is in memory.
    #[must_use]
    pub fn cached(&self, number: i64) -> Option<Arc<Batch>> {
        match self.stream.ring.read_after(FeedOffset::after(number - 1), 1) {
            RingRead::Items(mut batches) => {
                batches.pop().map(|(_, batch)| batch).filter(|batch| batch.number == number)
            }
            RingRead::UpToDate | RingRead::Overrun => None,
        }
    }

    /// Whether all batches after this one are in memory.
    #[must_use]
    pub fn is_cached_after(&self, number: i64) -> bool {
        !matches!(self.stream.ring.read_after(FeedOffset::after(number), 0), RingRead::Overrun)
    }

    /// Whole batches that are no longer in memory.
    async fn load_stored(&self, after: i64) -> Result<Vec<Arc<Batch>>, BacklogError> {
        let batches = backlog::load_batches_after(self.feed.database(), after).await?;
        Ok(batches.into_iter().map(Arc::new).collect())
    }
}
