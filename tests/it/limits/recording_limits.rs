//! Limits on what one sensor key may add to the database, and that other sensors don't wait for it.

use std::time::{Duration, Instant};

use airgraph::limits::{Limits, RecordingLimits};
use axum::http::header;
use chrono::TimeDelta;
use futures_util::poll;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::support::{Answer, TestApp, at};

async fn gateway(limits: RecordingLimits) -> TestApp {
    TestApp::with_limits(Limits { recording: limits, ..Limits::default() }).await
}

/// A sensor key.
async fn sensor_key(app: &TestApp) -> String {
    let create = "mutation { createApiKey(input: {name: \"s\", role: SENSOR}) { key } }";
    app.admin(create, json!({})).await["createApiKey"]["key"].as_str().expect("a key").to_owned()
}

async fn send(app: &TestApp, key: &str, samples: impl IntoIterator<Item = (String, String)>) -> Answer {
    let samples = samples.into_iter().map(|(device, time)| json!({ "device": device, "time": time, "pm10": 5 }));
    app.post("/ingest/json", Some(key), samples.collect::<Value>().to_string()).await
}

/// One sample of each of this number of devices.
fn of_devices(prefix: &str, count: usize) -> impl Iterator<Item = (String, String)> {
    (0..count).map(move |n| (format!("{prefix}-{n}"), "2026-05-01T10:00:00Z".to_owned()))
}

/// A sample of a device on the 15th of each of these months.
fn in_months(months: &[&str]) -> Vec<(String, String)> {
    months.iter().map(|month| ("bike".to_owned(), format!("{month}-15T10:00:00Z"))).collect()
}

fn code(answer: &Answer) -> String {
    answer.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
}

async fn count(app: &TestApp, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&app.database.reads).await.expect("a count")
}

async fn refusals(app: &TestApp, limit: &str) -> bool {
    let request = axum::http::Request::get("/metrics").header("x-api-key", &app.admin).body(axum::body::Body::empty());
    let metrics = app.send(request.expect("a request")).await.text;
    metrics.contains(&format!("airgraph_limit_refusals_total{{limit=\"{limit}\"}}"))
}

#[tokio::test]
async fn new_devices_per_key_and_hour_are_limited() {
    let app = gateway(RecordingLimits { new_devices_per_hour: 10, ..RecordingLimits::default() }).await;
    let (key, other) = (sensor_key(&app).await, sensor_key(&app).await);
    assert_eq!(send(&app, &key, of_devices("a", 11)).await.status, 429, "more at once than in an hour");
    assert_eq!(send(&app, &key, of_devices("a", 8)).await.status, 201);
    let refused = send(&app, &key, of_devices("b", 3)).await;
    assert_eq!((refused.status.as_u16(), code(&refused).as_str()), (429, "RATE_LIMITED"), "{}", refused.text);
    let retry_after = refused.headers[header::RETRY_AFTER].to_str().expect("text").parse::<i64>().expect("seconds");
    assert!((1..=3600).contains(&retry_after) && refused.text.contains("new-devices"), "{}", refused.text);
    assert!(refusals(&app, "new_devices").await);
    assert_eq!(count(&app, "select count(*) from device").await, 8);
    assert_eq!(count(&app, "select count(*) from uplink").await, 1, "nothing is kept of what is refused");

    assert_eq!(send(&app, &key, of_devices("a", 8)).await.status, 201, "known devices have no limit");
    assert_eq!(send(&app, &other, of_devices("b", 3)).await.status, 201, "nor do other keys pay for it");
    assert_eq!(send(&app, &app.admin, of_devices("c", 20)).await.status, 201, "an admin may add more");
    app.clock.advance(TimeDelta::seconds(retry_after));
    assert_eq!(send(&app, &key, of_devices("d", 3)).await.status, 201);
}

#[tokio::test]
async fn samples_of_known_devices_do_not_wait_for_new_devices() {
    let app = gateway(RecordingLimits::default()).await;
    let key = sensor_key(&app).await;
    assert_eq!(send(&app, &key, of_devices("known", 1)).await.status, 201);
    // Inserts into the table are blocked, and all else continues.
    let mut holder = app.database.direct.connect().await.expect("a connection");
    holder.execute("begin").await.expect("a transaction");
    holder.execute("lock table device in share mode").await.expect("a lock");
    let mut new = Box::pin(send(&app, &key, of_devices("new", 100)));
    assert!(poll!(&mut new).is_pending());
    for second in 1..5 {
        let sample = ("known-0".to_owned(), format!("2026-05-01T10:00:{second:02}Z"));
        assert_eq!(send(&app, &key, [sample]).await.status, 201);
    }
    assert!(poll!(&mut new).is_pending());
    holder.close().await.expect("closed");
    let answer = new.await;
    assert_eq!((answer.status.as_u16(), &answer.json()["recorded"]), (201, &json!(100)), "{}", answer.text);
}

