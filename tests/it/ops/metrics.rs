//! The gateway's metrics, as Prometheus scrapes them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use airgraph::{
    db::{DbError, citus_workers::WorkerStatus},
    limits::Limit,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{
    Answer, TestApp,
    events::{EventStream, StreamRequest},
    gateway::DEADLINE,
};

async fn scrape(app: &TestApp, key: &str) -> Answer {
    app.send(Request::get("/metrics").header("x-api-key", key).body(Body::empty()).expect("a request")).await
}

/// The value of a sample, such as `websockets` or `graphql_errors_total{code="TIMEOUT"}`; 0 if it is missing.
fn value(text: &str, sample: &str) -> f64 {
    let line = format!("airgraph_{sample} ");
    text.lines().find_map(|text| text.strip_prefix(&line)).map_or(0.0, |value| value.parse().expect("a number"))
}

#[tokio::test]
async fn metrics_need_an_admin_key() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    let sensor = app.admin(r#"mutation { createApiKey(input: {name: "s", role: SENSOR}) { key } }"#, json!({}));
    let sensor = sensor.await["createApiKey"]["key"].as_str().expect("a key").to_owned();
    assert_eq!(scrape(&app, &sensor).await.status, StatusCode::FORBIDDEN);
    let answer = scrape(&app, &app.admin).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
}

#[tokio::test]
async fn metrics_address_needs_no_key_and_serves_only_metrics() {
    let app = TestApp::new().await;
    for (path, status) in [("/metrics", StatusCode::OK), ("/graphql", StatusCode::NOT_FOUND)] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(app.app.metrics_router().oneshot(request).await.expect("an answer").status(), status, "{path}");
    }
}

