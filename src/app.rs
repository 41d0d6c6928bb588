//! The gateway put together: database, recorder, schema, routes.

use std::sync::Arc;

use axum::Router;

use crate::{
    auth::KeysLately,
    clock::Clock,
    db::connect::Database,
    graphql::{
        self, Schema,
        context::{About, State},
        documents::Documents,
    },
    http,
    ingest::recorder::{Recorder, Writers},
    memory::Memory,
};

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What resolvers share too.
    pub state: State,
    /// The GraphQL schema.
    pub schema: Schema,
    /// The keys of those who record.
    pub keys: KeysLately,
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
        let schema = graphql::schema(state.clone());
        (Self { state, schema, keys: KeysLately::default() }, writers)
    }

    /// The gateway as a service.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }
}
