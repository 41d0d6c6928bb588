//! Decoding stored uplinks again. A fixed decoder is simulated by a changed body: the stored body then decodes to other
//! values than those recorded from it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    ops::cli::{failure, output, text},
    support::{TestApp, empty_database, gateway::on, rollups::assert_rollups_match},
};

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
async fn a_replay_of_what_is_right_changes_nothing() {
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
async fn a_value_that_was_overlooked_joins_its_row() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &sample_json(5)).await;
    let id = app.query("{ device(key: \"bike\") { latest { id } } }").await;
    fix(&app, 0, &with_temperature(7, 18.5)).await;
    sqlx::raw_sql("update measurement set flags = flags | 512").execute(&app.database.writes).await.expect("flagged");

    assert_eq!(replay_all(&app).await, (1, 0));
    assert_eq!(stored(&app).await, [(0, Some(7.0), Some(18.5))]);
    assert_eq!(uplinks(&app, "recorded duplicates").await, json!([{ "recorded": 1, "duplicates": 0 }]));
    assert_eq!(app.query("{ device(key: \"bike\") { latest { id } } }").await, id, "it is the same sample");
    let flags = app.query("{ device(key: \"bike\") { latest { pm10 flags } } }").await;
    assert_eq!(flags["device"]["latest"], json!({ "pm10": 7.0, "flags": ["AMBIGUOUS_PACKET"] }));
    let judged_by: Option<f32> =
        sqlx::query_scalar("select pm10 from latest").fetch_one(&app.database.reads).await.expect("a row");
    assert_eq!(judged_by, Some(7.0), "what the next sample is judged by");
    assert_eq!(replay_all(&app).await, (0, 1));

    // And a value that should never have been stored is removed.
    fix(&app, 0, &sample_json(8)).await;
    assert_eq!(replay_all(&app).await, (1, 0));
    assert_eq!(rows(&app, &["weather"]).await, [] as [&str; 0]);
}

#[tokio::test]
async fn rows_that_others_brought_are_left_alone() {
    let app = TestApp::new().await;
    for body in [&json!([sample_json(1), sample_json(2)]), &sample_json(3), &sample_json(1)] {
        post(&app, &app.admin, body).await;
    }
    assert_eq!(stored(&app).await.len(), 3);
    fix(&app, 0, &json!([sample_json(4), sample_json(3)])).await;
    // 1 and 2 are removed; 4 takes the place of the first; 3 exists; and 1 comes again with the third uplink.
    assert_eq!(replay_all(&app).await, (2, 2));
    let contents: BTreeSet<_> = stored(&app).await.iter().map(|(_, pm10, _)| pm10.map(f32::to_bits)).collect();
    assert_eq!(contents, [4.0, 3.0, 1.0].map(|pm10: f32| Some(pm10.to_bits())).into());
    // The first body contains 3 now, before the second did.
    assert_eq!(
        uplinks(&app, "recorded duplicates").await,
        json!([{ "recorded": 1, "duplicates": 0 }, { "recorded": 0, "duplicates": 1 }, { "recorded": 2, "duplicates": 0 }])
    );
}

