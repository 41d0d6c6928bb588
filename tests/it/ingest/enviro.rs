//! Pimoroni Enviro boards.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::TestApp;

const READING: &str = r#"{"nickname":"balcony","model":"urban","uid":"e66","timestamp":"2026-05-01T10:00:00Z",
    "readings":{"temperature":18.5,"noise":0.1,"pm2_5":6,"pm10":9}}"#;

#[tokio::test]
async fn reading_is_recorded_once_under_uid_or_name_in_the_path() {
    let app = TestApp::new().await;
    let report = |recorded: usize, duplicates: usize| json!({ "recorded": recorded, "duplicates": duplicates, "rejected": [], "ignored": ["noise"] });
    let answer = app.post("/ingest/enviro", Some(&app.admin), READING).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, report(1, 0)));
    let answer = app.post("/ingest/enviro", Some(&app.admin), format!("[{READING}]")).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, report(0, 1)));
    let answer = app.post("/ingest/enviro/roof", Some(&app.admin), READING).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, report(1, 0)));
    for device in ["e66", "roof"] {
        let query = "query ($key: String!) { device(key: $key) { measurements { nodes { measuredAt pm10 pm25 } } } }";
        let data = app.query_with(query, json!({ "key": device })).await;
        let node = json!({ "measuredAt": "2026-05-01T10:00:00Z", "pm10": 9.0, "pm25": 6.0 });
        assert_eq!(data["device"]["measurements"]["nodes"], json!([node]), "{device}");
    }
}

#[tokio::test]
async fn failed_reading_has_a_status_that_makes_the_board_keep_it() {
    let app = TestApp::new().await;
    let ahead = READING.replace("10:00:00Z", "12:05:00Z"); // and it is noon
    let answer = app.post("/ingest/enviro", Some(&app.admin), ahead).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert_eq!(answer.json()["rejected"][0]["code"], "TIME_IN_THE_FUTURE");
    let answer = app.post("/ingest/enviro", Some(&app.admin), r#"{"uid":"e66","readings":{"noise":0.1}}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
}
