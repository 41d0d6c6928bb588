//! Every kind of query on the same measurements, answered by Citus and by plain Postgres: the answers are equal.
//!
//! `CITUS_COMPARED_ROWS` is the number of measurements, 20,000 without it. With `--nocapture` the test prints how long
//! each query took on both.

use std::{fmt::Write as _, time::Instant};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    api::cases::{cases, response},
    support::{
        TestApp, at, citus_cluster,
        packet::{RawSample, encode, ttn_body},
        postgres::OwnPostgres,
        query_string,
    },
};

const DEFAULT_ROWS: usize = 20_000;
const BIKES: usize = 60;
/// Days on which all bicycles ride, the last of which ends before the time of the gateway.
const DAYS: usize = 12;
const FIRST_DAY: &str = "2026-04-19T09:00:00Z";
/// Rows of an uploaded file.
const FILE_ROWS: usize = 50_000;
/// Packets of eight samples, one after the other; the first ones prepare statements and are not measured.
const PACKETS: usize = 100;
const UNMEASURED_PACKETS: usize = 10;
/// Each query is run this many times; the time is that of the fastest.
const RUNS: usize = 3;
/// Larger totals are estimates, and in a larger archive those that would take long.
const MAX_EXACT_TOTAL: u64 = 100_000;
/// Sums of another order differ in the last digits.
const TOLERANCE: f64 = 1e-9;

/// Queries over all rows, beside those of the cases, each with its name in docs/benchmarks.md.
const QUERIES: [(&str, &str); 14] = [
    ("latest of all devices", "{ devices { nodes { key latest { measuredAt pm25 weather { temperature } } } } }"),
    ("100 of a device", "{ device(key: \"bike-07\") { measurements(first: 100) { nodes { measuredAt pm25 pm10 } } } }"),
    ("10 of each device", "{ devices { nodes { key measurements(first: 10) { totalCount nodes { measuredAt pm10 } } } } }"),
    ("100 of all devices", "{ measurements(first: 100) { nodes { measuredAt device { key } pm25 } } }"),
    (
        "100 in an area",
        "{ measurements(first: 100, filter: {measuredAt: {from: \"2026-04-25T00:00:00Z\"},
               area: {circle: {latitude: 52.21, longitude: 0.13, radius: 700}}}) { nodes { measuredAt device { key } } } }",
    ),
    (
        "100 of devices by value",
        "{ measurements(first: 100, filter: {devices: [\"bike-07\", \"bike-09\", \"bike-11\"], pm10: {min: 30}}) {
               nodes { measuredAt device { key } pm10 } } }",
    ),
    ("statistics of all", "{ statistics(filter: {}) { count pm25 { mean min max standardDeviation } pm10 { mean } } }"),
    ("statistics by device", "{ statistics(filter: {}, groupBy: [DEVICE]) { device { key } count pm25 { mean max } } }"),
    (
        "statistics by hour",
        "{ statistics(filter: {measuredAt: {from: \"2026-04-19T00:00:00Z\", to: \"2026-05-01T12:00:00Z\"}}, every: HOUR) {
               start count pm25 { mean } } }",
    ),
    ("percentiles", "{ statistics(filter: {}) { pm25 { low: percentile(p: 5) median: percentile(p: 50) high: percentile(p: 95) } } }"),
    ("mean temperature", "{ statistics(filter: {}) { quantity(of: TEMPERATURE) { count mean } } }"),
    ("map", "{ cells(filter: {}, resolution: 9) { index count pm25 { mean } } }"),
    (
        "map of an area",
        "{ cells(resolution: 10, filter: {area: {circle: {latitude: 52.21, longitude: 0.13, radius: 1500}}}) {
               index count pm25 { mean } } }",
    ),
    (
        "trips of a day",
        "{ trips(devices: [\"bike-07\", \"bike-09\", \"bike-11\"],
                 measuredAt: {from: \"2026-04-30T00:00:00Z\", to: \"2026-05-01T00:00:00Z\"}) {
               nodes { device { key } start end count pm25 { mean } } } }",
    ),
];

