//! What a resolver can reach.

use std::{sync::Arc, time::Duration};

use async_graphql::{Context, dataloader::DataLoader};
use sqlx::PgPool;

use super::{
    execute::{
        cost::storage_statistics::StorageStatisticsCache, document_cache::DocumentCache, read_pool::ReadPool,
        read_servers::ReadServers,
    },
    loaders::DatabaseLoader,
};
use crate::{
    api_error::ApiError,
    auth::Caller,
    clock::Clock,
    concurrency::ttl_cache::TtlCache,
    config::security::SecuritySettings,
    db::{DbError, connect::Database, read_your_writes::WriteTracker, replicas::Replicas},
    domain::{
        area::SharedAreas,
        device::{DeviceId, DeviceKey},
    },
    jobs::delete_measurements::DeletionLock,
    limits::{
        Limits,
        rate_limit::{DATABASE_TIME_POLICY, RateLimiter},
    },
    observability::metrics::{Metrics, database_time::CallerKind},
    recorder::Recorder,
};

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub database: Database,
    /// What is read for no caller, such as events that many subscribers share.
    pub unmetered_read_pool: ReadPool,
    /// How much is stored, for prices.
    pub storage_statistics: StorageStatisticsCache,
    /// Turns of callers for connections to read by.
    pub read_servers: ReadServers,
    /// Servers that answer queries in its place.
    pub replicas: Replicas,
    /// What callers have written, and so have to read there.
    pub write_tracker: WriteTracker,
    /// The way in for measurements.
    pub recorder: Recorder,
    /// The time.
    pub clock: Clock,
    /// The numbers of devices that were requested lately, so that a list of one device's measurements is one statement. A
    /// device keeps its key and its number until it is deleted, which all gateways are notified of
    /// ([`crate::auth::key_changes`]).
    pub device_id_cache: TtlCache<DeviceKey, DeviceId>,
    /// The documents that were asked lately.
    pub document_cache: DocumentCache,
    /// Deletions run one at a time.
    pub deletion_lock: DeletionLock,
    /// What is counted.
    pub metrics: Metrics,
    /// What each caller may use in a minute.
    pub rate_limiters: RateLimiters,
    /// What may be told of the gateway and its database.
    pub info: Arc<GatewayInfo>,
}

/// What each caller may use in a minute. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimiters {
    /// Of what GraphQL requests cost.
    pub cost: RateLimiter,
    /// Of the time that queries without a key hold connections to Postgres.
    pub anonymous_database_time: RateLimiter,
    /// The same of queries with a key.
    pub key_database_time: RateLimiter,
    /// Of requests that bring measurements.
    pub uplink_requests: RateLimiter,
}

impl RateLimiters {
    /// As the gateway is exposed.
    #[must_use]
    pub fn new(exposure: &SecuritySettings) -> Self {
        Self {
            cost: RateLimiter::per_minute("cost", exposure.cost_per_minute),
            anonymous_database_time: RateLimiter::seconds_per_minute(
                DATABASE_TIME_POLICY,
                exposure.anonymous_database_seconds_per_minute,
            ),
            key_database_time: RateLimiter::seconds_per_minute(
                DATABASE_TIME_POLICY,
                exposure.key_database_seconds_per_minute,
            ),
            uplink_requests: RateLimiter::per_minute("uplinks", exposure.uplinks_per_minute),
        }
    }

    /// The budget of database time of this kind of caller. Admins have none: a gateway whose admin is refused can't be
    /// looked after, and an admin may delete everything anyway.
    #[must_use]
    pub fn database_time(&self, kind: CallerKind) -> Option<&RateLimiter> {
        match kind {
            CallerKind::Anonymous => Some(&self.anonymous_database_time),
            CallerKind::Key => Some(&self.key_database_time),
            CallerKind::Admin => None,
        }
    }
}

/// What doesn't change while the gateway runs.
#[derive(Clone, Debug)]
pub struct GatewayInfo {
    /// Whether reading works without a key.
    pub public_read: bool,
    /// What strangers may see.
    pub security_profile: SecuritySettings,
    /// How much of each shared resource may be used.
    pub limits: Limits,
    /// Operations that take longer are logged.
    pub slow_operation_threshold: Duration,
    /// Where the database is, to be told to admins.
    pub database_host: String,
    /// Its port.
    pub database_port: u16,
}

/// The newest batch of the feed before any resolver ran, as data of a request that asks for it: so nothing that the answer
/// holds can be missing from what follows it.
pub(super) struct FeedSnapshot(pub Result<i64, Arc<DbError>>);

/// Short ways to what a resolver needs.
pub trait ContextExt {
    /// What all requests share.
    fn state(&self) -> &State;
    /// Who is asking.
    fn caller(&self) -> &Caller;
    /// The batched look-ups of this request.
    fn loader(&self) -> &DataLoader<DatabaseLoader>;

    /// Where queries run: on the one server that this request reads from.
    fn read_pool(&self) -> &ReadPool;

    /// The areas of this request.
    fn areas(&self) -> SharedAreas;

    /// The pool for mutations.
    fn write_pool(&self) -> &PgPool {
        &self.state().database.writes
    }
}

impl ContextExt for Context<'_> {
    fn state(&self) -> &State {
        self.data_unchecked()
    }

    fn read_pool(&self) -> &ReadPool {
        self.data_opt().unwrap_or(&self.state().unmetered_read_pool)
    }

    fn areas(&self) -> SharedAreas {
        self.data_opt().cloned().unwrap_or_default()
    }

    fn caller(&self) -> &Caller {
        self.data_unchecked()
    }

    fn loader(&self) -> &DataLoader<DatabaseLoader> {
        self.data_unchecked()
    }
}

/// The guard of the query root: reading may need a key.
pub(super) fn may_read(ctx: &Context<'_>) -> async_graphql::Result<()> {
    Ok(ctx.caller().may_read(ctx.state().info.public_read)?)
}

/// Runs a transaction to its end, whatever becomes of the request: a future dropped in the middle of one could leave
/// the connection in it.
///
/// # Errors
/// Those of the transaction.
pub(super) async fn run_to_completion<T: Send + 'static>(
    transaction: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(transaction).await.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic), // caught and counted where all panics of operations are
        Err(error) => Err(ApiError::Internal(error.into())),
    })
}
