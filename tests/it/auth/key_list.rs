//! The list of API keys, for admins.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;

const LIST: &str = "query ($filter: ApiKeyFilter, $first: Int, $after: String) {
    apiKeys(filter: $filter, first: $first, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } }
}";

async fn create(app: &TestApp, input: &str) -> Value {
    let mutation = format!("mutation {{ createApiKey(input: {{{input}}}) {{ apiKey {{ id }} }} }}");
    app.admin(&mutation, json!({})).await["createApiKey"]["apiKey"]["id"].take()
}

async fn names(app: &TestApp, filter: Value) -> Vec<String> {
    let page = app.admin(LIST, json!({ "filter": filter })).await;
    names_of_page(&page["apiKeys"])
}

fn names_of_page(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().expect("keys");
    nodes.iter().map(|key| key["name"].as_str().expect("a name").to_owned()).collect()
}

/// The admin's own key, made before the test, is the oldest.
async fn with_keys() -> TestApp {
    let app = TestApp::new().await;
    app.admin("mutation { registerDevice(input: {key: \"Bike-7\", kind: MOBILE}) { status } }", json!({})).await;
    create(&app, "name: \"map\", role: READER").await;
    create(&app, "name: \"courier\", role: SENSOR, deviceKey: \"Bike-7\"").await;
    create(&app, "name: \"guest\", role: SENSOR, expiresAt: \"2026-05-01T13:00:00Z\"").await;
    let lost = create(&app, "name: \"lost bike\", role: SENSOR").await;
    let revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { status } }";
    app.admin(revoke, json!({ "id": lost })).await;
    app
}

#[tokio::test]
async fn keys_are_listed_newest_first_in_pages() {
    let app = with_keys().await;
    let all = names(&app, json!(null)).await;
    assert_eq!(all[..4], ["lost bike", "guest", "courier", "map"]);

    let (mut paged, mut after) = (Vec::new(), json!(null));
    loop {
        let page = app.admin(LIST, json!({ "first": 2, "after": after })).await["apiKeys"].take();
        paged.extend(names_of_page(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn keys_are_filtered_by_role_device_text_and_validity() {
    let app = with_keys().await;
    assert_eq!(names(&app, json!({ "role": "READER" })).await, ["map"]);
    assert_eq!(names(&app, json!({ "deviceKey": "Bike-7" })).await, ["courier"]);
    assert_eq!(names(&app, json!({ "text": "BIKE" })).await, ["lost bike", "courier"]);
    assert_eq!(names(&app, json!({ "isValid": false })).await, ["lost bike"]);
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(names(&app, json!({ "isValid": false })).await, ["lost bike", "guest"]);
    assert_eq!(names(&app, json!({ "isValid": true, "role": "SENSOR" })).await, ["courier"]);
}

#[tokio::test]
async fn keys_of_a_deleted_device_are_found_by_its_key() {
    let app = with_keys().await;
    app.admin("mutation { deleteDevice(input: {key: \"Bike-7\"}) { status } }", json!({})).await;
    assert_eq!(names(&app, json!({ "deviceKey": "Bike-7", "isValid": false })).await, ["courier"]);
}

#[tokio::test]
async fn only_admins_list_keys() {
    let app = TestApp::new().await;
    let created = app.admin("mutation { createApiKey(input: {name: \"r\", role: READER}) { key } }", json!({})).await;
    let reader = created["createApiKey"]["key"].as_str().expect("a key");
    for (key, code) in [(None, "UNAUTHENTICATED"), (Some(reader), "FORBIDDEN")] {
        let answer = app.graphql(key, "{ apiKeys { nodes { id } } }", json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_named() {
    let app = TestApp::new().await;
    for (variables, argument) in [
        (json!({ "first": 1001 }), "first"),
        (json!({ "after": "x" }), "after"),
        (json!({ "filter": { "text": "" } }), "filter.text"),
    ] {
        let answer = app.graphql(Some(&app.admin.clone()), LIST, variables).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument, "{answer}");
    }
}
