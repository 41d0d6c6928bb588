//! The Things Stack v3 (webhook): bicycles, and any LoRaWAN sensor whose payload formatter names what it measures.
//!
//! The stack leaves out what is empty, 0 or false, so a missing `f_cnt` is frame 0; the port decides nothing here. The
//! `received_at` of the uplink is when the network heard it; the outer one is when the application server handed it on.
//! Positions in `rx_metadata` are those of gateways and `locations` is where somebody said that the device stands;
//! neither is where a sample was taken.
//!
//! One webhook may deliver other events than uplinks (`join_accept`, `downlink_sent`, `location_solved`, …): they tell
//! no samples, and neither does an uplink that somebody simulated in the console.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Fields, Names, Object, Uplink},
    parse,
};
use crate::domain::device::DeviceKind;

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "things-stack";

const NAMES: Names = Names {
    raw: "uplink_message.frm_payload",
    fields: "uplink_message.decoded_payload",
    invalid_raw: "INVALID_FRM_PAYLOAD",
};

#[derive(Deserialize)]
struct Body {
    end_device_ids: Option<EndDeviceIds>,
    received_at: Option<DateTime<Utc>>,
    uplink_message: Option<UplinkMessage>,
    #[serde(default)]
    simulated: bool,
}

#[derive(Deserialize)]
struct EndDeviceIds {
    device_id: Option<String>,
    dev_eui: Option<String>,
}

#[derive(Deserialize)]
struct UplinkMessage {
    #[serde(default)]
    f_cnt: u32,
    frm_payload: Option<String>,
    decoded_payload: Option<Object>,
    received_at: Option<DateTime<Utc>>,
}

