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
        context::{About, Budgets, State},
        execute::{
            cost::archive::KnownArchive, document_cache::Documents, persisted::Persisted, read_servers::ReadServers,
            reader::Reader,
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
    pub persisted: Persisted,
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
    pub fn start(database: Database, replicas: Replicas, clock: Clock, about: About) -> (Self, Writers) {
        let (recorder, writers) = Recorder::start_with(&database.writes, &clock, &about.limits.recording);
        let metrics = Metrics::new(&recorder.recording);
        let read_servers = ReadServers::new(&database, &replicas);
        let state = State {
            unmetered: Reader::unmetered(database.reads.clone()),
            archive: KnownArchive::default(),
            read_servers,
            database,
            replicas,
            written: WriteTracker::default(),
            recorder,
            clock,
            known_devices: TtlCache::default(),
            documents: Documents::default(),
            deletions: DeletionLock::default(),
            metrics,
            budgets: Budgets::new(&about.exposure),
            about: Arc::new(about),
        };
        let capacity = ConcurrencyLimit::for_readers(state.database.reads.options().get_max_connections());
        let look_ups = KeyLookup::start(state.database.keys.clone());
        let schema = graphql::schema(state.clone());
        let shutdown = ShutdownSignal::default();
        let (keys, key_changes) = (KeyCache::default(), KeyChanges::default());
        let (database, known_devices) = (state.database.clone(), state.known_devices.clone());
        let listening = key_changes::run(database, keys.clone(), known_devices, key_changes.clone(), shutdown.clone());
        tokio::spawn(listening);
        let live = Subscriptions::start(schema.clone(), shutdown.clone());
        let connections = Connections::new(&state.about, state.metrics.refusals.clone());
        let limits = state.about.limits.uploads;
        let uploads = Quota::new(limits.max_per_key, limits.max_total);
        let answers = ResponseMemory::new(state.about.limits.answers, state.metrics.refusals.clone());
        let bodies = BodyMemory::new(state.about.limits.bodies, state.metrics.refusals.clone());
        let sockets = Sockets::new(state.about.limits.websockets, SocketTimeouts::default());
        let key_checks = KeyChecks::new(state.about.limits.keys, state.metrics.refusals.clone());
        let app = Self {
            state,
            schema,
            persisted: Persisted::default(),
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
