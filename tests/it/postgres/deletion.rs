//! Deleting measurements: the matching rows go, with all data derived from them, and nothing else.

use std::time::{Duration, Instant};

use airgraph::limits::{DeletionLimits, Limits};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::{
    limits::timeouts::{lock_table, wait_for_lock_waiters},
    support::{
        TestApp, at,
        packet::{RawSample, encode, ttn_body},
        rollups::assert_rollups_match,
    },
};

const DELETE: &str = "mutation ($input: DeleteMeasurementsInput!) { deleteMeasurements(input: $input) {
    status measurements devices firstMeasuredAt lastMeasuredAt } }";

async fn delete(app: &TestApp, filter: Value, dry_run: bool) -> Value {
    let input = json!({ "filter": filter, "dryRun": dry_run });
    app.admin(DELETE, json!({ "input": input })).await["deleteMeasurements"].take()
}

async fn refusal(app: &TestApp, key: Option<&str>, input: Value) -> (String, String) {
    let answer = app.graphql(key, DELETE, json!({ "input": input })).await;
    let text = |name: &str| answer["errors"][0]["extensions"][name].as_str().unwrap_or("none").to_owned();
    (text("code"), text("argument"))
}

async fn rollups_are_true(app: &TestApp) {
    assert_rollups_match(&mut app.database.reads.acquire().await.expect("a connection")).await;
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let statement = AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(statement).fetch_one(&app.database.reads).await.expect("a count")
}

/// All rows of all tables, as text.
async fn everything(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["measurement", "weather", "latest", "packet", "uplink", "device", "device_hour", "cell_hour"] {
        let statement = AssertSqlSafe(format!("select t::text from {table} t order by 1"));
        let found: Vec<String> = sqlx::query_scalar(statement).fetch_all(&app.database.reads).await.expect("rows");
        rows.extend(found);
    }
    rows
}

