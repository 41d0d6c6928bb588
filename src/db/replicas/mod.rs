//! Read replicas: standbys that answer queries while they are fresh enough.
//!
//! Each is probed a few times a second for its replay position in the primary's log. The position only grows, so a
//! choice by the last probe is always safe, and costs a query no extra statement. A standby that crashed may come back
//! a little earlier in the log; but its connections are closed then, and a new one is used only once the server has
//! reached its former position. (So each URL must always lead to the same server.)

pub mod lsn;
pub mod probe;
pub mod state;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use lsn::Lsn;
use probe::ProbeConnection;
use sqlx::{ConnectOptions as _, PgPool, postgres::PgConnectOptions};
use state::{PrimaryState, ReplicaState, ReplicaStatus};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    DbError,
    connect::{self, Database},
};

/// Time between two probes of a server.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// Default maximum lag of a replica.
pub const DEFAULT_MAX_LAG: Duration = Duration::from_secs(10);
/// Time without a successful probe after which queries that wait for a replica are cancelled.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// `application_name` of the probing connections in `pg_stat_activity`.
const APPLICATION_NAME: &str = "airgraph replicas";

/// The replicas of a database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Replicas(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    replicas: Vec<Arc<Replica>>,
    primary: Arc<Mutex<PrimaryState>>,
    /// Minimum position for every query: the end of the log when the gateway started, which includes its schema.
    min_lsn: Lsn,
    next_start: AtomicUsize,
    /// The probing tasks, until the last handle is dropped.
    _probes: JoinSet<()>,
}

/// A server that answers queries.
#[derive(Debug)]
pub struct Replica {
    /// Host and port.
    pub address: String,
    /// For queries.
    pub pool: PgPool,
    state: Arc<Mutex<ReplicaState>>,
    /// Whether no probe has succeeded for [`LOST_AFTER`], so that no query should wait for it.
    is_lost: watch::Sender<bool>,
}

/// Settings for the replicas.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaOptions {
    /// Number of connections to each.
    pub pool_size: u32,
    /// Time limit of a request.
    pub request_timeout: Duration,
    /// Maximum lag.
    pub max_lag: Duration,
}

/// Current state of a replica.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaSnapshot {
    /// Whether it is used, or why not.
    pub status: ReplicaStatus,
    /// Its lag behind the primary, in bytes of the log; `None` if unknown.
    pub lag_bytes: Option<u64>,
}

impl Replicas {
    /// Starts probing the replicas and the primary.
    ///
    /// # Errors
    /// When the primary can't be probed.
    pub async fn start(database: &Database, urls: &[PgConnectOptions], used: ReplicaOptions) -> Result<Self, DbError> {
        if urls.is_empty() {
            return Ok(Self::default());
        }
        let least = probe::load_insert_lsn(&database.reads).await?;
        let primary = Arc::new(Mutex::new(PrimaryState::default()));
        let mut probes = JoinSet::new();
        let connection = ProbeConnection::new(probe_options(database.reads.connect_options().as_ref()));
        probes.spawn(probe_primary(connection, primary.clone(), used.max_lag));
        let all: Vec<_> = urls.iter().map(|options| Arc::new(Replica::new(options, used))).collect();
        for (replica, options) in all.iter().zip(urls) {
            probes.spawn(probe_replica(ProbeConnection::new(probe_options(options)), replica.clone(), primary.clone()));
        }
        Ok(Self(Some(Arc::new(Inner {
            replicas: all,
            primary,
            min_lsn: least,
            next_start: AtomicUsize::new(0),
            _probes: probes,
        }))))
    }

    /// Whether there are no replicas.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a position lies beyond the end of the primary's log, so that no replica will ever reach it. Queries the
    /// primary only for positions beyond the last probe; false while the primary is unavailable.
    pub async fn is_beyond_primary(&self, position: Lsn, database: &Database) -> bool {
        let Some(shared) = &self.0 else { return false };
        let known = lock(&shared.primary).end_lsn().is_some_and(|end| position <= end);
        !known && probe::load_insert_lsn(&database.reads).await.is_ok_and(|end| position > end)
    }

    /// Closes the pools.
    pub async fn close(&self) {
        for replica in self.0.iter().flat_map(|shared| &shared.replicas) {
            replica.pool.close().await;
        }
    }

    /// All replicas with their current state.
    pub fn snapshots(&self) -> impl Iterator<Item = (&Replica, ReplicaSnapshot)> {
        let all = self.0.iter().flat_map(|shared| shared.replicas.iter().map(move |replica| (shared, replica)));
        all.map(|(shared, replica)| (&**replica, replica.snapshot(&lock(&shared.primary))))
    }

