//! Lists of small areas since some time have a query plan of their own: the results equal those of other lists.

use airgraph::domain::area::Area;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};

use super::filters::{areas::area, near, pick, place};
use crate::{
    limits::timeouts::{lock_table, wait_for_lock_waiters},
    support::{TestApp, at, statements::Statements},
};

/// A time and a position.
type Row = (DateTime<Utc>, (f64, f64));

const PAGE: &str = "query ($filter: MeasurementFilter!, $first: Int!, $order: MeasurementOrder!) {
    measurements(filter: $filter, first: $first, orderBy: $order) { nodes { measuredAt weather { humidity } } pageInfo { hasNextPage } } }";

#[tokio::test]
async fn page_has_the_first_measurements_of_the_area() {
    let app = TestApp::new().await;
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let rows: Vec<Row> = (0..600)
        .map(|number| {
            let degrees = *pick(&mut rng, &[0.001, 0.01]);
            (at("2026-03-20T00:00:00Z") + TimeDelta::minutes(number * 57), near(&mut rng, (52.2, 0.12), degrees))
        })
        .collect();
    let humidity = |time: DateTime<Utc>| f64::from(i16::try_from(time.timestamp() / 60 % 100).expect("below 100"));
    let sample = |&(time, (latitude, longitude)): &Row| json!({ "device": "bike", "measuredAt": time, "pm10": 1, "latitude": latitude, "longitude": longitude, "weather": { "humidity": humidity(time) } });
    app.record(rows.iter().map(sample).collect::<Vec<_>>().into()).await;

    let (mut full, mut short) = (0, 0);
    for _ in 0..150 {
        let degrees = *pick(&mut rng, &[0.001, 0.005, 0.02]);
        let around = near(&mut rng, (52.2, 0.12), 0.01);
        let Some((mut filter, area)) = area(&mut rng, around, degrees) else { continue };
        let from = rows[rng.random_range(0..rows.len())].0;
        let to = from + TimeDelta::hours(rng.random_range(1..600));
        filter = json!({ "area": filter, "measuredAt": { "from": from, "to": to } });
        let (first, descending) = (rng.random_range(1..80), rng.random()); // rows of the database, and arrays
        let expected = in_area(&rows, &area, from, to, descending);
        let order = if descending { "MEASURED_AT_DESC" } else { "MEASURED_AT_ASC" };
        let response = app.query_with(PAGE, json!({ "filter": filter, "first": first, "order": order })).await;
        let page = &expected[..first.min(expected.len())];
        assert_eq!(times(&response), page, "{filter} first {first} {order}");
        for node in response["measurements"]["nodes"].as_array().expect("nodes") {
            let time = at(node["measuredAt"].as_str().expect("a time"));
            assert_eq!(node["weather"]["humidity"], json!(humidity(time)), "{filter} {node}");
        }
        assert_eq!(response["measurements"]["pageInfo"]["hasNextPage"], expected.len() > first, "{filter}");
        if expected.len() > first { full += 1 } else { short += 1 }
    }
    assert!(full > 20 && short > 20, "{full} whole pages, {short} others");
}

fn in_area(rows: &[Row], area: &Area, from: DateTime<Utc>, to: DateTime<Utc>, descending: bool) -> Vec<DateTime<Utc>> {
    let mut found: Vec<_> = rows
        .iter()
        .filter(|&&(time, at)| time >= from && time < to && area.contains(place(at)))
        .map(|&(time, _)| time)
        .collect();
    if descending {
        found.reverse();
    }
    found
}

fn times(data: &Value) -> Vec<DateTime<Utc>> {
    let nodes = data["measurements"]["nodes"].as_array().expect("nodes");
    nodes.iter().map(|node| at(node["measuredAt"].as_str().expect("a time"))).collect()
}

