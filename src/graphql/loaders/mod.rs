//! Batched look-ups behind nested fields: one statement for all parents, however many there are. One file a type.
//!
//! A look-up starts when no resolver of the request can go on without one; only then has every parent asked. So the
//! batches run in the request's own task, in turns with its resolvers: on another thread they would start while half of
//! the parents had not asked yet, and the number of statements would be a matter of luck.

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
pub use measurement_page::{DeviceCountKey, DevicePageKey, TotalCountKey};
pub use readings::ReadingsKey;
pub use sensor::SensorsKey;
pub use statistics::{DeviceStatisticsKey, DeviceStatisticsResult};
use tokio::sync::mpsc;
pub use trip::{MAX_TRIP_SAMPLES, NewestSamplesKey, TripSamples};
pub use uplink::{MAX_BODY_BYTES, UplinkBody, UplinkBodyKey};

use super::execute::read_pool::ReadPool;
use crate::db::DbError;

/// What the look-ups need.
pub struct DatabaseLoader {
    read_pool: ReadPool,
    /// The bodies of uplinks that were asked for so far.
    loaded_body_bytes: AtomicUsize,
    /// The samples that were cut into trips so far.
    loaded_trip_samples: AtomicUsize,
}

/// One failure, told to everybody who waited for the batch.
type LoadError = Arc<DbError>;

/// Keys in one batch at most: more than any page has parents.
const MAX_BATCH_KEYS: usize = 100_000;

/// The look-ups of one request.
#[must_use]
pub fn new(db: ReadPool) -> (DataLoader<DatabaseLoader>, BatchScheduler) {
    // Unbounded, but it holds no more than one batch for each kind of key.
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

/// The batches that wait to be run.
pub struct BatchScheduler(mpsc::UnboundedReceiver<BoxFuture<'static, ()>>);

impl BatchScheduler {
    /// Runs an execution and its batches, in turns: the resolvers until each of them waits, then all batches they asked
    /// for, together and to their end. Meanwhile resolvers that can go on do, as they may hold connections that the batches
    /// wait for; what they ask for begins in the next turn.
    pub async fn drive<T>(mut self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut running = FuturesUnordered::new();
        let calls = Arc::new(PendingCalls::default());
        let waker = Waker::from(calls.clone());
        poll_fn(|cx| {
            calls.task.register(cx.waker());
            loop {
                // A future that joins many may come back before it has asked all of them, having called itself.
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

/// Whether the execution was called to go on, and the task to be called in turn.
struct PendingCalls {
    pending: AtomicBool,
    task: AtomicWaker,
}

impl Default for PendingCalls {
    fn default() -> Self {
        Self { pending: AtomicBool::new(true), task: AtomicWaker::new() } // the first call is ours
    }
}

impl Wake for PendingCalls {
    fn wake(self: Arc<Self>) {
        self.pending.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Keys sorted into those that one statement can serve.
fn group_keys<K, A: Eq + Hash, B>(keys: &[K], parts: impl Fn(&K) -> (A, B)) -> HashMap<A, Vec<B>> {
    let mut groups: HashMap<A, Vec<B>> = HashMap::new();
    for (arguments, parent) in keys.iter().map(parts) {
        groups.entry(arguments).or_default().push(parent);
    }
    groups
}
