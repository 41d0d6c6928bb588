//! Read replicas: standbys that answer queries, as far as they are fresh enough.
//!
//! Each is asked a few times a second how far it has replayed the primary's log. It only ever gets further, so a choice
//! by what it told last is always safe, and costs a query no statement. Where a standby crashes it may come back a bit before
//! that; but its connections are gone then, and a new one is used only once the server is where it ever was. (So each URL
//! has to lead to one server, always the same.)

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

/// How often servers are asked how far they are.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// How far a replica may be behind where nothing else is said.
pub const DEFAULT_MAX_LAG: Duration = Duration::from_secs(10);
/// How long a replica may tell nothing until those are called back that wait for its answers.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// What the connections are called in `pg_stat_activity` on which servers are asked how far they are.
const APPLICATION_NAME: &str = "airgraph replicas";

/// The replicas of a database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Replicas(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    replicas: Vec<Arc<Replica>>,
    primary: Arc<Mutex<PrimaryState>>,
    /// What everybody may expect to see: what was in the database when the gateway began, such as its schema.
    min_lsn: Lsn,
    next_start: AtomicUsize,
    /// Ask the servers, until the last handle is gone.
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
    /// Whether it has told nothing for so long that nobody should wait for it any more.
    is_lost: watch::Sender<bool>,
}

/// How replicas are used.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaOptions {
    /// Connections to each.
    pub pool_size: u32,
    /// What answering a request may take.
    pub request_timeout: Duration,
    /// How far one may be behind.
    pub max_lag: Duration,
}

/// How a replica is right now.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaSnapshot {
    /// What becomes of it.
    pub status: ReplicaStatus,
    /// How far it is behind the primary, in bytes of its log; none where that isn't known.
    pub lag_bytes: Option<u64>,
}

impl Replicas {
    /// Begins to ask them and the primary how far they are.
    ///
    /// # Errors
    /// When the primary can't be asked.
    pub async fn start(database: &Database, urls: &[PgConnectOptions], used: ReplicaOptions) -> Result<Self, DbError> {
        if urls.is_empty() {
            return Ok(Self::default());
        }
        let least = probe::load_insert_lsn(&database.reads).await?;
        let primary = Arc::new(Mutex::new(PrimaryState::default()));
        let mut asking = JoinSet::new();
        let line = ProbeConnection::new(probe_options(database.reads.connect_options().as_ref()));
        asking.spawn(probe_primary(line, primary.clone(), used.max_lag));
        let all: Vec<_> = urls.iter().map(|options| Arc::new(Replica::new(options, used))).collect();
        for (replica, options) in all.iter().zip(urls) {
            asking.spawn(probe_replica(ProbeConnection::new(probe_options(options)), replica.clone(), primary.clone()));
        }
        Ok(Self(Some(Arc::new(Inner {
            replicas: all,
            primary,
            min_lsn: least,
            next_start: AtomicUsize::new(0),
            _probes: asking,
        }))))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a position lies beyond the end of the primary's log, so that no replica will ever reach it. The primary is asked
    /// only when the position is beyond what it last told; while it is away, no position is.
    pub async fn is_beyond_primary(&self, position: Lsn, database: &Database) -> bool {
        let Some(shared) = &self.0 else { return false };
        let known = lock(&shared.primary).end_lsn().is_some_and(|end| position <= end);
        !known && probe::load_insert_lsn(&database.reads).await.is_ok_and(|end| position > end)
    }

    /// Ends what reads from them.
    pub async fn close(&self) {
        for replica in self.0.iter().flat_map(|shared| &shared.replicas) {
            replica.pool.close().await;
        }
    }

    /// All of them, with how they are right now.
    pub fn snapshots(&self) -> impl Iterator<Item = (&Replica, ReplicaSnapshot)> {
        let all = self.0.iter().flat_map(|shared| shared.replicas.iter().map(move |replica| (shared, replica)));
        all.map(|(shared, replica)| (&**replica, replica.snapshot(&lock(&shared.primary))))
    }

    /// One that has replayed at least this, the least busy of them; those that are alike take turns.
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

    /// Waits for an answer of it, but no longer than there is hope.
    pub async fn unless_lost<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut lost = self.is_lost.subscribe();
        tokio::select! {
            answer = answer => Some(answer),
            _ = lost.wait_for(|lost| *lost) => None,
        }
    }

    /// It failed to answer: it rests until it told something again.
    pub fn record_query_failure(&self) {
        lock(&self.state).suspend();
        tracing::debug!(at = self.address, "a query failed on a replica; the primary answers it");
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

async fn probe_primary(mut line: ProbeConnection, primary: Arc<Mutex<PrimaryState>>, max_lag: Duration) {
    loop {
        match line.probe_primary().await {
            Ok((cluster, end)) => lock(&primary).record_probe(cluster, end, Instant::now(), max_lag),
            Err(_) => lock(&primary).record_failure(), // whoever needs it logs that
        }
        sleep(PROBE_INTERVAL).await;
    }
}

async fn probe_replica(mut line: ProbeConnection, replica: Arc<Replica>, primary: Arc<Mutex<PrimaryState>>) {
    let (mut before, mut told_at) = (None, Instant::now());
    loop {
        let failure = match line.probe_replica().await {
            Ok(told) => {
                told_at = Instant::now();
                lock(&replica.state).record_probe(told, told_at);
                None
            }
            Err(error) => {
                lock(&replica.state).record_failure();
                Some(error)
            }
        };
        replica.is_lost.send_replace(told_at.elapsed() >= LOST_AFTER);
        let standing = replica.snapshot(&lock(&primary)).status;
        if before != Some(standing) {
            log_status(&replica.address, standing, failure.as_ref());
            before = Some(standing);
        }
        sleep(PROBE_INTERVAL).await;
    }
}

fn log_status(at: &str, standing: ReplicaStatus, failure: Option<&DbError>) {
    let reason = match standing {
        ReplicaStatus::InRotation => return tracing::info!(at, "a replica answers queries"),
        ReplicaStatus::Lagging | ReplicaStatus::Suspended => {
            return tracing::info!(at, ?standing, "a replica answers no queries");
        }
        ReplicaStatus::Unreachable => "it can't be reached",
        ReplicaStatus::NotStandby => "it is no standby: DATABASE_REPLICA_URLS names the primary, or it was promoted",
        ReplicaStatus::OtherCluster => "it is no copy of DATABASE_URL's server",
    };
    let error = failure.and_then(std::error::Error::source);
    tracing::warn!(at, reason, error, "a replica answers no queries");
}

/// The options of a connection that is used every moment, so not logged.
fn probe_options(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().application_name(APPLICATION_NAME).disable_statement_logging()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner) // each value is whole after any panic
}