fn compared_rows() -> usize {
    std::env::var("CITUS_COMPARED_ROWS").map_or(DEFAULT_ROWS, |rows| rows.parse().expect("a number"))
}

fn bike(number: usize) -> String {
    format!("bike-{number:02}")
}

/// The lines of all rows: each day every bicycle rides, with a sample every three seconds.
fn lines(rows: usize) -> impl Iterator<Item = String> {
    let each = rows / (BIKES * DAYS);
    let start = at(FIRST_DAY);
    (0..DAYS * BIKES).flat_map(move |ride| {
        let (day, bike_number) = (ride / BIKES, ride % BIKES);
        (0..each).map(move |sample| {
            let seconds = i64::try_from(day * 86_400 + bike_number * 20 + sample * 3).expect("seconds");
            let time = start + TimeDelta::seconds(seconds);
            let along = f64::from(u32::try_from(sample).expect("a sample")) * 2e-5;
            let across = f64::from(u32::try_from(bike_number).expect("a bike")) * 5e-4;
            let value = (ride * 7 + sample) % 97;
            format!(
                "{},{},{:.6},{:.6},{},{}.{},{},{}\n",
                bike(bike_number),
                time.to_rfc3339(),
                52.2 + along,
                0.12 + across,
                value / 2,
                value,
                value % 10,
                sample % 30,
                40 + value % 50,
            )
        })
    })
}

