//! The REST shim: posts of a sensor in the format of The Things Network v2, and the responses.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use super::cleancycle::EXPECTED_A;
use crate::support::{
    Answer, TestApp,
    packet::{RawSample, encode, ttn_body},
};

const PACKET_A: &str = "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA";

fn recorded(answer: &Answer) -> (StatusCode, Value) {
    (answer.status, answer.json())
}

fn created(recorded: usize, duplicates: usize) -> (StatusCode, Value) {
    (StatusCode::CREATED, json!({ "recorded": recorded, "duplicates": duplicates, "rejected": [] }))
}

/// The samples of packet A as decoded by the network, keys sorted as numbers or as texts.
fn fields(sorted_as_texts: bool) -> String {
    let mut fields: Vec<(String, f64)> = EXPECTED_A
        .iter()
        .flat_map(|&(latitude, longitude, pm10, pm2_5)| [latitude, longitude, f64::from(pm10), f64::from(pm2_5)])
        .enumerate()
        .map(|(key, value)| (key.to_string(), value))
        .collect();
    if sorted_as_texts {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let fields: Vec<_> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn body(payload: &str) -> String {
    format!(
        r#"{{"app_id":"ride","dev_id":"bike-07","metadata":{{"time":"2019-02-25T16:00:46.840341614Z"}},{payload}}}"#
    )
}

async fn positions(app: &TestApp, device: &str) -> Vec<(f64, f64, f64, f64)> {
    let query = "query ($key: String!) { device(key: $key) { measurements(orderBy: MEASURED_AT_ASC) {
        nodes { latitude longitude pm10 pm25 } } } }";
    let data = app.query_with(query, json!({ "key": device })).await;
    let nodes = data["device"]["measurements"]["nodes"].as_array().expect("nodes");
    let number = |node: &Value, field: &str| node[field].as_f64().expect("a number");
    nodes
        .iter()
        .map(|node| (number(node, "latitude"), number(node, "longitude"), number(node, "pm10"), number(node, "pm25")))
        .collect()
}

fn assert_are_those_of_a(found: &[(f64, f64, f64, f64)]) {
    assert_eq!(found.len(), 8);
    for (found, &(latitude, longitude, pm10, pm2_5)) in found.iter().zip(&EXPECTED_A) {
        assert!((found.0 - latitude).abs() < 1e-9 && (found.1 - longitude).abs() < 1e-9, "{found:?}");
        assert_eq!((found.2, found.3), (f64::from(pm10), f64::from(pm2_5)));
    }
}

