//! `ChirpStack` v4 (HTTP integration): bicycles, and any LoRaWAN sensor whose codec names what it measures.
//!
//! The path's query tells the event. Only `up` tells samples; a request without one is taken for `up`, so that a body
//! can be posted by hand.
//!
//! The device is `deviceName` where that can be a key, otherwise `devEui`. The EUI is the stable one of the two, but
//! nobody knows a bicycle by it, and data from before `ChirpStack` stands under names such as `bike-07`. So whoever renames
//! a device starts a new one here, and two devices of one name, in different applications, are taken for one.
//!
//! `ChirpStack` doesn't repeat a request that failed, but a device may send a frame again: then `deduplicationId` and `time`
//! are new while `devEui`, `fCnt` and `data` are the same. Since the time differs, its samples are stored once more, that
//! much later; nothing here detects it yet. The frame counter, which is kept with the body, is what it can be told by
//! (together with the payload, because counters start again after a join).

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    DecodeError, Decoded, Incoming,
    lorawan::{self, Fields, Names, Object, Uplink},
    parse,
};
use crate::domain::device::{DeviceKey, DeviceKind};

/// The name of this format in the database and in URLs.
pub const FORMAT: &str = "chirpstack";

const NAMES: Names = Names { raw: "data", fields: "object", invalid_raw: "INVALID_DATA" };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    time: Option<DateTime<Utc>>,
    device_info: Option<DeviceInfo>,
    /// Left out when it is 0.
    #[serde(default)]
    f_cnt: u32,
    data: Option<String>,
    object: Option<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceInfo {
    device_name: Option<String>,
    dev_eui: Option<String>,
}

/// Decodes one body.
///
/// # Errors
/// When it isn't JSON of this shape, or has no payload that can be read.
pub fn decode(incoming: &Incoming<'_>) -> Result<Decoded, DecodeError> {
    if incoming.event.is_some_and(|event| event != "up") {
        return Ok(Decoded::nothing(DeviceKind::Mobile));
    }
    let body: Body = parse::json(incoming.body)?;
    let info = body.device_info.as_ref();
    let name = info.and_then(|info| info.device_name.as_deref()).filter(|name| DeviceKey::try_new(*name).is_ok());
    let device = lorawan::device_key(&[
        ("deviceInfo.deviceName", name),
        ("deviceInfo.devEui", info.and_then(|info| info.dev_eui.as_deref())),
    ])?;
    let uplink = Uplink {
        device,
        frame_counter: Some(i64::from(body.f_cnt)),
        received_at: body.time.unwrap_or(incoming.received_at),
        raw: body.data.as_deref(),
        fields: body.object.filter(|fields| !fields.is_empty()).map(Fields::Any),
        names: NAMES,
    };
    uplink.decode()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::quantity::Quantity,
        ingest::testing::{SAMPLES_A, at, bicycle, incoming, no_objects, refusal},
    };

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
    fn a_packet_gives_its_samples() {
        let decoded = decoded(UP);
        assert_eq!(bicycle(&decoded), SAMPLES_A);
        assert_eq!((decoded.frame_counter, decoded.kind), (Some(7), DeviceKind::Mobile));
        assert!(decoded.observations.iter().all(|seen| seen.device.as_str() == "bike-07"));
        assert_eq!(decoded.observations[7].sample.measured_at, at("2026-06-20T08:48:38.863512Z"));
        assert_eq!(decoded.observations[0].sample.measured_at, at("2026-06-20T08:48:17.863512Z"));
        assert_eq!(decode(&event(None, UP)).expect("samples"), decoded, "posted by hand");
    }

    #[test]
    fn other_events_tell_no_samples_whatever_they_hold() {
        for name in ["join", "ack", "txack", "status", "log", "location", "integration", ""] {
            for body in [UP, "{}", "no JSON"] {
                let decoded = decode(&event(Some(name), body)).expect("nothing");
                assert_eq!(decoded, Decoded::nothing(DeviceKind::Mobile), "{name}");
            }
        }
    }

    #[test]
    fn the_device_is_its_name_where_that_can_be_a_key() {
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
    fn named_fields_without_counter_and_time_are_one_sample_of_now() {
        let body =
            json!({ "deviceInfo": { "devEui": "0101" }, "data": "AQID", "object": { "pm2_5": 6.8, "rssi": -3 } });
        let decoded = decoded(&body.to_string());
        let sample = &decoded.observations[0].sample;
        assert_eq!(sample.readings.iter().collect::<Vec<_>>(), [(Quantity::Pm2_5, 6.8)]);
        assert_eq!((decoded.frame_counter, sample.measured_at), (Some(0), at("2026-07-01T12:00:00Z")));
        assert_eq!((decoded.ignored, decoded.kind), (vec!["rssi".to_owned()], DeviceKind::Fixed));
    }

    #[test]
    fn what_says_nothing_is_refused() {
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
            (of(r#","object":{"pm10":true}"#), "WRONG_TYPE"),
            (of(r#","object":{"pm10":1e999}"#), "MALFORMED_JSON"),
            (of(r#","fCnt":4294967296"#), "WRONG_TYPE"),
            (of(r#","time":"yesterday""#), "WRONG_TYPE"),
        ];
        for (body, expected) in cases {
            assert_eq!(refusal(decode(&event(Some("up"), &body))).0, expected, "{body}");
        }
    }
}
