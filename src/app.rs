//! The gateway put together: database, recorder, schema, routes.

use std::sync::Arc;

use axum::Router;

use crate::{
    auth::{KeysLately, LookUps},
    clock::Clock,
    db::connect::Database,
    graphql::{
        self, Schema,
        context::{About, State},
        documents::Documents,
    },
    http::{self, Sockets},
    ingest::recorder::{Recorder, Writers},
    live::Live,
    memory::Memory,
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
    /// The keys of those who ask.
    pub look_ups: LookUps,
    /// The keys of those who record.
    pub keys: KeysLately,
    /// What tells those who serve something without an end, such as a subscription, that the gateway ends.
    pub shutdown: Shutdown,
    /// The sockets that are open.
    pub sockets: Sockets,
}

impl App {
    /// Starts the recorder and puts the gateway together.
    #[must_use]
    pub fn start(database: Database, clock: Clock, about: About) -> (Self, Writers) {
        let (recorder, writers) = Recorder::start(&database.writes, &clock);
        let state = State {
            database,
            recorder,
            clock,
            known_devices: Memory::default(),
            documents: Documents::default(),
            about: Arc::new(about),
        };
        let look_ups = LookUps::start(state.database.reads.clone());
        let schema = graphql::schema(state.clone());
        let live = Live::start(schema.clone());
        let (keys, shutdown, sockets) = (KeysLately::default(), Shutdown::default(), Sockets::default());
        (Self { state, schema, live, look_ups, keys, shutdown, sockets }, writers)
    }

    /// Comes back once the gateway ends.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.begun()
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }
}
