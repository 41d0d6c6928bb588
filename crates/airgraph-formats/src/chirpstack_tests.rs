use airgraph_domain::quantity::Quantity;
use serde_json::json;

use super::*;
use crate::testing::{PACKET_A, SAMPLES_A, at, bicycle, incoming, no_objects, refusal};

const UP: &str = r#"{"deduplicationId":"9ffbc7be-916a-4597-9d64-0713a3d5e030","time":"2026-06-20T08:48:38.863512+00:00",
    "deviceInfo":{"applicationName":"bikes","deviceName":"bike-07","devEui":"0101010101010101"},
    "devAddr":"00189440","fCnt":7,"fPort":1,
    "data":"dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA","object":{"0":52.19398},
    "rxInfo":[{"gatewayId":"0016c001f153a14c","rssi":-36,"snr":10.5,"location":{"latitude":1,"longitude":2}}]}"#;

fn event<'a>(event: Option<&'a str>, body: &'a str) -> Incoming<'a> {
    Incoming { event, ..incoming(body.as_bytes()) }
}

fn decoded(body: &str) -> Decoded {
    decode(&event(Some("up"), body)).expect("samples")
}

#[test]
fn packet_is_decoded_to_its_samples() {
    let decoded = decoded(UP);
    assert_eq!(bicycle(&decoded), SAMPLES_A);
    assert_eq!((decoded.frame_counter, decoded.kind), (Some(7), DeviceKind::Mobile));
    assert!(decoded.observations.iter().all(|seen| seen.device.as_str() == "bike-07"));
    assert_eq!(decoded.observations[7].sample.measured_at, at("2026-06-20T08:48:38.863512Z"));
    assert_eq!(decoded.observations[0].sample.measured_at, at("2026-06-20T08:48:17.863512Z"));
    assert_eq!(decode(&event(None, UP)).expect("samples"), decoded, "posted by hand");
}

#[test]
fn other_events_have_no_samples() {
    for name in ["join", "ack", "txack", "status", "log", "location", "integration", ""] {
        for body in [UP, "{}", "no JSON"] {
            let decoded = decode(&event(Some(name), body)).expect("nothing");
            assert_eq!(decoded, Decoded::empty(DeviceKind::Mobile), "{name}");
        }
    }
}

#[test]
fn device_name_is_used_if_it_is_a_valid_key() {
    let long = "x".repeat(129);
    for (name, device) in [
        (json!("bike-07"), "bike-07"),
        (json!(""), "0101"),
        (json!(null), "0101"),
        (json!(" bike"), "0101"),
        (json!("bike\u{0}"), "0101"),
        (json!(long), "0101"),
    ] {
        let body = json!({ "deviceInfo": { "deviceName": name, "devEui": "0101" }, "object": { "pm10": 5 } });
        assert_eq!(decoded(&body.to_string()).observations[0].device.as_str(), device, "{name}");
    }
}

#[test]
fn named_fields_without_counter_and_time_use_the_arrival_time() {
    let body = json!({ "deviceInfo": { "devEui": "0101" }, "data": "AQID", "object": { "pm2_5": 6.8, "rssi": -3 } });
    let decoded = decoded(&body.to_string());
    let sample = &decoded.observations[0].sample;
    assert_eq!(sample.readings.iter().collect::<Vec<_>>(), [(Quantity::Pm2_5, 6.8)]);
    assert_eq!((decoded.frame_counter, sample.measured_at), (Some(0), at("2026-07-01T12:00:00Z")));
    assert_eq!((decoded.ignored, decoded.kind), (vec!["rssi".to_owned()], DeviceKind::Fixed));
}

/// The examples of version 3's documentation, in its two kinds of JSON.
#[test]
fn version_3_has_the_device_at_the_top_level_and_the_object_as_text() {
    let body = json!({
        "applicationID": "123", "applicationName": "temperature-sensor", "deviceName": "garden-sensor", "devEUI": "AgICAgICAgI=",
        "rxInfo": [{ "gatewayID": "AwMDAwMDAwM=", "time": "2019-11-08T13:59:25.048445Z", "rssi": -48, "loRaSNR": 9,
            "location": { "latitude": 52.374_036_4, "longitude": 4.914_440_1, "altitude": 10.5 } }],
        "fCnt": 10, "fPort": 5, "data": "AQID",
        "objectJSON": r#"{"temperatureSensor":{"1":25},"humiditySensor":{"2":32,"3":40},"gpsLocation":{"4":{"latitude":"52.2","longitude":"0.12","altitude":8.66}},"analogInput":{"5":1}}"#,
    });
    let decoded = decoded(&body.to_string());
    let seen = &decoded.observations[0];
    assert_eq!(
        seen.sample.readings.iter().collect::<Vec<_>>(),
        [(Quantity::Temperature, 25.0), (Quantity::Humidity, 32.0), (Quantity::Altitude, 8.66)]
    );
    let position = seen.sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (52.2, 0.12));
    assert_eq!((seen.device.as_str(), decoded.frame_counter), ("garden-sensor", Some(10)));
    assert_eq!(seen.sample.measured_at, at("2019-11-08T13:59:25.048445Z"));
    assert_eq!(decoded.ignored, ["analogInput.5", "humiditySensor.3"]);
}

