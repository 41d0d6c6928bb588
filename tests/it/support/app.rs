//! A gateway in the test's own process.

use std::{net::SocketAddr, time::Duration};

use airgraph::{
    auth,
    auth::Caller,
    clock::Clock,
    config::{explorer::ExplorerSettings, security::SecuritySettings},
    db::{
        connect,
        connect::{Database, REQUEST_TIMEOUT},
        replicas::{ReplicaOptions, Replicas},
    },
    graphql,
    graphql::{Schema, context::GatewayInfo},
    http,
    http::{
        Edition, Origin, SocketTimeouts, Sockets, middleware::concurrency_limit::ConcurrencyLimit, state::AppState,
    },
    limits::{Limits, WebSocketLimits},
    recorder::{Recorder, Writers},
    subscriptions::Subscriptions,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::{empty_database, noon};

/// A gateway on a database of its own, with a fixed clock.
pub struct TestApp {
    pub clock: Clock,
    pub database: Database,
    /// An admin's key.
    pub admin: String,
    pub recorder: Recorder,
    pub writers: Writers,
    pub live: Subscriptions,
    pub app: AppState,
    router: Router,
    schema: Schema,
}

/// A response with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }
}

impl TestApp {
    /// A gateway with public read access.
    pub async fn new() -> Self {
        Self::on(&empty_database().await, true).await
    }

    /// A gateway with a read pool of this size.
    pub async fn with_connections(connections: u32) -> Self {
        let options = empty_database().await;
        let database = connect::open(&options, connections, 5).await.expect("a database");
        let admin = auth::ensure_admin_key(&database, None, noon()).await.expect("stored").expect("the first key");
        Self::start(database, admin.reveal(), &options, true, SecuritySettings::default())
    }

    /// One more gateway on an existing database, with the admin key of the other gateway and with replicas that answer queries
    /// while their lag is at most `max_lag`.
    pub async fn with_replicas(
        first: &Self,
        options: &PgConnectOptions,
        replicas: &[PgConnectOptions],
        max_lag: Duration,
    ) -> Self {
        let database = connect::open(options, 5, 5).await.expect("a database");
        let used = ReplicaOptions { pool_size: 5, request_timeout: REQUEST_TIMEOUT, max_lag };
        let replicas = Replicas::start(&database, replicas, used).await.expect("a position");
        Self::start_with(database, replicas, &first.admin, options, true, SecuritySettings::default())
    }

    /// One more gateway on an existing database, behind a pooler.
    pub async fn behind_pooler(first: &Self, pooler: &PgConnectOptions, direct: &PgConnectOptions) -> Self {
        let database = connect::open(pooler, 5, 5).await.expect("a database").with_direct_connection(direct.clone());
        connect::migrate(&database).await.expect("there is nothing to do");
        Self::start(database, &first.admin, pooler, true, SecuritySettings::default())
    }

    /// A gateway on that database.
    pub async fn on(options: &PgConnectOptions, public_read: bool) -> Self {
        let database = connect::open(options, 5, 5).await.expect("a database");
        let admin = auth::ensure_admin_key(&database, None, noon()).await.expect("stored").expect("the first key");
        Self::start(database, admin.reveal(), options, public_read, SecuritySettings::default())
    }

    /// A gateway with these security settings and public read access.
    pub async fn with_security(security: SecuritySettings) -> Self {
        let options = empty_database().await;
        let database = connect::open(&options, 5, 5).await.expect("a database");
        let admin = auth::ensure_admin_key(&database, None, noon()).await.expect("stored").expect("the first key");
        Self::start(database, admin.reveal(), &options, true, security)
    }

    /// The same on that database, with other limits than the defaults.
    pub async fn with_security_on(options: &PgConnectOptions, security: SecuritySettings, limits: Limits) -> Self {
        let database = connect::open(options, 5, 5).await.expect("a database");
        let admin = auth::ensure_admin_key(&database, None, noon()).await.expect("stored").expect("the first key");
        let about = GatewayInfo {
            public_read: true,
            security_profile: security,
            limits,
            slow_operation_threshold: Duration::MAX,
            database_host: options.get_host().to_owned(),
            database_port: options.get_port(),
        };
        Self::start_about(database, Replicas::default(), admin.reveal(), about)
    }

    /// A gateway with other limits than the defaults.
    pub async fn with_limits(limits: Limits) -> Self {
        let options = empty_database().await;
        let database = connect::open(&options, 5, 5).await.expect("a database");
        let admin = auth::ensure_admin_key(&database, None, noon()).await.expect("stored").expect("the first key");
        let about = GatewayInfo {
            public_read: true,
            security_profile: SecuritySettings::default(),
            limits,
            slow_operation_threshold: Duration::MAX,
            database_host: options.get_host().to_owned(),
            database_port: options.get_port(),
        };
        Self::start_about(database, Replicas::default(), admin.reveal(), about)
    }

    /// A gateway on a database without a schema.
    pub async fn on_new(options: &PgConnectOptions) -> Self {
        let database = connect::open(options, 1, 1).await.expect("a database");
        connect::migrate(&database).await.expect("migrations");
        Self::on(options, true).await
    }

    /// One more gateway on an existing database, whose admin has this key.
    pub async fn with_admin(options: &PgConnectOptions, admin: &str) -> Self {
        let database = connect::open(options, 5, 5).await.expect("a database");
        Self::start(database, admin, options, true, SecuritySettings::default())
    }

