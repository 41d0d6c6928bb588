//! Application state: database, recorder, schema, routes.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{
    BodyMemory, Connections, Edition, KeyChecks, Origin, ResponseMemory, SocketTimeouts, Sockets,
    middleware::concurrency_limit::ConcurrencyLimit,
};
use crate::{
    auth::{KeyCache, KeyLookup, key_changes, key_changes::KeyChanges},
    clock::Clock,
    concurrency::ttl_cache::TtlCache,
    config::explorer::ExplorerSettings,
    db::{
        citus_workers::CitusWorkers,
        connect::{Database, REQUEST_TIMEOUT},
        read_your_writes::WriteTracker,
        replicas::Replicas,
    },
    graphql,
    graphql::{
        Schema,
        context::{GatewayInfo, RateLimiters, State},
        execute::{
            cost::storage_statistics::StorageStatisticsCache,
            document_cache::DocumentCache,
            persisted::{ManifestError, PersistedDocuments},
            read_pool::ReadPool,
            read_servers::ReadServers,
        },
    },
    http,
    jobs::delete_measurements::DeletionLock,
    limits::{Quota, rate_limit::CallerId},
    observability::metrics::Metrics,
    recorder::{Recorder, Writers},
    subscriptions::Subscriptions,
};

/// State shared by the routes.
#[derive(Clone)]
pub struct AppState {
    /// State shared with resolvers.
    pub state: State,
    /// The GraphQL schema.
    pub schema: Schema,
    /// Persisted documents.
    pub persisted: PersistedDocuments,
    /// Subscriptions.
    pub live: Subscriptions,
    /// The workers of a Citus cluster, for the metrics.
    pub citus_workers: CitusWorkers,
    /// Key lookups of queries.
    pub key_lookup: KeyLookup,
    /// Keys of recent senders.
    pub key_cache: KeyCache,
    /// Reports revoked and changed keys.
    pub key_changes: KeyChanges,
    /// Signals the shutdown to streams without an end, such as subscriptions.
    pub shutdown: CancellationToken,
    /// Limits concurrent GraphQL requests.
    pub concurrency_limit: ConcurrencyLimit,
    /// Checks before a key is looked up.
    pub key_checks: KeyChecks,
    /// Open connections.
    pub connections: Connections,
    /// Large responses that are being sent.
    pub response_memory: ResponseMemory,
    /// Permits of file uploads.
    pub uploads: Quota<CallerId>,
    /// Permits of exports.
    pub exports: Quota<CallerId>,
    /// Bodies that are being read.
    pub body_memory: BodyMemory,
    /// Open `WebSocket`s.
    pub sockets: Sockets,
    /// Other origins with pages that may send requests.
    pub origins: Vec<Origin>,
    /// The edition of GraphQL over HTTP that decides the status codes.
    pub graphql_http: Edition,
    /// Timeout of a request.
    pub request_timeout: Duration,
    /// The explorer.
    pub explorer: ExplorerSettings,
}

/// The state as the routes share it: it is cloned several times for each request.
pub(crate) type SharedState = Arc<AppState>;

impl AppState {
    /// Starts the recorder and background tasks.
    #[must_use]
    pub fn start(database: Database, replicas: Replicas, clock: Clock, about: GatewayInfo) -> (Self, Writers) {
        let (recorder, writers) = Recorder::start_with(&database.writes, &clock, &about.limits.recording);
        let metrics = Metrics::new(&recorder.metrics);
        let read_servers = ReadServers::new(&database, &replicas);
        let state = State {
            unmetered_read_pool: ReadPool::unmetered(database.reads.clone()),
            storage_statistics: StorageStatisticsCache::default(),
            read_servers,
            database,
            replicas,
            write_tracker: WriteTracker::default(),
            recorder,
            clock,
            device_id_cache: TtlCache::default(),
            document_cache: DocumentCache::default(),
            deletion_lock: DeletionLock::default(),
            metrics,
            rate_limiters: RateLimiters::new(&about.security_profile),
            info: Arc::new(about),
        };
        let capacity = ConcurrencyLimit::for_readers(state.database.reads.options().get_max_connections());
        let key_lookup = KeyLookup::start(state.database.keys.clone());
        let schema = graphql::schema(state.clone());
        let shutdown = CancellationToken::default();
        let (keys, key_changes) = (KeyCache::default(), KeyChanges::default());
        let (database, known_devices) = (state.database.clone(), state.device_id_cache.clone());
        let key_listener =
            key_changes::run(database, keys.clone(), known_devices, key_changes.clone(), shutdown.clone());
        tokio::spawn(key_listener);
        let live = Subscriptions::start(schema.clone(), shutdown.clone());
        let connections = Connections::new(&state.info, state.metrics.refusals.clone());
        let limits = state.info.limits.uploads;
        let uploads = Quota::new(limits.max_per_key, limits.max_total);
        let response_memory = ResponseMemory::new(state.info.limits.responses, state.metrics.refusals.clone());
        let limits = state.info.limits.exports;
        let exports = Quota::new(limits.max_per_caller, limits.max_total);
        let bodies = BodyMemory::new(state.info.limits.bodies, state.metrics.refusals.clone());
        let sockets = Sockets::new(state.info.limits.websockets, SocketTimeouts::default());
        let key_checks = KeyChecks::new(state.info.limits.keys, state.metrics.refusals.clone());
        let app = Self {
            state,
            schema,
            persisted: PersistedDocuments::default(),
            live,
            citus_workers: CitusWorkers::default(),
            key_lookup,
            key_cache: keys,
            key_changes,
            shutdown,
            concurrency_limit: capacity,
            key_checks,
            connections,
            response_memory,
            uploads,
            exports,
            body_memory: bodies,
            sockets,
            origins: Vec::new(),
            graphql_http: Edition::default(),
            request_timeout: REQUEST_TIMEOUT,
            explorer: ExplorerSettings::default(),
        };
        (app, writers)
    }

    /// Serves the explorer by these settings, and trusts the documents of its pages.
    ///
    /// # Errors
    /// When the documents in the binary are not a manifest.
    pub fn set_explorer(&mut self, settings: ExplorerSettings) -> Result<(), ManifestError> {
        if settings.enabled
            && let Some(manifest) = http::routes::static_files::trusted_documents()
        {
            self.persisted.trust_built_in(&manifest)?;
        }
        self.explorer = settings;
        Ok(())
    }

    /// Resolves when the shutdown begins.
    pub fn shutdown_triggered(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.clone().cancelled_owned()
    }

    /// A service with the metrics only.
    pub fn metrics_router(&self) -> Router {
        http::metrics_alone(Arc::new(self.clone()))
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(Arc::new(self.clone()))
    }
}
