//! Webhooks of LoRaWAN network servers and posts of `AirGradient` monitors: the responses, and what is stored.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::cleancycle::EXPECTED_A;
use crate::support::{Answer, TestApp, packet::unhex};

const PACKET_A: &str = "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA";
const AT: &str = "2026-02-12T15:15:45.789585559Z";

fn things_stack(message: &Value) -> String {
    json!({
        "end_device_ids": { "device_id": "bike-07", "dev_eui": "0004A30B001C0530" },
        "received_at": "2026-02-12T15:15:46.014773143Z",
        "uplink_message": message,
    })
    .to_string()
}

fn stack_packet() -> String {
    things_stack(&json!({ "f_port": 1, "f_cnt": 3, "frm_payload": PACKET_A, "received_at": AT }))
}

fn chirpstack(deduplication_id: &str) -> String {
    json!({
        "deduplicationId": deduplication_id, "time": AT, "fCnt": 7, "fPort": 1, "data": PACKET_A,
        "deviceInfo": { "applicationName": "bikes", "deviceName": "bike-07", "devEui": "0101010101010101" },
    })
    .to_string()
}

/// Posts like a network server: JSON, with the key in a custom header.
async fn post(app: &TestApp, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-api-key", &app.admin)
        .header("x-downlink-apikey", "NNSXS.SECRET");
    app.send(request.body(body.into()).expect("a request")).await
}

fn status_and_body(answer: &Answer) -> (StatusCode, Value) {
    (answer.status, answer.json())
}

fn counts(recorded: usize, duplicates: usize) -> Value {
    json!({ "recorded": recorded, "duplicates": duplicates, "rejected": [] })
}

async fn assert_are_those_of_a(app: &TestApp) {
    let query = r#"{ device(key: "bike-07") { kind measurements(orderBy: MEASURED_AT_ASC) {
        nodes { measuredAt latitude longitude pm10 pm25 flags timeUncertainty } } } }"#;
    let data = app.query(query).await;
    assert_eq!(data["device"]["kind"], "MOBILE");
    let nodes = data["device"]["measurements"]["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 8);
    for (node, (latitude, longitude, pm10, pm2_5)) in nodes.iter().zip(EXPECTED_A) {
        assert_eq!((&node["latitude"], &node["longitude"]), (&json!(latitude), &json!(longitude)));
        assert_eq!((&node["pm10"], &node["pm25"]), (&json!(f64::from(pm10)), &json!(f64::from(pm2_5))));
        assert_eq!((&node["flags"], &node["timeUncertainty"]), (&json!(["ESTIMATED_TIME", "LATE"]), &json!(1440)));
    }
    assert_eq!(nodes[7]["measuredAt"], "2026-02-12T15:15:45.789585Z");
    assert_eq!(nodes[0]["measuredAt"], "2026-02-12T15:15:24.789585Z");
}

/// Format, outcome, frame counter, name and event of every uplink, in the order of arrival.
async fn uplinks(app: &TestApp) -> Vec<(String, String, Option<i64>, Option<String>, Option<String>)> {
    sqlx::query_as("select format, outcome, frame_counter, named, event from uplink order by uplink_id")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks")
}

/// The bodies that were kept for a replay.
async fn undecodable(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    sqlx::query_as("select format, body from uplink where outcome = 'undecodable'")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks")
}

#[tokio::test]
async fn things_stack_receives_202_and_its_packet_is_stored_once() {
    let app = TestApp::new().await;
    let path = "/ingest/things-stack";
    assert_eq!(status_and_body(&post(&app, path, stack_packet()).await), (StatusCode::ACCEPTED, counts(8, 0)));
    assert_eq!(status_and_body(&post(&app, path, stack_packet()).await), (StatusCode::ACCEPTED, counts(0, 8)));
    assert_are_those_of_a(&app).await;
    let (format, outcome, frame_counter, ..) = uplinks(&app).await.swap_remove(0);
    assert_eq!((format.as_str(), outcome.as_str(), frame_counter), ("things-stack", "recorded", Some(3)));
}

#[tokio::test]
async fn packet_of_one_network_is_a_duplicate_on_the_others() {
    let app = TestApp::new().await;
    let old = json!({ "dev_id": "bike-07", "payload_raw": PACKET_A, "metadata": { "time": AT } });
    assert_eq!(status_and_body(&app.uplink(old.to_string()).await), (StatusCode::CREATED, counts(8, 0)));
    assert_eq!(
        status_and_body(&post(&app, "/ingest/things-stack", stack_packet()).await),
        (StatusCode::ACCEPTED, counts(0, 8))
    );
    let up = "/ingest/chirpstack?event=up";
    assert_eq!(status_and_body(&post(&app, up, chirpstack("9ffbc7be")).await), (StatusCode::OK, counts(0, 8)));
}

