//! Keys and names whose displayed form differs from their content: rejected on every input path, readable once stored.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::support::TestApp;

/// Bidirectional override, zero-width space, private use, unassigned, markup.
const DECEPTIVE: [&str; 5] = ["bike\u{202e}70", "bike\u{200b}", "bike\u{e000}", "bike\u{378}", "<img onerror=1>"];

#[tokio::test]
async fn deceptive_keys_are_refused_on_every_way_in() {
    let app = TestApp::new().await;
    for key in DECEPTIVE {
        let body = json!({ "device": key, "time": "2026-05-01T10:00:00Z", "pm10": 5 });
        let answer = app.post("/ingest/json", Some(&app.admin), body.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["rejected"][0]["code"]),
            (422, &json!("INVALID_DEVICE")),
            "{key:?}"
        );

        let mutation = "mutation ($key: String!) { registerDevice(input: {key: $key, kind: FIXED}) { status } }";
        let answer = app.graphql(Some(&app.admin), mutation, json!({ "key": key })).await;
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "input.key", "{answer}");
        let mutation =
            "mutation ($name: String!) { registerDevice(input: {key: \"a\", kind: FIXED, name: $name}) { status } }";
        let answer = app.graphql(Some(&app.admin), mutation, json!({ "name": key })).await;
        assert_eq!(answer["errors"].is_array(), !key.contains('<'), "markup is text in a name: {answer}");

        let mutation = "mutation ($key: String!) { recordMeasurements(input: {measurements: [
            {device: $key, measuredAt: \"2026-05-01T10:00:00Z\", pm10: 5}]}) { rejected { code } } }";
        let answer = app.admin(mutation, json!({ "key": key })).await;
        assert_eq!(answer["recordMeasurements"]["rejected"][0]["code"], "INVALID_DEVICE");

        let file = format!("time,device,pm10\n2026-05-01T10:00:00Z,{key},5\n");
        let request = Request::post("/ingest/csv").header("content-type", "text/csv").header("x-api-key", &app.admin);
        let answer = app.send(request.body(Body::from(file)).expect("a request")).await;
        assert_eq!(answer.status, 422, "{key:?}: {}", answer.text);
    }
    let devices: Vec<String> =
        sqlx::query_scalar("select key from device").fetch_all(&app.database.reads).await.expect("devices");
    assert_eq!(devices, ["a"]);
}

#[tokio::test]
async fn deceptive_keys_of_older_databases_stay_readable() {
    let app = TestApp::new().await;
    let insert = "insert into device (key, kind, created_at) select key, 'fixed', now() from unnest($1::text[]) as key";
    sqlx::query(insert)
        .bind(DECEPTIVE.map(str::to_owned).to_vec())
        .execute(&app.database.writes)
        .await
        .expect("devices");
    for key in DECEPTIVE {
        let query = "query ($key: String!) { device(key: $key) { key }
            devices(filter: {keys: [$key]}) { totalCount } measurements(filter: {devices: [$key]}) { totalCount } }";
        let response = app.query_with(query, json!({ "key": key })).await;
        assert_eq!((&response["device"]["key"], &response["devices"]["totalCount"]), (&json!(key), &json!(1)));
        let update = "mutation ($key: String!) { updateDevice(input: {key: $key, name: \"n\"}) { device { name } } }";
        assert_eq!(app.admin(update, json!({ "key": key })).await["updateDevice"]["device"]["name"], "n");
    }
}
