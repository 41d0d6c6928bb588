//! The gateway put together: database, recorder, schema, routes.

use std::{sync::Arc, time::Duration};

use axum::Router;

use crate::{
    auth::KeysLately,
    clock::Clock,
    db::connect::{Database, REQUEST_TIMEOUT},
    graphql::{
        self, Schema,
        context::{About, State},
        documents::Documents,
    },
    http::{self, Origin, Sockets},
    ingest::recorder::{Recorder, Writers},
    live::Live,
    memory::Memory,
    metrics::Metrics,
    shutdown::Shutdown,
};

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What resolvers share too.
    pub state: State,
    /// The GraphQL schema.
    pub schema: Schema,
    /// Subscriptions.
    pub live: Live,
    /// The keys of those who record.
    pub keys: KeysLately,
    /// What tells those who serve something without an end, such as a subscription, that the gateway ends.
    pub shutdown: Shutdown,
    /// The sockets that are open.
    pub sockets: Sockets,
    /// The other sites whose pages may ask.
    pub origins: Vec<Origin>,
    /// What answering a request may take.
    pub request_timeout: Duration,
}

impl App {
    /// Starts the recorder and puts the gateway together.
    #[must_use]
    pub fn start(database: Database, clock: Clock, about: About) -> (Self, Writers) {
        let (recorder, writers) = Recorder::start(&database.writes, &clock);
        let metrics = Metrics::new(&recorder.recording);
        let state = State {
            database,
            recorder,
            clock,
            known_devices: Memory::default(),
            documents: Documents::default(),
            metrics,
            about: Arc::new(about),
        };
        let schema = graphql::schema(state.clone());
        let live = Live::start(schema.clone());
        let (keys, shutdown, sockets) = (KeysLately::default(), Shutdown::default(), Sockets::default());
        let (origins, request_timeout) = (Vec::new(), REQUEST_TIMEOUT);
        (Self { state, schema, live, keys, shutdown, sockets, origins, request_timeout }, writers)
    }

    /// Comes back once the gateway ends.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.begun()
    }

    /// What the gateway counts, as a service of its own.
    pub fn metrics_router(&self) -> Router {
        http::metrics_alone(self.clone())
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }
}
