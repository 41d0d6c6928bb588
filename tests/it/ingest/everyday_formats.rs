//! Common sensor formats: plain JSON, airRohr and `InfluxDB` line protocol, as the firmware sends them.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const JSON: &str = r#"{"device":"bike-07","time":"2026-05-01T10:00:00Z","latitude":52.2,"longitude":0.12,"pm10":12.4,
    "pm2_5":6.8,"temperature":18.4,"co2":412.5,"flux":1}"#;
const AIRROHR: &str = r#"{"esp8266id":"12345678","software_version":"NRZ-2024-135","sensordatavalues":[
    {"value_type":"SDS_P1","value":"12.40"},{"value_type":"SDS_P2","value":"6.83"},
    {"value_type":"BME280_pressure","value":"100520.25"},{"value_type":"signal","value":"-61"}]}"#;
const INFLUX: &str = "feinstaub,node=esp8266-12345678 SDS_P1=12.40,SDS_P2=6.83,signal=-61 1777629600000000000\n";

async fn send(app: &TestApp, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = headers.iter().fold(Request::post(path), |request, &(name, value)| request.header(name, value));
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn measurements(app: &TestApp, device: &str) -> Value {
    let query = "query ($key: String!) { device(key: $key) { kind measurements { nodes {
        measuredAt timeUncertainty latitude longitude pm10 pm25 flags
        weather { temperature pressure } ambient { co2 } status { signalStrength } } } } }";
    app.query_with(query, json!({ "key": device })).await["device"].take()
}

async fn kept_undecodable(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    sqlx::query_as("select format, body from uplink where outcome = 'undecodable'")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks")
}

#[tokio::test]
async fn plain_json_without_a_device_is_recorded_for_the_one_in_the_path() {
    let app = TestApp::new().await;
    let body = r#"{"temperature":24,"pressure":99080,"pm25":7,"serial":"0000000000000001"}"#;
    assert_eq!(app.post("/ingest/json", Some(&app.admin), body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = app.post("/ingest/json/balcony", Some(&app.admin), body).await;
    assert_eq!((answer.status, &answer.json()["recorded"]), (StatusCode::CREATED, &json!(1)), "{}", answer.text);
    let node = &measurements(&app, "balcony").await["measurements"]["nodes"][0];
    assert_eq!((&node["pm25"], &node["weather"]), (&json!(7.0), &json!({ "temperature": 24.0, "pressure": 990.8 })));
}

#[tokio::test]
async fn plain_json_is_recorded_once() {
    let app = TestApp::new().await;
    let report = |recorded: usize, duplicates: usize| json!({ "recorded": recorded, "duplicates": duplicates, "rejected": [], "ignored": ["flux"] });
    let answer = app.post("/ingest/json", Some(&app.admin), JSON).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, report(1, 0)));
    let path = format!("/key/{}/ingest/json", app.admin);
    let answer = app.post(&path, None, format!("[{JSON},{JSON}]")).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, report(0, 2)));
    assert_eq!(
        measurements(&app, "bike-07").await,
        json!({ "kind": "MOBILE", "measurements": { "nodes": [{
            "measuredAt": "2026-05-01T10:00:00Z", "timeUncertainty": null, "latitude": 52.2, "longitude": 0.12,
            "pm10": 12.4, "pm25": 6.8, "flags": [], "weather": { "temperature": 18.4, "pressure": null },
            "ambient": { "co2": 412.5 }, "status": null }] } })
    );
    let answer = app.post("/ingest/json", Some(&app.admin), "7").await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (StatusCode::BAD_REQUEST, &json!("WRONG_TYPE")));
    assert_eq!(kept_undecodable(&app).await, [("json".to_owned(), b"7".to_vec())]);
}

#[tokio::test]
async fn airrohr_firmware_is_answered_as_it_expects() {
    let app = TestApp::new().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("sensor:{}", app.admin)));
    let json_type = (header::CONTENT_TYPE.as_str(), "application/json");
    for (path, authorization, recorded) in [
        ("/data.php".to_owned(), Some(basic.as_str()), 1),
        ("/ingest/airrohr".to_owned(), Some(basic.as_str()), 0),
        (format!("/key/{}/data.php", app.admin), None, 0),
    ] {
        let mut headers = vec![json_type, ("X-Sensor", "esp32-99")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let answer = send(&app, &path, &headers, AIRROHR).await;
        assert_eq!((answer.status, &answer.json()["recorded"]), (StatusCode::OK, &json!(recorded)), "{path}");
    }
    assert_eq!(
        measurements(&app, "esp32-99").await,
        json!({ "kind": "FIXED", "measurements": { "nodes": [{
            "measuredAt": "2026-05-01T12:00:00Z", "timeUncertainty": 145, "latitude": null, "longitude": null,
            "pm10": 12.4, "pm25": 6.83, "flags": ["ESTIMATED_TIME"],
            "weather": { "temperature": null, "pressure": 1005.2025 }, "ambient": null,
            "status": { "signalStrength": -61.0 } }] } })
    );
    let answer = send(&app, "/data.php", &[json_type, ("authorization", &basic)], "{}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(kept_undecodable(&app).await, [("airrohr".to_owned(), b"{}".to_vec())]);
}

#[tokio::test]
async fn line_protocol_is_recorded_once_and_answered_without_a_body() {
    let app = TestApp::new().await;
    let token = format!("Token {}", app.admin);
    let form = (header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
    let key_path = format!("/key/{}/write", app.admin);
    for (path, headers) in [
        ("/write?db=airgraph", vec![form, ("authorization", token.as_str())]),
        ("/ingest/influx", vec![("authorization", token.as_str())]),
        (key_path.as_str(), vec![]),
    ] {
        let answer = send(&app, path, &headers, INFLUX).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
    }
    assert_eq!(
        measurements(&app, "esp8266-12345678").await,
        json!({ "kind": "FIXED", "measurements": { "nodes": [{
            "measuredAt": "2026-05-01T10:00:00Z", "timeUncertainty": null, "latitude": null, "longitude": null,
            "pm10": 12.4, "pm25": 6.83, "flags": [], "weather": null, "ambient": null,
            "status": { "signalStrength": -61.0 } }] } })
    );
    let counts: Vec<(i32, i32)> = sqlx::query_as("select recorded, duplicates from uplink order by uplink_id")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks");
    assert_eq!((counts.len(), counts.iter().map(|count| count.0).sum::<i32>()), (3, 1));
    let answer = send(&app, "/write", &[("authorization", &token)], "m,node=n pm10=nan").await;
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]["code"]),
        (StatusCode::BAD_REQUEST, &json!("INVALID_VALUE"))
    );
    assert_eq!(kept_undecodable(&app).await, [("influx".to_owned(), b"m,node=n pm10=nan".to_vec())]);
}
