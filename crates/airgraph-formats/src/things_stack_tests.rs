use airgraph_domain::{quality::QualityFlag, quantity::Quantity};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{PACKET_A, SAMPLES_A, at, bicycle, incoming, no_objects, refusal};

const UPLINK: &str = r#"{"end_device_ids":{"device_id":"bike-07","application_ids":{"application_id":"cleancycle"},
    "dev_eui":"0004A30B001C0530"},"correlation_ids":["as:up:01E0"],"received_at":"2026-02-12T15:15:46.014773143Z",
    "uplink_message":{"session_key_id":"AXA50","f_port":1,"f_cnt":1,
    "frm_payload":"dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA",
    "decoded_payload":{"0":52.19398},"rx_metadata":[{"gateway_ids":{"gateway_id":"gtw1"},"rssi":-35,"snr":5,
    "location":{"latitude":1,"longitude":2}}],"received_at":"2026-02-12T15:15:45.789585559Z",
    "locations":{"user":{"latitude":52.2,"longitude":0.12}}}}"#;

fn decoded(body: &str) -> Decoded {
    decode(&incoming(body.as_bytes())).expect("samples")
}

/// An uplink of this device with this message.
fn uplink(message: &Value) -> String {
    json!({ "end_device_ids": { "device_id": "hall" }, "uplink_message": message }).to_string()
}

fn refused(message: &Value) -> (&'static str, String) {
    refusal(decode(&incoming(uplink(message).as_bytes())))
}

fn names(ignored: &[String]) -> Vec<&str> {
    ignored.iter().map(String::as_str).collect()
}

/// The values of the only sample of these fields, and the ignored names.
fn read(message: &Value) -> (Vec<(Quantity, f64)>, Vec<String>) {
    let mut decoded = decoded(&uplink(message));
    assert_eq!(decoded.observations.len(), 1, "{decoded:?}");
    (decoded.observations.remove(0).sample.readings.iter().collect(), decoded.ignored)
}

#[test]
fn a_packet_gives_its_samples_at_the_networks_inner_time() {
    let decoded = decoded(UPLINK);
    assert_eq!(bicycle(&decoded), SAMPLES_A);
    assert_eq!((decoded.frame_counter, decoded.kind), (Some(1), DeviceKind::Mobile));
    assert!(decoded.rejected.is_empty() && decoded.ignored.is_empty());
    assert!(decoded.observations.iter().all(|seen| seen.device.as_str() == "bike-07"));
    let (first, last) = (&decoded.observations[0].sample, &decoded.observations[7].sample);
    assert_eq!(last.measured_at, at("2026-02-12T15:15:45.789585Z"));
    assert_eq!(first.measured_at, at("2026-02-12T15:15:24.789585Z"));
    assert!(first.flags.contains(QualityFlag::EstimatedTime) && first.time_uncertainty_s == Some(1440));
}

#[test]
fn omitted_fields_are_zero_or_read_from_the_outer_object() {
    let message = json!({ "frm_payload": PACKET_A });
    let body = json!({ "end_device_ids": { "device_id": "", "dev_eui": "0004A30B001C0530" },
        "received_at": "2026-02-12T15:15:46Z", "uplink_message": message });
    let outer = decoded(&body.to_string());
    assert_eq!((outer.frame_counter, outer.observations.len()), (Some(0), 8));
    assert_eq!(outer.observations[0].device.as_str(), "0004A30B001C0530");
    assert_eq!(outer.observations[7].sample.measured_at, at("2026-02-12T15:15:46Z"));
    let arrival = decoded(&uplink(&message));
    assert_eq!(arrival.observations[7].sample.measured_at, at("2026-07-01T12:00:00Z"));
}

#[test]
fn other_events_and_simulated_uplinks_have_no_samples() {
    for event in ["join_accept", "downlink_queued", "downlink_failed", "location_solved", "not_yet_invented"] {
        let body = json!({ "end_device_ids": { "device_id": "bike-07" }, event: { "f_port": 1 } });
        assert_eq!(decoded(&body.to_string()), Decoded::empty(DeviceKind::Mobile), "{event}");
    }
    let simulated = UPLINK.replacen('{', "{\"simulated\":true,", 1);
    assert_eq!(decoded(&simulated), Decoded::empty(DeviceKind::Mobile));
    let real = UPLINK.replacen('{', "{\"simulated\":false,", 1);
    assert_eq!(decoded(&real).observations.len(), 8);
}