/// Stores this many copies of the oldest measurement, a minute apart, at a latitude.
async fn copy_oldest(app: &TestApp, after: DateTime<Utc>, count: i32, latitude: f64, cell_of: &str) {
    sqlx::query(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
         select m.device_id, $1 + n * interval '1 min', m.seq, m.flags, m.recorded_at, $3, m.longitude, place.cell, m.pm10
         from (select * from measurement order by measured_at limit 1) as m
         cross join (select cell from measurement join device using (device_id) where key = $4 limit 1) as place
         cross join generate_series(1, $2) as n",
    )
    .bind(after)
    .bind(count)
    .bind(latitude)
    .bind(cell_of)
    .execute(&app.database.writes)
    .await
    .expect("rows");
}

#[tokio::test]
async fn dense_area_is_read_in_the_order_of_time() {
    let app = TestApp::new().await;
    let start = at("2026-04-01T00:00:00Z");
    app.record(json!([
        { "device": "here", "measuredAt": start, "pm10": 1, "latitude": 52.2, "longitude": 0.12 },
        { "device": "elsewhere", "measuredAt": start, "pm10": 1, "latitude": 53.2, "longitude": 0.12 },
    ]))
    .await;
    let question = json!({ "order": "MEASURED_AT_DESC", "first": 5, "filter": {
        "measuredAt": { "from": "2026-04-01T00:00:00Z" },
        "area": { "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 100 } } } });
    let newest = start + TimeDelta::minutes(10_001);
    let expected: Vec<_> = (0..5).map(|back| newest - TimeDelta::minutes(back)).collect();
    let statements = Statements::watch();

    copy_oldest(&app, start, 10_001, 52.2, "here").await;
    let (count, data) = statements.count(app.query_with(PAGE, question.clone())).await;
    assert_eq!((count, times(&data)), (1, expected.clone()), "the newest are in the area");

    copy_oldest(&app, newest, 14, 53.2, "elsewhere").await;
    let (count, data) = statements.count(app.query_with(PAGE, question.clone())).await;
    assert_eq!((count, times(&data)), (2, expected.clone()), "two of the newest 16 are in the area: a longer walk");

    copy_oldest(&app, newest + TimeDelta::minutes(14), 100, 53.2, "elsewhere").await;
    let (count, data) = statements.count(app.query_with(PAGE, question)).await;
    assert_eq!((count, times(&data)), (3, expected), "none of the newest: walk, number of index entries, any plan");
}

#[tokio::test]
async fn deletion_during_a_page_leaves_no_short_page() {
    let app = TestApp::with_connections(1).await;
    let start = at("2026-04-01T00:00:00Z");
    let sample = |minute: i64| json!({ "device": "bike", "measuredAt": start + TimeDelta::minutes(minute), "pm10": 1, "latitude": 52.2, "longitude": 0.12 });
    app.record((1..=8).map(sample).collect()).await;
    // So that the newest measurements lie elsewhere, and the page is read by cells.
    let elsewhere = |minute: i64| json!({ "device": "car", "measuredAt": start + TimeDelta::minutes(minute), "pm10": 1, "latitude": 53.2, "longitude": 0.12 });
    app.record((9..=60).map(elsewhere).collect()).await;
    let question = json!({ "order": "MEASURED_AT_DESC", "first": 2, "filter": { "measuredAt": { "from": start },
        "area": { "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 100 } } } });

    let lock = lock_table(&app.database.direct, "measurement").await;
    let mut watch = app.database.direct.connect().await.expect("a connection");
    let deletes = async {
        wait_for_lock_waiters(&mut watch, 1).await;
        // The only read connection is free after each statement: after the newest measurements are read, and as soon
        // as the position of the page is known.
        let ((), connection) = tokio::join!(async { lock.close().await.expect("closed") }, async {
            drop(app.database.reads.acquire().await.expect("the connection"));
            app.database.reads.acquire().await.expect("the connection")
        },);
        let newest = start + TimeDelta::minutes(5);
        let delete = sqlx::query(
            "delete from measurement where measured_at > $1 and device_id = (select device_id from device where key = 'bike')",
        )
        .bind(newest);
        let deleted = delete.execute(&app.database.writes).await.expect("deleted");
        assert_eq!(deleted.rows_affected(), 3);
        drop(connection);
    };
    let (response, ()) = tokio::join!(app.query_with(PAGE, question), deletes);
    assert_eq!(times(&response), [5, 4].map(|minute| start + TimeDelta::minutes(minute)));
}
