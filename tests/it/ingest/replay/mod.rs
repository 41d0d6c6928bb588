//! Decoding stored uplinks again. A fixed decoder is simulated by a changed body: the stored body then decodes to other
//! values than those recorded from it.

mod command;
mod random_bodies;
mod replaced_rows;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{TestApp, rollups::assert_rollups_match};

const REPLAY: &str = "mutation ($input: ReplayUplinksInput!) { replayUplinks(input: $input) {
    uplinks undecodable skipped recorded duplicates samples rejected hasMore after } }";

async fn replay(app: &TestApp, input: Value) -> Value {
    let report = app.admin(REPLAY, json!({ "input": input })).await["replayUplinks"].take();
    assert_rollups_match(&mut app.database.reads.acquire().await.expect("a connection")).await;
    report
}

/// Replays everything; returns the counts of new samples and of duplicates.
async fn replay_all(app: &TestApp) -> (i64, i64) {
    let report = replay(app, json!({ "filter": {} })).await;
    assert_eq!((&report["undecodable"], &report["hasMore"]), (&json!(0), &json!(false)), "{report}");
    (report["recorded"].as_i64().expect("a count"), report["duplicates"].as_i64().expect("a count"))
}

async fn post(app: &TestApp, key: &str, body: &Value) {
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    app.post("/ingest/json", Some(key), text).await;
    app.clock.advance(TimeDelta::seconds(1));
}

/// Replaces the body of the stored uplink with this index in the order of arrival.
async fn fix(app: &TestApp, place: usize, body: &Value) {
    let statement = "update uplink set body = convert_to($1, 'UTF8') where (received_at, uplink_id) =
        (select received_at, uplink_id from uplink order by received_at, uplink_id offset $2 limit 1)";
    let place = i64::try_from(place).expect("small");
    let fixed = sqlx::query(statement).bind(body.to_string()).bind(place).execute(&app.database.writes).await;
    assert_eq!(fixed.expect("an update").rows_affected(), 1);
}

/// All rows of these tables, as text.
async fn rows(app: &TestApp, tables: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for table in tables {
        let statement = AssertSqlSafe(format!("select t::text from {table} t order by 1"));
        let found: Vec<String> = sqlx::query_scalar(statement).fetch_all(&app.database.reads).await.expect("rows");
        rows.extend(found);
    }
    rows
}

const EVERYTHING: [&str; 9] =
    ["measurement", "weather", "ambient", "motion", "device_status", "latest", "uplink", "device", "packet"];

/// `seq`, PM10, temperature of the stored measurements.
async fn stored(app: &TestApp) -> Vec<(i32, Option<f32>, Option<f64>)> {
    sqlx::query_as(
        "select seq, pm10, temperature from measurement left join weather using (device_id, measured_at, seq)
         order by device_id, measured_at, seq",
    )
    .fetch_all(&app.database.reads)
    .await
    .expect("rows")
}

async fn uplinks(app: &TestApp, fields: &str) -> Value {
    app.admin(&format!("{{ uplinks {{ nodes {{ {fields} }} }} }}"), json!({})).await["uplinks"]["nodes"].take()
}

fn sample_json(pm10: u32) -> Value {
    json!({ "device": "bike", "time": "2026-05-01T10:00:00Z", "pm10": pm10 })
}

fn with_temperature(pm10: u32, temperature: f64) -> Value {
    json!({ "device": "bike", "time": "2026-05-01T10:00:00Z", "pm10": pm10, "temperature": temperature })
}

#[tokio::test]
async fn replayed_undecodable_uplink_uses_its_arrival_time() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &json!("{")).await;
    fix(&app, 0, &json!({ "device": "bike", "pm10": 5 })).await;
    app.clock.advance(TimeDelta::days(40));
    let report = replay(&app, json!({ "filter": { "outcome": "UNDECODABLE" } })).await;
    assert_eq!((&report["uplinks"], &report["undecodable"], &report["recorded"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(
        uplinks(&app, "outcome error recorded duplicates rejected device { key } text").await,
        json!([{ "outcome": "RECORDED", "error": null, "recorded": 1, "duplicates": 0, "rejected": 0,
                 "device": { "key": "bike" }, "text": "{\"device\":\"bike\",\"pm10\":5}" }])
    );
    let found = app.query("{ measurements { nodes { measuredAt recordedAt } } }").await;
    assert_eq!(found["measurements"]["nodes"][0]["measuredAt"], "2026-05-01T12:00:00Z", "the body has no time");
    let before = rows(&app, &EVERYTHING).await;
    assert_eq!(replay_all(&app).await, (0, 1));
    assert_eq!(rows(&app, &EVERYTHING).await, before);
}

#[tokio::test]
async fn replay_of_correct_rows_changes_nothing() {
    let app = TestApp::new().await;
    let two = json!([sample_json(5), with_temperature(6, 18.0), sample_json(5)]);
    for body in [&sample_json(5), &sample_json(6), &two, &sample_json(6)] {
        post(&app, &app.admin, body).await;
    }
    let before = rows(&app, &EVERYTHING).await;
    for _ in 0..2 {
        assert_eq!(replay_all(&app).await, (0, 6));
        assert_eq!(rows(&app, &EVERYTHING).await, before);
    }
}

#[tokio::test]
async fn dry_run_reports_and_changes_nothing() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &sample_json(5)).await;
    post(&app, &app.admin, &json!("{")).await;
    fix(
        &app,
        0,
        &json!([sample_json(6), sample_json(7), { "device": "bike", "time": "2027-05-01T10:00:00Z", "pm10": 1 }]),
    )
    .await;
    let before = rows(&app, &EVERYTHING).await;
    let report = replay(&app, json!({ "filter": {}, "dryRun": true })).await;
    assert_eq!((&report["uplinks"], &report["undecodable"]), (&json!(2), &json!(1)));
    assert_eq!((&report["samples"], &report["rejected"], &report["recorded"]), (&json!(2), &json!(1), &Value::Null));
    assert_eq!(rows(&app, &EVERYTHING).await, before);
}

