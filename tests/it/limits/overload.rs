//! Overload: as many requests run as there are permits, the others are rejected with `Retry-After`, and sensors and probes
//! are not affected.

use std::time::{Duration, Instant};

use airgraph::http::middleware::concurrency_limit::ConcurrencyLimit;
use axum::http::{StatusCode, header};
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::sleep;

use super::timeouts::{lock_table, wait_for_lock_waiters};
use crate::support::{
    Answer, TestApp, empty_database,
    events::{EventStream, StreamRequest},
    gateway::DEADLINE,
    socket::Socket,
};

/// Permits of one caller: as many as its connections, so that all running requests can be seen waiting in Postgres.
const PERMITS: usize = 3;
const EXCESS_REQUESTS: usize = 40;
/// The queried month is not the one that sensors write to.
const QUERY: &str = r#"{ measurements(filter: {measuredAt: {from: "2025-01-01T00:00:00Z", to: "2025-02-01T00:00:00Z"}}) {
    nodes { pm10 } } }"#;

async fn sample(app: &TestApp, time: &str) -> Answer {
    let body = json!([{ "device": "d", "time": time, "pm10": 1 }]).to_string();
    app.post("/ingest/json", Some(&app.admin), body).await
}

fn assert_rejected(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(answer.headers[header::RETRY_AFTER], "2");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let error = &answer.json()["errors"][0];
    assert_eq!(error["extensions"]["code"], "UNAVAILABLE");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("retry")), "{error}");
}

async fn wait_for_rejected(app: &TestApp, count: u64) {
    let since = Instant::now();
    while app.app.concurrency_limit.load().shed < count {
        assert!(since.elapsed() < DEADLINE, "{:?}", app.app.concurrency_limit.load());
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn excess_requests_are_rejected_and_the_others_complete() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await.with_concurrency_limit(ConcurrencyLimit::for_readers(3));
    let address = app.listen().await;
    let mut socket = Socket::ready(address, None).await;
    assert_eq!(sample(&app, "2025-01-15T10:00:00Z").await.status, StatusCode::CREATED);
    assert_eq!(sample(&app, "2026-05-01T10:00:00Z").await.status, StatusCode::CREATED);
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "measurement_2025_01").await;

    let send = || app.post("/graphql", None, json!({ "query": QUERY }).to_string());
    let requests = join_all((0..PERMITS + EXCESS_REQUESTS).map(|_| send()));
    let meanwhile = async {
        wait_for_lock_waiters(&mut watch, 3).await;
        wait_for_rejected(&app, 40).await;
        assert_eq!(app.app.concurrency_limit.load().in_flight, 3);

        // The request is rejected before its body and its key are read.
        assert_rejected(&app.post("/graphql", Some("no key of ours"), "no JSON").await);
        assert_rejected(&app.get("/graphql?query=%7B__typename%7D").await);
        let subscription = json!({ "query": "subscription { measurementRecorded { cursor } }" }).to_string();
        assert_rejected(&app.post("/graphql/stream", None, subscription).await);
        // A caller with another address is answered.
        socket.subscribe("1", "{ __typename }", json!({})).await;
        assert_eq!(socket.receive().await["type"], "next");
        assert_eq!(socket.receive().await["type"], "complete");

        assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
        assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
        socket.subscribe("2", "subscription { measurementRecorded { measurement { pm10 } } }", json!({})).await;
        assert_eq!(sample(&app, "2026-05-01T10:00:01Z").await.status, StatusCode::CREATED);
        wait_for_lock_waiters(&mut watch, 3).await;
        lock.close().await.expect("closed");
    };
    let (answers, ()) = tokio::join!(requests, meanwhile);
    let (answered, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((answered.len(), refused.len()), (PERMITS, EXCESS_REQUESTS));
    let expected = json!({ "measurements": { "nodes": [{ "pm10": 1.0 }] } });
    assert!(answered.iter().all(|answer| answer.json()["data"] == expected), "{answered:?}");
    refused.into_iter().for_each(assert_rejected);

    assert_eq!(send().await.json()["data"], expected, "once it is over");
    assert_eq!(app.app.concurrency_limit.load().in_flight, 0);
}

#[tokio::test]
async fn open_streams_and_sockets_hold_no_permit() {
    let app = TestApp::new().await.with_concurrency_limit(ConcurrencyLimit::for_readers(2));
    let address = app.listen().await;
    let (mut streams, mut sockets) = (Vec::new(), Vec::new());
    let query = "subscription { measurementRecorded { measurement { pm10 } } }";
    for _ in 0..2 * PERMITS {
        streams.push(EventStream::open(&app.app.router(), StreamRequest { query, ..StreamRequest::default() }).await);
        let mut socket = Socket::ready(address, None).await;
        socket.subscribe("1", query, json!({})).await;
        socket.subscribe("2", "{ __typename }", json!({})).await;
        assert_eq!(socket.receive().await["type"], "next");
        sockets.push(socket);
    }
    assert_eq!(app.app.concurrency_limit.load().in_flight, 0);
    app.query("{ __typename }").await;
}

/// A slow request body holds no concurrency permit.
#[tokio::test]
async fn permit_is_acquired_after_the_body_is_read() {
    let app = TestApp::new().await.with_concurrency_limit(ConcurrencyLimit::for_readers(2));
    let slow = || {
        app.post(
            "/graphql",
            None,
            axum::body::Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>()),
        )
    };
    let slow = join_all((0..2 * PERMITS).map(|_| slow()));
    tokio::select! {
        answers = slow => panic!("{answers:?}"),
        data = app.query("{ __typename }") => assert_eq!(data["__typename"], Value::from("Query")),
    }
}