    /// One more gateway on an existing database; it doesn't know the admin's key.
    pub async fn on_second(options: &PgConnectOptions) -> Self {
        Self::with_admin(options, "").await
    }

    fn start(
        database: Database,
        admin: &str,
        options: &PgConnectOptions,
        public_read: bool,
        security: SecuritySettings,
    ) -> Self {
        Self::start_with(database, Replicas::default(), admin, options, public_read, security)
    }

    fn start_with(
        database: Database,
        replicas: Replicas,
        admin: &str,
        options: &PgConnectOptions,
        public_read: bool,
        security: SecuritySettings,
    ) -> Self {
        let about = GatewayInfo {
            public_read,
            security_profile: security,
            limits: Limits::default(),
            slow_operation_threshold: Duration::MAX,
            database_host: options.get_host().to_owned(),
            database_port: options.get_port(),
        };
        Self::start_about(database, replicas, admin, about)
    }

    fn start_about(database: Database, replicas: Replicas, admin: &str, about: GatewayInfo) -> Self {
        let clock = Clock::fixed(noon());
        let (app, writers) = AppState::start(database.clone(), replicas, clock.clone(), about);
        let (recorder, router, schema) = (app.state.recorder.clone(), app.router(), app.schema.clone());
        Self {
            clock,
            database,
            admin: admin.to_owned(),
            recorder,
            writers,
            live: app.live.clone(),
            app,
            router,
            schema,
        }
    }

    /// The same with other limits and timeouts of `WebSocket`s.
    pub fn with_sockets(mut self, max_total: u32, pace: SocketTimeouts) -> Self {
        let limits = WebSocketLimits { max_per_caller: usize::MAX, max_total: max_total as usize };
        self.app.sockets = Sockets::new(limits, pace);
        self.router = self.app.router();
        self
    }

    /// The same with this request timeout.
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.app.request_timeout = timeout;
        self.router = self.app.router();
        self
    }

    /// The same with this concurrency limit.
    pub fn with_concurrency_limit(mut self, capacity: ConcurrencyLimit) -> Self {
        self.app.concurrency_limit = capacity;
        self.router = self.app.router();
        self
    }

    /// The same with another edition of GraphQL over HTTP.
    pub fn with_edition(mut self, edition: Edition) -> Self {
        self.app.graphql_http = edition;
        self.router = self.app.router();
        self
    }

    /// The same, with these allowed origins.
    pub fn with_origins(mut self, origins: Vec<Origin>) -> Self {
        self.app.origins = origins;
        self.router = self.app.router();
        self
    }

    /// The same with these settings of the explorer.
    pub fn with_explorer(mut self, settings: ExplorerSettings) -> Self {
        self.app.set_explorer(settings).expect("trusted documents");
        self.router = self.app.router();
        self
    }

    /// The same without an explorer.
    pub fn without_explorer(self) -> Self {
        self.with_explorer(ExplorerSettings { enabled: false, ..ExplorerSettings::default() })
    }

    /// Ends its tasks and closes its connections, of which Postgres has only so many for all tests.
    pub async fn close(self) {
        self.app.shutdown.cancel();
        self.database.close().await;
        self.recorder.writer_pool().close().await;
    }

    /// Serves on a port.
    pub async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(http::serve(
            listener,
            self.router.clone(),
            self.app.connections.clone(),
            self.app.shutdown.clone(),
        ));
        address
    }

    /// Sends any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// Posts JSON to a path, with a key or without.
    pub async fn post(&self, path: &str, key: Option<&str>, body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Posts a sensor's body with the admin's key.
    pub async fn uplink(&self, body: impl Into<Body>) -> Answer {
        self.post("/insertSensorData", Some(&self.admin), body).await
    }

    /// Posts a GraphQL request, with or without a key; returns the whole response.
    pub async fn graphql(&self, key: Option<&str>, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.post("/graphql", key, body).await.json()
    }

    /// Runs a GraphQL query without a key; returns its data, panics on errors.
    pub async fn query(&self, query: &str) -> Value {
        self.query_with(query, json!({})).await
    }

    /// Runs a GraphQL query with variables; returns its data, panics on errors.
    pub async fn query_with(&self, query: &str, variables: Value) -> Value {
        data(self.graphql(None, query, variables).await)
    }

    /// Runs a GraphQL operation with the admin key; returns its data, panics on errors.
    pub async fn admin(&self, query: &str, variables: Value) -> Value {
        data(self.graphql(Some(&self.admin), query, variables).await)
    }

    /// Runs a GraphQL query without HTTP: no list is written as text.
    pub async fn by_resolvers(&self, query: &str) -> Value {
        serde_json::to_value(self.execute(query.into()).await).expect("JSON")
    }

    /// Executes a GraphQL request without HTTP.
    pub async fn execute(&self, request: async_graphql::Request) -> async_graphql::Response {
        graphql::execute(&self.schema, request, Caller::Anonymous).await
    }

    /// Records samples through the mutation; all of them are stored.
    pub async fn record(&self, measurements: Value) {
        let count = measurements.as_array().map_or(0, Vec::len);
        let mutation = "mutation ($measurements: [MeasurementInput!]!) {
            recordMeasurements(input: {measurements: $measurements}) { status recorded } }";
        let response = self.admin(mutation, json!({ "measurements": measurements })).await;
        assert_eq!(response["recordMeasurements"], json!({ "status": "RECORDED", "recorded": count }));
    }
}

fn data(mut answer: Value) -> Value {
    assert_eq!(answer["errors"], Value::Null, "{answer:#}");
    answer["data"].take()
}
