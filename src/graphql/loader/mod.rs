//! Batched look-ups behind nested fields: one statement for all parents, however many there are. One file a type.
//!
//! A look-up starts when nothing else of the request can go on without it; only then has every parent asked. So the
//! batches run in the request's own task, after its resolvers: on another thread they would start while half of the
//! parents had not asked yet, and the number of statements would be a matter of luck.

mod device;
mod latest;
mod measurement;
mod measurement_page;
mod readings;

use std::{collections::HashMap, hash::Hash, pin::pin, sync::Arc, time::Duration};

use async_graphql::dataloader::DataLoader;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use sqlx::PgPool;
use tokio::sync::mpsc;

pub use latest::LatestOf;
pub use measurement_page::{CountOf, PageOf};
pub use readings::ReadingsOf;

use crate::db::DbError;

/// What the look-ups need.
pub struct Loader {
    db: PgPool,
}

/// One failure, told to everybody who waited for the batch.
type LoadError = Arc<DbError>;

/// Keys in one batch at most: more than any page has parents.
const MAX_BATCH: usize = 100_000;

/// The look-ups of one request.
#[must_use]
pub fn new(db: PgPool) -> (DataLoader<Loader>, Batches) {
    // Unbounded, but it holds no more than one batch for each kind of key.
    let (sender, batches) = mpsc::unbounded_channel();
    let spawn = move |batch| drop(sender.send(batch));
    let loader = DataLoader::new(Loader { db }, spawn).delay(Duration::ZERO).max_batch_size(MAX_BATCH);
    (loader, Batches(batches))
}

/// The batches that wait to be run.
pub struct Batches(mpsc::UnboundedReceiver<BoxFuture<'static, ()>>);

impl Batches {
    /// Runs an execution, and its batches whenever it can't go on by itself.
    pub async fn drive<T>(mut self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased; // the order is the point: first the resolvers, then what they asked for
                response = &mut execution => return response,
                Some(batch) = self.0.recv() => running.push(batch),
                Some(()) = running.next() => {}
            }
        }
    }
}

/// Keys sorted into those that one statement can serve.
fn grouped<K, A: Eq + Hash, B>(keys: &[K], parts: impl Fn(&K) -> (A, B)) -> HashMap<A, Vec<B>> {
    let mut groups: HashMap<A, Vec<B>> = HashMap::new();
    for (arguments, parent) in keys.iter().map(parts) {
        groups.entry(arguments).or_default().push(parent);
    }
    groups
}