    /// The least busy replica that has replayed at least this position; equally busy ones take turns.
    #[must_use]
    pub fn choose(&self, at_least: Lsn) -> Option<Arc<Replica>> {
        let shared = self.0.as_ref()?;
        let (primary, now) = (lock(&shared.primary), Instant::now());
        let turn = shared.next_start.fetch_add(1, Ordering::Relaxed) % shared.replicas.len();
        let in_turn = shared.replicas[turn..].iter().chain(&shared.replicas[..turn]);
        let needed = at_least.max(shared.min_lsn);
        in_turn
            .filter(|replica| replica.has_replayed(needed, &primary, now))
            .min_by_key(|replica| replica.busy_connections())
            .cloned()
    }
}

impl Replica {
    fn new(options: &PgConnectOptions, used: ReplicaOptions) -> Self {
        let known = Arc::new(Mutex::new(ReplicaState::default()));
        let furthest = known.clone();
        let pool = connect::replica_pool(options, used.pool_size, used.request_timeout, move |connection| {
            let furthest = furthest.clone();
            Box::pin(async move {
                let furthest = lock(&furthest).max_lsn();
                match probe::replayed(connection).await? {
                    Some(replayed) if replayed >= furthest => Ok(()),
                    _ => Err(std::io::Error::other("the server is not where it was").into()),
                }
            })
        });
        let at = format!("{}:{}", options.get_host(), options.get_port());
        Self { address: at, pool, state: known, is_lost: watch::Sender::new(false) }
    }

    /// Waits for an answer of the replica, until the replica is lost.
    pub async fn unless_lost<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut lost = self.is_lost.subscribe();
        tokio::select! {
            answer = answer => Some(answer),
            _ = lost.wait_for(|lost| *lost) => None,
        }
    }

    /// Suspends the replica after a failed query, until the next successful probe.
    pub fn record_query_failure(&self) {
        lock(&self.state).suspend();
        tracing::debug!(at = self.address, "query failed on a replica; repeated on the primary");
    }

    fn has_replayed(&self, needed: Lsn, primary: &PrimaryState, now: Instant) -> bool {
        let known = lock(&self.state);
        known.status(primary, now) == ReplicaStatus::InRotation
            && known.replayed_lsn().is_some_and(|replayed| replayed >= needed)
    }

    fn busy_connections(&self) -> usize {
        (self.pool.size() as usize).saturating_sub(self.pool.num_idle())
    }

    fn snapshot(&self, primary: &PrimaryState) -> ReplicaSnapshot {
        let known = lock(&self.state);
        let lag_bytes = primary.end_lsn().zip(known.replayed_lsn()).map(|(end, replayed)| end.bytes_after(replayed));
        ReplicaSnapshot { status: known.status(primary, Instant::now()), lag_bytes }
    }
}

async fn probe_primary(mut connection: ProbeConnection, primary: Arc<Mutex<PrimaryState>>, max_lag: Duration) {
    loop {
        match connection.probe_primary().await {
            Ok((cluster, end)) => lock(&primary).record_probe(cluster, end, Instant::now(), max_lag),
            Err(_) => lock(&primary).record_failure(), // logged where the primary is used
        }
        sleep(PROBE_INTERVAL).await;
    }
}

async fn probe_replica(mut connection: ProbeConnection, replica: Arc<Replica>, primary: Arc<Mutex<PrimaryState>>) {
    let (mut before, mut last_success) = (None, Instant::now());
    loop {
        let failure = match connection.probe_replica().await {
            Ok(result) => {
                last_success = Instant::now();
                lock(&replica.state).record_probe(result, last_success);
                None
            }
            Err(error) => {
                lock(&replica.state).record_failure();
                Some(error)
            }
        };
        replica.is_lost.send_replace(last_success.elapsed() >= LOST_AFTER);
        let status = replica.snapshot(&lock(&primary)).status;
        if before != Some(status) {
            log_status(&replica.address, status, failure.as_ref());
            before = Some(status);
        }
        sleep(PROBE_INTERVAL).await;
    }
}

fn log_status(at: &str, status: ReplicaStatus, failure: Option<&DbError>) {
    let reason = match status {
        ReplicaStatus::InRotation => return tracing::info!(at, "a replica answers queries"),
        ReplicaStatus::Lagging | ReplicaStatus::Suspended => {
            return tracing::info!(at, ?status, "a replica answers no queries");
        }
        ReplicaStatus::Unreachable => "it can't be reached",
        ReplicaStatus::NotStandby => "it is no standby: DATABASE_REPLICA_URLS names the primary, or it was promoted",
        ReplicaStatus::OtherCluster => "it is no copy of DATABASE_URL's server",
    };
    let error = failure.and_then(std::error::Error::source);
    tracing::warn!(at, reason, error, "a replica answers no queries");
}

/// Options of the probing connections. Statements are not logged, as they are frequent.
fn probe_options(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().application_name(APPLICATION_NAME).disable_statement_logging()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves each value intact
}