#[test]
fn numbered_fields_are_read_if_the_payload_is_not_a_packet() {
    let fields = json!({ "0": 52.2, "1": 0.1, "2": 5, "3": 4, "10": 6, "11": 5, "4": 52.3, "5": 0.2, "6": 7, "7": 6,
        "8": 52.4, "9": 0.3 });
    for payload in [Value::Null, json!("AQID"), json!("no base64")] {
        let decoded = decoded(&uplink(&json!({ "frm_payload": payload, "decoded_payload": fields })));
        assert_eq!(bicycle(&decoded), [(52.2, 0.1, 5.0, 4.0), (52.3, 0.2, 7.0, 6.0), (52.4, 0.3, 6.0, 5.0)]);
    }
}

#[test]
fn measurements_of_sensecap_are_read_by_their_ids() {
    let measurement =
        |id: &str, kind: &str, value: Value| json!({ "measurementId": id, "measurementValue": value, "type": kind });
    let messages = json!([measurement("4097", "Air Temperature", json!("13.3")), measurement("4100", "CO2", json!(612)),
        measurement("4102", "Soil Temperature", json!(9)), { "Battery(%)": 100 }]);
    for messages in [messages.clone(), json!([messages])] {
        let (values, ignored) = read(&json!({ "decoded_payload": { "err": 0, "messages": messages } }));
        assert_eq!(values, [(Quantity::Temperature, 13.3), (Quantity::Co2, 612.0)]);
        assert_eq!(names(&ignored), ["Soil Temperature", "err", "messages.Battery(%)"]);
    }
    for messages in [json!([[[measurement("4097", "Air Temperature", json!(1))]]]), json!([1]), json!([])] {
        assert_eq!(refused(&json!({ "decoded_payload": { "messages": messages, "x": 1 } })).0, "NO_KNOWN_FIELD");
    }
}

#[test]
fn named_fields_are_one_sample() {
    let decoded = decoded(&uplink(&json!({ "frm_payload": "AQID", "f_cnt": 9, "received_at": "2026-06-01T10:00:00Z",
        "decoded_payload": { "PM10": 12.4, "pm2.5": 6.8, "temperature": 18.5, "humidity": null, "zeta": 1, "alpha": 2,
            "model": "X", "soil": { "temperature": 9 } } })));
    let sample = &decoded.observations[0].sample;
    assert_eq!(
        sample.readings.iter().collect::<Vec<_>>(),
        [(Quantity::Pm2_5, 6.8), (Quantity::Pm10, 12.4), (Quantity::Temperature, 18.5)]
    );
    assert_eq!((names(&decoded.ignored), decoded.kind), (vec!["alpha", "soil.temperature", "zeta"], DeviceKind::Fixed));
    assert_eq!((sample.position, sample.time_uncertainty_s), (None, Some(60)));
    assert_eq!((sample.measured_at, decoded.frame_counter), (at("2026-06-01T10:00:00Z"), Some(9)));
}

#[test]
fn a_named_position_is_the_samples_own() {
    let named = |fields: Value| decoded(&uplink(&json!({ "decoded_payload": fields })));
    let moving = named(json!({ "lat": 52.2, "lng": 0.12, "PM10": 5, "pm25": 4 }));
    assert_eq!((bicycle(&moving), moving.kind), (vec![(52.2, 0.12, 5.0, 4.0)], DeviceKind::Mobile));
    for fields in [json!({ "latitude": 91, "longitude": 0 }), json!({ "latitude": 52.2, "pm10": 5 })] {
        let nowhere = named(fields);
        assert_eq!((nowhere.observations.len(), nowhere.rejected[0].code), (0, "INVALID_POSITION"));
    }
}

#[test]
fn unreadable_field_is_ignored_alone() {
    let fields = json!({ "Pm2_5": 12, "Pm10": 20, "Humidity": "60.0", "temperature": "warm", "co2": true, "pm25": 13,
        "noise": "NULL", "o3": 0.03, "0": 7 });
    let (values, ignored) = read(&json!({ "decoded_payload": fields }));
    assert_eq!(values, [(Quantity::Pm2_5, 12.0), (Quantity::Pm10, 20.0), (Quantity::Humidity, 60.0)]);
    assert_eq!(names(&ignored), ["0", "co2", "o3", "pm25", "temperature"]);
}