#[test]
fn version_3_writes_euis_in_base64_or_hexadecimal_digits() {
    for (eui, device) in
        [("AgICAgICAgI=", "0202020202020202"), ("0202020202020203", "0202020202020203"), ("xyz", "xyz")]
    {
        let body = json!({ "deviceName": "", "devEUI": eui, "object": { "pm10": 5 } });
        assert_eq!(decoded(&body.to_string()).observations[0].device.as_str(), device);
    }
    let packet = json!({ "deviceName": "bike-07", "devEUI": "AgICAgICAgI=", "data": PACKET_A, "objectJSON": "" });
    assert_eq!(bicycle(&decoded(&packet.to_string())), SAMPLES_A);
}

#[test]
fn the_device_profile_names_the_brand() {
    for (body, is_known) in [
        (
            json!({ "deviceInfo": { "devEui": "01", "deviceProfileName": "AM319-868M" }, "object": { "o3": 0.03, "pm10": 1 } }),
            true,
        ),
        (json!({ "devEUI": "01", "deviceProfileName": "Milesight AM300", "object": { "o3": 0.03, "pm10": 1 } }), true),
        (
            json!({ "deviceInfo": { "devEui": "01", "deviceProfileName": "my sensor" }, "object": { "o3": 0.03, "pm10": 1 } }),
            false,
        ),
    ] {
        let decoded = decoded(&body.to_string());
        assert_eq!(decoded.observations[0].sample.readings.get(Quantity::O3).is_some(), is_known, "{body}");
        assert_eq!(decoded.ignored.is_empty(), is_known, "{body}");
    }
}

#[test]
fn first_readable_time_counts() {
    let body = |time: serde_json::Value, published_at: serde_json::Value, gateway: serde_json::Value| {
        json!({ "deviceInfo": { "devEui": "01" }, "object": { "pm10": 5 }, "time": time, "publishedAt": published_at,
            "rxInfo": [{ "time": "1999-11-30T00:00:00.09Z" }, { "gwTime": gateway }] })
    };
    let (first, second) = ("2026-06-20T08:48:38Z", "2026-06-20T08:48:39Z");
    for (body, expected) in [
        (body(json!(first), json!(second), json!(null)), first),
        (body(json!("yesterday"), json!(second), json!(first)), second),
        (body(json!(null), json!(null), json!(first)), first),
        (body(json!(null), json!(null), json!(null)), "2026-07-01T12:00:00Z"),
    ] {
        assert_eq!(decoded(&body.to_string()).observations[0].sample.measured_at, at(expected), "{body}");
    }
}

#[test]
fn uplink_of_network_commands_has_no_samples() {
    let decoded = decoded(r#"{"deviceInfo":{"devEui":"01"},"fCnt":463,"fPort":0,"data":""}"#);
    assert_eq!(decoded, Decoded { frame_counter: Some(463), ..Decoded::empty(DeviceKind::Mobile) });
}

#[test]
fn uplink_without_values_is_rejected() {
    for (body, expected) in no_objects() {
        assert_eq!(refusal(decode(&incoming(&body))).0, expected);
    }
    let of = |rest: &str| format!(r#"{{"deviceInfo":{{"devEui":"0101"}}{rest}}}"#);
    let cases = [
        ("{}".to_owned(), "MISSING_DEVICE"),
        (r#"{"deviceInfo":{}}"#.to_owned(), "MISSING_DEVICE"),
        (r#"{"deviceInfo":{"devEui":" "}}"#.to_owned(), "INVALID_DEVICE"),
        (r#"{"deviceInfo":7}"#.to_owned(), "WRONG_TYPE"),
        (of(""), "MISSING_PAYLOAD"),
        (of(r#","data":"","object":{}"#), "MISSING_PAYLOAD"),
        (of(r#","data":"AQID""#), "INVALID_DATA"),
        (of(r#","data":"dBitCKp""#), "INVALID_DATA"),
        (of(r#","object":{"0":1}"#), "FIELDS_NOT_BY_FOURS"),
        (of(r#","object":{"0":1,"0":1,"1":1,"2":1}"#), "FIELDS_WITH_GAP"),
        (of(r#","object":{"battery":3}"#), "NO_KNOWN_FIELD"),
        (of(r#","object":{"pm10":true}"#), "NO_KNOWN_FIELD"),
        (of(r#","object":[1]"#), "WRONG_TYPE"),
        (of(r#","objectJSON":"{""#), "WRONG_TYPE"),
        (of(r#","object":{"pm10":1e999}"#), "MALFORMED_JSON"),
        (of(r#","fCnt":4294967296"#), "WRONG_TYPE"),
        (r#"{"devEUI":"","deviceName":"","data":"AQID"}"#.to_owned(), "MISSING_DEVICE"),
    ];
    for (body, expected) in cases {
        assert_eq!(refusal(decode(&event(Some("up"), &body))).0, expected, "{body}");
    }
}
