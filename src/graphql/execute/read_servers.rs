//! The connections of each server that is read from, and whose turn it is to use one.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgPool;

use crate::{
    concurrency::fair_queue::{FairQueue, PermitShare},
    db::{connect::Database, kept_connections::KeptConnections, replicas::Replicas},
    limits::rate_limit::CallerId,
};

/// Statements of one caller that may wait for a connection. Requests in work are fewer, and each has few statements at
/// a time.
const MAX_WAITING_PER_CALLER: usize = 1000;
/// One in so many connections is left to what is read for no caller, such as events of subscriptions.
const RESERVED_SHARE: u32 = 8;
/// One in so many connections stays at hand between statements; the others are there for everything else that uses the pool.
const KEPT_SHARE: u32 = 2;

/// The servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadServers(Arc<Servers>);

#[derive(Debug)]
struct Servers {
    primary: ReadServer,
    /// By host and port.
    replicas: HashMap<String, ReadServer>,
}

/// The connections of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadServer {
    /// Callers take turns.
    pub turns: FairQueue<CallerId>,
    /// One for each turn.
    pub connections: KeptConnections,
}

impl ReadServers {
    /// Of these servers.
    #[must_use]
    pub fn new(database: &Database, replicas: &Replicas) -> Self {
        let replicas =
            replicas.snapshots().map(|(replica, _)| (replica.address.clone(), ReadServer::new(&replica.pool)));
        Self(Arc::new(Servers { primary: ReadServer::new(&database.reads), replicas: replicas.collect() }))
    }

    /// Of the primary.
    #[must_use]
    pub fn primary(&self) -> &ReadServer {
        &self.0.primary
    }

    /// Of the replica at this host and port.
    #[must_use]
    pub fn replica(&self, at: &str) -> Option<&ReadServer> {
        self.0.replicas.get(at)
    }

    /// Statements that wait for a connection, of all servers.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.primary.turns.waiting() + self.0.replicas.values().map(|pool| pool.turns.waiting()).sum::<usize>()
    }
}

impl ReadServer {
    fn new(pool: &PgPool) -> Self {
        let size = pool.options().get_max_connections();
        let permits = (size - size / RESERVED_SHARE).max(1);
        let turns = FairQueue::new(permits as usize, PermitShare::UpToFree, MAX_WAITING_PER_CALLER);
        Self { turns, connections: KeptConnections::new(pool.clone(), (size / KEPT_SHARE) as usize) }
    }
}
