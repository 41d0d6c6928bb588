//! Deleting a device: all its data goes and nothing else, whatever its sensor sends meanwhile.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use airgraph::{db::DbError, subscriptions::Subscriber};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::sleep;

use crate::support::{
    Answer, TestApp, at, empty_database,
    gateway::DEADLINE,
    live::payloads,
    packet::{RawSample, encode, ttn_body},
    rollups::assert_rollups_match,
};

const DELETE: &str = "mutation ($key: String!, $dryRun: Boolean! = false) {
    deleteDevice(input: { key: $key, dryRun: $dryRun }) { status deviceId measurements uplinks revokedApiKeys { name } } }";

async fn delete(app: &TestApp, key: &str, dry_run: bool) -> Value {
    let mut payload = app.admin(DELETE, json!({ "key": key, "dryRun": dry_run })).await["deleteDevice"].take();
    payload.as_object_mut().expect("an object").remove("deviceId");
    payload
}

fn not_found() -> Value {
    json!({ "status": "NOT_FOUND", "measurements": 0, "uplinks": 0, "revokedApiKeys": [] })
}

async fn count(app: &TestApp, from: &str) -> i64 {
    let statement = AssertSqlSafe(format!("select count(*) from {from}"));
    sqlx::query_scalar(statement).fetch_one(&app.database.reads).await.expect("a count")
}

/// Tables with a column `device_id`.
const TABLES: [&str; 12] = [
    "measurement",
    "weather",
    "ambient",
    "motion",
    "device_status",
    "latest",
    "packet",
    "device_sensor",
    "uplink",
    "device_hour",
    "api_key",
    "device",
];

/// No table has rows of a device that does not exist, and rollups equal the measurements.
async fn assert_no_orphans(app: &TestApp) {
    for table in TABLES {
        let orphans =
            format!("{table} where device_id is not null and device_id not in (select device_id from device)");
        assert_eq!(count(app, &orphans).await, 0, "{table}");
    }
    assert_rollups_match(&mut app.database.reads.acquire().await.expect("a connection")).await;
}

async fn rows(app: &TestApp, key: &str) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in TABLES {
        let of_device = format!("{table} where device_id = (select device_id from device where key = '{key}')");
        rows.push((table, count(app, &of_device).await));
    }
    rows
}

async fn send(app: &TestApp, key: &str, device: &str, second: i64) -> Answer {
    let time = at("2026-05-01T00:00:00Z") + TimeDelta::seconds(second);
    let body = json!({ "device": device, "time": time, "pm10": second % 50, "temperature": 20, "latitude": 52.2, "longitude": 0.12 });
    app.post("/ingest/json", Some(key), body.to_string()).await
}

async fn bound_key(app: &TestApp, name: &str, device: &str) -> String {
    let create = "mutation ($name: String!, $device: String!) {
        createApiKey(input: {name: $name, role: SENSOR, deviceKey: $device}) { key } }";
    let created = app.admin(create, json!({ "name": name, "device": device })).await;
    created["createApiKey"]["key"].as_str().expect("a key").to_owned()
}

