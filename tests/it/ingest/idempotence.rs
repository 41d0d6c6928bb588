//! Sent twice, stored once: every accepted sample reads back from Postgres as the sample that was stored.

use airgraph::domain::{position::Position, quantity::Quantity, sample::Sample};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::DateTime;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::{Value, json};

use super::recorder::submission;
use crate::support::{TestApp, noon};

const LEAP_SECOND: &str = "2026-05-01T10:00:60Z";
const STORED: &str = "2026-05-01T10:01:00Z";

async fn post(app: &TestApp, path: &str, media_type: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, media_type)
        .header("x-api-key", &app.admin)
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let answer = app.send(request).await;
    (answer.status, answer.json())
}

async fn register_box(app: &TestApp) {
    let register = "mutation { registerDevice(input: {key: \"box\", kind: FIXED,
        sensors: [{sensor: \"5a8601\", quantity: PM10}]}) { status } }";
    app.admin(register, json!({})).await;
}

#[tokio::test]
async fn leap_second_is_stored_as_the_next_second_once() {
    let fields = json!({ "0": 52.2, "1": 0.1, "2": 5, "3": 4 });
    let bodies = [
        ("/ingest/json", json!({ "device": "json", "time": LEAP_SECOND, "pm10": 2 }).to_string()),
        ("/ingest/csv", format!("time,device,pm10\n{LEAP_SECOND},csv,2\n")),
        ("/ingest/csv?device=card", "Date,Time,PM10\n20260501,100059.9999999,2\n".to_owned()),
        ("/ingest/opensensemap/box", json!([{ "sensor": "5a8601", "value": 2, "createdAt": LEAP_SECOND }]).to_string()),
        (
            "/ingest/ttn-v2",
            json!({ "dev_id": "ttn", "payload_fields": fields, "metadata": { "time": LEAP_SECOND } }).to_string(),
        ),
        (
            "/ingest/things-stack",
            json!({ "end_device_ids": { "device_id": "stack" },
                "uplink_message": { "received_at": LEAP_SECOND, "decoded_payload": { "pm10": 2 } } })
            .to_string(),
        ),
        (
            "/ingest/chirpstack?event=up",
            json!({ "deviceInfo": { "deviceName": "chirp" }, "time": LEAP_SECOND, "object": { "pm10": 2 } })
                .to_string(),
        ),
    ];
    let app = TestApp::new().await;
    register_box(&app).await;
    for (path, body) in &bodies {
        let media_type = if path.starts_with("/ingest/csv") { "text/csv" } else { "application/json" };
        for (recorded, duplicates) in [(1, 0), (0, 1)] {
            let (status, report) = post(&app, path, media_type, body).await;
            assert!(status.is_success(), "{path}: {status} {report}");
            assert_eq!((&report["recorded"], &report["duplicates"]), (&json!(recorded), &json!(duplicates)), "{path}");
        }
    }
    let data = app.query("{ measurements { nodes { measuredAt device { key } } } }").await;
    let nodes = data["measurements"]["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), bodies.len());
    for node in nodes {
        let expected = if node["device"]["key"] == "card" { "2026-05-01T10:00:59.999999Z" } else { STORED };
        assert_eq!(node["measuredAt"], expected, "{node}");
    }
}

#[tokio::test]
async fn graphql_accepts_a_leap_second_as_the_next_second() {
    let app = TestApp::new().await;
    let record = "mutation ($at: DateTime!) { recordMeasurements(input: {measurements: [
        {device: \"a\", measuredAt: $at, pm10: 2}]}) { recorded duplicates } }";
    for (at, counts) in [(LEAP_SECOND, (1, 0)), (LEAP_SECOND, (0, 1)), (STORED, (0, 1))] {
        let response = app.admin(record, json!({ "at": at })).await;
        let expected = json!({ "recorded": counts.0, "duplicates": counts.1 });
        assert_eq!(response["recordMeasurements"], expected, "{at}");
    }
    let since = "query ($from: DateTime!) { measurements(filter: {measuredAt: {from: $from}}) { totalCount } }";
    assert_eq!(app.query_with(since, json!({ "from": LEAP_SECOND })).await["measurements"]["totalCount"], 1);
    let delete = "mutation ($from: DateTime!, $to: DateTime!) { deleteMeasurements(
        input: {filter: {measuredAt: {from: $from, to: $to}}}) { measurements } }";
    let range = json!({ "from": LEAP_SECOND, "to": "2026-05-01T10:01:01Z" });
    assert_eq!(app.admin(delete, range).await["deleteMeasurements"]["measurements"], 1);
}

/// Any finite float, with a higher share of values that are rounded in a column.
fn number() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![
        0.0,
        -0.0,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        1e-45,
        7e-46,
        f64::from(f32::MIN_POSITIVE),
        f64::from(f32::MAX),
        f64::MAX,
        f64::MIN,
        0.1,
        12.400_000_095,
        16_777_217.0,
        9_007_199_254_740_993.0,
    ]);
    prop_oneof![special, any::<f64>(), (-1000.0..1000.0), any::<f32>().prop_map(f64::from)]
}

/// A time in a range of a minute around the end of a minute, with leap seconds and any nanoseconds.
fn nanoseconds() -> impl Strategy<Value = u32> {
    prop_oneof![0..2_000_000_000_u32, Just(0), Just(999_999_999), Just(1_000_000_000), Just(1_999_999_999)]
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let position = prop_oneof![
        (-90.0..=90.0, -180.0..=180.0),
        (number(), number()),
        (Just(-0.0), Just(-0.0)),
        (Just(90.0), Just(180.0)),
    ];
    let values = prop::collection::vec((prop::sample::select(Quantity::ALL), number()), 1..6);
    let one = (nanoseconds(), prop::option::of(position), values);
    prop::collection::vec(one, 650).prop_map(|all| {
        let samples = all.into_iter().enumerate().map(|(n, (nanoseconds, position, values))| {
            let second = noon().timestamp() - 1 - 60 * (1 + i64::try_from(n).expect("small"));
            let time = DateTime::from_timestamp(second, nanoseconds).expect("a time before a full minute");
            let mut sample = Sample::new(time);
            sample.position = position.and_then(|(latitude, longitude)| Position::try_new(latitude, longitude).ok());
            for (quantity, value) in values {
                let _ = sample.readings.set(quantity, value); // what no column can hold is refused here
            }
            sample
        });
        samples.filter(|sample| !sample.readings.is_empty()).collect()
    })
}

/// By each path into the tables: by COPY, inserted step by step, and by one statement for simple batches.
#[tokio::test]
async fn any_accepted_sample_stored_twice_is_recorded_once_and_then_a_duplicate() {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(20_261_101), ..Config::default() });
    for size in [650, 40, 1] {
        let app = TestApp::new().await;
        let samples = samples().new_tree(&mut runner).expect("samples").current();
        for some in samples.rchunks(size).take(20) {
            for (recorded, duplicates) in [(some.len(), 0), (0, some.len())] {
                let submission = submission(some.iter().map(|sample| ("a", sample.clone())));
                let receipt = app.recorder.record(submission).await.expect("recorded");
                assert_eq!(receipt.rejected, []);
                assert_eq!((receipt.recorded, receipt.duplicates), (recorded, duplicates), "of {some:?}");
            }
        }
    }
}
