//! Filters of the device list: by area, by text, by when a device was last seen.

use serde_json::{Value, json};

use crate::support::TestApp;

async fn filled() -> TestApp {
    let app = TestApp::new().await;
    let register = "mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { status } }";
    for input in [
        json!({ "key": "station-1", "kind": "FIXED", "name": "Market Square", "latitude": 52.205, "longitude": 0.12 }),
        json!({ "key": "station-2", "kind": "FIXED", "name": "100% Harbour_Street", "latitude": 53.0, "longitude": 0.12 }),
    ] {
        app.admin(register, json!({ "input": input })).await;
    }
    app.record(json!([
        // A fixed device stays where it stands, whatever positions its samples have.
        { "device": "station-2", "measuredAt": "2026-05-01T09:00:00Z", "pm10": 1, "latitude": 52.205, "longitude": 0.12 },
        { "device": "bike-near", "measuredAt": "2026-05-01T08:00:00Z", "pm10": 1, "latitude": 53.0, "longitude": 0.12 },
        { "device": "bike-near", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "latitude": 52.2, "longitude": 0.12 },
        { "device": "bike-nowhere", "measuredAt": "2026-05-01T11:00:00Z", "pm10": 1 },
    ]))
    .await;
    app
}

async fn keys(app: &TestApp, filter: Value) -> (Vec<String>, Value) {
    let query = "query ($filter: DeviceFilter) { devices(filter: $filter) { totalCount nodes { key } } }";
    let response = app.query_with(query, json!({ "filter": filter })).await["devices"].take();
    let nodes = response["nodes"].as_array().expect("nodes");
    (nodes.iter().map(|node| node["key"].as_str().expect("a key").to_owned()).collect(), response["totalCount"].clone())
}

#[tokio::test]
async fn device_filters_match_alone_and_combined() {
    let app = filled().await;
    let town = json!({ "circle": { "latitude": 52.2, "longitude": 0.12, "radius": 2000 } });
    for (filter, expected) in [
        (json!({ "area": town }), vec!["bike-near", "station-1"]),
        (json!({ "area": town, "kind": "FIXED" }), vec!["station-1"]),
        (json!({ "text": "STATION" }), vec!["station-1", "station-2"]),
        (json!({ "text": "market sq" }), vec!["station-1"]),
        (json!({ "text": "%" }), vec!["station-2"]),
        (json!({ "text": "r_s" }), vec!["station-2"]),
        (json!({ "text": "nothing" }), vec![]),
        (json!({ "seenSince": "2026-05-01T10:00:00Z" }), vec!["bike-near", "bike-nowhere"]),
        (json!({ "seenSince": "2026-05-01T10:00:00Z", "area": town }), vec!["bike-near"]),
        (json!({ "keys": ["station-1", "bike-near"], "text": "bike" }), vec!["bike-near"]),
    ] {
        let (found, total) = keys(&app, filter.clone()).await;
        assert_eq!(found, expected, "{filter}");
        assert_eq!(total, json!(expected.len()), "{filter}");
    }
}

#[tokio::test]
async fn invalid_filters_are_rejected() {
    let app = filled().await;
    let text = format!("filter: {{text: \"{}\"}}", "x".repeat(101));
    for (arguments, argument) in [
        ("filter: {text: \"\"}", "filter.text"),
        (text.as_str(), "filter.text"),
        ("filter: {area: {circle: {latitude: 91, longitude: 0, radius: 1}}}", "filter.area.circle.latitude"),
        ("orderBy: LATEST_VALUE_DESC", "orderByQuantity"),
        ("orderBy: LAST_SEEN_DESC, orderByQuantity: PM10", "orderByQuantity"),
        ("orderByQuantity: PM10", "orderByQuantity"),
    ] {
        let answer = app.graphql(None, &format!("{{ devices({arguments}) {{ totalCount }} }}"), json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
    }
    // A cursor belongs to one order, and to one quantity.
    let list = "{ devices(orderBy: LATEST_VALUE_DESC, orderByQuantity: PM10) { edges { cursor } } }";
    let cursor = app.query(list).await["devices"]["edges"][0]["cursor"].take();
    let other =
        format!("{{ devices(orderBy: LATEST_VALUE_DESC, orderByQuantity: PM1, after: {cursor}) {{ totalCount }} }}");
    let answer = app.graphql(None, &other, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["argument"], "after", "{answer}");
}
