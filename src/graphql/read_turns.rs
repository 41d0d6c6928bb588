//! Turns for the connections of each server that is read from.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgPool;

use crate::{
    budget::Payer,
    db::{connect::Database, replicas::Replicas},
    fair_queue::{FairQueue, Share},
};

/// Statements of one caller that may wait for a connection. Requests in work are fewer, and each has few statements at
/// a time.
const MAX_WAITING_PER_CALLER: usize = 1000;
/// One in so many connections is left to what is read for no caller, such as events of subscriptions.
const RESERVED_SHARE: u32 = 8;

/// Turns for the connections of each server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadTurns(Arc<Servers>);

#[derive(Debug)]
struct Servers {
    primary: FairQueue<Payer>,
    /// By host and port.
    replicas: HashMap<String, FairQueue<Payer>>,
}

impl ReadTurns {
    /// Of these servers.
    #[must_use]
    pub fn new(database: &Database, replicas: &Replicas) -> Self {
        let replicas = replicas.readings().map(|(replica, _)| (replica.at.clone(), queue(&replica.pool)));
        Self(Arc::new(Servers { primary: queue(&database.reads), replicas: replicas.collect() }))
    }

    /// Of the primary.
    #[must_use]
    pub fn of_primary(&self) -> &FairQueue<Payer> {
        &self.0.primary
    }

    /// Of the replica at this host and port.
    #[must_use]
    pub fn of_replica(&self, at: &str) -> &FairQueue<Payer> {
        self.0.replicas.get(at).unwrap_or(&self.0.primary)
    }

    /// Statements that wait for a connection, of all servers.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.primary.waiting() + self.0.replicas.values().map(FairQueue::waiting).sum::<usize>()
    }
}

fn queue(pool: &PgPool) -> FairQueue<Payer> {
    let size = pool.options().get_max_connections();
    let permits = (size - size / RESERVED_SHARE).max(1);
    FairQueue::new(permits as usize, Share::OfFree, MAX_WAITING_PER_CALLER)
}