/// Records the same in a gateway; returns the seconds of the files and of the packets.
async fn fill(app: &TestApp, rows: usize) -> (f64, f64) {
    let register = "mutation ($key: String!) { registerDevice(input: {key: $key, kind: MOBILE}) { status } }";
    for number in 0..BIKES {
        app.admin(register, json!({ "key": bike(number) })).await;
    }
    let since = Instant::now();
    let mut lines = lines(rows).peekable();
    while lines.peek().is_some() {
        let mut file = "device,time,latitude,longitude,pm25,pm10,temperature,noise\n".to_owned();
        file.extend(lines.by_ref().take(FILE_ROWS));
        let request = Request::post("/ingest/csv")
            .header(header::AUTHORIZATION, format!("Bearer {}", app.admin))
            .header(header::CONTENT_TYPE, "text/csv");
        let answer = app.send(request.body(Body::from(file)).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.json()["rejected"]["count"], 0, "{}", answer.text);
    }
    let files = since.elapsed().as_secs_f64();
    let mut since = Instant::now();
    for packet in 0..UNMEASURED_PACKETS + PACKETS {
        if packet == UNMEASURED_PACKETS {
            since = Instant::now();
        }
        let time = at("2026-05-01T11:00:00Z") + TimeDelta::seconds(24 * i64::try_from(packet).expect("a packet"));
        let sample = |n: u32| RawSample::new(52.2 + f64::from(n) * 1e-4, 0.12, f64::from(n + 10), f64::from(n));
        let samples: Vec<_> = (0..8).map(sample).collect();
        let answer = app.uplink(ttn_body("bike-99", &time.to_rfc3339(), &encode(&samples)).to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        app.clock.advance(TimeDelta::seconds(1)); // uplinks of the same time have no order
    }
    (files, since.elapsed().as_secs_f64())
}

/// Where two answers differ, as a path and both values. Totals that are estimates may.
fn difference(path: &str, plain: &Value, citus: &Value) -> Option<String> {
    match (plain, citus) {
        (Value::Object(plain), Value::Object(citus)) if plain.len() == citus.len() => {
            plain.iter().find_map(|(name, value)| {
                difference(&format!("{path}.{name}"), value, citus.get(name).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(plain), Value::Array(citus)) if plain.len() == citus.len() => {
            let pairs = plain.iter().zip(citus).enumerate();
            pairs.into_iter().find_map(|(index, (plain, citus))| difference(&format!("{path}[{index}]"), plain, citus))
        }
        (Value::Number(first), Value::Number(_))
            if path.ends_with(".totalCount")
                && (first.as_u64() > Some(MAX_EXACT_TOTAL) || compared_rows() > DEFAULT_ROWS) =>
        {
            None
        }
        (Value::Number(first), Value::Number(second)) => {
            let (first, second) = (first.as_f64().expect("a number"), second.as_f64().expect("a number"));
            let is_equal = (first - second).abs() <= TOLERANCE * first.abs().max(second.abs());
            (!is_equal).then(|| format!("{path}: {first} and {second}"))
        }
        _ => (plain != citus).then(|| format!("{path}: {plain} and {citus}").chars().take(500).collect()),
    }
}

/// Runs a query several times; returns its answer and the shortest time in milliseconds.
async fn timed(query: impl AsyncFn() -> Value) -> (Value, f64) {
    let (mut answer, mut shortest) = (Value::Null, f64::INFINITY);
    for _ in 0..RUNS {
        let since = Instant::now();
        answer = query().await;
        shortest = shortest.min(since.elapsed().as_secs_f64() * 1000.0);
    }
    (answer, shortest)
}

#[tokio::test(flavor = "multi_thread")]
async fn citus_answers_like_plain_postgres() {
    if citus_cluster::is_missing() {
        return;
    }
    let postgres = OwnPostgres::start(&["shared_buffers=256MB"]).await;
    let (plain, citus) = (TestApp::on_new(&postgres.options).await, TestApp::new().await);
    let rows = compared_rows();
    let ((plain_files, plain_packets), (citus_files, citus_packets)) =
        (fill(&plain, rows).await, fill(&citus, rows).await);
    for app in [&plain, &citus] {
        sqlx::query("analyze").execute(&app.database.jobs).await.expect("analyzed");
    }

    let mut table =
        format!("{:40} {:>9} {:>9} {:>7}\n", format!("{rows} measurements"), "plain ms", "Citus ms", "ratio");
    let mut add_line = |name: &str, plain: f64, citus: f64| {
        writeln!(table, "{name:40} {plain:9.1} {citus:9.1} {:6.1}×", citus / plain).expect("a String takes it");
    };
    add_line("files", plain_files * 1000.0, citus_files * 1000.0);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let per_packet = |seconds: f64| seconds * 1000.0 / PACKETS as f64;
    add_line("packet of 8, one connection", per_packet(plain_packets), per_packet(citus_packets));

    let mut different = Vec::new();
    for (name, query) in QUERIES {
        let ask = async |app: &TestApp| timed(async || app.query(query).await).await;
        let ((expected, plain_ms), (found, citus_ms)) = (ask(&plain).await, ask(&citus).await);
        add_line(name, plain_ms, citus_ms);
        different.extend(difference(name, &expected, &found));
    }
    for case in ["queries", "statements"].into_iter().flat_map(cases) {
        let ask = async |app: &TestApp| timed(async || response(app, &case).await).await;
        let ((expected, plain_ms), (found, citus_ms)) = (ask(&plain).await, ask(&citus).await);
        add_line(&case.name, plain_ms, citus_ms);
        different.extend(difference(&case.name, &expected, &found));
    }
    for (file, parameters) in [
        (
            "measurements.csv",
            [("device", "bike-07"), ("columns", "device,measured_at,latitude,pm2_5,temperature,flags")],
        ),
        ("measurements.ndjson", [("from", "2026-04-30T00:00:00Z"), ("columns", "device,measured_at,pm10,noise")]),
    ] {
        let path = format!("/export/{file}?{}", query_string(&parameters));
        let export = async |app: &TestApp| timed(async || app.get(&path).await.text.into()).await;
        let ((expected, plain_ms), (found, citus_ms)) = (export(&plain).await, export(&citus).await);
        add_line(&format!("export {file}"), plain_ms, citus_ms);
        different.extend(difference(file, &expected, &found));
    }
    println!("{table}");
    assert!(different.is_empty(), "{different:#?}");
}
