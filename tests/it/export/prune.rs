//! Months that are removed from the database after they were archived: what stays, what responses say, and how they come back.

use std::{fs, process::Stdio, time::Duration};

use airgraph::{
    clock::Clock,
    config::security::SecuritySettings,
    db::feed,
    limits::{ExportLimits, Limits},
};
use axum::{body::Body, http::Request};
use chrono::Datelike as _;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::archive::{archive, filled, manifest, run};
use crate::support::{
    TestApp, empty_database,
    gateway::{DEADLINE, on},
    live::payloads,
    rollups::assert_rollups_match,
};

/// Prunes January and February of 2026; later months are kept.
async fn prune(options: &PgConnectOptions, folder: &TempDir) -> (bool, String) {
    archive(options, folder, &["--prune", "--keep-months", &kept_months()]).await
}

/// Number of finished months from March of 2026 on.
pub(super) fn kept_months() -> String {
    kept_months_from(2026, 3)
}

/// Number of finished months from this one on.
fn kept_months_from(year: i32, month: u32) -> String {
    let now = Clock::system().now();
    (i64::from(now.year() - year) * 12 + i64::from(now.month()) - i64::from(month)).to_string()
}

/// Removes what subscribers could still receive.
pub(super) async fn trim_feed(app: &TestApp) {
    feed::trim_before(&app.database.writes, "2100-01-01T00:00:00Z".parse().expect("a time")).await.expect("trimmed");
}

/// The rows of tables as text, without the uplinks that contained them.
pub(super) async fn dump(db: &mut PgConnection, tables: &[&'static str]) -> Vec<String> {
    let mut rows = Vec::new();
    for table in tables {
        let statement = format!("select (to_jsonb(t) - 'uplink_id')::text from {table} t order by 1");
        rows.extend(
            sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(statement)).fetch_all(&mut *db).await.expect("rows"),
        );
    }
    rows
}

pub(super) const ROWS: [&str; 5] = ["measurement", "weather", "ambient", "motion", "device_status"];
const DERIVED: [&str; 3] = ["device_hour", "cell_hour", "latest"];

pub(super) async fn count_rows_before_march(db: &mut PgConnection) -> i64 {
    let count = sqlx::query_scalar("select count(*) from measurement where measured_at < '2026-03-01Z'");
    count.fetch_one(db).await.expect("a count")
}

async fn count_pruned_months(db: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from pruned_month").fetch_one(db).await.expect("a count")
}

/// The months that a response names as archived.
async fn archived(app: &TestApp, query: &str) -> Value {
    let response = app.graphql(None, query, json!({})).await;
    assert_eq!(response["errors"], Value::Null, "{response:#}");
    response["extensions"]["archived"]["months"].clone()
}

const LATEST: &str = "{ devices { nodes { key latest { measuredAt pm25 weather { temperature } } } } }";
const DAILY: &str = "{ statistics(filter: {measuredAt: {from: \"2026-01-01T00:00:00Z\"}}, every: DAY) {
    start count pm25 { mean min max standardDeviation } } }";
const PERCENTILE: &str =
    "{ statistics(filter: {measuredAt: {from: \"2026-01-01T00:00:00Z\", to: \"2026-02-01T00:00:00Z\"}}) {
    pm25 { percentile(p: 50) } } }";
const JANUARY: &str = "{ measurements(filter: {measuredAt: {to: \"2026-02-01T00:00:00Z\"}}) { nodes { measuredAt } } }";

async fn record_at(app: &TestApp, time: &str) -> Value {
    let mutation = "mutation ($measurements: [MeasurementInput!]!) {
        recordMeasurements(input: {measurements: $measurements}) { recorded rejected { code } } }";
    let samples = json!([{ "device": "b0", "measuredAt": time, "pm25": 3 }]);
    app.admin(mutation, json!({ "measurements": samples })).await["recordMeasurements"].take()
}