#[tokio::test]
async fn one_submission_of_known_and_new_devices_is_stored_as_a_whole() {
    let app = gateway(RecordingLimits::default()).await;
    assert_eq!(send(&app, &app.admin, of_devices("a", 2)).await.json()["recorded"], 2);
    assert_eq!(send(&app, &app.admin, of_devices("a", 4)).await.json()["recorded"], 2);
    assert_eq!(count(&app, "select count(*) from device").await, 4);
}

#[tokio::test]
async fn new_partitions_per_key_and_hour_are_limited() {
    let app = gateway(RecordingLimits { new_months_per_hour: 3, ..RecordingLimits::default() }).await;
    let key = sensor_key(&app).await;
    let years: Vec<_> = (2001..=2004).map(|year| format!("{year}-05")).collect();
    let years: Vec<_> = years.iter().map(String::as_str).collect();
    assert_eq!(send(&app, &key, in_months(&years)).await.status, 429, "more at once than in an hour");
    assert_eq!(send(&app, &key, in_months(&years[..2])).await.status, 201);
    assert_eq!(send(&app, &key, in_months(&["2001-07", "2002-12"])).await.status, 201, "years that are there");
    assert_eq!(send(&app, &key, of_devices("bike", 1)).await.status, 201, "the present month has no price");
    assert_eq!(send(&app, &key, in_months(&["2026-04"])).await.status, 201);
    let refused = send(&app, &key, in_months(&["2026-03"])).await;
    assert_eq!((refused.status.as_u16(), code(&refused).as_str()), (429, "RATE_LIMITED"), "{}", refused.text);
    assert!(refused.headers.contains_key(header::RETRY_AFTER) && refusals(&app, "new_months").await);
    assert_eq!(send(&app, &app.admin, in_months(&years)).await.json()["recorded"], 2);
    assert_eq!(send(&app, &key, in_months(&["2003-01"])).await.status, 201, "another key had it created");
}

#[tokio::test]
async fn samples_of_many_years_share_partitions() {
    let app = TestApp::new().await;
    let months: Vec<_> =
        (2000..2026).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}"))).collect();
    let months: Vec<_> = months.iter().map(String::as_str).collect();
    assert_eq!(send(&app, &app.admin, in_months(&months)).await.json()["recorded"], 312);
    let partitions = "select count(*) from pg_inherits where inhparent = 'measurement'::regclass";
    assert_eq!(count(&app, partitions).await, 25 + 12, "2000 to 2024 by year, and 2025 by month");
    assert_eq!(app.query("{ measurements { totalCount } }").await["measurements"]["totalCount"], 312);
    assert_eq!(count(&app, "select count(*) from device_hour").await, 312);
}

#[tokio::test]
async fn samples_before_the_configured_time_are_rejected() {
    let earliest_time = at("2020-01-01T00:00:00Z");
    let app = gateway(RecordingLimits { earliest_time, ..RecordingLimits::default() }).await;
    let answer = send(&app, &app.admin, in_months(&["2019-12", "2020-01"])).await.json();
    assert_eq!((&answer["recorded"], &answer["rejected"][0]["code"]), (&json!(1), &json!("TIME_TOO_EARLY")));
    let detail = answer["rejected"][0]["detail"].as_str().expect("text");
    assert!(detail.contains("2020-01-01 00:00:00 UTC, the earliest time that is accepted"), "{detail}");
}

const UPLINKS: &str = "{ uplinks { nodes { bytes cutFrom outcome recorded error } } }";

#[tokio::test]
async fn large_undecodable_bodies_are_cut_and_not_decoded_again() {
    let app = TestApp::new().await;
    let body = format!("{{\"x\": \"{}", "x".repeat(500_000));
    assert_eq!(app.post("/ingest/json", Some(&app.admin), body.clone()).await.status, 400);
    let uplinks = app.admin(UPLINKS, json!({})).await;
    let uplink = &uplinks["uplinks"]["nodes"][0];
    assert_eq!((&uplink["bytes"], &uplink["cutFrom"]), (&json!(65_536), &json!(body.len())));
    assert_eq!(uplink["outcome"], "UNDECODABLE");
    let replay = "mutation { replayUplinks(input: {filter: {}}) { uplinks undecodable skipped } }";
    let replayed = app.admin(replay, json!({})).await;
    assert_eq!(replayed["replayUplinks"], json!({ "uplinks": 1, "undecodable": 0, "skipped": 1 }));
    assert_eq!(app.admin(UPLINKS, json!({})).await, uplinks);
}

