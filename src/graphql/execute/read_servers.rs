//! Connections to each database server for reading, and the fair queue of callers for them.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgPool;

use super::shared_reads::SharedReads;
use crate::{
    concurrency::fair_queue::{FairQueue, PermitShare},
    db::{connect::Database, dialect::Dialect, kept_connections::KeptConnections, replicas::Replicas},
    limits::rate_limit::CallerId,
};

/// Maximum statements of one caller that wait for a connection. There are fewer concurrent requests, each with few
/// concurrent statements.
const MAX_WAITING_PER_CALLER: usize = 1000;
/// One in this many connections is reserved for reads without caller, such as events of subscriptions, and for shared
/// reads.
const RESERVED_SHARE: u32 = 8;
/// One in this many connections is kept between statements; the others stay available to other users of the pool.
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
    /// Fair queue of callers.
    pub turns: FairQueue<CallerId>,
    /// Connections, one per permit of the queue.
    pub connections: KeptConnections,
    /// Reads that concurrent requests share, which need no permit. None on Citus: there a statement for several devices
    /// needs all of their workers, so one that is lost would fail the reads of others.
    pub shared_reads: Option<SharedReads>,
}

impl ReadServers {
    /// The servers of a database and its replicas.
    #[must_use]
    pub fn new(database: &Database, replicas: &Replicas) -> Self {
        let server = |pool| ReadServer::new(pool, database.dialect);
        let replicas = replicas.snapshots().map(|(replica, _)| (replica.address.clone(), server(&replica.pool)));
        Self(Arc::new(Servers { primary: server(&database.reads), replicas: replicas.collect() }))
    }

    /// The primary.
    #[must_use]
    pub fn primary(&self) -> &ReadServer {
        &self.0.primary
    }

    /// The replica with this host and port.
    #[must_use]
    pub fn replica(&self, address: &str) -> Option<&ReadServer> {
        self.0.replicas.get(address)
    }

    /// Number of statements waiting for a connection, for all servers.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.primary.turns.waiting() + self.0.replicas.values().map(|pool| pool.turns.waiting()).sum::<usize>()
    }
}

impl ReadServer {
    fn new(pool: &PgPool, dialect: Dialect) -> Self {
        let size = pool.options().get_max_connections();
        let permits = (size - size / RESERVED_SHARE).max(1);
        let turns = FairQueue::new(permits as usize, PermitShare::UpToFree, MAX_WAITING_PER_CALLER);
        let keep = |count: u32| KeptConnections::new(pool.clone(), count as usize);
        let shared_reads = (!dialect.is_citus).then(|| SharedReads::start(&keep((size / RESERVED_SHARE).min(1))));
        Self { turns, connections: keep(size / KEPT_SHARE), shared_reads }
    }
}
