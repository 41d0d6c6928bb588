//! Lists of small areas since some time have a query plan of their own: the results equal those of other lists.

use airgraph::domain::area::Area;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};

use super::filters::{area, near, pick, place};
use crate::{
    limits::timeouts::{lock_table, wait_for_lock_waiters},
    support::{TestApp, at, statements::Statements},
};

/// A time and a position.
type Row = (DateTime<Utc>, (f64, f64));

const PAGE: &str = "query ($filter: MeasurementFilter!, $first: Int!, $order: MeasurementOrder!) {
    measurements(filter: $filter, first: $first, orderBy: $order) { nodes { measuredAt } pageInfo { hasNextPage } } }";

#[tokio::test]
async fn a_page_is_the_first_of_what_lies_in_the_area() {
    let app = TestApp::new().await;
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let rows: Vec<Row> = (0..600)
        .map(|number| {
            let degrees = *pick(&mut rng, &[0.001, 0.01]);
            (at("2026-03-20T00:00:00Z") + TimeDelta::minutes(number * 57), near(&mut rng, (52.2, 0.12), degrees))
        })
        .collect();
    let sample = |&(time, (latitude, longitude)): &Row| json!({ "device": "bike", "measuredAt": time, "pm10": 1, "latitude": latitude, "longitude": longitude });
    app.record(rows.iter().map(sample).collect::<Vec<_>>().into()).await;

    let (mut full, mut short) = (0, 0);
    for _ in 0..150 {
        let degrees = *pick(&mut rng, &[0.001, 0.005, 0.02]);
        let around = near(&mut rng, (52.2, 0.12), 0.01);
        let Some((mut filter, area)) = area(&mut rng, around, degrees) else { continue };
        let from = rows[rng.random_range(0..rows.len())].0;
        let to = from + TimeDelta::hours(rng.random_range(1..600));
        filter = json!({ "area": filter, "measuredAt": { "from": from, "to": to } });
        let (first, descending) = (rng.random_range(1..40), rng.random());
        let expected = in_area(&rows, &area, from, to, descending);
        let order = if descending { "MEASURED_AT_DESC" } else { "MEASURED_AT_ASC" };
        let response = app.query_with(PAGE, json!({ "filter": filter, "first": first, "order": order })).await;
        let page = &expected[..first.min(expected.len())];
        assert_eq!(times(&response), page, "{filter} first {first} {order}");
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

#[tokio::test]
async fn dense_area_is_read_like_any_other_list() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "station", "measuredAt": "2026-04-01T00:00:00Z", "pm10": 1, "latitude": 52.2, "longitude": 0.12 }])).await;
    let question = json!({ "order": "MEASURED_AT_DESC", "first": 5, "filter": {
        "measuredAt": { "from": "2026-04-01T00:00:00Z" },
        "area": { "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 100 } } } });
    let statements = Statements::watch();
    assert_eq!(statements.count(app.query_with(PAGE, question.clone())).await.0, 2, "what there is, and the rows");
    sqlx::query(
        "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
         select device_id, measured_at + n * interval '1 min', seq, flags, recorded_at, latitude, longitude, cell, pm10
         from measurement cross join generate_series(1, 10001) n",
    )
    .execute(&app.database.writes)
    .await
    .expect("a week of minutes");
    let (count, data) = statements.count(app.query_with(PAGE, question)).await;
    let newest = at("2026-04-01T00:00:00Z") + TimeDelta::minutes(10_001);
    let expected: Vec<_> = (0..5).map(|back| newest - TimeDelta::minutes(back)).collect();
    assert_eq!((count, times(&data)), (2, expected), "what there is, and the list");
}

#[tokio::test]
async fn deletion_during_a_page_leaves_no_short_page() {
    let app = TestApp::with_connections(1).await;
    let start = at("2026-04-01T00:00:00Z");
    let sample = |minute: i64| json!({ "device": "bike", "measuredAt": start + TimeDelta::minutes(minute), "pm10": 1, "latitude": 52.2, "longitude": 0.12 });
    app.record((1..=8).map(sample).collect()).await;
    let question = json!({ "order": "MEASURED_AT_DESC", "first": 2, "filter": { "measuredAt": { "from": start },
        "area": { "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 100 } } } });

    let lock = lock_table(&app.database.direct, "measurement").await;
    let mut watch = app.database.direct.connect().await.expect("a connection");
    let deletes = async {
        wait_for_lock_waiters(&mut watch, 1).await;
        // The only read connection is free as soon as the position of the page is known.
        let ((), connection) = tokio::join!(async { lock.close().await.expect("closed") }, async {
            app.database.reads.acquire().await.expect("the connection")
        },);
        let newest = start + TimeDelta::minutes(5);
        let delete = sqlx::query("delete from measurement where measured_at > $1").bind(newest);
        let deleted = delete.execute(&app.database.writes).await.expect("deleted");
        assert_eq!(deleted.rows_affected(), 3);
        drop(connection);
    };
    let (response, ()) = tokio::join!(app.query_with(PAGE, question), deletes);
    assert_eq!(times(&response), [5, 4].map(|minute| start + TimeDelta::minutes(minute)));
}
