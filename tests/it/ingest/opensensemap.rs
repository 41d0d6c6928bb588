//! Posts of a senseBox: values by their sensors' ids, with the bare key in `Authorization`.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, statements::Statements};

const ARRAY: &str = r#"[{"sensor":"5a8601","value":"12.40","createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972,66.6]},
    {"sensor":"5a8602","value":"6.38","createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972,66.6]},
    {"sensor":"5a8603","value":"100520.25","createdAt":"2026-05-01T10:01:00Z"},{"sensor":"5a86ff","value":"1"}]"#;
const OBJECT: &str = r#"{"5a8601":["12.40","2026-05-01T10:00:00Z",[7.684,51.972,66.6]],
    "5a8602":["6.38","2026-05-01T10:00:00Z",{"longitude":7.684,"latitude":51.972,"height":66.6}],
    "5a8603":["1005.2025","2026-05-01T10:01:00Z"],"5a86ff":1}"#;
const CSV: &str = "5a8601,    12.40,2026-05-01T10:00:00Z,7.684000,51.972000,66.60
5a8602,     6.38,2026-05-01T10:00:00Z,7.684000,51.972000,66.60\n5a8603,1005.2025,2026-05-01T10:01:00Z\n5a86ff,1\n\r\n";

async fn app_with_a_box() -> TestApp {
    let app = TestApp::new().await;
    let register = "mutation { registerDevice(input: {key: \"box\", kind: FIXED, sensors: [
        {sensor: \"5a8601\", quantity: PM10}, {sensor: \"5a8602\", quantity: PM2_5}, {sensor: \"5a8603\", quantity: PRESSURE}]})
        { status } }";
    app.admin(register, json!({})).await;
    app
}

async fn post(app: &TestApp, path: &str, authorization: Option<&str>, media_type: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in [("authorization", authorization), ("content-type", media_type)] {
        request = value.into_iter().fold(request, |request, value| request.header(name, value));
    }
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn sensors_key(app: &TestApp, device: &str) -> String {
    let mutation =
        "mutation ($device: String!) { createApiKey(input: {name: \"s\", role: SENSOR, deviceKey: $device}) { key } }";
    let response = app.admin(mutation, json!({ "device": device })).await;
    response["createApiKey"]["key"].as_str().expect("a key").to_owned()
}

fn counts(recorded: usize, duplicates: usize) -> Value {
    json!({ "recorded": recorded, "duplicates": duplicates, "rejected": [], "ignored": ["5a86ff"] })
}

#[tokio::test]
async fn each_form_is_recorded_once() {
    let forms = [ARRAY, OBJECT, CSV];
    for (first, body) in forms.iter().enumerate() {
        let app = app_with_a_box().await;
        let key = sensors_key(&app, "box").await;
        let media_type = if *body == CSV { "text/csv" } else { "application/json" };
        let answer = post(&app, "/boxes/box/data", Some(&key), Some(media_type), body).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, counts(2, 0)), "{body}");
        for other in [1, 2].map(|step| forms[(first + step) % 3]) {
            let answer = post(&app, "/ingest/opensensemap/box", Some(&key), None, other).await;
            assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, counts(0, 2)), "{other} after {body}");
        }
        let in_path = format!("/key/{key}/boxes/box/data");
        let answer = post(&app, &in_path, None, Some("application/x-www-form-urlencoded"), body).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, counts(0, 2)));

        let data = app
            .query(
                "{ device(key: \"box\") { kind measurements(orderBy: MEASURED_AT_ASC) { nodes {
                measuredAt latitude longitude pm10 pm25 flags motion { altitude } weather { pressure } } } } }",
            )
            .await;
        assert_eq!(
            data["device"],
            json!({ "kind": "FIXED", "measurements": { "nodes": [
                { "measuredAt": "2026-05-01T10:00:00Z", "latitude": 51.972, "longitude": 7.684, "pm10": 12.4, "pm25": 6.38,
                  "flags": [], "motion": { "altitude": 66.6 }, "weather": null },
                { "measuredAt": "2026-05-01T10:01:00Z", "latitude": null, "longitude": null, "pm10": null, "pm25": null,
                  "flags": [], "motion": null, "weather": { "pressure": 1005.2025 } }] } })
        );
    }
}