#[tokio::test]
async fn next_row_replaces_a_removed_first_row_of_a_time() {
    let app = TestApp::new().await;
    post(&app, &app.admin, &with_temperature(1, 17.0)).await;
    post(&app, &app.admin, &with_temperature(2, 18.0)).await;
    fix(&app, 0, &with_temperature(2, 18.0)).await;
    assert_eq!(replay_all(&app).await, (0, 2));
    assert_eq!(stored(&app).await, [(0, Some(2.0), Some(18.0))]);
    let latest = app.query("{ device(key: \"bike\") { latest { pm10 weather { temperature } } } }").await;
    assert_eq!(latest["device"]["latest"], json!({ "pm10": 2.0, "weather": { "temperature": 18.0 } }));
    post(&app, &app.admin, &sample_json(3)).await;
    assert_eq!(stored(&app).await.len(), 2);
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
async fn a_revoked_key_is_no_hindrance_but_a_bound_one_stays_bound() {
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
async fn a_replay_goes_on_where_the_one_before_ended() {
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

const DEVICES: [&str; 3] = ["a", "b", "c"];

/// A sample: its device, its second, its PM10, its temperature.
type BodySample = (usize, i64, u8, Option<u8>);

fn body(samples: &[BodySample]) -> Value {
    let sample = |&(device, second, pm10, temperature): &BodySample| {
        let time = crate::support::at("2026-05-01T10:00:00Z") + TimeDelta::seconds(second);
        let mut sample = json!({ "device": DEVICES[device], "time": time, "pm10": pm10 });
        if let Some(temperature) = temperature {
            sample["temperature"] = temperature.into();
        }
        sample
    };
    samples.iter().map(sample).collect::<Vec<_>>().into()
}

/// Whatever was recorded before: after a replay the stored samples are those of the current bodies, each once; a second
/// replay changes nothing, and neither do two at once, one of them at another gateway.
#[tokio::test]
async fn random_bodies_after_a_fix_are_stored_as_if_they_had_been_right_from_the_start() {
    let options = empty_database().await;
    let (app, other) = (TestApp::on(&options, true).await, TestApp::on_second(&options).await);
    // Each uplink has its own times, within which the fix changes values; some times are shared.
    let one = (0..DEVICES.len(), 0..4_i64, 0..3_u8, proptest::option::of(0..2_u8));
    let some =
        proptest::collection::vec(proptest::collection::vec((one, 0..3_u8, proptest::option::of(0..2_u8)), 1..8), 40);
    let mut runner =
        TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(20_260_502), ..ProptestConfig::default() });
    let some = some.new_tree(&mut runner).expect("input").current();
    let mut expected = BTreeSet::new();
    for uplink in &some {
        post(&app, &app.admin, &body(&uplink.iter().map(|(old, ..)| *old).collect::<Vec<_>>())).await;
    }
    for (place, uplink) in some.iter().enumerate() {
        let new: Vec<BodySample> = uplink
            .iter()
            .map(|((device, second, ..), pm10, temperature)| (*device, *second, *pm10, *temperature))
            .collect();
        expected.extend(new.iter().copied());
        fix(&app, place, &body(&new)).await;
    }
    replay_all(&app).await;
    let check = async |expected: &BTreeSet<BodySample>| {
        let found: Vec<(String, i64, f32, Option<f64>)> = sqlx::query_as(
            "select key, extract(epoch from measured_at - timestamptz '2026-05-01 10:00Z')::bigint, pm10, temperature
             from measurement join device using (device_id) left join weather using (device_id, measured_at, seq)",
        )
        .fetch_all(&app.database.reads)
        .await
        .expect("rows");
        let rows = found.len();
        let found: BTreeSet<_> = found
            .into_iter()
            .map(|(device, second, pm10, temperature)| format!("{device} {second} {pm10} {temperature:?}"))
            .collect();
        let expected: BTreeSet<_> = expected
            .iter()
            .map(|&(device, second, pm10, temperature)| {
                format!("{} {second} {pm10} {:?}", DEVICES[device], temperature.map(f64::from))
            })
            .collect();
        assert_eq!((&found, rows), (&expected, expected.len()));
        let wrong: (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from (select from measurement group by device_id, measured_at having min(seq) <> 0) m),
                    (select count(*) from latest
                     where (measured_at, seq) is distinct from (
                         select (measured_at, seq) from measurement m where m.device_id = latest.device_id
                         order by measured_at desc, seq desc limit 1)),
                    (select count(*) from weather left join measurement m using (device_id, measured_at, seq)
                     where m.device_id is null)",
        )
        .fetch_one(&app.database.reads)
        .await
        .expect("counts");
        assert_eq!(wrong, (0, 0, 0), "moments without a first row, `latest`, readings without their row");
    };
    check(&expected).await;
    let before = rows(&app, &EVERYTHING).await;
    replay_all(&app).await;
    assert_eq!(rows(&app, &EVERYTHING).await, before);

    for (place, uplink) in some.iter().enumerate() {
        let old: Vec<_> = uplink.iter().map(|(old, ..)| *old).collect();
        fix(&app, place, &body(&old)).await;
    }
    expected.clear();
    expected.extend(some.iter().flatten().map(|(old, ..)| *old));
    let elsewhere = async {
        let body = json!({ "query": REPLAY, "variables": { "input": { "filter": {} } } }).to_string();
        assert!(other.post("/graphql", Some(&app.admin), body).await.json()["errors"].is_null());
    };
    tokio::join!(replay_all(&app), replay_all(&app), elsewhere);
    replay_all(&app).await; // what one of them took back, another may have found stored a moment before
    check(&expected).await;
}

#[tokio::test]
async fn the_command_replays_what_its_options_say_beside_a_running_gateway() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    for body in ["{", "[", "{"].map(Value::from).iter().chain([&sample_json(5)]) {
        post(&app, &app.admin, body).await;
    }
    for place in 0..2 {
        fix(&app, place, &json!({ "device": "bike", "pm10": place })).await;
    }
    fix(&app, 3, &with_temperature(5, 18.0)).await;
    let run = async |arguments: &[&str]| {
        let output = output(on(&options, &[&["replay"], arguments].concat())).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let message = text(&output.stdout);
        message.split_once(" in ").expect("a time").0.to_owned()
    };
    let before = rows(&app, &EVERYTHING).await;
    let dry = run(&["--all", "--dry-run"]).await;
    assert_eq!(dry, "4 uplinks, 1 undecodable: 3 samples, nothing recorded (--dry-run), 0 rejected");
    assert_eq!(rows(&app, &EVERYTHING).await, before);
    assert_eq!(
        run(&["--format", "influx"]).await,
        "0 uplinks, 0 undecodable: 0 samples recorded, 0 stored before, 0 rejected"
    );
    let one = run(&["--to", "2026-05-01T12:00:01Z", "--format", "json", "--format", "influx"]).await;
    assert_eq!(one, "1 uplinks, 0 undecodable: 1 samples recorded, 0 stored before, 0 rejected");
    assert_eq!(run(&[]).await, "2 uplinks, 1 undecodable: 1 samples recorded, 0 stored before, 0 rejected");
    let recorded = run(&["--outcome", "recorded", "--device", "bike", "--from", "2026-05-01T12:00:01Z"]).await;
    assert_eq!(recorded, "2 uplinks, 0 undecodable: 1 samples recorded, 1 stored before, 0 rejected");
    assert_eq!(run(&["--all"]).await, "4 uplinks, 1 undecodable: 0 samples recorded, 3 stored before, 0 rejected");
    for (arguments, hint) in [
        (&["replay", "--device", "unknown"][..], "--device: there is no device \"unknown\""),
        (&["replay", "--from", "2999-01-01T00:00:00Z"], "--from"),
    ] {
        let message = failure(on(&options, arguments)).await;
        assert!(message.contains(hint), "{message}");
    }
}