#[tokio::test]
async fn packet_is_recorded_once_in_any_encoding_and_repetition() {
    let app = TestApp::new().await;
    let raw = body(&format!(r#""payload_raw":"{PACKET_A}""#));
    assert_eq!(recorded(&app.uplink(raw.clone()).await), created(8, 0));
    assert_eq!(recorded(&app.uplink(raw).await), created(0, 8));
    for sorted_as_texts in [false, true] {
        let fields = body(&format!(r#""payload_fields":{}"#, fields(sorted_as_texts)));
        assert_eq!(recorded(&app.uplink(fields).await), created(0, 8), "sorted as texts: {sorted_as_texts}");
    }
    assert_are_those_of_a(&positions(&app, "bike-07").await);
}

#[tokio::test]
async fn fields_alone_give_the_samples_in_their_order() {
    let app = TestApp::new().await;
    let both = format!(r#""payload_raw":"","hardware_serial":"","payload_fields":{}"#, fields(true));
    assert_eq!(recorded(&app.uplink(body(&both)).await), created(8, 0));
    assert_are_those_of_a(&positions(&app, "bike-07").await);
}

/// Reads a real body from the folder beside the repository; skipped where that is missing. The test above uses synthetic
/// input.
#[tokio::test]
async fn body_of_the_old_server_is_recorded() {
    let Ok(body) = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/ttn-v2-uplink.json")) else {
        println!("left out: ../shared/data/ttn-v2-uplink.json is not there");
        return;
    };
    let app = TestApp::new().await;
    assert_eq!(recorded(&app.uplink(body.clone()).await), created(8, 0));
    assert_eq!(recorded(&app.uplink(body).await), created(0, 8));
    assert_are_those_of_a(&positions(&app, "cleancycle-application").await);
}

#[tokio::test]
async fn samples_are_three_seconds_apart_and_end_at_the_networks_time() {
    let app = TestApp::new().await;
    app.uplink(body(&format!(r#""payload_raw":"{PACKET_A}""#))).await;
    let data = app.query("{ measurements { nodes { measuredAt timeUncertainty flags } } }").await;
    let nodes = data["measurements"]["nodes"].as_array().expect("nodes");
    let expected =
        |time: &str| json!({ "measuredAt": time, "timeUncertainty": 1440, "flags": ["ESTIMATED_TIME", "LATE"] });
    assert_eq!(nodes[0], expected("2019-02-25T16:00:46.840341Z"));
    assert_eq!(nodes[7], expected("2019-02-25T16:00:25.840341Z"));
}

#[tokio::test]
async fn missing_time_is_replaced_by_the_gateways_clock() {
    let app = TestApp::new().await;
    app.uplink(format!(r#"{{"dev_id":"bike-07","payload_raw":"{PACKET_A}"}}"#)).await;
    let data = app.query(r#"{ device(key: "bike-07") { kind latest { measuredAt } } }"#).await;
    assert_eq!(data["device"], json!({ "kind": "MOBILE", "latest": { "measuredAt": "2026-05-01T12:00:00Z" } }));
}

#[tokio::test]
async fn device_key_is_the_first_nonempty_name() {
    let app = TestApp::new().await;
    for (names, device) in [
        (r#""app_id":"a","dev_id":"b","hardware_serial":"c""#, "b"),
        (r#""app_id":"a","dev_id":"","hardware_serial":"c""#, "c"),
        (r#""app_id":"a","dev_id":"","hardware_serial":"""#, "a"),
    ] {
        let body = format!(r#"{{{names},"payload_raw":"{PACKET_A}"}}"#);
        assert_eq!(recorded(&app.uplink(body).await), created(8, 0));
        assert_eq!(positions(&app, device).await.len(), 8, "{names}");
    }
}

#[tokio::test]
async fn empty_fields_record_nothing_without_error() {
    let app = TestApp::new().await;
    assert_eq!(recorded(&app.uplink(body(r#""payload_fields":{}"#)).await), created(0, 0));
    // The test request of the predecessor names no device.
    for body in [
        r#"{"payload_fields":{}}"#,
        r#"{"app_id":"","dev_id":"","hardware_serial":"","payload_raw":"","payload_fields":{},"metadata":{"time":""}}"#,
        r#"{"dev_id":null,"payload_raw":null,"payload_fields":{},"metadata":""}"#,
    ] {
        assert_eq!(recorded(&app.uplink(body).await), created(0, 0), "{body}");
    }
}

#[tokio::test]
async fn impossible_samples_are_rejected_and_reported() {
    let app = TestApp::new().await;
    let fields =
        r#""payload_fields":{"0":91,"1":0.1,"2":5,"3":4,"4":52.2,"5":0.1,"6":5,"7":4,"8":52.2,"9":181,"10":1,"11":1}"#;
    let answer = app.uplink(body(fields)).await.json();
    assert_eq!(answer["recorded"], 1);
    assert_eq!(answer["rejected"][0]["index"], 0);
    assert_eq!(answer["rejected"][0]["code"], "INVALID_POSITION");
    assert!(answer["rejected"][0]["detail"].as_str().is_some_and(|detail| detail.contains("91")), "{answer}");
    assert_eq!(answer["rejected"][1]["index"], 2);

    let three = encode(&[RawSample::new(52.2, 0.13, 12.0, 7.0); 3]);
    let answer = app.uplink(ttn_body("bike-08", "2026-05-01T10:00:00Z", &three).to_string()).await.json();
    assert_eq!((&answer["recorded"], answer["rejected"].as_array().map(Vec::len)), (&json!(3), Some(5)));
    assert_eq!(
        answer["rejected"][4],
        json!({ "index": 7, "code": "PADDING",
        "detail": "all zero: the packet held fewer than eight samples" })
    );
}

#[tokio::test]
async fn samples_in_the_future_are_rejected() {
    let app = TestApp::new().await;
    let packet = encode(&[RawSample::new(52.2, 0.13, 12.0, 7.0); 8]);
    let answer = app.uplink(ttn_body("bike-07", "2026-05-01T12:01:07Z", &packet).to_string()).await.json();
    assert_eq!(answer["recorded"], 5, "{answer}"); // up to a minute ahead of 12:00:00
    assert_eq!(answer["rejected"][0]["code"], "TIME_IN_THE_FUTURE");
}

#[tokio::test]
async fn absurd_network_time_is_replaced_by_the_gateways_clock() {
    let app = TestApp::new().await;
    for (device, time) in [
        "-262143-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "+262142-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00Z",
        "yesterday",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"dev_id":"{device}","payload_raw":"{PACKET_A}","metadata":{{"time":"{time}"}}}}"#);
        assert_eq!(recorded(&app.uplink(body).await), created(8, 0), "{time}");
        let query = "query ($key: String!) { device(key: $key) { latest { measuredAt } } }";
        let data = app.query_with(query, json!({ "key": device.to_string() })).await;
        assert_eq!(data["device"]["latest"]["measuredAt"], "2026-05-01T12:00:00Z", "{time}");
    }
}

#[tokio::test]
async fn undecodable_body_is_rejected_with_a_reason_and_stored() {
    let app = TestApp::new().await;
    let cases = [
        ("", "MALFORMED_JSON", "EOF"),
        ("{", "MALFORMED_JSON", "EOF"),
        ("[]", "WRONG_TYPE", "expected"),
        ("{} {}", "MALFORMED_JSON", "trailing"),
        (r#"{"dev_id":7}"#, "WRONG_TYPE", "dev_id"),
        (r#"{"dev_id":"x"}"#, "MISSING_PAYLOAD", "payload_fields"),
        (r#"{"payload_fields":{"0":1}}"#, "MISSING_DEVICE", "dev_id"),
        (r#"{"payload_fields":""}"#, "MISSING_DEVICE", "dev_id"),
        (r#"{"dev_id":"x","payload_fields":""}"#, "MISSING_PAYLOAD", "payload_fields"),
        (r#"{"dev_id":"x\u0000","payload_fields":{}}"#, "INVALID_DEVICE", "dev_id"),
        (r#"{"dev_id":"x","payload_raw":"dBitCKpG"}"#, "INVALID_PAYLOAD_RAW", "51 bytes"),
        (r#"{"dev_id":"x","payload_raw":"dBitCKp"}"#, "INVALID_PAYLOAD_RAW", "base64"),
        (r#"{"dev_id":"x","payload_fields":{"0":1,"1":2,"2":3}}"#, "FIELDS_NOT_BY_FOURS", "3 values"),
        (r#"{"dev_id":"x","payload_fields":{"0":1,"1":2,"2":3,"4":5}}"#, "FIELDS_WITH_GAP", "\"3\""),
        (r#"{"dev_id":"x","payload_fields":{"0":1,"0":2}}"#, "FIELDS_NOT_BY_FOURS", "2 values"),
        (r#"{"dev_id":"x","payload_fields":{"pm":1}}"#, "NO_KNOWN_FIELD", "ignored: pm"),
        (r#"{"dev_id":"x","payload_fields":{"0":"1"}}"#, "FIELDS_NOT_BY_FOURS", "1 values"),
        (r#"{"dev_id":"x","payload_fields":{"\u0000":"1"}}"#, "NO_KNOWN_FIELD", "payload_fields"),
        (r#"{"dev_id":"x","payload_fields":{"0":1e999}}"#, "MALFORMED_JSON", "number"),
    ];
    for (body, code, hint) in cases {
        let answer = app.uplink(body).await;
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, error["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{body}: {error}");
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{body}: {error}");
    }
    let kept: Vec<(Vec<u8>, String)> = sqlx::query_as("select body, outcome from uplink order by uplink_id")
        .fetch_all(&app.database.reads)
        .await
        .expect("uplinks");
    assert_eq!(kept.len(), cases.len());
    for (body, ..) in cases {
        assert!(kept.contains(&(body.as_bytes().to_vec(), "undecodable".to_owned())), "{body}");
    }
}

#[tokio::test]
async fn deep_nesting_and_invalid_utf8_are_refused() {
    let app = TestApp::new().await;
    for body in [
        format!("{{\"x\":{}", "[".repeat(900_000)).into_bytes(),
        b"{\"dev_id\":\"\xff\xfe\"}".to_vec(),
        vec![0xff; 1000],
    ] {
        let answer = app.uplink(body).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (StatusCode::BAD_REQUEST, &json!("MALFORMED_JSON"))
        );
    }
}

#[tokio::test]
async fn nothing_is_recorded_without_a_key() {
    let app = TestApp::new().await;
    let body = body(&format!(r#""payload_raw":"{PACKET_A}""#));
    for key in [None, Some("ag_wrong"), Some("")] {
        let answer = app.post("/insertSensorData", key, body.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED"))
        );
        assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
    }
    let uplinks: i64 =
        sqlx::query_scalar("select count(*) from uplink").fetch_one(&app.database.reads).await.expect("a count");
    assert_eq!(uplinks, 0);
}

#[tokio::test]
async fn too_large_body_or_other_media_type_is_rejected() {
    let app = TestApp::new().await;
    let answer = app.uplink(vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("BODY_TOO_LARGE"))
    );

    for media_type in ["text/html", "multipart/form-data; boundary=x", "json", "application/json; charset=latin1"] {
        let request = Request::post("/insertSensorData")
            .header(header::CONTENT_TYPE, media_type)
            .header(header::AUTHORIZATION, format!("Bearer {}", app.admin))
            .body(Body::from("{}"))
            .expect("a request");
        assert_eq!(app.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type:?}");
    }
}

#[tokio::test]
async fn key_is_accepted_in_headers_and_in_the_path() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let app = TestApp::new().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("sensor:{}", app.admin)));
    for (name, value) in [("authorization", basic.as_str()), ("x-api-key", app.admin.as_str())] {
        let request =
            Request::post("/ingest/ttn-v2").header(header::CONTENT_TYPE, "application/json").header(name, value);
        let request = request.body(Body::from(body(r#""payload_fields":{}"#))).expect("a request");
        assert_eq!(app.send(request).await.status, StatusCode::CREATED, "{name}");
    }
    let path = format!("/key/{}/insertSensorData", app.admin);
    assert_eq!(app.post(&path, None, body(r#""payload_fields":{}"#)).await.status, StatusCode::CREATED);
    assert_eq!(app.post("/key/ag_wrong/insertSensorData", None, "{}").await.status, StatusCode::UNAUTHORIZED);
}