#[test]
fn named_fields_count_with_any_bytes() {
    let bytes = [&[0x41, 0x51, 0x53, 0x31, 0x00, 0x7d, 0x00, 0x44, 0x00, 0xb9, 0x02, 0x58][..], &[0; 39]].concat();
    let other = BASE64.encode(bytes);
    for raw in [other.as_str(), PACKET_A] {
        let fields = json!({ "pm2_5": 12, "pm10": 20, "temperature": 18.5 });
        let decoded = decoded(&uplink(&json!({ "frm_payload": raw, "decoded_payload": fields })));
        assert_eq!((decoded.observations.len(), decoded.is_packet), (1, false), "{raw}");
        assert_eq!(decoded.observations[0].sample.position, None);
    }
    // Without fields the samples are too far apart for a bicycle.
    for fields in [json!(null), json!({}), json!({ "status": "ok" })] {
        let (code, detail) = refused(&json!({ "frm_payload": other, "decoded_payload": fields }));
        assert!(code == "INVALID_FRM_PAYLOAD" && detail.contains("no CleanCycle packet"), "{code}: {detail}");
    }
    // Decoders that only copy the bytes, as the console's template does, have no named values.
    let copied = json!({ "bytes": [116, 24, 173] });
    let packet = decoded(&uplink(&json!({ "frm_payload": PACKET_A, "decoded_payload": copied })));
    assert_eq!((bicycle(&packet).as_slice(), packet.is_packet), (&SAMPLES_A[..], true));
}

#[test]
fn unreadable_number_rejects_its_sample_alone() {
    let fields =
        json!({ "0": 52.2, "1": 0.1, "2": "high", "3": 4, "4": "52.3", "5": 0.2, "6": 7, "7": 6, "battery": 3.3 });
    let decoded = decoded(&uplink(&json!({ "decoded_payload": fields })));
    assert_eq!(bicycle(&decoded), [(52.3, 0.2, 7.0, 6.0)]);
    assert_eq!((decoded.rejected[0].index, decoded.rejected[0].code), (0, "INVALID_VALUE"));
    assert!(decoded.rejected[0].detail.contains("\"2\""), "{:?}", decoded.rejected);
    assert_eq!(names(&decoded.ignored), ["battery"]);
}

#[test]
fn units_come_from_the_brand_of_the_device() {
    let fields = json!({ "battery": 92, "temperature": 23.8, "humidity": 62, "light_level": 2, "co2": 936, "tvoc": 37,
        "pressure": 1008.6, "pm2.5": 32, "pm10": 48, "hcho": 0.04, "o3": 0.03, "pir": "trigger" });
    let of_brand = |brand: Value| read(&json!({ "decoded_payload": fields, "version_ids": brand }));
    let (values, ignored) = of_brand(json!({ "brand_id": "milesight-iot", "model_id": "am319" }));
    let ozone = values.iter().find(|(quantity, _)| *quantity == Quantity::O3).expect("ozone").1;
    assert!((ozone - 59.87).abs() < 0.01, "{ozone}");
    assert_eq!(values.len(), 7);
    assert_eq!(names(&ignored), ["battery", "hcho", "light_level", "tvoc"]);
    for unknown in [json!(null), json!({}), json!({ "brand_id": "other" }), json!("milesight-iot")] {
        let (values, ignored) = of_brand(unknown);
        assert_eq!(values.len(), 6);
        assert!(ignored.contains(&"o3".to_owned()), "{ignored:?}");
    }
}

#[test]
fn cayenne_types_have_their_units_and_the_first_channel_counts() {
    let fields = json!({ "temperature_1": 22.5, "temperature_2": 8.0, "relative_humidity_2": 60.5, "barometric_pressure_3": 1013.2,
        "luminosity_4": 120, "analog_in_6": 3.3, "gps_5": { "latitude": 52.2, "longitude": 0.12, "altitude": 14 } });
    let decoded = decoded(&uplink(&json!({ "decoded_payload": fields })));
    let sample = &decoded.observations[0].sample;
    assert_eq!(
        sample.readings.iter().collect::<Vec<_>>(),
        [
            (Quantity::Temperature, 22.5),
            (Quantity::Humidity, 60.5),
            (Quantity::Pressure, 1013.2),
            (Quantity::Illuminance, 120.0),
            (Quantity::Altitude, 14.0),
        ]
    );
    let position = sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude(), decoded.kind), (52.2, 0.12, DeviceKind::Mobile));
    assert_eq!(names(&decoded.ignored), ["analog_in_6", "temperature_2"]);
}

