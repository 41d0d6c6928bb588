//! `totalCount`: exact for small lists, an estimate for large ones, with a flag that says which.

use serde_json::{Value, json};

use crate::support::TestApp;

/// 120,000 samples of one device, a second apart and 3,600 an hour, and ten of another.
async fn filled() -> TestApp {
    let app = TestApp::new().await;
    app.record(
        (0..10)
            .map(|n| json!({ "device": "few", "measuredAt": format!("2026-05-01T10:00:{n:02}Z"), "pm10": n }))
            .collect(),
    )
    .await;
    sqlx::raw_sql(
        "create table measurement_2026_04 partition of measurement for values from ('2026-04-01Z') to ('2026-05-01Z');
         create table device_hour_2026_04 partition of device_hour for values from ('2026-04-01Z') to ('2026-05-01Z');
         insert into device (key, kind, created_at) values ('many', 'fixed', now());
         insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
         select device_id, timestamptz '2026-04-10 00:00Z' + n * interval '1 s', 0, 0, now(), n % 10
         from device, generate_series(0, 119999) n where key = 'many';
         insert into device_hour (device_id, hour, count)
         select device_id, date_trunc('hour', measured_at, 'UTC'), count(*)
         from measurement join device using (device_id) where key = 'many' group by 1, 2;
         insert into latest select device_id, max(measured_at), 0 from measurement group by device_id on conflict do nothing;
         analyze",
    )
    .execute(&app.database.writes)
    .await
    .expect("filled");
    app
}

/// The number and whether it is an estimate, by HTTP and by resolvers.
async fn total(app: &TestApp, list: &str) -> (i64, bool) {
    let query = format!("{{ {list} }}").replace("TOTAL", "{ totalCount totalCountIsEstimate }");
    let answer = app.graphql(None, &query, json!({})).await;
    assert_eq!(answer, app.by_resolvers(&query).await, "{query}");
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let mut response = &answer["data"];
    while response.get("totalCount").is_none() {
        response = match response {
            Value::Object(fields) => fields.values().next().expect("a field"),
            other => other.get(0).expect("an item"),
        };
    }
    (response["totalCount"].as_i64().expect("a number"), response["totalCountIsEstimate"].as_bool().expect("a flag"))
}

fn is_near(estimate: (i64, bool), rows: i64) -> bool {
    estimate.1 && (estimate.0 - rows).abs() < rows / 5
}

#[tokio::test]
async fn small_lists_are_counted_and_large_ones_estimated() {
    let app = filled().await;
    for (list, expected) in [
        ("measurements(filter: {devices: [\"few\"]}) TOTAL", 10),
        ("measurements(filter: {devices: [\"few\"], pm10: {min: 7}}) TOTAL", 3),
        ("measurements(filter: {pm10: {min: 3, max: 3}, measuredAt: {to: \"2026-04-11T00:00:00Z\"}}) TOTAL", 8640),
        (
            "measurements(filter: {measuredAt: {from: \"2026-04-10T00:00:30Z\", to: \"2026-04-10T00:01:00Z\"}}) TOTAL",
            30,
        ),
        ("devices(filter: {keys: [\"few\"]}) { nodes { measurements(filter: {pm10: {max: 1}}) TOTAL } }", 2),
        ("devices TOTAL", 2),
        // From the hours, which have the exact count.
        ("devices(filter: {keys: [\"many\"]}) { nodes { measurements TOTAL } }", 120_000),
        (
            "device(key: \"many\") { measurements(filter: {measuredAt: {from: \"2026-04-10T01:00:00Z\"}}) TOTAL }",
            116_400,
        ),
    ] {
        assert_eq!(total(&app, list).await, (expected, false), "{list}");
    }
    for (list, rows) in [
        ("measurements TOTAL", 120_010),
        ("measurements(filter: {pm10: {min: 1}}) TOTAL", 108_000),
        ("device(key: \"many\") { measurements(filter: {pm10: {min: 1}}) TOTAL }", 108_000),
        (
            "device(key: \"many\") { measurements(filter: {measuredAt: {from: \"2026-04-10T00:00:01Z\"}}) TOTAL }",
            119_999,
        ),
    ] {
        let estimate = total(&app, list).await;
        assert!(is_near(estimate, rows), "{list}: {estimate:?}");
    }
    let uplinks = app.admin("{ uplinks { totalCount totalCountIsEstimate } }", json!({})).await;
    assert_eq!(uplinks["uplinks"], json!({ "totalCount": 1, "totalCountIsEstimate": false }));
}

/// A condition that hardly any row meets has no small number of rows to stop at: counting is bounded by its cost.
#[tokio::test]
async fn expensive_counts_are_estimated() {
    let app = filled().await;
    let rare = "measurements(filter: {pm10: {min: 100}}) TOTAL";
    assert_eq!(total(&app, rare).await, (0, false));
    // Postgres' estimate of the size of the table, and so of the cost.
    sqlx::raw_sql("update pg_class set reltuples = 5e7 where relname = 'measurement_2026_04'")
        .execute(&app.database.writes)
        .await
        .expect("set");
    let (rows, is_estimate) = total(&app, rare).await;
    assert!(is_estimate && rows < 1_000_000, "{rows}");
}