#[tokio::test]
async fn still_undecodable_uplinks_have_a_reason_and_decoded_samples_stay() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &json!("{")).await;
    post(&app, &app.admin, &sample_json(5)).await;
    app.record(json!([{ "device": "other", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    app.clock.advance(TimeDelta::seconds(1));
    post(&app, &app.admin, &sample_json(6)).await;
    sqlx::raw_sql("update uplink set format = 'of-old' where convert_from(body, 'UTF8') like '%\"pm10\":6%'")
        .execute(&app.database.writes)
        .await
        .expect("changed");
    let first_error = uplinks(&app, "error").await[3]["error"].take();
    fix(&app, 0, &json!("no object")).await;
    fix(&app, 1, &json!(7)).await;
    let before = rows(&app, &["measurement", "latest"]).await;
    let report = replay(&app, json!({ "filter": {} })).await;
    assert_eq!((&report["uplinks"], &report["undecodable"], &report["skipped"]), (&json!(4), &json!(2), &json!(2)));
    assert_eq!(rows(&app, &["measurement", "latest"]).await, before);
    let found = uplinks(&app, "outcome error recorded format").await;
    let outcomes: Vec<_> = found.as_array().expect("nodes").iter().map(|node| node["outcome"].as_str()).collect();
    assert_eq!(outcomes, [Some("RECORDED"), Some("RECORDED"), Some("RECORDED"), Some("UNDECODABLE")]);
    assert!(found[3]["error"].is_string() && found[3]["error"] != first_error, "{found}");
    assert_eq!((&found[2]["error"], &found[2]["recorded"]), (&Value::Null, &json!(1)), "its sample is stored");
}

#[tokio::test]
async fn replay_ignores_revocation_and_respects_device_bound_keys() {
    let app = TestApp::new().await;
    app.admin("mutation { registerDevice(input: {key: \"own\", kind: FIXED}) { status } }", json!({})).await;
    let make =
        "mutation { createApiKey(input: {name: \"b\", role: SENSOR, deviceKey: \"own\"}) { key apiKey { id } } }";
    let bound = app.admin(make, json!({})).await["createApiKey"].take();
    let key = bound["key"].as_str().expect("a key");
    post(&app, key, &json!("{")).await;
    post(&app, key, &json!("{")).await;
    let revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { status } }";
    app.admin(revoke, json!({ "id": bound["apiKey"]["id"] })).await;
    fix(&app, 0, &json!({ "device": "own", "pm10": 5 })).await;
    fix(&app, 1, &json!({ "device": "other", "pm10": 5 })).await;

    let report = replay(&app, json!({ "filter": {} })).await;
    assert_eq!((&report["recorded"], &report["undecodable"]), (&json!(1), &json!(1)));
    let found = uplinks(&app, "outcome error apiKey { name }").await;
    let error = "it speaks of device other, and the key it came with records for own only";
    assert_eq!(
        found,
        json!([{ "outcome": "UNDECODABLE", "error": error, "apiKey": { "name": "b" } },
               { "outcome": "RECORDED", "error": null, "apiKey": { "name": "b" } }])
    );
    assert_eq!(app.query("{ device(key: \"other\") { key } }").await["device"], Value::Null);
}

#[tokio::test]
async fn replay_continues_after_the_previous_one() {
    let app = TestApp::new().await;
    for n in 0..5 {
        post(&app, &app.admin, &sample_json(n)).await;
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let report = replay(&app, json!({ "filter": { "formats": ["json"] }, "limit": 2, "after": after })).await;
        seen.push(report["uplinks"].as_i64().expect("a count"));
        after = report["after"].clone();
        if report["hasMore"] == false {
            break;
        }
    }
    assert_eq!(seen, [2, 2, 1]);

    let ids = uplinks(&app, "id").await;
    let ids: Vec<_> = ids.as_array().expect("nodes").iter().map(|node| node["id"].clone()).collect();
    assert_eq!(replay(&app, json!({ "ids": [ids[0], ids[3], ids[0]] })).await["uplinks"], 2);
    for (input, argument) in [
        (json!({}), "input.filter"),
        (json!({ "filter": {}, "ids": [ids[0]] }), "input.ids"),
        (json!({ "ids": [ids[0]], "limit": 1 }), "input.ids"),
        (json!({ "ids": ["RGV2aWNlOjE"] }), "input.ids[0]"),
        (json!({ "filter": {}, "limit": 1001 }), "input.limit"),
        (json!({ "filter": {}, "limit": 0 }), "input.limit"),
        (json!({ "filter": {}, "after": "x" }), "input.after"),
        (json!({ "filter": { "devices": ["unknown"] } }), "input.filter.devices[0]"),
    ] {
        let answer = app.graphql(Some(&app.admin), REPLAY, json!({ "input": input })).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{input}: {answer}");
    }
}
