//! Invalid arguments: a clear error that names the argument, never an internal error, never database text.

use serde_json::{Value, json};

use crate::support::TestApp;

/// The code, the argument and the message of the only error.
async fn error(app: &TestApp, query: &str, variables: Value) -> (String, String, String) {
    let answer = app.graphql(Some(&app.admin), query, variables).await;
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
    assert_eq!(errors.len(), 1, "{query}: {answer}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let extensions = &errors[0]["extensions"];
    (text(&extensions["code"]), text(&extensions["argument"]), text(&errors[0]["message"]))
}

async fn refused(app: &TestApp, query: &str, argument: &str) {
    let (code, named, message) = error(app, query, json!({})).await;
    assert_eq!((code.as_str(), named.as_str()), ("BAD_USER_INPUT", argument), "{query}: {message}");
    for word in ["sql", "postgres", "column", "relation", "syntax"] {
        assert!(!message.to_lowercase().contains(word), "{message}");
    }
}

#[tokio::test]
async fn invalid_page_arguments_are_rejected_by_name() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    for (list, max) in [("measurements", 10_000), ("devices", 1000)] {
        refused(&app, &format!("{{ {list}(first: {}) {{ nodes {{ id }} }} }}", max + 1), "first").await;
        refused(&app, &format!("{{ {list}(last: {}) {{ nodes {{ id }} }} }}", max + 1), "last").await;
        refused(&app, &format!("{{ {list}(first: -1) {{ nodes {{ id }} }} }}"), "first").await;
        refused(&app, &format!("{{ {list}(first: 1, last: 1) {{ nodes {{ id }} }} }}"), "last").await;
        app.query(&format!("{{ {list}(first: {max}) {{ nodes {{ id }} }} }}")).await;
        for cursor in ["", "x", "💨", "bTox", "bToxLjIuMw==", "bToxLjIuMw.."] {
            refused(&app, &format!("{{ {list}(after: \"{cursor}\") {{ nodes {{ id }} }} }}"), "after").await;
            refused(&app, &format!("{{ {list}(before: \"{cursor}\") {{ nodes {{ id }} }} }}"), "before").await;
        }
    }
    refused(&app, "{ device(key: \"bike\") { measurements(first: 10001) { nodes { id } } } }", "first").await;
    refused(&app, "{ device(key: \"bike\") { measurements(after: \"x\") { nodes { id } } } }", "after").await;
}

#[tokio::test]
async fn cursors_of_another_list_are_rejected() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let data = app
        .query(
            "{ measurements { edges { cursor } } byKey: devices { edges { cursor } }
        byTime: devices(orderBy: CREATED_AT_ASC) { edges { cursor } } }",
        )
        .await;
    let cursor = |list: &str| data[list]["edges"][0]["cursor"].clone();
    refused(&app, &format!("{{ devices(after: {}) {{ nodes {{ id }} }} }}", cursor("measurements")), "after").await;
    refused(&app, &format!("{{ devices(after: {}) {{ nodes {{ id }} }} }}", cursor("byTime")), "after").await;
    refused(&app, &format!("{{ measurements(before: {}) {{ nodes {{ id }} }} }}", cursor("byKey")), "before").await;
}

