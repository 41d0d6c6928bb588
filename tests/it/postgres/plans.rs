//! How Postgres reads an archive of half a year: the number of rows that a query scans, not its duration. The plans are
//! those of the very statements that the lists run.

use airgraph::domain::{
    cell::{STORED_RESOLUTION, cell_at, to_bigint},
    position::Position,
};
use serde_json::{Value, json};

use crate::support::{
    TestApp, empty_database,
    statements::{Plan, Statements, explained},
};

/// Rows of the archive, one every two minutes.
const ROWS: i32 = 120_000;
/// Places of a town that its twenty devices pass repeatedly.
const PLACES: i32 = 2000;

fn cell(latitude: f64, longitude: f64) -> i64 {
    to_bigint(cell_at(Position::try_new(latitude, longitude).expect("a place"), STORED_RESOLUTION))
}

/// A town over six months, with nearly empty years before; and a village, where one device was for hours in the first month.
async fn archive() -> TestApp {
    let app = TestApp::on(&explained(empty_database().await), true).await;
    // And years before, with a sample a month: the more partitions, the more expensive is planning, and the sooner Postgres
    // would settle for one plan.
    let years = (2021..2026).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    let months: Vec<_> = years.chain(["2026-01", "2026-02", "2026-03", "2026-04"].map(str::to_owned)).collect();
    let first = |month: &String| json!({ "device": "bike-0", "measuredAt": format!("{month}-01T00:00:00Z"), "pm10": 1, "weather": { "humidity": 50 } });
    app.record(months.iter().map(first).collect::<Vec<_>>().into()).await;
    let (mut latitudes, mut longitudes, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..PLACES {
        let (latitude, longitude) = (52.15 + f64::from(place % 50) * 0.002, 0.05 + f64::from(place / 50) * 0.003);
        latitudes.push(latitude);
        longitudes.push(longitude);
        cells.push(cell(latitude, longitude));
    }
    sqlx::query(
        "with place as (select * from unnest($1::float8[], $2::float8[], $3::bigint[]) with ordinality as place (latitude, longitude, cell, number)),
              devices as (insert into device (key, kind, created_at) select 'bike-' || n, 'mobile', now() from generate_series(1, 19) n)
         insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
         select 1 + n % 20, timestamptz '2025-11-01 00:01Z' + n * interval '2 min', 0, n % 7, now(), latitude, longitude, cell, n % 50
         from generate_series(1, $4 - 1) n join place on place.number = 1 + (n::bigint * 7919) % $5",
    )
    .bind(latitudes)
    .bind(longitudes)
    .bind(cells)
    .bind(ROWS)
    .bind(i64::from(PLACES))
    .execute(&app.database.writes)
    .await
    .expect("a town");
    sqlx::query(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
         select 1, timestamptz '2025-11-20 00:00:01Z' + n * interval '1 min', 0, 0, now(), 52.5, 1.5, $1, 7 from generate_series(1, 200) n",
    )
    .bind(cell(52.5, 1.5))
    .execute(&app.database.writes)
    .await
    .expect("a village");
    sqlx::raw_sql(
        "insert into weather (device_id, measured_at, seq, humidity)
         select device_id, measured_at, seq, extract(minute from measured_at) from measurement where pm10 > 10;
         insert into latest select device_id, max(measured_at), 0 from measurement group by device_id on conflict do nothing;
         analyze",
    )
    .execute(&app.database.writes)
    .await
    .expect("the weather");
    app
}

/// The kinds of areas, each around a place.
fn areas(latitude: f64, longitude: f64) -> [Value; 4] {
    let (south, north, west, east) = (latitude - 0.003, latitude + 0.003, longitude - 0.005, longitude + 0.005);
    let corner = |latitude, longitude| json!({ "latitude": latitude, "longitude": longitude });
    let place = Position::try_new(latitude, longitude).expect("a place");
    [
        json!({ "boundingBox": { "south": south, "north": north, "west": west, "east": east } }),
        json!({ "circle": { "latitude": latitude, "longitude": longitude, "radius": 350 } }),
        json!({ "polygon": [corner(south, west), corner(south, east), corner(north, longitude)] }),
        json!({ "cells": [cell_at(place, h3o::Resolution::Nine).to_string()] }),
    ]
}

/// Runs a query often enough that Postgres would have settled for a generic plan, and returns the number of rows that the
/// last statements on measurements scanned. No table of measurements may be read from end to end.
async fn rows_scanned(app: &TestApp, selection: &str, filter: &Value) -> f64 {
    let statements = Statements::watch();
    let query = format!("query ($filter: MeasurementFilter) {{ {selection} }}");
    for _ in 0..5 {
        app.query_with(&query, json!({ "filter": filter })).await;
    }
    let (plans, _) = statements.plans_of(app.query_with(&query, json!({ "filter": filter }))).await;
    let on_measurements: Vec<_> = plans.iter().filter(|plan| plan.statement().contains("measurement m")).collect();
    assert!(!on_measurements.is_empty(), "{plans:#?}");
    let whole: Vec<_> = on_measurements.iter().flat_map(|plan| plan.sequential_scans()).collect();
    let is_large = |table: &&&str| table.starts_with("measurement") || table.starts_with("weather");
    assert_eq!(whole.iter().filter(is_large).count(), 0, "{filter}: {whole:?}");
    on_measurements.iter().map(|plan| plan.rows_scanned()).sum()
}

const NEWEST: &str = "measurements(filter: $filter, first: 50) { nodes { measuredAt } }";
const COUNT: &str = "measurements(filter: $filter) { totalCount }";
const OF_EACH: &str = "devices { nodes { measurements(filter: $filter, first: 5) { nodes { measuredAt } } } }";

#[tokio::test]
async fn queries_scan_few_rows_beyond_their_result() {
    let app = archive().await;
    let town = json!({ "boundingBox": { "south": 52, "north": 53, "west": 0, "east": 1 } });
    let humid = json!([{ "quantity": "HUMIDITY", "min": 30 }]);
    let mut cases = vec![
        (NEWEST, json!({}), 60.0),
        (NEWEST, json!({ "devices": ["bike-3", "bike-4", "bike-5"] }), 500.0),
        (NEWEST, json!({ "measuredAt": { "from": "2026-01-10T10:00:00Z", "to": "2026-01-10T20:00:00Z" } }), 60.0),
        (COUNT, json!({ "measuredAt": { "from": "2026-01-10T10:00:00Z", "to": "2026-01-10T20:00:00Z" } }), 700.0),
        (
            COUNT,
            json!({ "devices": ["bike-3"], "measuredAt": { "from": "2026-01-10T00:00:00Z", "to": "2026-01-20T00:00:00Z" } }),
            800.0,
        ),
        // A large area is read by time, a condition that many rows meet as well.
        (NEWEST, json!({ "area": town }), 300.0),
        (NEWEST, json!({ "quantities": humid }), 600.0),
        (NEWEST, json!({ "not": { "quantities": humid } }), 600.0),
        (NEWEST, json!({ "flags": { "none": ["OUT_OF_RANGE"] }, "pm10": { "min": 25 } }), 600.0),
        (NEWEST, json!({ "not": { "area": areas(52.2, 0.11)[1] } }), 300.0),
        (
            COUNT,
            json!({ "quantities": humid, "measuredAt": { "from": "2026-01-10T10:00:00Z", "to": "2026-01-10T20:00:00Z" } }),
            1000.0,
        ),
        (OF_EACH, json!({ "area": town }), 3000.0),
        (NEWEST, json!({ "or": [{ "area": areas(52.5, 1.5)[0] }, { "area": areas(52.5, 1.5)[2] }] }), 2000.0),
    ];
    for (village, corner) in areas(52.5, 1.5).into_iter().zip(areas(52.2, 0.11)) {
        // No device has been in the village since November; scanned are the newest rows, entries of the index, and rows.
        cases.push((NEWEST, json!({ "area": village }), 800.0));
        cases.push((COUNT, json!({ "area": village }), 1000.0));
        // Each device's own rows are the bound of what is scanned for it.
        let november = json!({ "from": "2025-11-01T00:00:00Z", "to": "2025-12-01T00:00:00Z" });
        cases.push((OF_EACH, json!({ "area": village, "measuredAt": november }), 30_000.0));
        cases.push((NEWEST, json!({ "area": village, "quantities": humid }), 1000.0));
        // A few hundred samples over the whole time: as good by cells as by time, until 50 are found.
        cases.push((NEWEST, json!({ "area": corner }), 30_000.0));
        cases.push((COUNT, json!({ "area": corner }), 30_000.0));
    }
    let mut failures = Vec::new();
    for (selection, filter, max) in cases {
        let rows_scanned = rows_scanned(&app, selection, &filter).await;
        if rows_scanned > max {
            failures.push(format!("{rows_scanned} rows scanned, not {max}: {selection} {filter}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Postgres gives a prepared statement a generic plan after five executions. For a map that is one for any area and any
/// time: it reads the index of all cells of a town, of a whole month, for the minutes beside the whole hours.
#[tokio::test]
async fn map_of_an_area_is_planned_with_its_values_each_time() {
    let app = TestApp::on(&explained(empty_database().await), true).await;
    app.record(json!([{
        "device": "bike", "measuredAt": "2026-01-10T10:00:00Z", "pm10": 7, "latitude": 52.2, "longitude": 0.1,
    }]))
    .await;
    let statements = Statements::watch();
    let query = "query ($filter: MeasurementFilter!) {
        cells(resolution: 9, wholeCells: true, filter: $filter) { count quantity(of: PM10) { mean } }
    }";
    let filter = json!({
        "area": { "boundingBox": { "south": 52.1, "north": 52.3, "west": 0, "east": 0.2 } },
        "measuredAt": { "from": "2026-01-10T00:30:00Z", "to": "2026-01-11T00:30:00Z" },
    });
    for execution in 1..=7 {
        let map = app.query_with(query, json!({ "filter": filter }));
        let (plans, answer) = statements.plans_of(map).await;
        assert_eq!(answer["cells"], json!([{ "count": 1, "quantity": { "mean": 7.0 } }]));
        let conditions: Vec<_> = plans.iter().flat_map(Plan::conditions).collect();
        let mut of_time = conditions.iter().filter(|condition| condition.contains("measured_at >= ")).peekable();
        assert!(of_time.peek().is_some(), "{conditions:#?}");
        assert!(
            of_time.all(|condition| !condition.contains("measured_at >= $")),
            "execution {execution}: {conditions:#?}"
        );
    }
}
