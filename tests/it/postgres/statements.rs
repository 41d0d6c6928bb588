//! Number of SQL statements of a query: the same for one parent and for a thousand.

use serde_json::json;

use crate::support::{TestApp, statements::Statements};

/// Devices with three samples each, inserted by SQL without the recorder.
async fn fill(app: &TestApp, devices: i32) {
    app.record(
        json!([{ "device": "seed", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "weather": { "humidity": 50 } }]),
    )
    .await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into device (key, kind, created_at) select 'bike-' || n, 'mobile', now() from generate_series(1, {devices} - 1) n;
         insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
         select device_id, timestamptz '2026-05-01 09:00Z' + s * interval '1 s', 0, 0, now(), s from device, generate_series(1, 3) s
         on conflict do nothing;
         insert into weather (device_id, measured_at, seq, humidity)
         select device_id, measured_at, seq, 50 from measurement on conflict do nothing;
         insert into latest select device_id, max(measured_at), 0 from measurement group by device_id
         on conflict do nothing"
    )))
    .execute(&app.database.writes)
    .await
    .expect("filled");
}

async fn counts(query: &str, expected: usize) {
    let statements = Statements::watch();
    for devices in [1, 2, 40, 1000] {
        let app = TestApp::new().await;
        fill(&app, devices).await;
        let (count, data) = statements.count(app.query(query)).await;
        let found = data["devices"]["nodes"].as_array().map_or(0, Vec::len);
        assert_eq!(found, usize::try_from(devices).expect("small"));
        assert_eq!(count, expected, "with {devices} devices");
    }
}

#[tokio::test]
async fn nested_measurements_and_latest_cost_three_statements() {
    counts("{ devices(first: 1000) { nodes { measurements(first: 3) { nodes { device { latest { pm10 } } } } } } }", 3)
        .await;
}

#[tokio::test]
async fn filters_of_nested_lists_cost_four_statements() {
    let filter = "{area: {circle: {latitude: 52, longitude: 0, radius: 1000}},
        or: [{devices: [\"seed\"]}, {not: {devices: [\"seed\"], quantities: [{quantity: HUMIDITY, min: 10}]}}]}";
    let list = format!("measurements(filter: {filter}, first: 3) {{ totalCount nodes {{ pm10 }} }}");
    counts(&format!("{{ devices(first: 1000) {{ nodes {{ {list} }} }} }}"), 4).await;
}

#[tokio::test]
async fn readings_of_samples_and_latest_cost_no_further_statements() {
    let query = "{ devices(first: 1000) { nodes {
        latest { weather { humidity } motion { speed } status { batteryVoltage } }
        measurements(first: 3) { nodes { weather { humidity } motion { speed } status { batteryVoltage } } } } } }";
    // devices, latest, measurements: each with its readings
    counts(query, 3).await;
}

#[tokio::test]
async fn sensors_of_all_devices_cost_one_statement() {
    counts("{ devices(first: 1000) { nodes { sensors { sensor quantity } } } }", 2).await;
}

#[tokio::test]
async fn pages_with_different_arguments_cost_one_statement_each() {
    let query = "{ devices(first: 1000) { nodes {
        a: measurements(first: 1) { nodes { pm10 } } b: measurements(first: 2) { nodes { pm10 } }
        c: measurements(first: 2, filter: {pm10: {min: 2}}) { totalCount } } } }";
    // devices, three pages, one count
    counts(query, 5).await;
}

#[tokio::test]
async fn pages_with_different_selections_cost_one_statement() {
    let query = "{ devices(first: 1000) { nodes {
        a: measurements(first: 2) { nodes { pm10 } } b: measurements(first: 2) { edges { node { latitude flags } } }
        c: latest { pm25 } d: latest { recordedAt } } } }";
    // devices, a page, the latest
    counts(query, 3).await;
}

#[tokio::test]
async fn total_count_is_counted_only_when_selected() {
    let statements = Statements::watch();
    let app = TestApp::new().await;
    fill(&app, 3).await;
    for (query, expected) in [
        ("{ measurements { nodes { pm10 } } }", 1),
        ("{ measurements { totalCount nodes { pm10 } } }", 2),
        ("{ devices { totalCount } }", 2),
        ("{ server { version time } }", 0),
        ("{ measurements(filter: {devices: [\"seed\"]}) { nodes { pm10 } } }", 2),
    ] {
        assert_eq!(statements.count(app.query(query)).await.0, expected, "{query}");
    }
}

#[tokio::test]
async fn nodes_of_one_type_cost_one_statement() {
    let statements = Statements::watch();
    let app = TestApp::new().await;
    fill(&app, 20).await;
    let ids = app.query("{ devices { nodes { id } } measurements { nodes { id } } }").await;
    let ids: Vec<_> = ["devices", "measurements"]
        .iter()
        .flat_map(|list| ids[list]["nodes"].as_array().expect("nodes"))
        .map(|node| node["id"].clone())
        .collect();
    assert_eq!(ids.len(), 20 + 50);
    let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let (count, data) = statements.count(app.query_with(query, json!({ "ids": ids }))).await;
    assert_eq!(data["nodes"].as_array().expect("nodes").iter().map(|node| node["id"].clone()).collect::<Vec<_>>(), ids);
    assert_eq!(count, 2);
}

#[tokio::test]
async fn list_of_a_cached_device_costs_one_statement() {
    let statements = Statements::watch();
    let app = TestApp::new().await;
    let list = "{ device(key: \"seed\") { measurements { nodes { pm10 } } } }";
    assert_eq!(statements.count(app.query(list)).await, (1, json!({ "device": null })));
    fill(&app, 1).await;
    for expected in [2, 1, 1] {
        let (count, data) = statements.count(app.query(list)).await;
        assert_eq!(count, expected);
        assert_eq!(data["device"]["measurements"]["nodes"][0]["pm10"], 1.0);
    }
    app.admin("mutation { updateDevice(input: {key: \"seed\", name: \"renamed\"}) { status } }", json!({})).await;
    let (count, data) = statements.count(app.query("{ device(key: \"seed\") { key name } }")).await;
    assert_eq!((count, data), (1, json!({ "device": { "key": "seed", "name": "renamed" } })));
}

#[tokio::test]
async fn waiting_for_a_connection_does_not_block_its_holder() {
    let app = TestApp::with_connections(1).await;
    fill(&app, 3).await;
    let nested = "{ nodes { latest { pm10 } measurements(first: 1) { nodes { weather { humidity } } } } }";
    let query = format!(
        "{{ a: devices {nested} b: measurements {{ totalCount nodes {{ device {{ name }} }} }} c: devices {nested} \
            d: measurements {{ nodes {{ weather {{ humidity }} }} }} }}"
    );
    let data = app.query(&query).await;
    assert_eq!(data["a"], data["c"]);
    assert_eq!(data["b"]["totalCount"], 10);
}
