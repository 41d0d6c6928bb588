//! Data available to resolvers.

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

/// State shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// Pools of the primary database.
    pub database: Database,
    /// Pool for reads without caller, such as events shared by many subscribers.
    pub unmetered_read_pool: ReadPool,
    /// Numbers of stored rows, for the cost analysis.
    pub storage_statistics: StorageStatisticsCache,
    /// Fair queues of callers for read connections.
    pub read_servers: ReadServers,
    /// Read replicas.
    pub replicas: Replicas,
    /// LSNs of callers' writes, which their reads on replicas must include.
    pub write_tracker: WriteTracker,
    /// Recorder of measurements.
    pub recorder: Recorder,
    /// Clock.
    pub clock: Clock,
    /// Cache of device ids by key, so that a list of one device's measurements needs one statement. A device keeps its
    /// key and id until it is deleted; all gateways are notified of deletions ([`crate::auth::key_changes`]).
    pub device_id_cache: TtlCache<DeviceKey, DeviceId>,
    /// Cache of parsed and validated documents.
    pub document_cache: DocumentCache,
    /// Lock for deletions, which run one at a time.
    pub deletion_lock: DeletionLock,
    /// Metrics.
    pub metrics: Metrics,
    /// Rate limits of each caller.
    pub rate_limiters: RateLimiters,
    /// Constant properties of the gateway.
    pub info: Arc<GatewayInfo>,
}

/// Rate limits of each caller, per minute. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimiters {
    /// Cost of GraphQL requests.
    pub cost: RateLimiter,
    /// Time that queries without API key hold database connections.
    pub anonymous_database_time: RateLimiter,
    /// The same for queries with API key.
    pub key_database_time: RateLimiter,
    /// Requests that record measurements.
    pub uplink_requests: RateLimiter,
}

impl RateLimiters {
    /// The limits of the security settings.
    #[must_use]
    pub fn new(settings: &SecuritySettings) -> Self {
        Self {
            cost: RateLimiter::per_minute("cost", settings.cost_per_minute),
            anonymous_database_time: RateLimiter::seconds_per_minute(
                DATABASE_TIME_POLICY,
                settings.anonymous_database_seconds_per_minute,
            ),
            key_database_time: RateLimiter::seconds_per_minute(
                DATABASE_TIME_POLICY,
                settings.key_database_seconds_per_minute,
            ),
            uplink_requests: RateLimiter::per_minute("uplinks", settings.uplinks_per_minute),
        }
    }

    /// The limit of database time for this kind of caller. Admins have none: they must always be able to operate the
    /// gateway, and can delete everything anyway.
    #[must_use]
    pub fn database_time(&self, kind: CallerKind) -> Option<&RateLimiter> {
        match kind {
            CallerKind::Anonymous => Some(&self.anonymous_database_time),
            CallerKind::Key => Some(&self.key_database_time),
            CallerKind::Admin => None,
        }
    }
}

/// Properties that do not change while the gateway runs.
#[derive(Clone, Debug)]
pub struct GatewayInfo {
    /// Whether reading is allowed without API key.
    pub public_read: bool,
    /// Security settings, such as introspection and rate limits.
    pub security_profile: SecuritySettings,
    /// Limits of shared resources.
    pub limits: Limits,
    /// Operations that take longer are logged as slow.
    pub slow_operation_threshold: Duration,
    /// Host of the database, shown to admins.
    pub database_host: String,
    /// Port of the database.
    pub database_port: u16,
}

/// Newest batch of the feed before any resolver ran, as data of a request that selects `feedCursor`. Every later change
/// is sent to a subscription that starts there.
pub(super) struct FeedSnapshot(pub Result<i64, Arc<DbError>>);

/// Accessors for the data of a resolver's context.
pub trait ContextExt {
    /// State shared by all requests.
    fn state(&self) -> &State;
    /// The authenticated caller.
    fn caller(&self) -> &Caller;
    /// The data loader of this request.
    fn loader(&self) -> &DataLoader<DatabaseLoader>;

    /// The pool for queries, on the server that this request reads from.
    fn read_pool(&self) -> &ReadPool;

    /// The shared areas of this request.
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

/// Guard of the query root: reading may need an API key.
pub(super) fn may_read(ctx: &Context<'_>) -> async_graphql::Result<()> {
    Ok(ctx.caller().may_read(ctx.state().info.public_read)?)
}

/// Runs a transaction to completion even if the request is dropped: a future dropped within a transaction could leave
/// the connection in it.
///
/// # Errors
/// The errors of the transaction.
pub(super) async fn run_to_completion<T: Send + 'static>(
    transaction: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(transaction).await.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic), // caught by `execute::panics`
        Err(error) => Err(ApiError::Internal(error.into())),
    })
}