#[test]
fn a_value_may_have_its_unit_beside_it() {
    let fields = json!({
        "pm2_5": { "value": 12, "unit": "µg/m³" }, "o3": { "value": "30", "unit": "ppb" },
        "barometric_pressure": { "displayName": "Barometric pressure", "unit": "Pa", "value": 96800 },
        "temperature": { "value": 20.5 }, "co2": { "value": 1, "unit": "parsec" }, "humidity": { "value": null, "unit": "%" },
        "rssi": { "value": -80, "unit": "dBm" }, "data": { "pm10": 20 }, "gateway": { "latitude": 1, "longitude": 2 } });
    let (values, ignored) = read(&json!({ "decoded_payload": fields }));
    let ozone = values.iter().find(|(quantity, _)| *quantity == Quantity::O3).expect("ozone").1;
    assert!((ozone - 59.87).abs() < 0.01, "{ozone}");
    let others: Vec<_> = values.into_iter().filter(|(quantity, _)| *quantity != Quantity::O3).collect();
    assert_eq!(
        others,
        [(Quantity::Pm2_5, 12.0), (Quantity::Pm10, 20.0), (Quantity::Temperature, 20.5), (Quantity::Pressure, 968.0)]
    );
    assert_eq!(names(&ignored), ["co2", "gateway.latitude", "gateway.longitude", "rssi"]);
}

#[test]
fn normalized_values_have_precedence_over_conventional_units() {
    let message = json!({ "decoded_payload": { "temperature": 50, "windSpeed": 17.5, "pm10": 20 },
        "normalized_payload": [{ "air": { "temperature": 10, "relativeHumidity": 44.5, "pressure": 1002, "location": "outdoor" },
            "wind": { "speed": 9.002, "direction": 90 }, "battery": 3.026, "soil": { "moisture": 20 } }] });
    let (values, ignored) = read(&message);
    assert_eq!(
        values,
        [
            (Quantity::Pm10, 20.0),
            (Quantity::Temperature, 10.0),
            (Quantity::Humidity, 44.5),
            (Quantity::Pressure, 1002.0),
            (Quantity::WindSpeed, 9.002),
            (Quantity::WindDirection, 90.0),
            (Quantity::BatteryVoltage, 3.026),
        ]
    );
    assert_eq!(names(&ignored), ["temperature", "windSpeed"]);
}

#[test]
fn several_measurements_with_times_are_samples_of_their_own() {
    let normalized = json!([
        { "time": "2026-06-01T09:00:00Z", "air": { "temperature": 10 } },
        { "time": "2026-06-01T09:30:00Z", "air": { "temperature": 11 } },
    ]);
    let decoded =
        decoded(&uplink(&json!({ "decoded_payload": { "temperature": 11 }, "normalized_payload": normalized })));
    let samples: Vec<_> = decoded
        .observations
        .iter()
        .map(|seen| (seen.index, seen.sample.measured_at, seen.sample.readings.get(Quantity::Temperature)))
        .collect();
    assert_eq!(samples, [(0, at("2026-06-01T09:00:00Z"), Some(10.0)), (1, at("2026-06-01T09:30:00Z"), Some(11.0))]);
    assert!(!decoded.observations[0].sample.flags.contains(QualityFlag::EstimatedTime));
}

#[test]
fn unreadable_time_rejects_its_sample_alone() {
    let body = |inner: Value, outer: Value| {
        json!({ "end_device_ids": { "device_id": "hall" }, "received_at": outer,
            "uplink_message": { "received_at": inner, "decoded_payload": { "pm10": 5 } } })
        .to_string()
    };
    let outer = "2026-06-01T10:00:00Z";
    for (inner, outer, expected) in [
        (json!("yesterday"), json!(outer), outer),
        (json!(""), json!(outer), outer),
        (json!("1970-01-01T00:00:00Z"), json!(outer), outer),
        (json!("2016-12-31T23:59:60Z"), json!(outer), "2017-01-01T00:00:00Z"),
        (json!(7), json!({}), "2026-07-01T12:00:00Z"),
    ] {
        let decoded = decoded(&body(inner, outer));
        assert_eq!(decoded.observations[0].sample.measured_at, at(expected));
    }
}

