//! The shape of responses where async-graphql alone departs from the specification.

use serde_json::json;

use crate::support::TestApp;

async fn text(app: &TestApp, query: &str, variables: serde_json::Value) -> String {
    let text = app.post("/graphql", None, json!({ "query": query, "variables": variables }).to_string()).await.text;
    text.split_once(",\"extensions\":").map(|(data, _)| format!("{data}}}")).unwrap_or(text)
}

#[tokio::test]
async fn fields_are_in_selection_order() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-01-01T10:00:00Z", "pm25": 1.5 }])).await;
    let query = "query ($no: Boolean!) {
        devices { totalCount nodes {
            kind @skip(if: true) latest { device { name key } ...F } k: key measurements(first: 1) { nodes { pm25 } } kind
        } }
        measurements { nodes { device { key } pm25 } }
        device(key: \"a\") { latest { pm25 } key @include(if: $no) name key } s: __typename
    }
    fragment F on Measurement { pm25 device { kind } pm10 }";
    let response = text(&app, query, json!({ "no": false })).await;
    assert_eq!(
        response,
        "{\"data\":{\"devices\":{\"totalCount\":1,\"nodes\":[{\"latest\":{\"device\":{\"name\":null,\"key\":\"a\",\
         \"kind\":\"MOBILE\"},\"pm25\":1.5,\"pm10\":null},\"k\":\"a\",\"measurements\":{\"nodes\":[{\"pm25\":1.5}]},\
         \"kind\":\"MOBILE\"}]},\"measurements\":{\"nodes\":[{\"device\":{\"key\":\"a\"},\"pm25\":1.5}]},\
         \"device\":{\"latest\":{\"pm25\":1.5},\"name\":null,\"key\":\"a\"},\"s\":\"Query\"}}"
    );
}

#[tokio::test]
async fn directive_uses_the_default_of_its_variable() {
    let app = TestApp::new().await;
    let query = "query ($with: Boolean = true, $without: Boolean! = false) {
        devices { a: totalCount @include(if: $with) b: totalCount @skip(if: $without) c: totalCount @skip(if: $with) } }";
    assert_eq!(text(&app, query, json!({})).await, r#"{"data":{"devices":{"a":0,"b":0}}}"#);
    assert_eq!(text(&app, query, json!({ "with": false })).await, r#"{"data":{"devices":{"b":0,"c":0}}}"#);
    assert_eq!(text(&app, query, json!({ "without": true })).await, r#"{"data":{"devices":{"a":0}}}"#);
}

#[tokio::test]
async fn failed_field_or_its_nearest_nullable_parent_is_null() {
    let app = TestApp::new().await;
    app.admin("mutation { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }", json!({})).await;
    for (query, data) in [
        (
            "{ device(key: \"a\") { measurements(first: -1) { totalCount } } devices { totalCount } }",
            json!({ "device": null, "devices": { "totalCount": 1 } }),
        ),
        (
            "{ device(key: \"a\") { measurements(first: -1) { totalCount @skip(if: true) } } }",
            json!({ "device": null }),
        ),
        ("{ devices { totalCount } measurements(first: -1) { totalCount } }", json!(null)),
        ("{ device(key: \"a\") { key measurements(first: -1) { totalCount } } }", json!({ "device": null })),
    ] {
        let answer = app.graphql(None, query, json!({})).await;
        assert_eq!(answer["data"], data, "{query}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{query}");
    }
}

#[tokio::test]
async fn object_without_selected_fields_is_an_empty_object() {
    let app = TestApp::new().await;
    app.admin("mutation { registerDevice(input: {key: \"a\", kind: FIXED}) { status } }", json!({})).await;
    let id = app.query("{ device(key: \"a\") { id } }").await["device"]["id"].clone();
    let query = "query ($id: ID!) { node(id: $id) { ... on Trip { id } } nodes(ids: [$id]) { ... on Uplink { id } } }";
    let response = app.query_with(query, json!({ "id": id })).await;
    assert_eq!(response, json!({ "node": {}, "nodes": [{}] }));
    assert_eq!(app.query("{ devices @skip(if: true) { totalCount } }").await, json!({}));
    assert_eq!(app.query("{ devices { totalCount @skip(if: true) } }").await, json!({ "devices": {} }));
}
