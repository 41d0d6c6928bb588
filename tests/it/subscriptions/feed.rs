//! The feed: everything that is committed, once, in an order that a reader can follow.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use airgraph::{
    db::feed::{self, FeedEntry, FeedExtent},
    domain::measurement::MeasurementKey,
};
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::support::{TestApp, empty_database, noon};

async fn entries(app: &TestApp) -> Vec<FeedEntry> {
    feed::list_after(&app.database.reads, 0, 1000).await.expect("read").expect("kept")
}

/// The feed after its first `since` batches: keys of devices with offsets in seconds, and changed devices.
async fn batches_since(app: &TestApp, since: usize) -> Vec<(Vec<(String, i64, i32)>, Vec<String>)> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("select device_id, key from device").fetch_all(&app.database.reads).await.expect("devices");
    let name = |id: i64| rows.iter().find(|row| row.0 == id).expect("a device").1.clone();
    let key = |key: &MeasurementKey| (name(key.device_id.0), (key.measured_at - noon()).num_seconds(), key.seq);
    let entries = entries(app).await;
    let records = entries[since..].iter().map(|entry| &entry.record);
    records
        .map(|records| {
            (records.recorded.iter().map(key).collect(), records.changed.iter().map(|device| name(device.0)).collect())
        })
        .collect()
}

fn sample(device: &str, seconds: i64, pm10: i64) -> Value {
    json!({ "device": device, "measuredAt": noon() + TimeDelta::seconds(seconds), "pm10": pm10 })
}

