//! Database connections for the reads of a request: few at a time, fairly queued with other callers, and for a bounded
//! time. The database time used is charged to the caller.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Describe, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{archive_notice::ArchiveNotice, read_servers::ReadServer, shared_reads::RequestSharedReads};
use crate::{
    clock::Clock,
    concurrency::fair_queue::FairPermit,
    db::{cancellation::cancel_on_drop, error::DatabaseLimit, kept_connections::KeptConnection},
    limits::{
        ReadLimits,
        rate_limit::{CallerId, RateLimiter},
    },
    observability::metrics::database_time::{CallerKind, DatabaseTimeMetrics},
};

/// Minimum cost of each millisecond that a request holds a connection. Most requests cost more per millisecond.
const COST_PER_DATABASE_MILLISECOND: u64 = 1000;
/// Database time without cost correction: on a busy machine a cheap request may take as long.
const UNCORRECTED_DATABASE_TIME: Duration = Duration::from_millis(250);

/// Executor (like a pool) for the statements of a request. Cheap to clone.
#[derive(Clone)]
pub struct ReadPool(Arc<Inner>);

enum Inner {
    /// For reads without caller, such as events shared by many subscribers.
    Unmetered(PgPool, Option<Arc<ArchiveNotice>>),
    Metered(ReadServer, Arc<DatabaseUsage>),
}

/// Limits of a request's database usage, and the usage so far.
pub struct DatabaseUsage {
    caller_id: CallerId,
    kind: CallerKind,
    /// The caller's limit of database time; `None` is unlimited.
    rate_limiter: Option<RateLimiter>,
    clock: Clock,
    metric: DatabaseTimeMetrics,
    /// The caller's cost limit, and the cost charged before execution.
    charged_cost: (RateLimiter, u64),
    /// Months that the request reads but the database no longer has.
    archive_notice: Option<ArchiveNotice>,
    connection_permits: Arc<Semaphore>,
    used_ns: AtomicU64,
    max_time: Duration,
    queue_timeout: Duration,
}

impl DatabaseUsage {
    /// The usage of a request of this caller.
    #[must_use]
    pub fn new(
        limits: &ReadLimits,
        (caller_id, kind): (CallerId, CallerKind),
        rate_limiter: Option<RateLimiter>,
        charged_cost: (RateLimiter, u64),
        clock: Clock,
        metric: DatabaseTimeMetrics,
    ) -> Self {
        Self {
            caller_id,
            kind,
            rate_limiter,
            clock,
            metric,
            charged_cost,
            archive_notice: None,
            connection_permits: Arc::new(Semaphore::new(limits.connections_per_request)),
            used_ns: AtomicU64::new(0),
            max_time: match kind {
                CallerKind::Anonymous => limits.database_time_per_anonymous_request,
                CallerKind::Key | CallerKind::Admin => limits.database_time_per_request,
            },
            queue_timeout: limits.connection_turn_timeout,
        }
    }

    /// The same with a notice of the months that the database no longer has.
    #[must_use]
    pub fn with_archive_notice(mut self, notice: ArchiveNotice) -> Self {
        self.archive_notice = Some(notice);
        self
    }

    /// The notice, if there is one.
    #[must_use]
    pub fn archive_notice(&self) -> Option<&ArchiveNotice> {
        self.archive_notice.as_ref()
    }

    /// Database time used so far.
    #[must_use]
    pub fn used_time(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }

    /// How long the request may still use the database.
    ///
    /// # Errors
    /// [`DatabaseLimit::TimeBudgetExceeded`] when it may no longer.
    pub fn remaining_time(&self) -> Result<Duration, Error> {
        let remaining = self.max_time.saturating_sub(self.used_time());
        if remaining.is_zero() { Err(DatabaseLimit::TimeBudgetExceeded.into()) } else { Ok(remaining) }
    }

    /// Charges database time to the caller.
    pub fn charge(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.used_ns.fetch_add(nanoseconds, Ordering::Relaxed);
        self.metric.record(self.kind, time);
        if let Some(rate_limiter) = &self.rate_limiter {
            rate_limiter.charge(self.caller_id, time, self.clock.now());
        }
    }
}

/// Corrects the charged cost by the database time used.
impl Drop for DatabaseUsage {
    fn drop(&mut self) {
        let (rate_limiter, charged) = &self.charged_cost;
        let used = u64::try_from(self.used_time().saturating_sub(UNCORRECTED_DATABASE_TIME).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_mul(COST_PER_DATABASE_MILLISECOND);
        let missing = u32::try_from(used.saturating_sub(*charged)).unwrap_or(u32::MAX);
        if missing > 0 {
            rate_limiter.penalize(self.caller_id, missing, self.clock.now());
        }
    }
}

impl ReadPool {
    /// A pool for reads without caller.
    #[must_use]
    pub fn unmetered(pool: PgPool) -> Self {
        Self(Arc::new(Inner::Unmetered(pool, None)))
    }

