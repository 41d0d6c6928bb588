//! Reads about a single device, which concurrent requests share.

use std::{num::NonZeroU32, time::Duration};

use airgraph::{
    config::security::SecuritySettings,
    http::middleware::concurrency_limit::ConcurrencyLimit,
    limits::{Limits, ReadLimits},
};
use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::sleep;

use crate::{
    limits::timeouts::wait_for_lock_waiters,
    support::{TestApp, empty_database},
};

const DEVICE_COUNT: u32 = 6;

/// Selections of a device that are shared; of each kind of read some with other columns or lengths.
const SHARED: [&str; 9] = [
    "name kind",
    "latitude createdAt",
    "latest { measuredAt pm10 }",
    "latest { measuredAt pm25 latitude flags }",
    "measurements(first: 1) { nodes { measuredAt } }",
    "measurements(first: 3) { nodes { measuredAt pm10 } }",
    "measurements(first: 10) { pageInfo { hasNextPage endCursor } nodes { latitude longitude flags } }",
    "measurements(first: 2) { edges { cursor node { pm25 } } }",
    "measurements(last: 2, orderBy: MEASURED_AT_ASC) { nodes { measuredAt pm1 } }",
];

/// Device `n` has `5 n` samples; the first one has none.
async fn fill(app: &TestApp) {
    let sample = |device: u32, minute: u32| {
        json!({ "device": format!("bike-{device}"), "measuredAt": format!("2026-05-01T10:{minute:02}:00Z"),
                "latitude": 52.0 + f64::from(device), "longitude": f64::from(minute) / 100.0,
                "pm10": device * 100 + minute, "pm25": minute })
    };
    let samples = (0..DEVICE_COUNT).flat_map(|device| (0..5 * device).map(move |minute| sample(device, minute)));
    app.record(samples.collect()).await;
    let statement = "insert into device (key, kind, created_at) values ('bike-0', 'mobile', now())";
    app.database.writes.execute(statement).await.expect("a device");
}

fn queries() -> Vec<String> {
    let of = |device| SHARED.map(|selection| format!("{{ device(key: \"bike-{device}\") {{ {selection} }} }}"));
    (0..DEVICE_COUNT).flat_map(of).collect()
}

/// Locks the tables of the shared reads.
async fn lock_tables(options: &PgConnectOptions) -> PgConnection {
    let mut lock = options.clone().application_name("holder").connect().await.expect("a connection");
    lock.execute("begin; lock table device, latest, measurement in access exclusive mode").await.expect("locked");
    lock
}

/// A gateway with the devices, and what it answers to each query alone.
async fn filled(options: &PgConnectOptions) -> (TestApp, Vec<Value>) {
    let app = TestApp::on(options, true).await.with_concurrency_limit(ConcurrencyLimit::for_readers(200));
    fill(&app).await;
    let mut alone = Vec::new();
    for query in queries() {
        alone.push(app.query(&query).await);
    }
    (app, alone)
}

/// Sends all queries at the same time while the tables are locked, until `meanwhile` is over, and checks that each is
/// answered as alone.
async fn check_answers_after_lock(meanwhile: impl AsyncFnOnce(&mut PgConnection)) {
    let options = empty_database().await;
    let (app, alone) = filled(&options).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_tables(&options).await;
    let queries = queries();
    let requests = join_all(queries.iter().map(|query| app.query(query)));
    let release = async {
        wait_for_lock_waiters(&mut watch, 3).await;
        meanwhile(&mut watch).await;
        wait_for_lock_waiters(&mut watch, 3).await;
        lock.close().await.expect("closed");
    };
    let (answers, ()) = tokio::join!(requests, release);
    for ((query, answer), alone) in queries.iter().zip(answers).zip(alone) {
        assert_eq!(answer, alone, "{query}");
    }
}

#[tokio::test]
async fn concurrent_reads_share_statements_and_are_answered_as_alone() {
    // The other requests wait without a statement.
    check_answers_after_lock(async |_| sleep(Duration::from_millis(200)).await).await;
}

#[tokio::test]
async fn shared_read_is_repeated_when_its_session_ends() {
    let end_waiting = "select pg_terminate_backend(pid) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
    check_answers_after_lock(async |watch| {
        watch.execute(end_waiting).await.expect("terminated");
    })
    .await;
}

#[tokio::test]
async fn shared_read_ends_with_the_database_time_of_its_request() {
    let options = empty_database().await;
    let reading =
        ReadLimits { database_time_per_anonymous_request: Duration::from_millis(300), ..ReadLimits::default() };
    let limits = Limits { reading, ..Limits::default() };
    let app = TestApp::with_security_on(&options, SecuritySettings::default(), limits).await;
    fill(&app).await;
    let query = "{ device(key: \"bike-1\") { latest { pm10 } } }";
    let latest = app.query(query).await;
    let lock = lock_tables(&options).await;
    let refused = app.graphql(None, query, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "TIMEOUT", "{refused}");
    lock.close().await.expect("closed");
    assert_eq!(app.query(query).await, latest);
}

#[tokio::test]
async fn shared_read_is_charged_to_its_caller() {
    let options = empty_database().await;
    let security =
        SecuritySettings { anonymous_database_seconds_per_minute: NonZeroU32::new(1), ..SecuritySettings::default() };
    let app = TestApp::with_security_on(&options, security, Limits::default()).await;
    fill(&app).await;
    let query = "{ device(key: \"bike-1\") { latest { pm10 } } }";
    let latest = app.query(query).await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_tables(&options).await;
    let release = async {
        wait_for_lock_waiters(&mut watch, 1).await;
        sleep(Duration::from_millis(1200)).await;
        lock.close().await.expect("closed");
    };
    let (answer, ()) = tokio::join!(app.query(query), release);
    assert_eq!(answer, latest, "what began is answered");
    let body = json!({ "query": query }).to_string();
    assert_eq!(app.post("/graphql", None, body).await.status, StatusCode::TOO_MANY_REQUESTS);
}