#[tokio::test]
async fn pruned_month_keeps_rollups_and_latest_and_is_named_until_it_is_restored() {
    let (options, app) = filled().await;
    let mut db = options.connect().await.expect("a connection");
    let folder = TempDir::new().expect("a folder");
    let (ok, text) = prune(&options, &folder).await;
    assert!(ok && text.contains("2026-01: 100 rows: kept in the database: recorded recently"), "{text}");
    assert_eq!(count_rows_before_march(&mut db).await, 200);
    trim_feed(&app).await;
    let (rows, derived) = (dump(&mut db, &ROWS).await, dump(&mut db, &DERIVED).await);
    let (latest, daily) = (app.query(LATEST).await, app.query(DAILY).await);

    let (ok, text) = prune(&options, &folder).await;
    assert!(ok && text.contains("2026-01: 100 rows: removed") && text.contains("2026-02: 100 rows: removed"), "{text}");
    assert!(text.contains("2026-04: ") && text.contains("one of the newest months"), "{text}");
    assert_eq!(count_rows_before_march(&mut db).await, 6, "the newest of each device in each month");
    assert_eq!(dump(&mut db, &DERIVED).await, derived);
    assert_eq!((app.query(LATEST).await, app.query(DAILY).await), (latest, daily));

    let months = json!(["2026-01", "2026-02"]);
    for exact in [LATEST, DAILY, "{ measurements(first: 5) { nodes { measuredAt } } }"] {
        assert_eq!(archived(&app, exact).await, Value::Null, "{exact}");
    }
    assert_eq!(archived(&app, PERCENTILE).await, json!(["2026-01"]));
    assert_eq!(archived(&app, JANUARY).await, json!(["2026-01"]));
    for open in [
        "{ measurements(orderBy: MEASURED_AT_ASC, first: 5) { nodes { measuredAt } } }",
        "{ measurements(first: 1) { totalCount } }",
        "{ devices { nodes { measurements(first: 500) { nodes { pm25 } } } } }",
        "{ trips(devices: [\"b0\"], measuredAt: {from: \"2026-01-20T00:00:00Z\", to: \"2026-02-05T00:00:00Z\"}) { nodes { distance } } }",
    ] {
        assert_eq!(archived(&app, open).await, months, "{open}");
    }
    let listed = app.query("{ server { prunedMonths { start end measurements prunedAt } } }").await;
    let january = &listed["server"]["prunedMonths"][0];
    assert_eq!((&january["start"], &january["end"]), (&json!("2026-01-01T00:00:00Z"), &json!("2026-02-01T00:00:00Z")));
    assert!(january["measurements"] == 100 && january["prunedAt"].is_string(), "{january}");

    let header = "airgraph-archived-months";
    let of_all = app.get("/export/measurements.csv").await;
    assert_eq!(of_all.headers[header], "2026-01, 2026-02");
    assert!(!app.get("/export/measurements.csv?from=2026-04-01T00:00:00Z").await.headers.contains_key(header));
    assert!(!app.get("/export/statistics.csv?every=DAY&from=2026-01-01T00:00:00Z").await.headers.contains_key(header));
    let description = app.get("/export/measurements.csv-metadata.json").await.json();
    assert_eq!(description["airgraph:archivedMonths"], months);

    let late = record_at(&app, "2026-01-05T00:00:00Z").await;
    assert_eq!(late, json!({ "recorded": 0, "rejected": [{ "code": "MONTH_ARCHIVED" }] }));
    for (field, input) in [
        ("deleteMeasurements", "filter: {measuredAt: {to: \"2026-02-15T00:00:00Z\"}}"),
        ("deleteDevice", "key: \"b0\""),
    ] {
        let response = app
            .graphql(Some(&app.admin), &format!("mutation {{ {field}(input: {{{input}}}) {{ status }} }}"), json!({}))
            .await;
        let message = response["errors"][0]["message"].as_str().expect("an error");
        assert!(message.contains("archived months (2026-01, 2026-02)"), "{message}");
    }
    // A gateway that does not know these months is refused by the database.
    let stale = sqlx::raw_sql("delete from measurement where measured_at < '2026-02-01Z'").execute(&mut db).await;
    assert!(stale.expect_err("refused").to_string().contains("the measurements of 2026-01 are in an archive"));

    let (ok, text) = archive(&options, &folder, &[]).await;
    assert!(ok && text.contains("2026-01: 100 rows, no longer in the database"), "{text}");
    let (ok, text) = archive(&options, &folder, &["--verify"]).await;
    assert!(ok && text.contains("2026-01: 100 rows: correct"), "{text}");

    let (ok, text) = run(&options, &["import", folder.path().to_str().expect("text")]).await;
    assert!(ok && text.contains("2026-01 restored: 100 measurements, 97 of them inserted"), "{text}");
    assert_eq!((dump(&mut db, &ROWS).await, dump(&mut db, &DERIVED).await), (rows, derived));
    assert_eq!(archived(&app, JANUARY).await, Value::Null);
    assert_eq!(record_at(&app, "2026-01-05T00:00:00Z").await, json!({ "recorded": 1, "rejected": [] }));
    assert_rollups_match(&mut db).await;
}