    /// The same for reads that are noted. A metered pool has the notice of its request.
    #[must_use]
    pub fn with_archive_notice(&self, notice: Arc<ArchiveNotice>) -> Self {
        match &*self.0 {
            Inner::Unmetered(pool, _) => Self(Arc::new(Inner::Unmetered(pool.clone(), Some(notice)))),
            Inner::Metered(..) => self.clone(),
        }
    }

    /// A pool for reads of a caller, fairly queued with other callers of the same server.
    #[must_use]
    pub fn metered(server: ReadServer, usage: Arc<DatabaseUsage>) -> Self {
        Self(Arc::new(Inner::Metered(server, usage)))
    }

    /// Notes that the request has read measurements themselves, not rollups, of a half-open time span; an end that is `None` is
    /// open.
    pub fn note_rows_read(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) {
        let notice = match &*self.0 {
            Inner::Unmetered(_, notice) => notice.as_deref(),
            Inner::Metered(_, usage) => usage.archive_notice(),
        };
        if let Some(notice) = notice {
            notice.note_rows_read(from, to);
        }
    }

    /// The reads that this request shares with others, if it may share any. Reads without caller don't.
    #[must_use]
    pub fn shared(&self) -> Option<RequestSharedReads<'_>> {
        match &*self.0 {
            Inner::Unmetered(..) => None,
            Inner::Metered(server, usage) => {
                server.shared_reads.as_ref().map(|reads| RequestSharedReads { reads, usage })
            }
        }
    }

    /// Runs one statement and reads its result to the end.
    async fn run<T>(self, statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>) -> Result<T, Error> {
        let (server, usage) = match &*self.0 {
            Inner::Unmetered(pool, _) => return statement(&mut *pool.acquire().await?).await,
            Inner::Metered(server, usage) => (server, usage),
        };
        let (mut metered, remaining_time) = MeteredConnection::acquire(server, usage).await?;
        let outcome = timeout(remaining_time, cancel_on_drop(statement(&mut metered.connection))).await;
        let rows = outcome.unwrap_or_else(|_| Err(DatabaseLimit::TimeBudgetExceeded.into()))?;
        server.connections.keep(metered.connection);
        Ok(rows)
    }
}

/// A connection in use. Fields are dropped in this order: the connection is returned before the permit.
struct MeteredConnection {
    connection: KeptConnection,
    _usage_timer: UsageTimer,
}

impl MeteredConnection {
    /// Waits for a permit; returns a connection and its maximum time of use.
    async fn acquire(server: &ReadServer, usage: &Arc<DatabaseUsage>) -> Result<(Self, Duration), Error> {
        let request_permit = usage.connection_permits.clone().acquire_owned().await.map_err(|_| Error::PoolClosed)?;
        let remaining_time = usage.remaining_time()?;
        let Ok(Ok(queue_permit)) = timeout(usage.queue_timeout, server.turns.acquire(usage.caller_id)).await else {
            return Err(DatabaseLimit::Busy.into());
        };
        let connection = server.connections.acquire().await?;
        let usage_timer = UsageTimer {
            usage: usage.clone(),
            started_at: Instant::now(),
            _request_permit: request_permit,
            _queue_permit: queue_permit,
        };
        Ok((Self { connection, _usage_timer: usage_timer }, remaining_time))
    }
}

/// Charges the time a connection is held, on drop.
struct UsageTimer {
    usage: Arc<DatabaseUsage>,
    started_at: Instant,
    _request_permit: OwnedSemaphorePermit,
    _queue_permit: FairPermit<CallerId>,
}

impl Drop for UsageTimer {
    fn drop(&mut self) {
        self.usage.charge(self.started_at.elapsed());
    }
}

impl fmt::Debug for ReadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadPool(…)")
    }
}

impl<'c> Executor<'c> for &'_ ReadPool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let rows = self.clone().run(async |db| db.fetch_many(query).try_collect::<Vec<_>>().await);
        stream::once(rows).map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten().boxed()
    }

    /// Like [`Self::fetch_many`], but the rows are collected once.
    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(self.clone().run(async |db| db.fetch_all(query).await))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(self.clone().run(async |db| db.fetch_optional(query).await))
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(self.clone().run(async |db| db.prepare_with(sql, parameters).await))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>> {
        Box::pin(self.clone().run(async |db| db.describe(sql).await))
    }
}