#[tokio::test]
async fn body_of_unknown_sensors_is_stored_and_recorded_once_they_are_registered() {
    let app = app_with_a_box().await;
    for (device, body) in [("box", "5a8609,1"), ("unknown", CSV)] {
        let answer = post(&app, &format!("/boxes/{device}/data"), Some(&app.admin), Some("text/csv"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["errors"][0]["code"], "UNKNOWN_SENSORS", "{}", answer.text);
    }
    let kept: Vec<(String, String, Option<String>, Vec<u8>)> =
        sqlx::query_as("select format, outcome, named, body from uplink order by uplink_id")
            .fetch_all(&app.database.reads)
            .await
            .expect("uplinks");
    let row = |device: &str, body: &str| {
        ("opensensemap".to_owned(), "undecodable".to_owned(), Some(device.to_owned()), body.as_bytes().to_vec())
    };
    assert_eq!(kept.len(), 2);
    assert!(kept.contains(&row("box", "5a8609,1")) && kept.contains(&row("unknown", CSV)), "{kept:?}");

    let update =
        "mutation { updateDevice(input: {key: \"box\", sensors: [{sensor: \"5a8609\", quantity: CO2}]}) { status } }";
    app.admin(update, json!({})).await;
    let answer = post(&app, "/boxes/box/data", Some(&app.admin), None, "5a8609,1").await;
    assert_eq!((answer.status, &answer.json()["recorded"]), (StatusCode::CREATED, &json!(1)));
}

#[tokio::test]
async fn key_of_another_device_records_and_stores_nothing() {
    let app = app_with_a_box().await;
    app.admin("mutation { registerDevice(input: {key: \"other\", kind: FIXED}) { status } }", json!({})).await;
    let key = sensors_key(&app, "other").await;
    for body in [CSV, "5a8609,1", "{"] {
        let answer = post(&app, "/boxes/box/data", Some(&key), None, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    }
    let uplinks: i64 =
        sqlx::query_scalar("select count(*) from uplink").fetch_one(&app.database.reads).await.expect("a count");
    assert_eq!(uplinks, 0);
}

#[tokio::test]
async fn requests_without_a_valid_key_are_rejected() {
    let app = app_with_a_box().await;
    for authorization in [None, Some("ag_unknown"), Some("Bearer"), Some("Digest ag_1")] {
        let answer = post(&app, "/boxes/box/data", authorization, Some("text/csv"), CSV).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
    }
}

#[tokio::test]
async fn key_without_a_scheme_is_accepted_for_every_format() {
    let app = TestApp::new().await;
    let body = r#"{"device":"d","pm10":1}"#;
    let answer = post(&app, "/ingest/json", Some(&app.admin), Some("application/json"), body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn only_this_format_loads_the_sensors_of_a_device() {
    let statements = Statements::watch();
    let app = app_with_a_box().await;
    let json = |time: &str| json!({ "device": "box", "time": time, "pm10": 1 }).to_string();
    // From now on the key is cached, its use is stored, and the month's partition exists.
    for time in ["2026-05-01T09:00:00Z", "2026-05-01T10:00:00Z"] {
        app.post("/ingest/json", Some(&app.admin), json(time)).await;
    }
    let json = json("2026-05-01T10:00:01Z");
    let (as_json, _) = statements.count(app.post("/ingest/json", Some(&app.admin), json)).await;
    let csv = "5a8601,2,2026-05-01T10:00:02Z";
    let (as_csv, _) = statements.count(post(&app, "/boxes/box/data", Some(&app.admin), None, csv)).await;
    assert_eq!((as_json, as_csv), (1, 2), "what stores it, and before that the lookup of this format");
}

#[tokio::test]
async fn one_value_of_the_sensor_in_the_path_is_recorded_and_can_be_replayed() {
    let app = app_with_a_box().await;
    let body = r#"{"value":12.4,"createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972]}"#;
    for (recorded, duplicates) in [(1, 0), (0, 1)] {
        let answer = post(&app, "/boxes/box/5a8601", Some(&app.admin), Some("application/json"), body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!((&answer.json()["recorded"], &answer.json()["duplicates"]), (&json!(recorded), &json!(duplicates)));
    }
    for (path, body, code) in [
        ("/boxes/box/5a86ff", body, "UNKNOWN_SENSORS"),
        ("/boxes/unknown/5a8601", body, "UNKNOWN_SENSORS"),
        ("/boxes/box/5a8601", "{", "MALFORMED_JSON"),
    ] {
        let answer = post(&app, path, Some(&app.admin), None, body).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{path}"
        );
    }
    let register = "mutation { updateDevice(input: {key: \"box\", sensors: [
        {sensor: \"5a8601\", quantity: PM2_5}, {sensor: \"5a86ff\", quantity: PM10}]}) { status } }";
    app.admin(register, json!({})).await;
    app.admin("mutation { replayUplinks(input: {filter: {}}) { uplinks } }", json!({})).await;
    let data = app.query("{ device(key: \"box\") { measurements { nodes { pm10 pm25 latitude } } } }").await;
    let nodes = data["device"]["measurements"]["nodes"].as_array().expect("nodes");
    let expected_nodes = [
        json!({ "pm10": null, "pm25": 12.4, "latitude": 51.972 }),
        json!({ "pm10": 12.4, "pm25": null, "latitude": 51.972 }),
    ];
    assert!(nodes.len() == 2 && expected_nodes.iter().all(|node| nodes.contains(node)), "{nodes:?}");
}

#[tokio::test]
async fn luftdaten_option_decodes_airrohr_bodies() {
    let app = app_with_a_box().await;
    let body = r#"{"software_version":"NRZ-2020-129","sensordatavalues":[{"value_type":"SDS_P1","value":"18.83"},
        {"value_type":"SDS_P2","value":"10.60"},{"value_type":"BME280_pressure","value":"101001.28"}]}"#;
    let answer = post(&app, "/boxes/box/data?luftdaten=1", Some(&app.admin), Some("application/json"), body).await;
    assert_eq!((answer.status, &answer.json()["recorded"]), (StatusCode::CREATED, &json!(1)), "{}", answer.text);
    let data =
        app.query("{ device(key: \"box\") { measurements { nodes { pm10 pm25 weather { pressure } } } } }").await;
    let node = json!({ "pm10": 18.83, "pm25": 10.6, "weather": { "pressure": 1010.0128 } });
    assert_eq!(data["device"]["measurements"]["nodes"], json!([node]));
    let answer = post(&app, "/boxes/box/data?luftdaten=0", Some(&app.admin), None, body).await;
    assert_eq!(answer.json()["errors"][0]["code"], "UNKNOWN_SENSORS", "{}", answer.text);
}
