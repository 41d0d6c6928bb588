//! Weather, gases, motion and status of listed measurements are read with the page, in its statement.

use rand::RngExt as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use crate::support::{
    TestApp, empty_database,
    statements::{Statements, explained},
};

const READINGS: &str = "id measuredAt weather { temperature humidity } ambient { noise } motion { speed altitude }
    status { gpsUpdated batteryVoltage }";

/// Three devices over two months, with two samples at many of their times, and readings of some groups.
fn samples(rng: &mut ChaCha8Rng) -> Vec<Value> {
    let group = |rng: &mut ChaCha8Rng, fields: Value| if rng.random_bool(0.5) { fields } else { json!(null) };
    (0..600)
        .map(|n| {
            let (day, hour) = (28 + n / 300 * -27, n / 30 % 24);
            json!({
                "device": format!("bike-{}", n / 2 % 3),
                "measuredAt": format!("2026-{:02}-{day:02}T{hour:02}:{:02}:00Z", 3 + n / 300, n % 30 / 2),
                "pm10": n % 40,
                "pm25": n,
                "weather": group(rng, json!({ "humidity": n % 100, "temperature": if n % 2 == 0 { json!(n) } else { json!(null) } })),
                "ambient": group(rng, json!({ "noise": n % 90 })),
                "motion": group(rng, json!({ "speed": n % 30 })),
                "status": group(rng, json!({ "gpsUpdated": n % 4 == 0, "batteryVoltage": 3.5 })),
            })
        })
        .collect()
}

#[tokio::test]
async fn readings_of_a_page_equal_those_of_single_measurements() {
    let mut rng = ChaCha8Rng::seed_from_u64(18);
    let app = TestApp::new().await;
    for some in samples(&mut rng).chunks(200) {
        app.record(some.into()).await;
    }
    let filters = [
        json!({}),
        json!({ "devices": ["bike-1"] }),
        json!({ "devices": ["bike-0", "bike-2"] }),
        json!({ "measuredAt": { "from": "2026-03-28T03:00:00Z", "to": "2026-04-01T05:05:00Z" } }),
        json!({ "pm10": { "min": 20 } }),
        json!({ "quantities": [{ "quantity": "HUMIDITY", "min": 50 }], "devices": ["bike-1", "bike-2"] }),
    ];
    let page = format!("query ($filter: MeasurementFilter, $order: MeasurementOrder, $first: Int, $after: String) {{
        measurements(filter: $filter, orderBy: $order, first: $first, after: $after) {{ nodes {{ {READINGS} }} pageInfo {{ endCursor }} }} }}");
    let each = format!(
        "query ($filter: MeasurementFilter, $order: MeasurementOrder, $first: Int) {{
        devices {{ nodes {{ measurements(filter: $filter, orderBy: $order, first: $first) {{ nodes {{ {READINGS} }} }}
            latest {{ {READINGS} }} humid: latest(of: HUMIDITY) {{ {READINGS} }} }} }} }}"
    );
    let by_id = format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Measurement {{ {READINGS} }} }} }}");
    let mut compared = 0;
    for filter in filters {
        for order in ["MEASURED_AT_DESC", "MEASURED_AT_ASC"] {
            let mut listed = Vec::new();
            let mut after = json!(null);
            for _ in 0..4 {
                let first = rng.random_range(1..60);
                let variables = json!({ "filter": filter, "order": order, "first": first, "after": after });
                let mut response = app.query_with(&page, variables).await["measurements"].take();
                let nodes = response["nodes"].as_array().expect("nodes");
                let times: Vec<_> = nodes.iter().map(|node| node["measuredAt"].to_string()).collect();
                assert!(
                    times.is_sorted_by(|a, b| if order == "MEASURED_AT_ASC" { a <= b } else { a >= b }),
                    "{filter}"
                );
                listed.extend_from_slice(nodes);
                after = response["pageInfo"]["endCursor"].take();
            }
            if filter["devices"].is_null() {
                let variables = json!({ "filter": filter, "order": order, "first": 20 });
                for device in app.query_with(&each, variables).await["devices"]["nodes"].as_array().expect("devices") {
                    listed.extend_from_slice(device["measurements"]["nodes"].as_array().expect("nodes"));
                    listed.extend([device["latest"].clone(), device["humid"].clone()]);
                }
            }
            let ids: Vec<_> = listed.iter().map(|node| node["id"].clone()).collect();
            let alone = app.query_with(&by_id, json!({ "ids": ids })).await["nodes"].take();
            assert_eq!(json!(listed), alone, "{filter} {order}");
            compared += listed.len();
        }
    }
    assert!(compared > 1000, "{compared} are few");
}

/// Postgres expects one row where there are thousands: a nested loop over the page and its readings would visit millions
/// of pairs.
#[tokio::test]
async fn page_with_readings_reads_each_row_once_with_wrong_estimates_too() {
    let app = TestApp::on(&explained(empty_database().await), true).await;
    app.record(
        json!([{ "device": "bike", "measuredAt": "2026-05-01T00:00:00Z", "pm10": 1, "weather": { "humidity": 50 },
        "status": { "uptime": 1 } }]),
    )
    .await;
    sqlx::raw_sql(
        "analyze;
         insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
         select 1, timestamptz '2026-05-01 00:00Z' + n * interval '1 min', 0, 0, now(), n from generate_series(1, 3000) n;
         insert into weather (device_id, measured_at, seq, humidity) select device_id, measured_at, seq, 50 from measurement
         on conflict do nothing;
         insert into device_status (device_id, measured_at, seq, uptime) select device_id, measured_at, seq, 50 from measurement
         on conflict do nothing",
    )
    .execute(&app.database.writes)
    .await
    .expect("filled");
    let statements = Statements::watch();
    let list = "measurements(first: 2000) { nodes { pm10 weather { humidity } status { uptime } } }";
    for question in [format!("{{ {list} }}"), format!("{{ device(key: \"bike\") {{ {list} }} }}")] {
        for _ in 0..6 {
            app.query(&question).await;
        }
        let (plans, _) = statements.plans_of(app.query(&question)).await;
        let rows_scanned: f64 = plans.iter().map(crate::support::statements::Plan::rows_scanned).sum();
        assert!(rows_scanned < 20_000.0, "{rows_scanned} rows scanned for 2000: {question}");
    }
}