async fn upload(app: &TestApp, file: String) {
    let request = Request::post("/ingest/csv").header(header::AUTHORIZATION, format!("Bearer {}", app.admin));
    let request = request.header(header::CONTENT_TYPE, "text/csv").body(Body::from(file)).expect("a request");
    let answer = app.send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

#[tokio::test]
async fn each_input_path_appends_exactly_what_it_stored() {
    let app = TestApp::new().await;
    let key = |device: &str, seconds, seq| (device.to_owned(), seconds, seq);
    app.record(json!([sample("b", 1, 5), sample("a", 2, 5), sample("a", 1, 5)])).await;
    assert_eq!(batches_since(&app, 0).await, [(vec![key("a", 1, 0), key("a", 2, 0), key("b", 1, 0)], vec![])]);
    // in one statement: the devices are known, and all is newer
    app.record(json!([sample("a", 3, 5)])).await;
    app.record(json!([sample("a", 4, 5)])).await;
    assert_eq!(batches_since(&app, 1).await, [(vec![key("a", 3, 0)], vec![]), (vec![key("a", 4, 0)], vec![])]);

    let mutation =
        "mutation ($m: [MeasurementInput!]!) { recordMeasurements(input: {measurements: $m}) { duplicates } }";
    let repeated = app.admin(mutation, json!({ "m": [sample("a", 4, 5), sample("b", 1, 5)] })).await;
    assert_eq!(repeated["recordMeasurements"]["duplicates"], 2);
    app.uplink("nonsense").await;
    assert_eq!(batches_since(&app, 3).await, [], "nothing was stored but a body");

    // another content at the same time
    app.record(json!([sample("a", 1, 6)])).await;
    let file = "device,time,pm10\na,2026-05-01T11:00:00Z,1\nc,2026-05-01T11:00:00Z,1\n";
    upload(&app, file.to_owned()).await;
    let hour_ago = -3600;
    assert_eq!(
        batches_since(&app, 3).await,
        [(vec![key("a", 1, 1)], vec![]), (vec![key("c", hour_ago, 0), key("a", hour_ago, 0)], vec![])]
    );

    let count = batches_since(&app, 0).await.len();
    let register = "mutation { registerDevice(input: {key: \"d\", kind: FIXED}) { status } }";
    app.admin(register, json!({})).await;
    app.admin(register, json!({})).await; // it is there already
    app.admin("mutation { updateDevice(input: {key: \"d\", name: \"D\"}) { status } }", json!({})).await;
    app.admin("mutation { updateDevice(input: {key: \"e\", name: \"E\"}) { status } }", json!({})).await; // there is none
    let delete = "mutation ($dry: Boolean!) {
        deleteMeasurements(input: {filter: {devices: [\"b\"]}, dryRun: $dry}) { measurements } }";
    app.admin(delete, json!({ "dry": true })).await;
    assert_eq!(app.admin(delete, json!({ "dry": false })).await["deleteMeasurements"]["measurements"], 1);
    let changed = |device: &str| (vec![], vec![device.to_owned()]);
    assert_eq!(batches_since(&app, count).await, [changed("d"), changed("d"), changed("b")]);
}

#[tokio::test]
async fn replay_appends_what_it_stored_and_what_it_removed() {
    let app = TestApp::new().await;
    app.post("/ingest/json", Some(&app.admin), json!({ "device": "a", "time": noon(), "pm10": 5 }).to_string()).await;
    let fix = "update uplink set body = convert_to(replace(convert_from(body, 'UTF8'), ':5', ':6'), 'UTF8')";
    sqlx::raw_sql(fix).execute(&app.database.writes).await.expect("an update");
    for recorded in [1, 0] {
        let replay = "mutation { replayUplinks(input: {filter: {}}) { recorded } }";
        assert_eq!(app.admin(replay, json!({})).await["replayUplinks"]["recorded"], recorded);
        assert_eq!(batches_since(&app, 1).await, [(vec![("a".to_owned(), 0, 0)], vec!["a".to_owned()])]);
    }
}

/// Two gateways record at once while a reader continues from the last number seen.
#[tokio::test]
async fn reader_resuming_from_the_last_number_misses_nothing() {
    let options = empty_database().await;
    let first = TestApp::on(&options, true).await;
    let second = TestApp::on_second(&options).await;
    let all_recorded = AtomicBool::new(false);
    let read = async {
        let (mut seen, mut last) = (Vec::new(), 0);
        loop {
            let ends_here = all_recorded.load(Ordering::Relaxed);
            let limit = rand::rng().random_range(1..10);
            let some = feed::list_after(&first.database.reads, last, limit).await.expect("read").expect("kept");
            if some.is_empty() && ends_here {
                return seen;
            }
            for entry in some {
                assert!(entry.number > last);
                last = entry.number;
                seen.extend(entry.record.recorded);
            }
        }
    };
    let post = async |app: &TestApp, sensor: i64| {
        for n in 0..60 {
            let device = format!("bike-{}", if n % 7 == 0 { 9 } else { sensor }); // now and then one that others speak of too
            let body = json!({ "device": device, "time": noon() - TimeDelta::seconds(n), "pm10": sensor }).to_string();
            let answer = app.post("/ingest/json", Some(&first.admin), body).await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
    };
    let record = async {
        tokio::join!(post(&first, 1), post(&second, 2), post(&first, 3), post(&second, 4));
        all_recorded.store(true, Ordering::Relaxed);
    };
    let ((), seen) = tokio::join!(record, read);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 4 * 60, "each once");
    let all: Vec<_> = entries(&first).await.into_iter().flat_map(|entry| entry.record.recorded).collect();
    assert_eq!(seen, all, "in the same order");
}

#[tokio::test]
async fn trimmed_entries_are_reported_to_readers_behind_them() {
    let app = TestApp::new().await;
    let db = &app.database.writes;
    assert_eq!(feed::extent(db).await.expect("read"), FeedExtent { forgotten: 0, newest: 0, newest_whole: 0 });
    for n in 0..5 {
        app.record(json!([sample("bike", n, 5)])).await;
    }
    let all = entries(&app).await;
    let numbers: Vec<_> = all.iter().map(|entry| entry.number).collect();
    feed::trim_before(db, all[2].committed_at).await.expect("forgotten");
    assert_eq!(
        feed::extent(db).await.expect("read"),
        FeedExtent { forgotten: numbers[1], newest: numbers[4], newest_whole: numbers[4] }
    );
    assert_eq!(feed::list_after(db, numbers[0], 9).await.expect("read"), None);
    assert_eq!(feed::list_after(db, numbers[1], 9).await.expect("read"), Some(all[2..].to_vec()));
    let later = all[4].committed_at + TimeDelta::seconds(1);
    feed::trim_before(db, later).await.expect("forgotten");
    assert_eq!(
        feed::extent(db).await.expect("read"),
        FeedExtent { forgotten: numbers[4], newest: numbers[4], newest_whole: numbers[4] }
    );
    assert_eq!(feed::list_after(db, numbers[4], 9).await.expect("read"), Some(vec![]));
    assert_eq!(feed::list_after(db, numbers[3], 9).await.expect("read"), None);
    feed::trim_before(db, later).await.expect("nothing to forget");
}

#[tokio::test]
async fn large_batches_are_read_one_by_one() {
    let app = TestApp::new().await;
    let line = |n: i64| format!("a,{},1\n", (noon() - TimeDelta::seconds(n)).to_rfc3339());
    let file: String = std::iter::once("device,time,pm10\n".to_owned()).chain((0..45_000).map(line)).collect();
    upload(&app, file).await;
    let mut counts = Vec::new();
    let mut last = 0;
    loop {
        let some = feed::list_after(&app.database.reads, last, 100).await.expect("read").expect("kept");
        let Some(entry) = some.last() else { break };
        last = entry.number;
        counts.push(some.iter().map(|entry| entry.record.recorded.len()).sum::<usize>());
    }
    assert_eq!(counts.iter().sum::<usize>(), 45_000);
    assert!(counts.len() >= 2 && counts.iter().all(|count| *count <= 30_000), "{counts:?}");
}
