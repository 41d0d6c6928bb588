//! `AirBeam` Mini: binary bodies, and a clock that is set by the response.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use crate::support::{Answer, TestApp};

const UUID: &str = "0d5f6bd6-5a9e-4f2a-9c0c-5f4b3f3f1c11";
/// The body that the firmware sends for one time, 2026-05-01T10:00:00Z: PM1 4, PM2.5 6.
const BODY: &[u8] = include_bytes!("../../../crates/airgraph-formats/corpus/airbeam/one.bin");

async fn post(app: &TestApp, path: &str, bearer: &str, body: &'static [u8]) -> Answer {
    let request = Request::post(path).header("authorization", format!("Bearer {bearer}"));
    let request = request.header("content-type", "application/octet-stream");
    app.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn measurements_of_a_session_are_recorded_once_and_each_answer_has_the_time() {
    let app = TestApp::new().await;
    let path = format!("/api/v3/fixed_sessions/{UUID}/measurements");
    let asks_for_the_time = post(&app, &path, &app.admin, b"").await;
    assert_eq!(asks_for_the_time.status, StatusCode::OK, "{}", asks_for_the_time.text);
    assert_eq!(asks_for_the_time.headers["x-server-time"], "1777636800");
    for recorded in [1, 0] {
        let answer = post(&app, &path, &app.admin, BODY).await;
        assert_eq!((answer.status, &answer.json()["recorded"]), (StatusCode::OK, &json!(recorded)), "{}", answer.text);
        assert_eq!(answer.headers["x-server-time"], "1777636800");
    }
    let query = "query ($key: String!) { device(key: $key) { measurements { nodes { measuredAt pm1 pm25 } } } }";
    let data = app.query_with(query, json!({ "key": UUID })).await;
    let node = json!({ "measuredAt": "2026-05-01T10:00:00Z", "pm1": 4.0, "pm25": 6.0 });
    assert_eq!(data["device"]["measurements"]["nodes"], json!([node]));
    let answer = post(&app, &path, &app.admin, &BODY[1..]).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (StatusCode::BAD_REQUEST, &json!("WRONG_MARK")));
}

#[tokio::test]
async fn key_in_the_path_takes_precedence_over_the_firmware_token() {
    let app = TestApp::new().await;
    let path = format!("/key/{}/api/v3/fixed_sessions/{UUID}/measurements", app.admin);
    let answer = post(&app, &path, "00112233445566778899aabbccddeeff", BODY).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let path = "/key/wrong/api/v3/fixed_sessions/s/measurements";
    assert_eq!(post(&app, path, &app.admin, BODY).await.status, StatusCode::UNAUTHORIZED);
}