#[tokio::test]
async fn undecodable_things_stack_messages_are_accepted_and_stored() {
    let app = TestApp::new().await;
    let short = things_stack(&json!({ "frm_payload": "AQID" }));
    // A key with a NUL, which no text column accepts, at a path that the error names.
    let nul = things_stack(&json!({ "decoded_payload": { "pm10\u{0}": 1, "0": "x" } }));
    let nul_within = r#"{"end_device_ids":{"device_id":"x"},"uplink_message":{"decoded_payload":{"\u0000":1e999}}}"#;
    let cases = [
        (short.as_str(), "INVALID_FRM_PAYLOAD"),
        (nul.as_str(), "NO_KNOWN_FIELD"),
        (nul_within, "MALFORMED_JSON"),
        ("{", "MALFORMED_JSON"),
    ];
    for (body, code) in cases {
        let answer = post(&app, "/ingest/things-stack", body.to_owned()).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (StatusCode::ACCEPTED, &json!(code)),
            "{body}"
        );
    }
    let kept = undecodable(&app).await;
    assert_eq!(kept.len(), cases.len());
    for (body, _) in cases {
        assert!(kept.contains(&("things-stack".to_owned(), body.as_bytes().to_vec())), "{body}");
    }
}

#[tokio::test]
async fn events_that_are_no_uplinks_are_accepted_and_record_nothing() {
    let app = TestApp::new().await;
    let ids = json!({ "device_id": "bike-07" });
    for event in ["join_accept", "downlink_sent", "location_solved"] {
        let body = json!({ "end_device_ids": ids, event: {} }).to_string();
        assert_eq!(
            status_and_body(&post(&app, "/ingest/things-stack", body).await),
            (StatusCode::ACCEPTED, counts(0, 0))
        );
    }
    let simulated = stack_packet().replacen('{', "{\"simulated\":true,", 1);
    assert_eq!(
        status_and_body(&post(&app, "/ingest/things-stack", simulated).await),
        (StatusCode::ACCEPTED, counts(0, 0))
    );
    for event in ["join", "status"] {
        let path = format!("/ingest/chirpstack?event={event}");
        assert_eq!(status_and_body(&post(&app, &path, chirpstack("x")).await), (StatusCode::OK, counts(0, 0)));
    }
    assert_eq!(app.query("{ measurements { nodes { pm10 } } }").await["measurements"]["nodes"], json!([]));
    let uplinks = uplinks(&app).await;
    assert!(uplinks.iter().all(|(_, outcome, ..)| outcome == "recorded"), "{uplinks:?}");
    assert_eq!(uplinks.iter().filter(|(.., event)| event.as_deref() == Some("status")).count(), 1);
}

#[tokio::test]
async fn chirpstack_receives_200_and_its_packet_is_stored_once() {
    let app = TestApp::new().await;
    let up = "/ingest/chirpstack?event=up";
    assert_eq!(status_and_body(&post(&app, up, chirpstack("9ffbc7be")).await), (StatusCode::OK, counts(8, 0)));
    assert_eq!(status_and_body(&post(&app, up, chirpstack("another")).await), (StatusCode::OK, counts(0, 8)));
    assert_are_those_of_a(&app).await;
    let (format, _, frame_counter, _, event) = uplinks(&app).await.swap_remove(0);
    assert_eq!((format.as_str(), frame_counter, event.as_deref()), ("chirpstack", Some(7), Some("up")));

    let answer = post(&app, up, r#"{"deviceInfo":{"devEui":"01"},"data":"AQID"}"#).await;
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (StatusCode::BAD_REQUEST, &json!("INVALID_DATA")));
    assert_eq!(undecodable(&app).await.len(), 1);
}

#[tokio::test]
async fn named_fields_are_stored_as_one_sample() {
    let app = TestApp::new().await;
    // The length of a CleanCycle packet, with zeros at its end; and a text that is a number.
    let payload = STANDARD.encode(unhex(&format!("41515331007d004400b90258{}", "00".repeat(39))));
    let fields = json!({ "PM10": 12.4, "pm25": 6.8, "temperature": 18.5, "co2": "447", "rssi": -35 });
    let body = things_stack(&json!({ "frm_payload": payload, "decoded_payload": fields, "received_at": AT }));
    let answer = post(&app, "/ingest/things-stack", body).await;
    let expected = json!({ "recorded": 1, "duplicates": 0, "rejected": [], "ignored": ["rssi"] });
    assert_eq!(status_and_body(&answer), (StatusCode::ACCEPTED, expected));
    let query = r#"{ device(key: "bike-07") { kind latest {
        latitude pm10 pm25 timeUncertainty weather { temperature } ambient { co2 } } } }"#;
    let expected = json!({ "kind": "FIXED", "latest": { "latitude": null, "pm10": 12.4, "pm25": 6.8, "timeUncertainty": 60,
        "weather": { "temperature": 18.5 }, "ambient": { "co2": 447.0 } } });
    assert_eq!(app.query(query).await["device"], expected);
}