/// Two devices with a row in every table.
async fn recorded() -> (TestApp, String) {
    let app = TestApp::new().await;
    let packet = encode(&[RawSample::new(52.2, 0.12, 30.0, 20.0); 8]);
    for device in ["a", "b"] {
        let mut body = ttn_body(device, "2026-05-01T10:30:00Z", &packet);
        body["counter"] = json!(1);
        assert_eq!(app.uplink(body.to_string()).await.status, 201);
        assert_eq!(send(&app, &app.admin, device, 0).await.status, 201);
        app.record(json!([{ "device": device, "measuredAt": "2026-05-01T10:40:00Z", "pm10": 4,
            "ambient": { "co2": 400 }, "motion": { "speed": 3 }, "status": { "batteryVoltage": 3 } }]))
            .await;
        let sensors = "mutation ($key: String!) { updateDevice(input: {key: $key, sensors: [
            {sensor: \"5d5e5f\", quantity: PM10}]}) { status } }";
        app.admin(sensors, json!({ "key": device })).await;
    }
    let key = bound_key(&app, "of a", "a").await;
    bound_key(&app, "of b", "b").await;
    (app, key)
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let (app, key) = recorded().await;
    let before = rows(&app, "a").await;
    assert!(before.iter().all(|(_, count)| *count > 0), "every table has a row: {before:?}");
    let expected =
        json!({ "status": "DRY_RUN", "measurements": 10, "uplinks": 3, "revokedApiKeys": [{ "name": "of a" }] });
    assert_eq!(delete(&app, "a", true).await, expected);
    assert_eq!(rows(&app, "a").await, before);
    assert_eq!(send(&app, &key, "a", 5).await.status, 201, "the key is still valid");
    assert_eq!(delete(&app, "unknown", true).await, not_found());
}

#[tokio::test]
async fn device_is_deleted_with_all_its_data_and_another_is_kept() {
    let (app, key) = recorded().await;
    let other = rows(&app, "b").await;
    let expected =
        json!({ "status": "DELETED", "measurements": 10, "uplinks": 3, "revokedApiKeys": [{ "name": "of a" }] });
    assert_eq!(delete(&app, "a", false).await, expected);
    assert_eq!(rows(&app, "b").await, other);
    assert_no_orphans(&app).await;
    assert_eq!(count(&app, "device").await, 1);
    assert_eq!(count(&app, "api_key where revoked_at is not null and deleted_device = 'a'").await, 1);
    assert_eq!(send(&app, &key, "a", 5).await.status, 401, "the bound key is revoked");
    let found = app.query("{ device(key: \"a\") { id } devices { nodes { key } } measurements { totalCount } }").await;
    assert_eq!(
        found,
        json!({ "device": null, "devices": { "nodes": [{ "key": "b" }] }, "measurements": { "totalCount": 10 } })
    );
    assert_eq!(delete(&app, "a", false).await, not_found());
    let replay = "mutation { replayUplinks(input: {filter: {}}) { recorded } }";
    assert_eq!(app.admin(replay, json!({})).await["replayUplinks"]["recorded"], 0, "no uplink brings it back");
}

#[tokio::test]
async fn only_an_admin_deletes_devices() {
    let app = TestApp::new().await;
    assert_eq!(send(&app, &app.admin, "a", 0).await.status, 201);
    let sensor = bound_key(&app, "of a", "a").await;
    for (key, code) in [(None, "UNAUTHENTICATED"), (Some(sensor.as_str()), "FORBIDDEN")] {
        let answer = app.graphql(key, DELETE, json!({ "key": "a" })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
    assert_eq!(rows(&app, "a").await[0], ("measurement", 1));
}

/// A sensor whose key is not bound continues: its next sample creates a new device, on the code path for samples of known
/// devices, and with the deleted device still in the writer's cache.
#[tokio::test]
async fn next_sample_creates_a_new_device() {
    let app = TestApp::new().await;
    for round in 0..3 {
        for second in 0..3 {
            assert_eq!(send(&app, &app.admin, "a", round * 10 + second).await.status, 201);
        }
        let device = app.query("{ device(key: \"a\") { id measurements { totalCount } } }").await;
        assert_eq!(device["device"]["measurements"]["totalCount"], 3, "of this round alone");
        assert_eq!(delete(&app, "a", false).await["measurements"], 3);
    }
    assert_no_orphans(&app).await;
}

/// The sensor continues to send while its device is deleted, several times over. Samples acknowledged after a deletion are
/// stored; no row of a deleted device remains; and the samples of another sensor are all stored, without delay.
#[tokio::test]
async fn sensor_may_send_during_the_deletion_of_its_device() {
    const DELETIONS: usize = 12;
    let app = TestApp::new().await;
    let (is_over, sent, others) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let sensor = |lane: i64| {
        let (app, is_over, sent) = (&app, &is_over, &sent);
        async move {
            let mut second = lane;
            while !is_over.load(Ordering::SeqCst) {
                let answer = send(app, &app.admin, "junk", second).await;
                assert!(answer.status == 201 || answer.status == 503, "{answer:?}");
                sent.fetch_add(1, Ordering::SeqCst);
                second += 4;
            }
        }
    };
    let other = async {
        let mut slowest = Duration::ZERO;
        while !is_over.load(Ordering::SeqCst) {
            let began = Instant::now();
            let second = i64::try_from(others.fetch_add(1, Ordering::SeqCst)).expect("small");
            let answer = send(&app, &app.admin, "other", second).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };
    let deletions = async {
        let mut deleted = 0;
        for _ in 0..DELETIONS {
            let before = sent.load(Ordering::SeqCst);
            while sent.load(Ordering::SeqCst) < before + 20 {
                sleep(Duration::from_millis(2)).await;
            }
            let payload = delete(&app, "junk", false).await;
            assert_eq!(payload["status"], "DELETED", "{payload}");
            deleted += payload["measurements"].as_u64().expect("a number");
        }
        assert!(deleted > 100, "{deleted}");
        // Samples sent after the deletion has ended are stored.
        assert_eq!(send(&app, &app.admin, "junk", 40_000).await.status, 201);
        is_over.store(true, Ordering::SeqCst);
    };
    let ((), (), (), slowest, ()) = tokio::join!(sensor(0), sensor(1), sensor(2), other, deletions);
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    assert_no_orphans(&app).await;
    let stored = count(&app, "measurement join device using (device_id) where key = 'other'").await;
    assert_eq!(u64::try_from(stored).expect("a count"), others.load(Ordering::SeqCst));
    let last = app.query("{ device(key: \"junk\") { measurements { totalCount } } }").await;
    assert!(last["device"]["measurements"]["totalCount"].as_u64() > Some(0), "{last}");
}

/// More rows than one transaction deletes; an interrupted deletion is continued by the same request.
#[tokio::test]
async fn large_device_is_deleted_in_steps_and_the_request_can_be_repeated() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let lines = (0..12_000).map(|n| {
        let time = at("2026-04-30T20:00:00Z") + TimeDelta::seconds(1) * n;
        format!("large,{},{}\n", time.to_rfc3339(), n % 100)
    });
    let file = format!("device,time,pm10\n{}", lines.collect::<String>());
    assert!(app.post("/ingest/csv", Some(&app.admin), file).await.status.is_success());

    // A recorder that has stored a sample of the device and hangs before its commit.
    let mut holder = options.clone().application_name("holder").connect().await.expect("a connection");
    holder.execute("begin; select from device where key = 'large' for key share").await.expect("a lock");
    let answer = app.graphql(Some(&app.admin), DELETE, json!({ "key": "large" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    assert_eq!(
        (count(&app, "measurement").await, count(&app, "device").await),
        (0, 1),
        "the row of the device goes last"
    );
    assert_no_orphans(&app).await;
    holder.execute("commit").await.expect("released");
    assert_eq!(delete(&app, "large", false).await["status"], "DELETED");
    assert_eq!(count(&app, "device").await, 0);
    holder.close().await.expect("closed");
}

/// A sample that is committed after all others were deleted, and before the device is.
#[tokio::test]
async fn samples_recorded_during_the_deletion_are_deleted() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    assert_eq!(send(&app, &app.admin, "a", 0).await.status, 201);
    let mut holder = options.clone().application_name("holder").connect().await.expect("a connection");
    holder.execute("begin; select from device for key share").await.expect("a lock");
    let last = async {
        let since = Instant::now();
        while count(&app, "measurement").await > 0 {
            assert!(since.elapsed() < DEADLINE);
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(send(&app, &app.admin, "a", 1).await.status, 201, "the device is still there");
        holder.execute("commit").await.expect("released");
    };
    let (payload, ()) = tokio::join!(delete(&app, "a", false), last);
    assert_eq!((&payload["status"], &payload["measurements"]), (&json!("DELETED"), &json!(2)), "{payload}");
    assert_no_orphans(&app).await;
    holder.close().await.expect("closed");
}

/// A recorder, or a mutation, that has read the device just before its deletion reads it again.
#[tokio::test]
async fn reference_to_a_deleted_device_is_a_conflict() {
    let app = TestApp::new().await;
    let insert = "insert into latest (device_id, measured_at, seq) values (1, now(), 0)";
    let error: DbError = app.database.writes.execute(insert).await.expect_err("there is no device").into();
    assert!(matches!(error, DbError::Conflict(_)), "{error:?}");
}

#[tokio::test]
async fn subscribers_receive_the_deletion() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let id = app.query("{ device(key: \"a\") { id } }").await["device"]["id"].clone();
    let cursor = app.feed_cursor().await;
    let query = "subscription ($after: String) { deviceUpdated(after: $after) { deviceId device { key } } }";
    let mut live: Subscriber = app.subscribe(query).await;
    delete(&app, "a", false).await;
    let deleted = json!({ "data": { "deviceUpdated": { "deviceId": id, "device": null } } });
    // An event of one of its measurements, and one of the device itself.
    let events = payloads(&mut live, 2).await;
    assert_eq!(events.last(), Some(&deleted));
    // Events from before the deletion, rendered after it.
    let query = "subscription ($after: String) { deviceUpdated(after: $after) { device { key } deviceId } }";
    let mut later = app.try_subscribe(query, json!({ "after": cursor }), None).await.expect("subscribed");
    assert_eq!(payloads(&mut later, 2).await, [deleted.clone(), deleted]);
}

/// Other gateways cache the ids of devices by their keys.
#[tokio::test]
async fn other_gateways_evict_the_deleted_device() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let second = TestApp::on_second(&options).await;
    let query = "{ device(key: \"a\") { key measurements { totalCount } } }";
    assert_eq!(send(&app, &app.admin, "a", 0).await.status, 201);
    assert_eq!(second.query(query).await["device"]["key"], "a");
    assert_eq!(delete(&app, "a", false).await["status"], "DELETED");
    let since = Instant::now();
    loop {
        let answer = second.graphql(None, query, json!({})).await;
        if answer["data"]["device"].is_null() && answer["errors"].is_null() {
            break;
        }
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
        assert!(since.elapsed() < DEADLINE, "{answer}");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(send(&second, &app.admin, "a", 1).await.status, 201);
    let found = second.query(query).await;
    assert_eq!(found["device"], json!({ "key": "a", "measurements": { "totalCount": 1 } }));
    assert_no_orphans(&app).await;
}