/// Samples of two devices, one each ten minutes from nine o'clock on.
async fn recorded() -> TestApp {
    let app = TestApp::new().await;
    let samples = ["a", "b"].into_iter().flat_map(|device| {
        (0..12).map(move |n| {
            let time = at("2026-05-01T09:00:00Z") + TimeDelta::minutes(10) * n;
            json!({ "device": device, "measuredAt": time, "pm10": n, "latitude": 52.2, "longitude": 0.12,
                    "weather": { "temperature": n } })
        })
    });
    app.record(samples.collect()).await;
    app
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let app = recorded().await;
    let before = everything(&app).await;
    let span = json!({ "measuredAt": { "from": "2026-05-01T10:00:00Z" }, "pm10": { "max": 9 } });
    assert_eq!(
        delete(&app, span, true).await,
        json!({ "status": "DRY_RUN", "measurements": 8, "devices": 2,
                "firstMeasuredAt": "2026-05-01T10:00:00Z", "lastMeasuredAt": "2026-05-01T10:30:00Z" })
    );
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn matching_rows_are_deleted_from_all_tables_and_others_kept() {
    let app = recorded().await;
    let filter = json!({ "devices": ["a"], "measuredAt": { "from": "2026-05-01T10:20:00Z" } });
    assert_eq!(
        delete(&app, filter.clone(), false).await,
        json!({ "status": "DELETED", "measurements": 4, "devices": 1,
                "firstMeasuredAt": "2026-05-01T10:20:00Z", "lastMeasuredAt": "2026-05-01T10:50:00Z" })
    );
    let response = app
        .query(
            "{ a: device(key: \"a\") { measurements { totalCount } latest { measuredAt pm10 weather { temperature } } }
        b: device(key: \"b\") { measurements { totalCount } latest { pm10 } } }",
        )
        .await;
    assert_eq!(
        response,
        json!({ "a": { "measurements": { "totalCount": 8 }, "latest": { "measuredAt": "2026-05-01T10:10:00Z", "pm10": 7.0,
                       "weather": { "temperature": 7.0 } } },
                "b": { "measurements": { "totalCount": 12 }, "latest": { "pm10": 11.0 } } })
    );
    assert_eq!(count(&app, "weather").await, 20);
    assert_eq!(count(&app, "uplink").await, 1);
    rollups_are_true(&app).await;
    let left: (i32, Option<f32>) = sqlx::query_as(
        "select h.count, pm10_max from device_hour h join device using (device_id)
         where key = 'a' and hour = '2026-05-01 10:00Z'",
    )
    .fetch_one(&app.database.reads)
    .await
    .expect("an hour");
    assert_eq!(left, (2, Some(7.0)));

    // Repeating the deletion matches nothing; later samples continue from the remaining ones.
    let nothing = json!({ "status": "NOTHING_FOUND", "measurements": 0, "devices": 0, "firstMeasuredAt": null, "lastMeasuredAt": null });
    assert_eq!(delete(&app, filter.clone(), false).await, nothing);
    assert_eq!(delete(&app, filter, true).await, nothing);
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:15:00Z", "pm10": 507 }])).await;
    let response = app.query("{ device(key: \"a\") { latest { pm10 flags } } }").await;
    assert_eq!(response["device"]["latest"], json!({ "pm10": 507.0, "flags": ["SPIKE"] }), "judged by 7.0");
    rollups_are_true(&app).await;
}

/// The flags of a sample after a deletion depend on the newest remaining sample.
#[tokio::test]
async fn quality_flags_use_the_newest_remaining_sample() {
    let app = recorded().await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:55:00Z", "pm10": 600 }])).await;
    delete(&app, json!({ "pm10": { "min": 600 } }), false).await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:55:00Z", "pm10": 650 }])).await;
    let response = app.query("{ device(key: \"a\") { latest { pm10 flags } } }").await;
    assert_eq!(
        response["device"]["latest"],
        json!({ "pm10": 650.0, "flags": ["SPIKE"] }),
        "after 11.0, not after 600.0"
    );
}

#[tokio::test]
async fn device_without_remaining_samples_has_no_latest_and_no_packet() {
    let app = TestApp::new().await;
    let packet = encode(&[RawSample::new(52.2, 0.12, 30.0, 20.0); 8]);
    for (device, time) in [("bike", "2026-05-01T10:30:00Z"), ("other", "2026-05-01T10:30:00Z")] {
        let mut body = ttn_body(device, time, &packet);
        body["counter"] = json!(1);
        assert_eq!(app.uplink(body.to_string()).await.status, 201);
    }
    assert_eq!((count(&app, "packet").await, count(&app, "latest").await), (2, 2));
    assert_eq!(delete(&app, json!({ "devices": ["bike"] }), false).await["measurements"], 8);
    let response = app.query("{ device(key: \"bike\") { key latest { id } measurements { totalCount } } }").await;
    assert_eq!(response["device"], json!({ "key": "bike", "latest": null, "measurements": { "totalCount": 0 } }));
    assert_eq!((count(&app, "packet").await, count(&app, "latest").await), (1, 1));
    assert_eq!((count(&app, "device_hour").await, count(&app, "cell_hour").await), (1, 1));
    rollups_are_true(&app).await;

    // The uplinks are kept, and a replay restores the measurements.
    let replay = "mutation { replayUplinks(input: {filter: {}}) { recorded duplicates } }";
    let response = app.admin(replay, json!({})).await;
    assert_eq!(response["replayUplinks"], json!({ "recorded": 8, "duplicates": 8 }));
    rollups_are_true(&app).await;
}

#[tokio::test]
async fn only_an_admin_deletes_and_an_empty_filter_is_rejected() {
    let app = recorded().await;
    let create = "mutation { createApiKey(input: {name: \"s\", role: SENSOR}) { key } }";
    let sensor = app.admin(create, json!({})).await["createApiKey"]["key"].take();
    let all_of_a = json!({ "filter": { "devices": ["a"] } });
    assert_eq!(refusal(&app, None, all_of_a.clone()).await.0, "UNAUTHENTICATED");
    assert_eq!(refusal(&app, sensor.as_str(), all_of_a).await.0, "FORBIDDEN");
    for (filter, part) in [
        (json!({}), ""),
        (json!({ "and": [{}] }), ".and[0]"),
        (json!({ "or": [{ "devices": ["a"] }, {}] }), ".or[1]"),
        (json!({ "devices": ["a"], "or": [] }), ".or"),
        (json!({ "devices": ["a"], "measuredAt": {} }), ".measuredAt"),
        (json!({ "devices": ["a"], "pm25": {} }), ".pm25"),
        (json!({ "devices": ["a"], "flags": {} }), ".flags"),
        (json!({ "not": { "devices": [] } }), ".not.devices"),
    ] {
        for dry_run in [true, false] {
            let input = json!({ "filter": filter, "dryRun": dry_run });
            let expected = ("BAD_USER_INPUT".to_owned(), format!("input.filter{part}"));
            assert_eq!(refusal(&app, Some(&app.admin), input).await, expected, "{filter}");
        }
    }
    assert_eq!(
        refusal(&app, Some(&app.admin), json!({ "filter": { "pm10": { "min": 2, "max": 1 } } })).await.1,
        "input.filter.pm10"
    );
    let mistyped = json!({ "filter": { "devices": ["a", "mistyped"] } });
    assert_eq!(refusal(&app, Some(&app.admin), mistyped).await.1, "input.filter.devices[1]");
    let mistyped = json!({ "filter": { "not": { "devices": ["mistyped"] } } });
    assert_eq!(refusal(&app, Some(&app.admin), mistyped).await.1, "input.filter.not.devices[0]");
    assert_eq!(count(&app, "measurement").await, 24);
}

/// Root fields of a mutation run one after the other; their arguments are validated before the first one runs.
#[tokio::test]
async fn no_root_field_runs_when_the_arguments_of_another_are_refused() {
    let app = recorded().await;
    let good = "good: deleteMeasurements(input: {filter: {devices: [\"a\"]}}) { measurements }";
    for (bad, argument) in [
        ("deleteMeasurements(input: {filter: {devices: [\"b\"], pm25: {}}}) { measurements }", "input.filter.pm25"),
        ("deleteMeasurements(input: {filter: {measuredAt: $span}}) { measurements }", "input.filter.measuredAt"),
        ("registerDevice(input: {key: \" x\", kind: FIXED}) { status }", "input.key"),
    ] {
        let declared = if bad.contains("$span") { "($span: TimeRange)" } else { "" };
        let mutation = format!("mutation {declared} {{ {good} bad: {bad} }}");
        let answer = app.graphql(Some(&app.admin), &mutation, json!({ "span": {} })).await;
        let extensions = json!({ "code": "BAD_USER_INPUT", "argument": argument });
        assert_eq!((&answer["data"], &answer["errors"][0]["extensions"]), (&Value::Null, &extensions), "{answer}");
        assert_eq!(count(&app, "measurement").await, 24);
    }
}

#[tokio::test]
async fn deletion_returns_the_parsed_filter() {
    let app = recorded().await;
    let mutation = "mutation ($filter: MeasurementFilter!) {
        deleteMeasurements(input: {filter: $filter, dryRun: true}) { filter measurements } }";
    for (filter, text, measurements) in [
        (
            json!({ "devices": ["b", "a"], "measuredAt": { "from": "2026-05-01T10:00:00+01:00" }, "pm10": { "max": 2.5 },
                    "and": [{ "measuredAt": { "to": "2026-05-01T11:00:00Z" }, "pm10": { "min": 1 } }] }),
            "device in (a, b) and measuredAt >= 2026-05-01T09:00:00Z and measuredAt < 2026-05-01T11:00:00Z \
             and pm10 >= 1 and pm10 <= 2.5",
            4,
        ),
        (
            json!({ "or": [{ "devices": ["a"], "pm10": { "min": 11 } },
                           { "not": { "quantities": [{ "quantity": "TEMPERATURE", "max": 10 }] } }] }),
            "((device in (a) and pm10 >= 11) or (not (temperature <= 10)))",
            2,
        ),
        (
            json!({ "area": { "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 50 } },
                    "flags": { "none": ["LATE", "SPIKE"] } }),
            "position within 50 m of (52.2, 0.12) and flags include none of (SPIKE, LATE)",
            24,
        ),
    ] {
        let response = app.admin(mutation, json!({ "filter": filter })).await;
        assert_eq!(response["deleteMeasurements"], json!({ "filter": text, "measurements": measurements }));
    }
}

/// More than one transaction's worth, of one device and of all; runs to the end even if the client disconnects.
#[tokio::test]
async fn large_deletion_completes_in_batches_after_a_disconnect() {
    let app = TestApp::new().await;
    let lines = (0..24_000).map(|n| {
        let time = at("2026-04-30T20:00:00Z") + TimeDelta::seconds(1) * n;
        format!("{},{},{}\n", ["a", "b"][usize::from(n % 3 == 0)], time.to_rfc3339(), n % 100)
    });
    let file = format!("device,time,pm10\n{}", lines.collect::<String>());
    let report = app.post("/ingest/csv", Some(&app.admin), file).await;
    assert!(report.status.is_success(), "{}", report.text);
    let a = json!({ "devices": ["a"], "pm10": { "min": 10 } });
    assert_eq!(delete(&app, a.clone(), true).await["measurements"], 14_400);
    assert_eq!(delete(&app, a, false).await["measurements"], 14_400);
    assert_eq!(count(&app, "measurement").await, 9_600);
    rollups_are_true(&app).await;

    let rest = json!({ "input": { "filter": { "measuredAt": { "from": "2026-04-30T20:00:01Z" } } } });
    let lock = lock_table(&app.database.direct, "measurement").await;
    let mut watch = app.database.direct.connect().await.expect("a connection");
    // Dropped when it waits for the first rows.
    tokio::select! {
        data = app.admin(DELETE, rest) => panic!("it did not wait for the table: {data}"),
        () = wait_for_lock_waiters(&mut watch, 1) => {}
    }
    lock.close().await.expect("closed");
    let since = Instant::now();
    while count(&app, "measurement").await > 1 {
        assert!(since.elapsed() < Duration::from_secs(20), "it stopped half-way");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    rollups_are_true(&app).await;
}

/// A second deletion waits for a bounded time, and is then rejected with a reason.
#[tokio::test]
async fn one_deletion_runs_at_a_time() {
    let turn_timeout = Duration::from_millis(200);
    let app = TestApp::with_limits(Limits { deletions: DeletionLimits { turn_timeout }, ..Limits::default() }).await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let options = app.database.reads.connect_options();
    let mut holder = (*options).clone().application_name("holder").connect().await.expect("a connection");
    let mut watch = options.connect().await.expect("a connection");
    holder.execute("begin; select pg_advisory_xact_lock(107105518813189)").await.expect("the lock of deletions");
    let input = json!({ "filter": { "devices": ["a"] }, "dryRun": false });
    let first = app.graphql(Some(&app.admin), DELETE, json!({ "input": input }));
    let second = async {
        wait_for_lock_waiters(&mut watch, 1).await;
        let body = json!({ "query": DELETE, "variables": { "input": input } }).to_string();
        let refused = app.post("/graphql", Some(&app.admin), body).await;
        holder.execute("commit").await.expect("released");
        refused
    };
    let (first, refused) = tokio::join!(first, second);
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{}", refused.text);
    assert!(refused.text.contains("another deletion is running"), "{}", refused.text);
    assert_eq!(first["data"]["deleteMeasurements"]["status"], "DELETED", "{first}");
    assert_eq!(delete(&app, json!({ "devices": ["a"] }), false).await["status"], "NOTHING_FOUND");
    holder.close().await.expect("closed");
}