#[tokio::test]
async fn ozone_is_stored_if_the_brand_defines_its_unit() {
    let app = TestApp::new().await;
    let fields = json!({ "o3": 0.03, "pm10": 5 });
    let brand = json!({ "brand_id": "milesight-iot", "model_id": "am319" });
    let body = things_stack(&json!({ "decoded_payload": fields, "version_ids": brand, "received_at": AT }));
    assert_eq!(status_and_body(&post(&app, "/ingest/things-stack", body).await), (StatusCode::ACCEPTED, counts(1, 0)));
    let body = json!({ "deviceName": "hall", "devEUI": "AgICAgICAgI=", "objectJSON": fields.to_string() });
    let answer = post(&app, "/ingest/chirpstack?event=up", body.to_string()).await;
    assert_eq!((answer.status, &answer.json()["ignored"]), (StatusCode::OK, &json!(["o3"])));
    let query = r#"{ known: device(key: "bike-07") { latest { ambient { o3 } } } unknown: device(key: "hall") {
        latest { pm10 ambient { o3 } } } }"#;
    let data = app.query(query).await;
    let ozone = data["known"]["latest"]["ambient"]["o3"].as_f64().expect("ozone");
    assert!((ozone - 59.87).abs() < 0.01, "{ozone}");
    assert_eq!(data["unknown"]["latest"], json!({ "pm10": 5.0, "ambient": null }));
}

const MEASURES: &str = r#"{"wifi":-46,"rco2":447,"pm01":3,"pm02":7,"pm10":8,"pm003Count":442,"atmp":25.87,"rhum":43,"tvocIndex":100,"noxIndex":1,"boot":6}"#;

#[tokio::test]
async fn airgradient_monitor_receives_200_on_each_of_its_paths() {
    let app = TestApp::new().await;
    let keyed = format!("/key/{}/sensors/airgradient:84fce612eff4/measures", app.admin);
    let answer = app.post(&keyed, None, MEASURES).await;
    let expected = json!({ "recorded": 1, "duplicates": 0, "rejected": [], "ignored": ["boot"] });
    assert_eq!(status_and_body(&answer), (StatusCode::OK, expected));
    // The clock of the test is fixed, so equal values are the same sample.
    let paths = ["/ingest/airgradient/airgradient:84fce612eff4", "/sensors/airgradient%3A84fce612eff4/measures"];
    for path in paths {
        let answer = post(&app, path, MEASURES).await;
        assert_eq!((answer.status, &answer.json()["duplicates"]), (StatusCode::OK, &json!(1)), "{path}");
    }

    let query = r#"{ device(key: "airgradient:84fce612eff4") { kind latest {
        measuredAt timeUncertainty flags latitude pm1 pm25 pm10 weather { temperature humidity }
        ambient { co2 vocIndex noxIndex particles03 } status { signalStrength } } } }"#;
    let expected = json!({ "kind": "FIXED", "latest": {
        "measuredAt": "2026-05-01T12:00:00Z", "timeUncertainty": 60, "flags": ["ESTIMATED_TIME"], "latitude": null,
        "pm1": 3.0, "pm25": 7.0, "pm10": 8.0, "weather": { "temperature": 25.87, "humidity": 43.0 },
        "ambient": { "co2": 447.0, "vocIndex": 100.0, "noxIndex": 1.0, "particles03": 442.0 },
        "status": { "signalStrength": -46.0 } } });
    assert_eq!(app.query(query).await["device"], expected);
    let uplinks = uplinks(&app).await;
    assert!(uplinks.iter().all(|(format, _, _, named, _)| {
        (format.as_str(), named.as_deref()) == ("airgradient", Some("airgradient:84fce612eff4"))
    }));
}

#[tokio::test]
async fn undecodable_airgradient_body_is_rejected_and_stored() {
    let app = TestApp::new().await;
    let path = format!("/key/{}/sensors/airgradient:84fce612eff4/measures", app.admin);
    for (body, code) in [("{", "MALFORMED_JSON"), (r#"{"boot":1}"#, "MISSING_VALUES"), ("[]", "WRONG_TYPE")] {
        let answer = app.post(&path, None, body).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (StatusCode::BAD_REQUEST, &json!(code)));
        assert!(undecodable(&app).await.contains(&("airgradient".to_owned(), body.as_bytes().to_vec())));
    }
    assert_eq!(app.post(&path.replace(&app.admin, "ag_no"), None, MEASURES).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn monitor_configuration_request_is_rejected() {
    let app = TestApp::new().await;
    for prefix in [String::new(), format!("/key/{}", app.admin)] {
        let answer = app.get(&format!("{prefix}/sensors/airgradient:84fce612eff4/one/config")).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("BAD_REQUEST")));
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("settings")), "{error}");
    }
}
