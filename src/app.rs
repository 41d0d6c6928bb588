//! The gateway put together: database, recorder, schema, routes.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};

use crate::{
    auth::KeysLately,
    clock::Clock,
    db::connect::Database,
    graphql::{
        self, Schema,
        context::{About, Budgets, State},
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
            budgets: Budgets::new(&about.exposure),
            about: Arc::new(about),
        };
        let schema = graphql::schema(state.clone());
        let live = Live::start(schema.clone());
        let (keys, shutdown, sockets) = (KeysLately::default(), Shutdown::default(), Sockets::default());
        (Self { state, schema, live, keys, shutdown, sockets }, writers)
    }

    /// Comes back once the gateway ends.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shutdown.begun()
    }

    /// The gateway as a service for connections, which tells it whose they are.
    #[must_use]
    pub fn service(&self) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
        self.router().into_make_service_with_connect_info()
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }
}
