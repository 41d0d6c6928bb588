//! The gateway put together: database, recorder, schema, routes.

use std::{sync::Arc, time::Duration};

use axum::Router;

use crate::{
    auth::{KeysLately, LookUps},
    capacity::Capacity,
    clock::Clock,
    db::{
        connect::{Database, REQUEST_TIMEOUT},
        replicas::Replicas,
    },
    graphql::{
        self, Schema,
        context::{About, Budgets, State},
        documents::Documents,
        persisted::Persisted,
    },
    http::{self, Bodies, Edition, Origin, Sockets},
    ingest::recorder::{Recorder, Writers},
    live::Live,
    memory::Memory,
    metrics::Metrics,
    shutdown::Shutdown,
    written::Written,
};

/// What the routes share.
#[derive(Clone)]
pub struct App {
    /// What resolvers share too.
    pub state: State,
    /// The GraphQL schema.
    pub schema: Schema,
    /// The documents that requests may name.
    pub persisted: Persisted,
    /// Subscriptions.
    pub live: Live,
    /// The keys of those who ask.
    pub look_ups: LookUps,
    /// The keys of those who record.
    pub keys: KeysLately,
    /// What tells those who serve something without an end, such as a subscription, that the gateway ends.
    pub shutdown: Shutdown,
    /// How many GraphQL requests are worked on at a time.
    pub capacity: Capacity,
    /// The bodies that are read.
    pub bodies: Bodies,
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
pub(crate) type Shared = Arc<App>;

impl App {
    /// Starts the recorder and puts the gateway together.
    #[must_use]
    pub fn start(database: Database, replicas: Replicas, clock: Clock, about: About) -> (Self, Writers) {
        let (recorder, writers) = Recorder::start_with(&database.writes, &clock, &about.limits.recording);
        let metrics = Metrics::new(&recorder.recording);
        let state = State {
            database,
            replicas,
            written: Written::default(),
            recorder,
            clock,
            known_devices: Memory::default(),
            documents: Documents::default(),
            metrics,
            budgets: Budgets::new(&about.exposure),
            about: Arc::new(about),
        };
        let capacity = Capacity::for_readers(state.database.reads.options().get_max_connections());
        let look_ups = LookUps::start(state.database.reads.clone());
        let schema = graphql::schema(state.clone());
        let shutdown = Shutdown::default();
        let live = Live::start(schema.clone(), shutdown.clone());
        let app = Self {
            state,
            schema,
            persisted: Persisted::default(),
            live,
            look_ups,
            keys: KeysLately::default(),
            shutdown,
            capacity,
            bodies: Bodies::default(),
            sockets: Sockets::default(),
            origins: Vec::new(),
            graphql_http: Edition::default(),
            request_timeout: REQUEST_TIMEOUT,
        };
        (app, writers)
    }

    /// Comes back once the gateway ends.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.begun()
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