#[tokio::test]
async fn operations_are_counted_by_kind_outcome_and_statements() {
    let app = TestApp::new().await;
    app.query("{ devices { nodes { key } } }").await;
    app.query("query A { server { time } }").await;
    app.graphql(None, "{ nothing }", json!({})).await;
    app.graphql(None, "{", json!({})).await;
    app.graphql(None, "{ server { version database { name } } devices { nodes { key } } }", json!({})).await;
    app.record(json!([{ "device": "d", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1.0 }])).await;
    let text = scrape(&app, &app.admin).await.text;
    for (sample, expected) in [
        (r#"graphql_operations_total{kind="query",outcome="answered"}"#, 2.0),
        (r#"graphql_operations_total{kind="query",outcome="refused"}"#, 1.0),
        (r#"graphql_operations_total{kind="query",outcome="failed"}"#, 1.0),
        (r#"graphql_operations_total{kind="unknown",outcome="refused"}"#, 1.0),
        (r#"graphql_operations_total{kind="mutation",outcome="answered"}"#, 1.0),
        (r#"graphql_errors_total{code="UNAUTHENTICATED"}"#, 1.0),
        (r#"graphql_operation_statements_bucket{le="0.0",kind="query"}"#, 2.0),
        (r#"graphql_operation_duration_seconds_count{kind="query"}"#, 4.0),
        (r#"http_request_duration_seconds_count{route="/graphql",status="2xx"}"#, 4.0),
        (r#"http_request_duration_seconds_count{route="/graphql",status="4xx"}"#, 2.0),
    ] {
        assert_eq!(value(&text, sample), expected, "{sample} in\n{text}");
    }
    assert!(value(&text, r#"graphql_operation_statements_sum{kind="query"}"#) >= 1.0, "{text}");
}

#[tokio::test]
async fn uplinks_are_counted_by_format_and_outcome() {
    let app = TestApp::new().await;
    let body =
        r#"[{"device":"d","time":"2026-05-01T10:00:00Z","pm10":1},{"device":"d","time":"2036-05-01T10:00:00Z"}]"#;
    for _ in 0..2 {
        assert_eq!(app.post("/ingest/json", Some(&app.admin), body).await.status, StatusCode::CREATED);
    }
    assert_eq!(app.post("/ingest/json", Some(&app.admin), "{").await.status, StatusCode::BAD_REQUEST);
    let text = scrape(&app, &app.admin).await.text;
    for (sample, expected) in [
        (r#"ingest_submissions_total{format="json",outcome="recorded"}"#, 2.0),
        (r#"ingest_submissions_total{format="json",outcome="undecodable"}"#, 1.0),
        (r#"ingest_samples_total{format="json",outcome="recorded"}"#, 1.0),
        (r#"ingest_samples_total{format="json",outcome="duplicate"}"#, 1.0),
        (r#"ingest_samples_total{format="json",outcome="rejected"}"#, 2.0),
        ("recorder_batch_submissions_count", 3.0),
        (r#"recorder_batch_duration_seconds_count{outcome="stored"}"#, 3.0),
        (r#"recorder_queue_submissions{queue="arrivals"}"#, 0.0),
        (r#"database_connections_max{pool="reads"}"#, 5.0),
        (r#"database_connections_max{pool="recorder"}"#, 6.0),
    ] {
        assert_eq!(value(&text, sample), expected, "{sample} in\n{text}");
    }
    let connections = |state: &str| value(&text, &format!(r#"database_connections{{pool="writes",state="{state}"}}"#));
    assert!(connections("idle") + connections("in_use") >= 1.0, "{text}");
}

#[tokio::test]
async fn subscriptions_and_feed_backlog_are_exported() {
    let app = TestApp::new().await;
    let text = scrape(&app, &app.admin).await.text;
    assert!(!text.contains("feed_seconds_since_last_read"), "the feed has no reader: {text}");
    let query = "subscription { measurementRecorded { cursor } }";
    let mut events = EventStream::open(&app.app.router(), StreamRequest { query, ..StreamRequest::default() }).await;
    app.record(json!([{ "device": "d", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1.0 }])).await;
    events.next().await.expect("an event");
    let (mut text, since) = (String::new(), Instant::now());
    while value(&text, "feed_delivery_latency_seconds_count") == 0.0 {
        assert!(since.elapsed() < DEADLINE, "its lag is counted right after it: {text}");
        text = scrape(&app, &app.admin).await.text;
    }
    for (sample, expected) in [
        ("feed_delivery_latency_seconds_count", 1.0),
        ("subscriptions", 1.0),
        ("subscription_channels", 1.0),
        ("feed_backlog_batches", 0.0),
        (r#"graphql_operations_total{kind="subscription",outcome="answered"}"#, 1.0),
    ] {
        assert_eq!(value(&text, sample), expected, "{sample} in\n{text}");
    }
    assert!(text.contains("\nairgraph_feed_seconds_since_last_read "), "{text}");
}

#[tokio::test]
async fn errors_of_the_database_are_counted_by_kind() {
    let app = TestApp::new().await;
    let unavailable = r#"database_errors_total{kind="unavailable"}"#;
    let before = value(&scrape(&app, &app.admin).await.text, unavailable);
    drop(DbError::from(sqlx::Error::PoolTimedOut));
    let text = scrape(&app, &app.admin).await.text;
    assert!(value(&text, unavailable) > before, "{text}"); // other tests may have some at the same time
}

/// A client that could create labels could exhaust memory.
#[tokio::test]
async fn no_label_is_taken_from_a_request() {
    let app = TestApp::new().await;
    app.get("/of-their-choice").await;
    app.get("/key/of-their-choice/write").await;
    app.graphql(None, "query OfTheirChoice { ofTheirChoice }", json!({})).await;
    app.post("/graphql", None, r#"{"query":"{ server { version } }","operationName":"ofTheirChoice"}"#).await;
    let text = scrape(&app, &app.admin).await.text;
    assert!(!text.to_lowercase().contains("choice"), "{text}");
    assert_eq!(value(&text, r#"http_request_duration_seconds_count{route="none",status="4xx"}"#), 1.0, "{text}");
}

/// The metrics that the dashboard names.
fn named_in_dashboard() -> BTreeSet<&'static str> {
    let dashboard = include_str!("../../../docs/grafana.json");
    let names = dashboard.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    names.filter(|name| name.starts_with("airgraph_")).collect()
}

#[tokio::test]
async fn dashboard_uses_exactly_the_exported_metrics() {
    let alone = TestApp::new().await;
    let options = alone.database.reads.connect_options();
    // With a replica that doesn't exist, for which the same metrics are exported.
    let app = TestApp::with_replicas(&alone, &options, &[(*options).clone()], Duration::from_secs(10)).await;
    let worker = WorkerStatus { address: "127.0.0.1:1".to_owned(), database_bytes: Some(1) };
    app.app.citus_workers.replace(vec![worker]); // as with Citus
    let dashboard: serde_json::Value = serde_json::from_str(include_str!("../../../docs/grafana.json")).expect("JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 10));
    let query = "subscription { measurementRecorded { cursor } }";
    let _events = EventStream::open(&app.app.router(), StreamRequest { query, ..StreamRequest::default() }).await; // so that the feed is followed
    app.graphql(None, "{ nothing }", json!({})).await; // so that there is an error
    app.query("{ devices { totalCount } }").await; // so that a server was queried
    drop(app.app.state.metrics.refusals.refuse(Limit::Deletions)); // so that there is a refusal
    app.record(json!([{ "device": "d", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1.0 }])).await;
    let _ = app.app.state.metrics.refusals.refuse(Limit::Subscriptions); // so that a request was refused
    let text = scrape(&app, &app.admin).await.text;
    let samples: BTreeSet<_> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
    let named = named_in_dashboard();
    let missing: Vec<_> = named.difference(&samples).collect();
    assert!(missing.is_empty(), "{missing:?} is not in\n{text}");
    // One sample of a histogram is sufficient.
    let family = |name: &str| {
        ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    let shown: BTreeSet<_> = named.into_iter().map(family).collect();
    let unseen: Vec<_> = samples.into_iter().map(family).filter(|family| !shown.contains(family)).collect();
    assert!(unseen.is_empty(), "no panel shows {unseen:?}");
    assert!(text.lines().filter(|line| line.starts_with("# HELP")).all(|help| help.split(' ').count() > 4), "{text}");
}

#[tokio::test]
async fn admins_query_the_state_of_the_gateway() {
    let app = TestApp::new().await;
    let question = "{ server { load { pools { name max size idle } queues { name submissions samples bytes } } } }";
    let load = app.admin(question, json!({})).await["server"]["load"].take();
    let pools: Vec<_> =
        ["reads", "writes", "jobs", "keys", "readiness", "recorder"].into_iter().zip([5, 5, 4, 3, 1, 6]).collect();
    for (pool, (name, max)) in load["pools"].as_array().expect("pools").iter().zip(pools) {
        assert_eq!((&pool["name"], &pool["max"]), (&json!(name), &json!(max)));
        assert!(pool["idle"].as_i64() <= pool["size"].as_i64(), "{pool}");
    }
    let empty = |name| json!({ "name": name, "submissions": 0, "samples": 0, "bytes": 0 });
    assert_eq!(load["queues"], json!([empty("arrivals"), empty("bulk")]));
    let refused = app.graphql(None, question, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