#[tokio::test]
async fn bodies_are_not_stored_beyond_the_bytes_of_a_day() {
    let app = gateway(RecordingLimits { uplink_bytes_per_day: 4 << 10, ..RecordingLimits::default() }).await;
    let key = sensor_key(&app).await;
    let large = |second: u32| {
        let time = format!("2026-05-01T10:00:{second:02}Z");
        json!({ "device": "bike", "time": time, "pm10": 5, "note": "x".repeat(3000) }).to_string()
    };
    assert_eq!(app.post("/ingest/json", Some(&key), large(1)).await.status, 201);
    assert_eq!(app.post("/ingest/json", Some(&key), large(2)).await.status, 201);
    let uplinks = app.admin(UPLINKS, json!({})).await;
    let kept: Vec<_> = uplinks["uplinks"]["nodes"].as_array().expect("uplinks").iter().collect();
    assert_eq!(kept.len(), 2);
    let cut = kept.iter().find(|uplink| uplink["bytes"] == 0).expect("one without its body");
    assert_eq!((&cut["recorded"], &cut["cutFrom"]), (&json!(1), &json!(large(2).len())));
    assert!(kept.iter().any(|uplink| uplink["cutFrom"].is_null() && uplink["recorded"] == 1));

    let undecodable = format!("{{{}", " ".repeat(2000));
    let refused = app.post("/ingest/json", Some(&key), undecodable.clone()).await;
    assert_eq!((refused.status.as_u16(), code(&refused).as_str()), (429, "RATE_LIMITED"), "{}", refused.text);
    assert!(refused.headers.contains_key(header::RETRY_AFTER) && refusals(&app, "uplink_bytes").await);
    assert_eq!(app.post("/ingest/json", Some(&app.admin), undecodable.clone()).await.status, 400);
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(app.post("/ingest/json", Some(&key), undecodable).await.status, 400);
    // A replay of a sample that was recorded without its body leaves the measurement.
    app.admin("mutation { replayUplinks(input: {filter: {}}) { uplinks } }", json!({})).await;
    assert_eq!(app.query("{ measurements { totalCount } }").await["measurements"]["totalCount"], 2);
}

#[tokio::test]
async fn bodies_are_not_stored_when_the_disk_is_almost_full() {
    let data_folder = Some(std::env::temp_dir());
    let app =
        gateway(RecordingLimits { data_folder, min_free_disk_bytes: u64::MAX, ..RecordingLimits::default() }).await;
    assert_eq!(send(&app, &app.admin, of_devices("bike", 1)).await.status, 201);
    let uplinks = app.admin(UPLINKS, json!({})).await;
    assert_eq!(
        (&uplinks["uplinks"]["nodes"][0]["bytes"], &uplinks["uplinks"]["nodes"][0]["recorded"]),
        (&json!(0), &json!(1))
    );
    let refused = app.post("/ingest/things-stack", Some(&app.admin), "{").await;
    assert_eq!((refused.status.as_u16(), code(&refused).as_str()), (503, "UNAVAILABLE"), "{}", refused.text);
    assert!(refused.headers.contains_key(header::RETRY_AFTER) && refusals(&app, "disk_space").await);
    assert_eq!(count(&app, "select count(*) from uplink").await, 1);
}

/// Attack: a key that names thousands of new devices. It is an admin's here, which has no limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sensors_are_answered_while_thousands_of_devices_are_added() {
    let app = gateway(RecordingLimits::default()).await;
    let key = sensor_key(&app).await;
    assert_eq!(send(&app, &key, of_devices("known", 1)).await.status, 201);
    let flood = async {
        for batch in 0..5 {
            assert_eq!(send(&app, &app.admin, of_devices(&format!("flood-{batch}"), 1000)).await.status, 201);
        }
    };
    let sensor = async {
        let mut longest = Duration::ZERO;
        for second in 1..40 {
            let sample = ("known-0".to_owned(), format!("2026-05-01T10:00:{second:02}Z"));
            let since = Instant::now();
            assert_eq!(send(&app, &key, [sample]).await.status, 201);
            longest = longest.max(since.elapsed());
        }
        longest
    };
    let ((), longest) = tokio::join!(flood, sensor);
    println!("while 5000 devices were added, a sensor waited for {longest:.0?} at most");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}
