//! Invalid bodies to the route of every format: a status that the firmware understands, never a 500, and the body is stored
//! as received.
//!
//! A new format adds a line to [`ROUTES`], and to [`BODIES`] what is special about it.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::support::{Answer, TestApp};

/// A format's route, and its statuses for success, for an undecodable body and for a body whose samples are all
/// rejected.
type Route = (&'static str, &'static str, u16, u16, u16);

const ROUTES: &[Route] = &[
    ("ttn-v2", "/insertSensorData", 201, 400, 422),
    ("things-stack", "/ingest/things-stack", 202, 202, 202),
    ("chirpstack", "/ingest/chirpstack", 200, 400, 422),
    ("airrohr", "/data.php", 200, 400, 422),
    ("airgradient", "/sensors/airgradient:1/measures", 200, 400, 422),
    ("influx", "/write", 204, 400, 400),
    ("json", "/ingest/json", 201, 400, 422),
    ("opensensemap", "/boxes/box/data", 201, 400, 422),
    ("enviro", "/ingest/enviro", 201, 400, 422),
    ("airbeam", "/api/v3/fixed_sessions/d/measurements", 200, 400, 422),
];

/// The expected outcome of a body.
#[derive(Clone, Copy)]
enum Outcome {
    /// The body is rejected with this error code and message.
    Refused(&'static str, &'static str),
    /// Decoded, but the only sample is rejected with this code.
    LeftOut(&'static str),
    /// The body is accepted, with this number of samples.
    Stored(usize),
}
use Outcome::{LeftOut, Refused, Stored};

const BODIES: &[(&str, &str, Outcome)] = &[
    // truncated base64; a packet of another length; a packet of zeros
    ("ttn-v2", r#"{"dev_id":"d","payload_raw":"dBitCKp"}"#, Refused("INVALID_PAYLOAD_RAW", "base64")),
    (
        "ttn-v2",
        r#"{"dev_id":"d","payload_raw":"dBitCKpG"}"#,
        Refused("INVALID_PAYLOAD_RAW", "51 bytes; this one has 6"),
    ),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":52,"1":0,"2":1}}"#, Refused("FIELDS_NOT_BY_FOURS", "3 values")),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":52,"0":0}}"#, Refused("FIELDS_NOT_BY_FOURS", "2 values")),
    (
        "ttn-v2",
        r#"{"dev_id":"d","payload_fields":{"0":52,"1":0,"2":1,"2":1,"3":1,"4":52,"5":0,"6":1}}"#,
        Refused("FIELDS_WITH_GAP", "\"3\" is missing"),
    ),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"pm":1}}"#, Refused("NO_KNOWN_FIELD", "ignored: pm")),
    ("ttn-v2", r#"{"dev_id":"","payload_fields":{}}"#, Stored(0)),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":52,"1":0,"2":"?","3":1,"4":52,"5":0,"6":1,"7":"1"}}"#, Stored(1)),
    ("ttn-v2", r#"{"dev_id":"d","dev_id":"e","payload_fields":{}}"#, Refused("WRONG_TYPE", "dev_id")),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":1e999}}"#, Refused("MALFORMED_JSON", "number")),
    ("ttn-v2", r#"{"dev_id":"d\u0000","payload_fields":{}}"#, Refused("INVALID_DEVICE", "control")),
    ("ttn-v2", r#"{"dev_id":"d","counter":"7"}"#, Refused("WRONG_TYPE", "counter")),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":91,"1":0,"2":1,"3":1}}"#, LeftOut("INVALID_POSITION")),
    ("ttn-v2", r#"{"dev_id":"d","payload_fields":{"0":52,"1":0,"2":1e39,"3":1}}"#, LeftOut("INVALID_VALUE")),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"frm_payload":"dBitCKp"}}"#,
        Refused("INVALID_FRM_PAYLOAD", "base64"),
    ),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"frm_payload":"AQID"}}"#,
        Refused("INVALID_FRM_PAYLOAD", "51 bytes"),
    ),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{}}"#,
        Refused("MISSING_PAYLOAD", "frm_payload"),
    ),
    ("things-stack", r#"{"uplink_message":{}}"#, Refused("MISSING_DEVICE", "end_device_ids")),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"decoded_payload":{"pm10":1,"PM10":2}}}"#,
        Stored(1),
    ),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"decoded_payload":{"pm10":1e999}}}"#,
        Refused("MALFORMED_JSON", "number"),
    ),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d"},"uplink_message":{"f_cnt":-1}}"#,
        Refused("WRONG_TYPE", "f_cnt"),
    ),
    (
        "things-stack",
        r#"{"end_device_ids":{"device_id":"d\u0000"},"uplink_message":{}}"#,
        Refused("INVALID_DEVICE", "control"),
    ),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"d"},"data":"dBitCKp"}"#, Refused("INVALID_DATA", "base64")),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"d"},"data":"AQID"}"#, Refused("INVALID_DATA", "51 bytes")),
    ("chirpstack", r#"{"deviceInfo":{},"data":"AQID"}"#, Refused("MISSING_DEVICE", "devEui")),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"d"},"object":{"pm10":"1"}}"#, Stored(1)),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"d"},"object":{"o3":1}}"#, Refused("NO_KNOWN_FIELD", "ignored: o3")),
    ("chirpstack", r#"{"devEUI":"d","objectJSON":"{\"pm10\":"}"#, Refused("WRONG_TYPE", "objectJSON")),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"d"},"fCnt":1e999}"#, Refused("MALFORMED_JSON", "number")),
    ("chirpstack", r#"{"deviceInfo":{"devEui":"\u0000"},"data":""}"#, Refused("INVALID_DEVICE", "control")),
    ("airrohr", r#"{"sensordatavalues":[]}"#, Refused("MISSING_DEVICE", "X-Sensor")),
    ("airrohr", r#"{"esp8266id":"1","sensordatavalues":{}}"#, Refused("WRONG_TYPE", "sensordatavalues")),
    ("airrohr", r#"{"esp8266id":"1","esp8266id":"1","sensordatavalues":[]}"#, Refused("WRONG_TYPE", "esp8266id")),
    ("airrohr", r#"{"esp8266id":"\u0000","sensordatavalues":[]}"#, Refused("INVALID_DEVICE", "control")),
    (
        "airrohr",
        r#"{"esp8266id":"1","sensordatavalues":[{"value_type":"SDS_P1","value":"1e999"}]}"#,
        LeftOut("NO_VALUES"),
    ),
    (
        "airrohr",
        r#"{"esp8266id":"1","sensordatavalues":[{"value_type":"SDS_P1","value":"1e39"}]}"#,
        LeftOut("NO_VALUES"),
    ),
    // a null marker is not a value
    (
        "airrohr",
        r#"{"esp8266id":"1","sensordatavalues":[{"value_type":"temperature","value":"-128"},
        {"value_type":"GPS_lat","value":"-200"},{"value_type":"GPS_lon","value":"-200"}]}"#,
        LeftOut("NO_VALUES"),
    ),
    ("airgradient", r#"{"boot":1}"#, Refused("MISSING_VALUES", "pm02")),
    ("airgradient", r#"{"pm02":"7"}"#, Stored(1)),
    ("airgradient", r#"{"pm02":1e999}"#, Refused("MALFORMED_JSON", "number")),
    ("airgradient", r#"{"pm02":1e39}"#, LeftOut("NO_VALUES")),
    ("airgradient", r#"{"pm02":-1,"atmp":-1000}"#, LeftOut("NO_VALUES")),
    ("airgradient", r#"{"pm02":7,"\u0000":1}"#, Stored(1)),
    ("influx", "m,node=d", Refused("MALFORMED_LINE", "field")),
    ("influx", "m pm10=1", Refused("MISSING_DEVICE", "node")),
    ("influx", "m,node=d pm10=1e999", Refused("INVALID_VALUE", "pm10")),
    ("influx", "m,node=d pm10=nan", Refused("INVALID_VALUE", "pm10")),
    ("influx", "m,node=d pm10=1,pm10=2", Refused("DUPLICATE_KEY", "pm10")),
    ("influx", "m,node=d\0 pm10=1", Refused("INVALID_DEVICE", "control")),
    ("influx", "m,node=d \0=1e999", Refused("INVALID_VALUE", "0")),
    ("influx", "m,node=d pm10=1 1777629600", Refused("TIME_TOO_EARLY", "nanoseconds")),
    ("influx", "m,node=d pm10=1 1777629600000000000\nm,node=d pm10=\n", Stored(1)),
    ("json", r#"{"pm10":1}"#, LeftOut("MISSING_DEVICE")),
    ("json", r#"{"device":"d\u0000","pm10":1}"#, LeftOut("INVALID_DEVICE")),
    ("json", r#"{"device":"d"}"#, LeftOut("NO_VALUES")),
    ("json", r#"{"device":"d","pm10":"1"}"#, Stored(1)),
    ("json", "[]", Refused("MISSING_VALUES", "no sample")),
    ("json", r#"{"device":"d","pm10":"high"}"#, LeftOut("NO_VALUES")),
    ("json", r#"{"device":"d","pm10":1,"pm10":2}"#, LeftOut("DUPLICATE_KEY")),
    ("json", r#"{"device":"d","pm10":1,"time":"yesterday"}"#, LeftOut("INVALID_TIME")),
    ("json", r#"{"device":"d","pm10":1,"latitude":91,"longitude":0}"#, LeftOut("INVALID_POSITION")),
    ("json", r#"{"device":"d","pm10":1e999}"#, Refused("MALFORMED_JSON", "number")),
    ("json", r#"{"device":"d","pm10":1,"\u0000":{"\u0000":["\u0000"]}}"#, Stored(1)),
    ("enviro", "[]", Refused("MISSING_VALUES", "no reading")),
    ("enviro", r#"{"readings":{"pm10":9}}"#, LeftOut("MISSING_DEVICE")),
    ("enviro", r#"{"uid":"d\u0000","readings":{"pm10":9}}"#, LeftOut("INVALID_DEVICE")),
    ("enviro", r#"{"uid":"d","readings":{"noise":0.1}}"#, LeftOut("NO_VALUES")),
    (
        "enviro",
        r#"{"uid":"d","readings":{"pm10":9},"timestamp":"2026-05-01T12:05:00Z"}"#,
        LeftOut("TIME_IN_THE_FUTURE"),
    ),
    ("enviro", r#"{"uid":"d","readings":{"pm10":1e999}}"#, Refused("MALFORMED_JSON", "number")),
    ("enviro", r#"{"uid":"d","readings":{"pm10":9,"\u0000":1}}"#, Stored(1)),
    ("airbeam", "", Stored(0)),
    ("airbeam", "{}", Refused("WRONG_MARK", "AB BA")),
    ("airbeam", "ABBA\0\u{1}", Refused("WRONG_LENGTH", "10 bytes")),
    ("airbeam", "ABBA\0\u{1}\0\0\0\0\u{2}\0\0\0\0\u{7f}", Refused("WRONG_CHECKSUM", "XOR")),
    ("airbeam", "ABBA\0\u{1}\0\0\0\0\u{2}\0\0\0\0\u{3}", LeftOut("TIME_TOO_EARLY")),
    ("opensensemap", "", Refused("MISSING_VALUES", "not one value")),
    ("opensensemap", "[]", Refused("MISSING_VALUES", "not one value")),
    ("opensensemap", r#"{"x":7]"#, Refused("MALFORMED_JSON", "expected `,` or `}`")),
    ("opensensemap", r#"[{"sensor":"5a86","value":1e999}]"#, Refused("MALFORMED_JSON", "number")),
    ("opensensemap", r#"[{"sensor":"5a86","value":"1"}]"#, Refused("UNKNOWN_SENSORS", "5a86")),
    ("opensensemap", "5a86,1,2026-05-01T10:00:00Z\n", Refused("UNKNOWN_SENSORS", "registerDevice")),
    ("opensensemap", r#"{"5a86\u0000":"1"}"#, Refused("UNKNOWN_SENSORS", "5a86")),
];

fn route(format: &str) -> Route {
    *ROUTES.iter().find(|route| route.0 == format).unwrap_or_else(|| panic!("no route of {format}"))
}

async fn post(app: &TestApp, path: &str, key: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    app.send(request.body(body.into()).expect("a request")).await
}

/// Checks one response, and that the body was stored as received.
async fn assert_outcome(
    app: &TestApp,
    (format, path, success, refusal, all_rejected): Route,
    body: &[u8],
    fate: Outcome,
) {
    sqlx::query("truncate uplink").execute(&app.database.writes).await.expect("no uplinks");
    let answer = post(app, path, Some(&app.admin), body.to_vec()).await;
    let shown = format!("{format}: {}: {} {}", body[..body.len().min(200)].escape_ascii(), answer.status, answer.text);
    let response = || answer.json();
    match fate {
        Refused(code, hint) => {
            assert_eq!(answer.status.as_u16(), refusal, "{shown}");
            let (actual, error) = (response()["errors"][0]["code"].clone(), response()["errors"][0]["detail"].clone());
            let detail = error.as_str().unwrap_or_default();
            assert!(actual == code && detail.contains(hint) && detail.len() < 2000, "{code} and {hint:?}, not {shown}");
        }
        LeftOut(code) => {
            assert_eq!(answer.status.as_u16(), all_rejected, "{shown}");
            assert_eq!(response()["errors"][0]["code"], "NOTHING_RECORDED", "{shown}");
            assert!(response()["recorded"] == 0 && response()["rejected"][0]["code"] == code, "{code}, not {shown}");
        }
        Stored(_) => assert_eq!(answer.status.as_u16(), success, "{shown}"),
    }
    let kept: Vec<(String, Vec<u8>, String, i32)> =
        sqlx::query_as("select format, body, outcome, recorded + duplicates from uplink")
            .fetch_all(&app.database.reads)
            .await
            .expect("uplinks");
    assert_eq!(kept.len(), 1, "{shown}");
    let (kept_format, kept_body, outcome, samples) = &kept[0];
    let is_decoded = !matches!(fate, Refused(..));
    let kept_bytes = if is_decoded { body.len() } else { body.len().min(64 << 10) };
    assert!(kept_format == format && *kept_body == body[..kept_bytes], "another body is kept: {shown}");
    assert_eq!(outcome == "undecodable", !matches!(fate, Stored(_)), "{shown}");
    assert_eq!(usize::try_from(*samples), Ok(if let Stored(samples) = fate { samples } else { 0 }), "{shown}");
}

#[test]
fn every_format_has_its_route_here() {
    let missing: Vec<_> = airgraph::ingest::format::ALL_FORMATS
        .iter()
        .map(|format| format.name)
        .filter(|name| !ROUTES.iter().any(|route| route.0 == *name))
        .collect();
    assert!(missing.is_empty(), "add to ROUTES: {missing:?}");
}

#[tokio::test]
async fn invalid_bodies_are_rejected_and_stored() {
    let app = TestApp::new().await;
    for &(format, body, fate) in BODIES {
        assert_outcome(&app, route(format), body.as_bytes(), fate).await;
    }
}

#[tokio::test]
async fn invalid_json_is_rejected_and_stored() {
    let app = TestApp::new().await;
    let nested = |open: &str| open.repeat(900_000 / open.len()).into_bytes();
    for &route in ROUTES.iter().filter(|route| !["airbeam", "influx", "opensensemap"].contains(&route.0)) {
        for (body, hint) in [
            (Vec::new(), "EOF"),
            (b"{\"x\":".to_vec(), "EOF"),
            (b"{\"x\":7]".to_vec(), "expected `,` or `}`"),
            (b"{\"\xff\":1}".to_vec(), "invalid unicode"),
            (b"\0{}".to_vec(), "expected value"),
            (b"{\"x\0\":1}".to_vec(), "control character"),
            (nested("{\"x\":"), ""),
            ([b"{\"x\":".to_vec(), nested("[")].concat(), ""),
        ] {
            assert_outcome(&app, route, &body, Refused("MALFORMED_JSON", hint)).await;
        }
    }
}

#[tokio::test]
async fn invalid_line_protocol_is_rejected_and_stored() {
    let app = TestApp::new().await;
    for (body, fate) in [
        (Vec::new(), Stored(0)),
        (b"\xff\xfe".to_vec(), Refused("INVALID_UTF8", "UTF-8")),
        (b"m,node=d note=\"".to_vec(), Refused("MALFORMED_LINE", "no end")),
        (b"\0".repeat(900_000), Refused("MALFORMED_LINE", "")),
        (b"[".repeat(900_000), Refused("MALFORMED_LINE", "")),
        (b"\"\n".repeat(450_000), Refused("TOO_MANY_LINES", "10000")),
        (b"m,node=d pm10=1,".repeat(60_000), Refused("MALFORMED_LINE", "")),
    ] {
        assert_outcome(&app, route("influx"), &body, fate).await;
    }
}

#[tokio::test]
async fn nothing_is_stored_without_a_key_or_beyond_the_size_limit() {
    let app = TestApp::new().await;
    let nested = "[".repeat(10_000_000);
    for &(format, path, ..) in ROUTES {
        for key in [None, Some("ag_wrong")] {
            for body in ["", "{}", "\0"] {
                let answer = post(&app, path, key, body).await;
                assert_eq!(
                    (answer.status, &answer.json()["errors"][0]["code"]),
                    (StatusCode::UNAUTHORIZED, &"UNAUTHENTICATED".into()),
                    "{format}"
                );
            }
        }
        let answer = post(&app, path, Some(&app.admin), nested.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["code"]),
            (StatusCode::PAYLOAD_TOO_LARGE, &"BODY_TOO_LARGE".into()),
            "{format}"
        );
    }
    let kept: i64 =
        sqlx::query_scalar("select count(*) from uplink").fetch_one(&app.database.reads).await.expect("a count");
    assert_eq!(kept, 0);
}
