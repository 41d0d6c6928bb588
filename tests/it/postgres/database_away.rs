//! What works without the database, and what its absence is reported as.

use std::time::Duration;

use airgraph::{
    clock::Clock,
    config::security::SecuritySettings,
    db::{connect::Database, replicas::Replicas},
    graphql::context::GatewayInfo,
    http::state::AppState,
    limits::Limits,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower::ServiceExt as _;

/// A gateway whose database is unreachable: no process listens on the port.
fn app() -> AppState {
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(1).password("geheim");
    let pool = || PgPoolOptions::new().acquire_timeout(Duration::from_millis(200)).connect_lazy_with(options.clone());
    let about = GatewayInfo {
        public_read: true,
        security_profile: SecuritySettings::default(),
        limits: Limits::default(),
        slow_operation_threshold: Duration::MAX,
        database_host: "127.0.0.1".to_owned(),
        database_port: 1,
    };
    let database = Database::from_pool(&pool(), PgConnectOptions::new());
    AppState::start(database, Replicas::default(), Clock::system(), about).0
}

async fn send(app: &AppState, request: Request<Body>) -> (StatusCode, Option<String>, Value) {
    let response = app.router().oneshot(request).await.expect("an answer");
    let retry_after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().expect("text").to_owned());
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, retry_after, serde_json::from_slice(&body).expect("JSON"))
}

fn post(path: &str, body: &'static str) -> Request<Body> {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header("x-api-key", "ag_some");
    request.body(Body::from(body)).expect("a request")
}

#[tokio::test]
async fn sensors_receive_503_with_retry_after() {
    let (status, retry_after, body) = send(&app(), post("/insertSensorData", "{}")).await;
    assert_eq!((status, retry_after.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("2")));
    assert_eq!(body["errors"][0]["code"], "UNAVAILABLE");
}

#[tokio::test]
async fn queries_fail_without_database_details() {
    let app = app();
    let (status, retry_after, body) = send(&app, post("/graphql", r#"{"query":"{ devices { totalCount } }"}"#)).await;
    assert_eq!(
        (status, retry_after.as_deref()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("2")),
        "the key can't be looked up"
    );
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAVAILABLE");

    let mut request = post("/graphql", r#"{"query":"{ server { version } devices { nodes { key } } }"}"#);
    request.headers_mut().remove("x-api-key");
    let (status, _, body) = send(&app, request).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (StatusCode::OK, &Value::from("UNAVAILABLE")));
    let text = body.to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("geheim") && !text.contains("refused"), "{text}");
}

#[tokio::test]
async fn gateway_without_database_is_healthy_but_not_ready() {
    let app = app();
    let get = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
    assert_eq!(send(&app, get("/healthz")).await.0, StatusCode::OK);
    let (status, retry_after, _) = send(&app, get("/readyz")).await;
    assert_eq!((status, retry_after.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("2")));
}