#[test]
fn payloads_without_values_are_rejected() {
    let eights = json!({ "0": 1, "1": 2, "2": 3, "4": 5 });
    let cases = [
        (json!({}), "MISSING_PAYLOAD", "decoded_payload"),
        (json!({ "frm_payload": "", "decoded_payload": {} }), "MISSING_PAYLOAD", "frm_payload"),
        (json!({ "frm_payload": "dBitCKpG" }), "INVALID_FRM_PAYLOAD", "51 bytes"),
        (json!({ "frm_payload": &PACKET_A[..67] }), "INVALID_FRM_PAYLOAD", "base64"),
        (json!({ "frm_payload": "A".repeat(68) }), "INVALID_FRM_PAYLOAD", "zeros"),
        (json!({ "frm_payload": "AQID", "decoded_payload": {} }), "INVALID_FRM_PAYLOAD", "51 bytes"),
        (json!({ "decoded_payload": { "0": 1, "1": 2, "2": 3 } }), "FIELDS_NOT_BY_FOURS", "3 values"),
        (json!({ "decoded_payload": eights }), "FIELDS_WITH_GAP", "\"3\""),
        (json!({ "decoded_payload": { "bytes": 1, "pm10": null } }), "NO_KNOWN_FIELD", "pm2_5"),
        (json!({ "decoded_payload": { "pm10": "high", "o3": 0.03, "status": "ok" } }), "NO_KNOWN_FIELD", "o3, pm10"),
        (json!({ "decoded_payload": { "status": "ok" } }), "NO_KNOWN_FIELD", "pm2_5"),
        (json!({ "decoded_payload": { "pm10": 1e39 } }), "NO_KNOWN_FIELD", "pm10"),
        (json!({ "decoded_payload": { "0": "5" } }), "FIELDS_NOT_BY_FOURS", "1 values"),
        (json!({ "decoded_payload": [1] }), "WRONG_TYPE", "decoded_payload"),
        (json!({ "f_cnt": -1 }), "WRONG_TYPE", "f_cnt"),
    ];
    for (message, expected, hint) in cases {
        let (code, detail) = refused(&message);
        assert_eq!(code, expected, "{message}: {detail}");
        assert!(detail.contains(hint), "{message}: {detail}");
    }
}

#[test]
fn malformed_bodies_are_rejected() {
    for (body, expected) in no_objects() {
        assert_eq!(refusal(decode(&incoming(&body))).0, expected);
    }
    let cases = [
        ("{}", "MISSING_UPLINK"),
        (r#"{"uplink_message":{}}"#, "MISSING_DEVICE"),
        (r#"{"end_device_ids":{},"uplink_message":{}}"#, "MISSING_DEVICE"),
        (r#"{"end_device_ids":{"device_id":" "},"uplink_message":{}}"#, "INVALID_DEVICE"),
        (r#"{"end_device_ids":{"device_id":7}}"#, "WRONG_TYPE"),
        (r#"{"simulated":"yes"}"#, "WRONG_TYPE"),
        (r#"{"uplink_message":{"decoded_payload":{"pm10":1e999}}}"#, "MALFORMED_JSON"),
        (r#"{"uplink_message":{"decoded_payload":{"x":1e999}}}"#, "MALFORMED_JSON"),
    ];
    for (body, expected) in cases {
        assert_eq!(refusal(decode(&incoming(body.as_bytes()))).0, expected, "{body}");
    }
    let deep = uplink(&json!({})).replace("{}", &format!("{{\"decoded_payload\":{}", "{\"x\":".repeat(150_000)));
    assert_eq!(refusal(decode(&incoming(deep.as_bytes()))).0, "MALFORMED_JSON");
}

proptest! {
    #[test]
    fn arbitrary_fields_do_not_panic(
        fields in proptest::collection::hash_map("pm10|pm2.5|lat|lon|[0-9]{1,3}|.{0,4}", any::<f64>(), 0..9),
    ) {
        let _ = decode(&incoming(uplink(&json!({ "decoded_payload": fields })).as_bytes()));
    }
}