/// Decodes one body.
///
/// # Errors
/// When it isn't JSON of this shape, or an uplink without a payload that can be read.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    let body: Body = parse::json(incoming.body)?;
    let Some(message) = body.uplink_message else {
        // Every event names its device; what doesn't is none of the stack's.
        return match body.end_device_ids {
            Some(_) => Ok(Decoded::nothing(DeviceKind::Mobile)),
            None => Err(DecodeError::new("MISSING_UPLINK", "the body must hold end_device_ids and uplink_message")),
        };
    };
    if body.simulated {
        return Ok(Decoded::nothing(DeviceKind::Mobile));
    }
    let ids = body.end_device_ids.as_ref();
    let device = lorawan::device_key(&[
        ("end_device_ids.device_id", ids.and_then(|ids| ids.device_id.as_deref())),
        ("end_device_ids.dev_eui", ids.and_then(|ids| ids.dev_eui.as_deref())),
    ])?;
    let uplink = Uplink {
        device,
        frame_counter: Some(i64::from(message.f_cnt)),
        received_at: message.received_at.or(body.received_at).unwrap_or(incoming.received_at),
        raw: message.frm_payload.as_deref(),
        fields: message.decoded_payload.filter(|fields| !fields.is_empty()).map(Fields::Any),
        names: NAMES,
    };
    uplink.decode()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{quality::QualityFlag, quantity::Quantity},
        ingest::testing::{PACKET_A, SAMPLES_A, at, bicycle, incoming, no_objects, refusal},
    };

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

    /// An uplink of this device whose message holds this.
    fn uplink(message: &Value) -> String {
        json!({ "end_device_ids": { "device_id": "hall" }, "uplink_message": message }).to_string()
    }

    fn refused(message: &Value) -> (&'static str, String) {
        refusal(decode(&incoming(uplink(message).as_bytes())))
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
    fn what_the_stack_leaves_out_is_zero_or_comes_from_further_out() {
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
    fn other_events_and_simulated_uplinks_tell_no_samples() {
        for event in ["join_accept", "downlink_queued", "downlink_failed", "location_solved", "not_yet_invented"] {
            let body = json!({ "end_device_ids": { "device_id": "bike-07" }, event: { "f_port": 1 } });
            assert_eq!(decoded(&body.to_string()), Decoded::nothing(DeviceKind::Mobile), "{event}");
        }
        let simulated = UPLINK.replacen('{', "{\"simulated\":true,", 1);
        assert_eq!(decoded(&simulated), Decoded::nothing(DeviceKind::Mobile));
        let real = UPLINK.replacen('{', "{\"simulated\":false,", 1);
        assert_eq!(decoded(&real).observations.len(), 8);
    }

    #[test]
    fn numbered_fields_are_read_where_the_payload_is_no_packet() {
        let fields = json!({ "0": 52.2, "1": 0.1, "2": 5, "3": 4, "10": 6, "11": 5, "4": 52.3, "5": 0.2, "6": 7, "7": 6,
            "8": 52.4, "9": 0.3 });
        for payload in [Value::Null, json!("AQID"), json!("no base64")] {
            let decoded = decoded(&uplink(&json!({ "frm_payload": payload, "decoded_payload": fields })));
            assert_eq!(bicycle(&decoded), [(52.2, 0.1, 5.0, 4.0), (52.3, 0.2, 7.0, 6.0), (52.4, 0.3, 6.0, 5.0)]);
        }
    }

    #[test]
    fn named_fields_are_one_sample() {
        let decoded = decoded(&uplink(
            &json!({ "frm_payload": "AQID", "f_cnt": 9, "received_at": "2026-06-01T10:00:00Z",
            "decoded_payload": { "PM10": 12.4, "pm2.5": 6.8, "temperature": 18.5, "humidity": null, "zeta": 1, "alpha": 2,
                "model": "X", "nested": { "pm1": 3 } } }),
        ));
        let sample = &decoded.observations[0].sample;
        assert_eq!(
            sample.readings.iter().collect::<Vec<_>>(),
            [(Quantity::Pm2_5, 6.8), (Quantity::Pm10, 12.4), (Quantity::Temperature, 18.5)]
        );
        assert_eq!((decoded.ignored, decoded.kind), (vec!["alpha".to_owned(), "zeta".to_owned()], DeviceKind::Fixed));
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
        assert_eq!(named(json!({ "pm10": 1e39 })).rejected[0].code, "INVALID_VALUE");
    }

    #[test]
    fn payloads_that_say_nothing_are_refused() {
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
            (json!({ "decoded_payload": { "0": 1, "pm10": 2 } }), "FIELDS_MIXED", "decoded_payload"),
            (json!({ "decoded_payload": { "bytes": 1, "pm10": null } }), "NO_KNOWN_FIELD", "pm2_5"),
            (json!({ "decoded_payload": { "pm10": "5" } }), "WRONG_TYPE", "pm10"),
            (json!({ "decoded_payload": { "0": "5" } }), "WRONG_TYPE", "\"0\""),
            (json!({ "decoded_payload": { "pm25": 5, "pm2_5": 6 } }), "FIELD_TOLD_TWICE", "pm"),
            (json!({ "decoded_payload": [1] }), "WRONG_TYPE", "decoded_payload"),
            (json!({ "f_cnt": -1 }), "WRONG_TYPE", "f_cnt"),
            (json!({ "received_at": "yesterday" }), "WRONG_TYPE", "received_at"),
        ];
        for (message, expected, hint) in cases {
            let (code, detail) = refused(&message);
            assert_eq!(code, expected, "{message}: {detail}");
            assert!(detail.contains(hint), "{message}: {detail}");
        }
    }

    #[test]
    fn bodies_that_are_none_of_the_stacks_are_refused() {
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
        fn any_fields_are_answered_without_a_panic(
            fields in proptest::collection::hash_map("pm10|pm2.5|lat|lon|[0-9]{1,3}|.{0,4}", any::<f64>(), 0..9),
        ) {
            let _ = decode(&incoming(uplink(&json!({ "decoded_payload": fields })).as_bytes()));
        }
    }
}