#[tokio::test]
async fn event_names_the_months_that_it_lacks() {
    let (options, app) = filled().await;
    trim_feed(&app).await;
    let folder = TempDir::new().expect("a folder");
    assert!(prune(&options, &folder).await.0);
    let months = json!(["2026-01", "2026-02"]);
    for (fields, expected) in [("pm25 { percentile(p: 50) }", &months), ("count", &Value::Null)] {
        let query = format!("subscription {{ statisticsUpdated(devices: [\"b0\"], every: YEAR) {{ {fields} }} }}");
        let event = payloads(&mut app.subscribe(&query).await, 1).await.remove(0);
        assert_eq!((&event["errors"], &event["extensions"]["archived"]["months"]), (&Value::Null, expected), "{event}");
    }
    // Of two events that are rendered together, one lacks measurements: the newest three of its device.
    let sample = |device: &str, second: u32| json!({ "device": device, "measuredAt": format!("2026-05-01T09:00:0{second}Z"), "pm25": 1 });
    app.record([0, 1, 2].map(|second| sample("new", second)).to_vec().into()).await;
    let query = "subscription { measurementRecorded { measurement { device { key measurements(first: 3) { nodes { pm25 } } } } } }";
    let mut subscriber = app.subscribe(query).await;
    app.record(json!([sample("b0", 3), sample("new", 3)])).await;
    for event in payloads(&mut subscriber, 2).await {
        let key = &event["data"]["measurementRecorded"]["measurement"]["device"]["key"];
        let expected = if key == "b0" { &months } else { &Value::Null };
        assert_eq!(&event["extensions"]["archived"]["months"], expected, "{event}");
    }
}

#[tokio::test]
async fn month_of_a_year_partition_is_pruned_and_restored_beside_the_others() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let sample = |day: u32, month: u32| {
        json!({ "device": format!("b{}", day % 2), "measuredAt": format!("2023-{month:02}-{day:02}T10:00:00Z"), "pm25": day,
                "weather": { "temperature": month } })
    };
    app.record((1..=20).flat_map(|day| [5, 6].map(|month| sample(day, month))).collect()).await;
    let mut db = options.connect().await.expect("a connection");
    let count = async |db: &mut PgConnection, month: u32| {
        let count = sqlx::query_scalar::<_, i64>(
            "select count(*) from measurement_2023 where extract(month from measured_at) = $1",
        );
        count.bind(i64::from(month)).fetch_one(db).await.expect("a count")
    };
    assert_eq!((count(&mut db, 5).await, count(&mut db, 6).await), (20, 20), "a partition for the year");
    trim_feed(&app).await;
    let (rows, derived) = (dump(&mut db, &ROWS).await, dump(&mut db, &DERIVED).await);
    let folder = TempDir::new().expect("a folder");
    let (ok, text) = archive(&options, &folder, &["--prune", "--keep-months", &kept_months_from(2023, 6)]).await;
    assert!(ok && text.contains("2023-05: 20 rows: removed") && text.contains("2023-06: 20 rows: kept"), "{text}");
    assert_eq!((count(&mut db, 5).await, count(&mut db, 6).await), (2, 20), "the newest of each device");
    assert_eq!(dump(&mut db, &DERIVED).await, derived);
    let all = "{ measurements(orderBy: MEASURED_AT_ASC, first: 50) { nodes { measuredAt } } }";
    assert_eq!(archived(&app, all).await, json!(["2023-05"]));

    // The trigger is that of the partition, which closes one month of it.
    let late = record_at(&app, "2023-05-25T00:00:00Z").await;
    assert_eq!(late["rejected"], json!([{ "code": "MONTH_ARCHIVED" }]));
    let stale = sqlx::raw_sql("delete from measurement where measured_at < '2023-06-01Z'").execute(&mut db).await;
    assert!(stale.expect_err("refused").to_string().contains("the measurements of 2023-05 are in an archive"));
    let (ok, text) = run(&options, &["import", folder.path().to_str().expect("text")]).await;
    assert!(ok && text.contains("2023-05 restored: 20 measurements, 18 of them inserted"), "{text}");
    assert_eq!((dump(&mut db, &ROWS).await, dump(&mut db, &DERIVED).await), (rows, derived));
    assert_eq!(record_at(&app, "2023-05-25T00:00:00Z").await["recorded"], 1);
    assert_rollups_match(&mut db).await;
}

#[tokio::test]
async fn other_months_of_a_year_partition_stay_open() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let samples = ["2023-05-01", "2023-05-02", "2023-06-01"];
    app.record(
        samples
            .map(|day| json!({ "device": "b0", "measuredAt": format!("{day}T00:00:00Z"), "pm25": 1 }))
            .to_vec()
            .into(),
    )
    .await;
    trim_feed(&app).await;
    let folder = TempDir::new().expect("a folder");
    let (ok, text) = archive(&options, &folder, &["--prune", "--keep-months", &kept_months_from(2023, 6)]).await;
    assert!(ok && text.contains("2023-05: 2 rows: removed"), "{text}");
    assert_eq!(record_at(&app, "2023-06-25T00:00:00Z").await, json!({ "recorded": 1, "rejected": [] }));
    let delete = "mutation { deleteMeasurements(input: {filter: {measuredAt: {from: \"2023-06-01T00:00:00Z\"}}}) { status measurements } }";
    assert_eq!(
        app.admin(delete, json!({})).await["deleteMeasurements"],
        json!({ "status": "DELETED", "measurements": 2 })
    );
}

