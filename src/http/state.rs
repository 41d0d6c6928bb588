//! The gateway put together: database, recorder, schema, routes.

use std::{sync::Arc, time::Duration};

use axum::Router;

use super::{
    BodyMemory, Connections, Edition, KeyChecks, Origin, ResponseMemory, SocketTimeouts, Sockets,
    middleware::concurrency_limit::ConcurrencyLimit,
};
use crate::{
    auth::{KeyCache, KeyLookup, key_changes, key_changes::KeyChanges},
    clock::Clock,
    concurrency::ttl_cache::TtlCache,
    db::{
        connect::{Database, REQUEST_TIMEOUT},
        read_your_writes::WriteTracker,
        replicas::Replicas,
    },
    graphql,
    graphql::{
        Schema,
        context::{GatewayInfo, RateLimiters, State},
        execute::{
            cost::storage_statistics::StorageStatisticsCache, document_cache::DocumentCache,
            persisted::PersistedDocuments, read_pool::ReadPool, read_servers::ReadServers,
        },
    },
    http,
    jobs::delete_measurements::DeletionLock,
    limits::{Quota, rate_limit::CallerId},
    observability::metrics::Metrics,
    recorder::{Recorder, Writers},
    shutdown::ShutdownSignal,
    subscriptions::Subscriptions,
};

/// What the routes share.
#[derive(Clone)]
pub struct AppState {
    /// What resolvers share too.
    pub state: State,
    /// The GraphQL schema.
    pub schema: Schema,
    /// The documents that requests may name.
    pub persisted: PersistedDocuments,
    /// Subscriptions.
    pub live: Subscriptions,
    /// The keys of those who ask.
    pub key_lookup: KeyLookup,
    /// The keys of those who record.
    pub key_cache: KeyCache,
    /// Which keys were revoked or changed.
    pub key_changes: KeyChanges,
    /// What tells those who serve something without an end, such as a subscription, that the gateway ends.
    pub shutdown: ShutdownSignal,
    /// How many GraphQL requests are worked on at a time.
    pub concurrency_limit: ConcurrencyLimit,
    /// What requests with a key pass before it is looked up.
    pub key_checks: KeyChecks,
    /// The connections that are open.
    pub connections: Connections,
    /// The large answers that are being sent.
    pub response_memory: ResponseMemory,
    /// File uploads.
    pub uploads: Quota<CallerId>,
    /// The bodies that are read.
    pub body_memory: BodyMemory,
    /// The sockets that are open.
    pub sockets: Sockets,
    /// The origins of other sites whose pages may send requests.
    pub origins: Vec<Origin>,
    /// The edition of GraphQL over HTTP that decides on status codes.
    pub graphql_http: Edition,
    /// What answering a request may take.
    pub request_timeout: Duration,
}

/// The same as the routes hand it on: each request takes it several times on its way.
pub(crate) type SharedState = Arc<AppState>;

impl AppState {
    /// Starts the recorder and puts the gateway together.
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
        let look_ups = KeyLookup::start(state.database.keys.clone());
        let schema = graphql::schema(state.clone());
        let shutdown = ShutdownSignal::default();
        let (keys, key_changes) = (KeyCache::default(), KeyChanges::default());
        let (database, known_devices) = (state.database.clone(), state.device_id_cache.clone());
        let listening = key_changes::run(database, keys.clone(), known_devices, key_changes.clone(), shutdown.clone());
        tokio::spawn(listening);
        let live = Subscriptions::start(schema.clone(), shutdown.clone());
        let connections = Connections::new(&state.info, state.metrics.refusals.clone());
        let limits = state.info.limits.uploads;
        let uploads = Quota::new(limits.max_per_key, limits.max_total);
        let answers = ResponseMemory::new(state.info.limits.answers, state.metrics.refusals.clone());
        let bodies = BodyMemory::new(state.info.limits.bodies, state.metrics.refusals.clone());
        let sockets = Sockets::new(state.info.limits.websockets, SocketTimeouts::default());
        let key_checks = KeyChecks::new(state.info.limits.keys, state.metrics.refusals.clone());
        let app = Self {
            state,
            schema,
            persisted: PersistedDocuments::default(),
            live,
            key_lookup: look_ups,
            key_cache: keys,
            key_changes,
            shutdown,
            concurrency_limit: capacity,
            key_checks,
            connections,
            response_memory: answers,
            uploads,
            body_memory: bodies,
            sockets,
            origins: Vec::new(),
            graphql_http: Edition::default(),
            request_timeout: REQUEST_TIMEOUT,
        };
        (app, writers)
    }

    /// Comes back once the gateway ends.
    pub fn shutdown_triggered(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.triggered()
    }

    /// What the gateway counts, as a service of its own.
    pub fn metrics_router(&self) -> Router {
        http::metrics_alone(Arc::new(self.clone()))
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(Arc::new(self.clone()))
    }
}