#[tokio::test]
async fn invalid_ids_are_null_or_rejected_by_name() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    for id in ["", "1", "bike", "RGV2aWNlOg", "RGV2aWNlOng", "💨"] {
        let data = app.query(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await;
        assert_eq!(data, json!({ "node": null }), "{id}");
    }
    let nodes = app.query("{ nodes(ids: [\"RGV2aWNlOjE\", \"x\"]) { id } }").await;
    assert_eq!(nodes, json!({ "nodes": [{ "id": "RGV2aWNlOjE" }, null] }));
    let many = vec!["RGV2aWNlOjE"; 1001];
    let (code, argument, _) =
        error(&app, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": many })).await;
    assert_eq!((code.as_str(), argument.as_str()), ("BAD_USER_INPUT", "ids"));

    // of another type
    let device = app.query("{ device(key: \"bike\") { id } }").await["device"]["id"].clone();
    refused(&app, &format!("mutation {{ revokeApiKey(input: {{id: {device}}}) {{ status }} }}"), "input.id").await;
    let key = app
        .admin("mutation { createApiKey(input: {name: \"k\", role: READER}) { apiKey { id } } }", json!({}))
        .await["createApiKey"]["apiKey"]["id"]
        .clone();
    assert_eq!(app.query(&format!("{{ node(id: {key}) {{ id }} }}")).await, json!({ "node": null }), "no node");

    // of an object that does not exist
    let data = app.query("{ node(id: \"RGV2aWNlOjk5OTk\") { id } device(key: \"unknown\") { id } }").await;
    assert_eq!(data, json!({ "node": null, "device": null }));
}

#[tokio::test]
async fn invalid_filters_are_rejected_by_name() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    for (filter, argument) in [
        ("measuredAt: {from: \"2026-05-01T10:00:00Z\", to: \"2026-05-01T10:00:00Z\"}", "filter.measuredAt"),
        ("pm25: {min: 2, max: 1}", "filter.pm25"),
    ] {
        refused(&app, &format!("{{ measurements(filter: {{{filter}}}) {{ nodes {{ id }} }} }}"), argument).await;
    }
    app.record(json!([{ "device": "other", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    refused(
        &app,
        "{ device(key: \"bike\") { measurements(filter: {devices: [\"bike\", \"other\"]}) { nodes { id } } } }",
        "filter.devices",
    )
    .await;

    // Only the top-level condition determines the device's own list; within `or` it is a condition like others.
    app.query("{ device(key: \"bike\") { measurements(filter: {or: [{devices: [\"bike\"]}]}) { nodes { id } } } }")
        .await;

    for (time, shown) in
        [("\"2026-11-28\"", "from"), ("\"2026-11-28T10:00:00\"", "to"), ("1780000000000", "from"), ("\"now\"", "to")]
    {
        let query = format!("{{ measurements(filter: {{measuredAt: {{{shown}: {time}}}}}) {{ totalCount }} }}");
        let by_variable = "query ($filter: MeasurementFilter) { measurements(filter: $filter) { totalCount } }";
        let value: Value = serde_json::from_str(time).expect("JSON");
        for (query, variables, place) in [
            (query.as_str(), json!({}), format!("filter.measuredAt.{shown}")),
            (
                by_variable,
                json!({ "filter": { "measuredAt": { shown: value } } }),
                format!("$filter.measuredAt.{shown}"),
            ),
        ] {
            let (code, argument, message) = error(&app, query, variables).await;
            let expected = format!("{place}: expected an RFC 3339 time with zone such as 2026-05-01T10:00:00Z");
            assert_eq!((code.as_str(), argument), ("BAD_USER_INPUT", place), "{message}");
            assert!(message.starts_with(&expected), "{message}");
        }
    }

    // Not even values of their types.
    for (filter, argument) in [
        ("measuredAt: {from: \"yesterday\"}", "filter.measuredAt.from"),
        ("measuredAt: {to: 1}", "filter.measuredAt.to"),
        ("pm10: {min: \"1\"}", "filter.pm10.min"),
        ("pm10: {max: NaN}", "filter.pm10.max"),
    ] {
        refused(&app, &format!("{{ measurements(filter: {{{filter}}}) {{ nodes {{ id }} }} }}"), argument).await;
    }
    let query = "query ($min: Float) { measurements(filter: {pm10: {min: $min}}) { totalCount } }";
    let (code, argument, _) = error(&app, query, json!({ "min": "Infinity" })).await;
    assert_eq!((code.as_str(), argument.as_str()), ("BAD_USER_INPUT", "$min"));
    refused(&app, "{ measurements(filter: {pm10: {min: 1e999}}) { totalCount } }", "filter.pm10.min").await;
}

#[tokio::test]
async fn invalid_conditions_are_rejected_by_their_path() {
    let app = TestApp::new().await;
    app.record(json!([
        { "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 },
        { "device": "tram", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 },
    ]))
    .await;
    let early = "measuredAt: {to: \"2026-05-01T10:00:00Z\"}";
    let late = "measuredAt: {from: \"2026-05-01T10:00:00Z\"}";
    for (filter, argument) in [
        ("or: []".to_owned(), "filter.or"),
        ("or: [{not: {pm1: {min: 2, max: 1}}}]".to_owned(), "filter.or[0].not.pm1"),
        ("quantities: [{quantity: NOISE}, {quantity: HUMIDITY, min: 2, max: 1}]".to_owned(), "filter.quantities[1]"),
        ("quantities: [{quantity: NOISE, min: NaN}]".to_owned(), "filter.quantities[0].min"),
        ("quantities: [{quantity: NOISE, min: 3}, {quantity: NOISE, max: 2}]".to_owned(), "filter.quantities[1]"),
        ("pm25: {min: 3}, quantities: [{quantity: PM2_5, max: 2}]".to_owned(), "filter.quantities[0]"),
        ("pm10: {min: 3}, and: [{pm10: {max: 2}}]".to_owned(), "filter.and[0].pm10"),
        (format!("{early}, and: [{{}}, {{{late}}}]"), "filter.and[1].measuredAt"),
        ("devices: [\"bike\"], and: [{devices: [\"tram\"]}]".to_owned(), "filter.and[0].devices"),
        ("flags: {any: []}".to_owned(), "filter.flags.any"),
        ("flags: {any: [LATE], none: [SPIKE, LATE]}".to_owned(), "filter.flags.none"),
        (format!("quantities: [{}]", "{quantity: NOISE}, ".repeat(101)), "filter"),
        (format!("and: [{}]", "{}, ".repeat(101)), "filter.and[100]"),
        (format!("{}pm10: {{min: 1}}{}", "not: {".repeat(8), "}".repeat(8)), "filter.not.not.not.not.not.not.not.not"),
    ] {
        refused(&app, &format!("{{ measurements(filter: {{{filter}}}) {{ nodes {{ id }} }} }}"), argument).await;
    }
    // The largest allowed filters, and contradictions in a part only.
    for filter in [
        format!("quantities: [{}]", "{quantity: NOISE}, ".repeat(100)),
        format!("{}pm10: {{min: 1}}{}", "not: {".repeat(7), "}".repeat(7)),
        "pm10: {min: 3}, or: [{pm10: {max: 2}}]".to_owned(),
        "flags: {any: [LATE, SPIKE], none: [SPIKE]}".to_owned(),
        "pm10: {min: -1e300, max: 1e300}".to_owned(),
    ] {
        app.query(&format!("{{ measurements(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}")).await;
    }
    let many: Vec<_> = (0..1001).map(|number| number.to_string()).collect();
    let filter = json!({ "devices": many[..500], "not": { "devices": many[500..] } });
    let query = "query ($filter: MeasurementFilter) { measurements(filter: $filter) { totalCount } }";
    let (code, argument, message) = error(&app, query, json!({ "filter": filter })).await;
    assert_eq!((code.as_str(), argument.as_str()), ("BAD_USER_INPUT", "filter.not.devices"), "{message}");
}

#[tokio::test]
async fn invalid_areas_are_rejected_by_their_path() {
    let app = TestApp::new().await;
    for (area, argument) in [
        ("boundingBox: {south: 2, west: 0, north: 1, east: 1}", "boundingBox.north"),
        ("boundingBox: {south: -91, west: 0, north: 1, east: 1}", "boundingBox.south"),
        ("boundingBox: {south: 0, west: 0, north: 1, east: 180.1}", "boundingBox.east"),
        ("circle: {latitude: 90.1, longitude: 0, radius: 1}", "circle.latitude"),
        ("circle: {latitude: 0, longitude: 0, radius: 0}", "circle.radius"),
        ("circle: {latitude: 0, longitude: 0, radius: -5}", "circle.radius"),
        ("circle: {latitude: 0, longitude: 0, radius: 20100000}", "circle.radius"),
        ("circle: {latitude: 0, longitude: 0, radius: NaN}", "circle.radius"),
        ("polygon: []", "polygon"),
        ("polygon: [{latitude: 0, longitude: 0}, {latitude: 0, longitude: 1}]", "polygon"),
        (
            "polygon: [{latitude: 0, longitude: 0}, {latitude: 0, longitude: 1}, {latitude: 1, longitude: 181}]",
            "polygon[2].longitude",
        ),
        (
            "polygon: [{latitude: 80, longitude: 0}, {latitude: 80, longitude: 120}, {latitude: 80, longitude: -120}]",
            "polygon",
        ),
        ("cells: []", "cells"),
        ("cells: [\"8928308280fffff\", \"bike\"]", "cells[1]"),
        ("cells: [\"8d283082803f13f\"]", "cells[0]"),
    ] {
        let argument = format!("filter.or[0].area.{argument}");
        let query = format!("{{ measurements(filter: {{or: [{{area: {{{area}}}}}]}}) {{ nodes {{ id }} }} }}");
        refused(&app, &query, &argument).await;
    }
    let query = "query ($area: Area) { measurements(filter: {area: $area}) { totalCount nodes { id } } }";
    let corner = |n: i32| json!({ "latitude": (f64::from(n) / 1600.0).sin() * 40.0, "longitude": (f64::from(n) / 1600.0).cos() * 40.0 });
    let corners: Vec<_> = (0..10_001).map(corner).collect();
    let (code, argument, message) = error(&app, query, json!({ "area": { "polygon": corners } })).await;
    assert_eq!((code.as_str(), argument.as_str()), ("BAD_USER_INPUT", "filter.area.polygon"), "{message}");
    app.query_with(query, json!({ "area": { "polygon": corners[..10_000] } })).await;
    // Not repeated for each of hundreds of devices.
    let of_each = "query ($area: Area) { devices(first: 500) { nodes { measurements(first: 1, filter: {area: $area}) { nodes { id } } } } }";
    let (code, ..) = error(&app, of_each, json!({ "area": { "polygon": corners[..10_000] } })).await;
    assert_eq!(code, "TOO_COMPLEX");
    app.query_with(of_each, json!({ "area": { "polygon": corners[..1000] } })).await;
    // Exactly one of the four must be set.
    for area in [
        json!({}),
        json!({ "cells": ["8928308280fffff"], "circle": { "latitude": 0, "longitude": 0, "radius": 1 } }),
        json!({ "circle": null }),
    ] {
        let (code, _, message) = error(&app, query, json!({ "area": area })).await;
        assert_eq!(code, "BAD_USER_INPUT", "{area}: {message}");
    }
}

#[tokio::test]
async fn invalid_samples_are_rejected_and_the_others_recorded() {
    let app = TestApp::new().await;
    let measurement = |fields: &str| {
        format!(
            "mutation {{ recordMeasurements(input: {{measurements: [
            {{device: \"bike\", measuredAt: \"2026-05-01T10:00:00Z\", pm10: 1}},
            {{device: \"bike\", measuredAt: \"2026-05-01T10:00:01Z\", {fields}}}]}})
            {{ status rejected {{ index code detail }} }} }}"
        )
    };
    for (fields, code, begins) in [
        ("pm10: 1, latitude: 91, longitude: 0", "INVALID_POSITION", "latitude: "),
        ("pm10: 1, latitude: -90.1, longitude: 0", "INVALID_POSITION", "latitude: "),
        ("pm10: 1, latitude: 0, longitude: 180.1", "INVALID_POSITION", "longitude: "),
        ("pm10: 1, latitude: 52", "INVALID_POSITION", "longitude: "),
        ("pm10: 1, longitude: 52", "INVALID_POSITION", "latitude: "),
        ("pm10: 1e39", "INVALID_VALUE", "pm10: "),
        ("pm25: -1e39", "INVALID_VALUE", "pm25: "),
        ("latitude: 52, longitude: 0", "NO_VALUES", "no value"),
    ] {
        let response = app.admin(&measurement(fields), json!({})).await["recordMeasurements"].take();
        assert_eq!(
            (&response["status"], &response["rejected"][1]),
            (&json!("PARTLY_RECORDED"), &Value::Null),
            "{response}"
        );
        let rejection = &response["rejected"][0];
        assert_eq!((&rejection["index"], &rejection["code"]), (&json!(1), &json!(code)), "{fields}: {response}");
        assert!(rejection["detail"].as_str().is_some_and(|detail| detail.starts_with(begins)), "{response}");
    }
    let stored = app.query("{ measurements { totalCount } devices { totalCount } }").await;
    assert_eq!(
        stored,
        json!({ "measurements": { "totalCount": 1 }, "devices": { "totalCount": 1 } }),
        "the good sample, each time the same"
    );

    for (fields, argument) in [
        ("pm10: NaN", "pm10"),
        ("pm10: \"1\"", "pm10"),
        ("pm10: 1, weather: {temperature: Infinity}", "weather.temperature"),
    ] {
        refused(&app, &measurement(fields), &format!("input.measurements[1].{argument}")).await;
    }
    let (code, _, message) = error(&app, &measurement("pm10: 1e999"), json!({})).await;
    assert_eq!(code, "BAD_USER_INPUT", "{message}");
    let many = json!({ "measurements": vec![json!({ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }); 1001] });
    let mutation = "mutation ($measurements: [MeasurementInput!]!) { recordMeasurements(input: {measurements: $measurements}) { status } }";
    let (code, argument, _) = error(&app, mutation, many).await;
    assert_eq!((code.as_str(), argument.as_str()), ("BAD_USER_INPUT", "input.measurements"));
}

#[tokio::test]
async fn invalid_devices_and_api_keys_are_rejected_by_name() {
    let app = TestApp::new().await;
    let long = "x".repeat(501);
    let numbers: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let many: Vec<_> = numbers.iter().map(String::as_str).collect();
    let sensors = |ids: &[&str]| {
        let each: Vec<_> = ids.iter().map(|id| format!("{{sensor: \"{id}\", quantity: PM10}}")).collect();
        each.join(", ")
    };
    for (input, argument) in [
        ("key: \"\", kind: FIXED", "input.key"),
        ("key: \" a\", kind: FIXED", "input.key"),
        ("key: \"a\", kind: FIXED, latitude: 91, longitude: 0", "input.latitude"),
        ("key: \"a\", kind: FIXED, latitude: 1", "input.longitude"),
        ("key: \"a\", kind: FIXED, name: \"a\\u0000b\"", "input.name"),
        (&format!("key: \"a\", kind: FIXED, licence: \"{long}\""), "input.licence"),
        ("key: \"a\", kind: FIXED, sensors: [{sensor: \"\", quantity: PM10}]", "input.sensors[0].sensor"),
        (&format!("key: \"a\", kind: FIXED, sensors: [{}]", sensors(&["s", "t", "s"])), "input.sensors[2].sensor"),
        (&format!("key: \"a\", kind: FIXED, sensors: [{}]", sensors(&many)), "input.sensors"),
    ] {
        refused(&app, &format!("mutation {{ registerDevice(input: {{{input}}}) {{ status }} }}"), argument).await;
    }
    for (input, argument) in [
        ("name: \"\", role: READER", "input.name"),
        ("name: \"k\", role: READER, deviceKey: \"bike\"", "input.deviceKey"),
        ("name: \"k\", role: SENSOR, deviceKey: \"unknown\"", "input.deviceKey"),
        ("name: \"k\", role: SENSOR, expiresAt: \"2026-05-01T12:00:00Z\"", "input.expiresAt"),
    ] {
        refused(&app, &format!("mutation {{ createApiKey(input: {{{input}}}) {{ key }} }}"), argument).await;
    }
    app.admin("mutation { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }", json!({})).await;
    refused(&app, "mutation { updateDevice(input: {key: \"a\", latitude: 1}) { status } }", "input.longitude").await;
    let update =
        format!("mutation {{ updateDevice(input: {{key: \"a\", sensors: [{}]}}) {{ status }} }}", sensors(&["s", "s"]));
    refused(&app, &update, "input.sensors[1].sensor").await;
}

#[tokio::test]
async fn resolutions_that_do_not_exist_are_rejected() {
    let app = TestApp::new().await;
    app.record(
        json!([{ "device": "b", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1, "latitude": 1, "longitude": 1 }]),
    )
    .await;
    for resolution in [-1, 16, 1000] {
        refused(&app, &format!("{{ measurements {{ nodes {{ cell(resolution: {resolution}) }} }} }}"), "resolution")
            .await;
    }
}

#[tokio::test]
async fn expensive_queries_are_rejected_before_execution() {
    let app = TestApp::new().await;
    for query in [
        "{ devices(first: 1000) { nodes { measurements(first: 1000) { nodes { id } } } } }",
        "{ a: measurements(first: 10000) { nodes { id pm1 pm25 pm4 pm10 latitude longitude measuredAt } }
           b: measurements(first: 10000) { nodes { id pm1 pm25 pm4 pm10 latitude longitude measuredAt } }
           c: measurements(first: 10000) { nodes { id pm1 pm25 pm4 pm10 latitude longitude measuredAt } } }",
        "{ devices { nodes { latest { device { latest { device { latest { device { latest { device { latest { device { latest { device { latest { device { id } } } } } } } } } } } } } } } } }",
    ] {
        let (code, _, message) = error(&app, query, json!({})).await;
        assert_eq!(code, "TOO_COMPLEX");
        assert!(message.contains("250000") || message.contains("15 levels"), "{message}");
    }
    // this page size is allowed
    app.query("{ measurements(first: 10000) { nodes { id pm1 pm25 pm4 pm10 latitude longitude measuredAt flags device { key } } } }").await;
}