#[tokio::test]
async fn month_whose_file_differs_from_the_database_stays() {
    let (options, app) = filled().await;
    let mut db = options.connect().await.expect("a connection");
    let folder = TempDir::new().expect("a folder");
    assert!(archive(&options, &folder, &[]).await.0);
    trim_feed(&app).await;
    // The file of February under the name of January: as many rows, and the hash that the manifest has for it.
    let mut written = manifest(folder.path());
    let february = written["months"]["2026-02"].clone();
    for member in ["path", "sha256", "bytes"] {
        written["months"]["2026-01"][member] = february[member].clone();
    }
    fs::write(folder.path().join("manifest.json"), written.to_string()).expect("written");
    let path = folder.path().join(february["path"].as_str().expect("a path"));
    let (ok, text) = prune(&options, &folder).await;
    assert!(
        !ok && text.contains("2026-01: 100 rows: the file is not the one")
            && text.contains("2026-02: 100 rows: removed"),
        "{text}"
    );
    assert_eq!(count_rows_before_march(&mut db).await, 103);
    assert_eq!(count_pruned_months(&mut db).await, 1, "January can be changed again");

    let mut bytes = fs::read(&path).expect("a file");
    bytes[100] ^= 1;
    fs::write(&path, bytes).expect("written");
    let (ok, text) = run(&options, &["import", folder.path().to_str().expect("text")]).await;
    assert!(!ok && text.contains("missing, or not as the manifest says"), "{text}");
}

/// Waits until a condition of the database holds.
pub(super) async fn wait_until(mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, reached).await.expect("in time");
}

#[tokio::test]
async fn interrupted_run_leaves_the_month_and_recording_continues_while_it_is_in_use() {
    let (options, app) = filled().await;
    let mut db = options.connect().await.expect("a connection");
    let folder = TempDir::new().expect("a folder");
    assert!(archive(&options, &folder, &[]).await.0);
    trim_feed(&app).await;
    let mut reader = options.connect().await.expect("a connection");
    let mut reading = reader.begin().await.expect("a transaction");
    let first = sqlx::raw_sql("select 1 from measurement_2026_01 limit 1");
    first.execute(&mut *reading).await.expect("read");

    let kept = kept_months();
    let arguments = ["archive", "--to", folder.path().to_str().expect("text"), "--prune", "--keep-months", &kept];
    let start =
        || on(&options, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("airgraph starts");
    let mut process = start();
    wait_until(async || count_pruned_months(&mut db).await == 2).await;
    process.kill().expect("killed");
    process.wait().expect("a status");
    assert!(archive(&options, &folder, &[]).await.0);
    assert_eq!(count_pruned_months(&mut db).await, 0, "the next run opens the months");
    assert_eq!(count_rows_before_march(&mut db).await, 200);

    let mut process = start();
    wait_until(async || count_pruned_months(&mut db).await == 2).await;
    for second in 0..5 {
        let sample = json!({ "device": "b0", "measuredAt": format!("2026-05-01T00:00:{second:02}Z"), "pm25": 1 });
        app.record(json!([sample])).await;
    }
    reading.rollback().await.expect("the end of the transaction");
    let status = tokio::task::spawn_blocking(move || process.wait()).await.expect("no panic");
    assert!(status.expect("a status").success());
    assert_eq!(count_rows_before_march(&mut db).await, 6);
}

#[tokio::test]
async fn export_that_began_before_a_month_was_pruned_is_broken_off() {
    let options = empty_database().await;
    let limits = Limits { exports: ExportLimits { page_rows: 10, ..ExportLimits::default() }, ..Limits::default() };
    let app = TestApp::with_security_on(&options, SecuritySettings::default(), limits).await;
    let sample = |n: u32| json!({ "device": "a", "measuredAt": format!("2026-01-{:02}T{:02}:00:00Z", 1 + n / 24, n % 24), "pm25": 1 });
    app.record((0..600).map(sample).collect()).await;
    let request = Request::get("/export/measurements.csv?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z");
    let response = app.app.router().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    assert!(!response.headers().contains_key("airgraph-archived-months"));
    let mut chunks = response.into_body().into_data_stream();
    chunks.next().await.expect("a chunk").expect("the header");
    let mut db = options.connect().await.expect("a connection");
    let insert = sqlx::raw_sql("insert into pruned_month (month, measurements, sha256) values ('2026-01-01', 600, '')");
    insert.execute(&mut db).await.expect("inserted");
    wait_until(async || !app.recorder.pruned_months.current().await.is_empty()).await;
    let rest: Vec<_> = chunks.collect().await;
    assert!(rest.last().is_some_and(Result::is_err), "{} chunks", rest.len());
}
