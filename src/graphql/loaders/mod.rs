//! Data loaders of nested fields: one statement for all parents. One file per type.
//!
//! A batch starts when all resolvers of the request are waiting; only then every parent has requested its data. So
//! batches run in the request's own task, alternating with its resolvers. On another thread a batch would start with an
//! arbitrary part of the parents, and the number of statements would vary.

mod api_key;
mod device;
mod hourly_mean;
mod latest;
mod measurement;
mod measurement_page;
mod readings;
mod sensor;
mod statistics;
mod trip;
mod uplink;

use std::{
    collections::HashMap,
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_graphql::dataloader::DataLoader;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker};
pub use hourly_mean::HourlyMeansKey;
pub use latest::LatestKey;
pub(super) use measurement_page::merge_columns;
pub use measurement_page::{DeviceCountKey, DevicePageKey, TotalCountKey};
pub use readings::ReadingsKey;
pub use sensor::SensorsKey;
pub use statistics::{DeviceStatisticsKey, DeviceStatisticsResult};
use tokio::sync::mpsc;
pub use trip::{MAX_TRIP_SAMPLES, NewestSamplesKey, TripSamples};
pub use uplink::{MAX_BODY_BYTES, UplinkBody, UplinkBodyKey};

use super::execute::read_pool::ReadPool;
use crate::db::DbError;

/// Shared state of the loaders of one request.
pub struct DatabaseLoader {
    read_pool: ReadPool,
    /// Bytes of uplink bodies loaded so far.
    loaded_body_bytes: AtomicUsize,
    /// Number of samples loaded for trips so far.
    loaded_trip_samples: AtomicUsize,
}

/// An error shared by all waiting resolvers of a batch.
type LoadError = Arc<DbError>;

/// Maximum keys in one batch: more than the parents of any page.
const MAX_BATCH_KEYS: usize = 100_000;

/// The data loader of one request.
#[must_use]
pub fn new(db: ReadPool) -> (DataLoader<DatabaseLoader>, BatchScheduler) {
    // Unbounded, but it contains at most one batch for each kind of key.
    let (sender, batches) = mpsc::unbounded_channel();
    let spawn = move |batch| drop(sender.send(batch));
    let loader = DataLoader::new(
        DatabaseLoader {
            read_pool: db,
            loaded_body_bytes: AtomicUsize::new(0),
            loaded_trip_samples: AtomicUsize::new(0),
        },
        spawn,
    )
    .delay(Duration::ZERO)
    .max_batch_size(MAX_BATCH_KEYS);
    (loader, BatchScheduler(batches))
}

/// Pending batches.
pub struct BatchScheduler(mpsc::UnboundedReceiver<BoxFuture<'static, ()>>);

impl BatchScheduler {
    /// Runs an execution and its batches alternately: the resolvers until all of them wait, then all requested batches
    /// concurrently and to completion. Meanwhile resolvers that are ready continue, as they may hold connections that
    /// the batches need; batches they request start in the next round.
    pub async fn drive<T>(mut self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut running = FuturesUnordered::new();
        let calls = Arc::new(PendingCalls::default());
        let waker = Waker::from(calls.clone());
        poll_fn(|cx| {
            calls.task.register(cx.waker());
            loop {
                // A future that joins many may yield before it has polled all of them, after waking itself.
                while calls.pending.swap(false, Ordering::AcqRel) {
                    if let Poll::Ready(response) = execution.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Poll::Ready(response);
                    }
                }
                if running.is_empty() {
                    while let Ok(batch) = self.0.try_recv() {
                        running.push(batch);
                    }
                }
                match running.poll_next_unpin(cx) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) if calls.pending.load(Ordering::Acquire) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

/// Whether the execution was woken, and the task to wake.
struct PendingCalls {
    pending: AtomicBool,
    task: AtomicWaker,
}

impl Default for PendingCalls {
    fn default() -> Self {
        Self { pending: AtomicBool::new(true), task: AtomicWaker::new() } // the first poll needs no wake-up
    }
}

impl Wake for PendingCalls {
    fn wake(self: Arc<Self>) {
        self.pending.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Keys grouped by the arguments of one statement.
fn group_keys<K, A: Eq + Hash, B>(keys: &[K], parts: impl Fn(&K) -> (A, B)) -> HashMap<A, Vec<B>> {
    let mut groups: HashMap<A, Vec<B>> = HashMap::new();
    for (arguments, parent) in keys.iter().map(parts) {
        groups.entry(arguments).or_default().push(parent);
    }
    groups
}
