use airgraph_domain::{quantity::Quantity, sensor::NO_SENSORS};

use super::*;
use crate::parse::MAX_SAMPLES_PER_BODY;

const EXAMPLE: &str = r#"{"device":"bike-07","time":"2026-05-01T10:00:00Z","latitude":52.2,"longitude":0.12,"pm10":12.4,"pm2_5":6.8,"temperature":18.4}"#;

fn read(body: &[u8], named: Option<&str>) -> Result<Decoded, DecodeError> {
    let received_at = "2026-05-01T12:00:00Z".parse().expect("a time");
    decode(&Incoming { body, received_at, device_hint: named, event: None, sensors: &NO_SENSORS })
}

fn decoded(body: &str) -> Decoded {
    read(body.as_bytes(), None).expect("decoded")
}

#[test]
fn documented_example_is_decoded() {
    for body in [EXAMPLE.to_owned(), format!("[{EXAMPLE}]")] {
        let decoded = decoded(&body);
        let seen = &decoded.observations[0];
        assert_eq!((seen.index, seen.device.as_str(), decoded.kind), (0, "bike-07", DeviceKind::Mobile));
        assert_eq!(seen.sample.measured_at.to_rfc3339(), "2026-05-01T10:00:00+00:00");
        let position = seen.sample.position.expect("a position");
        assert_eq!((position.latitude(), position.longitude()), (52.2, 0.12));
        assert_eq!(
            seen.sample.readings.iter().collect::<Vec<_>>(),
            [(Quantity::Pm2_5, 6.8), (Quantity::Pm10, 12.4), (Quantity::Temperature, 18.4)]
        );
        assert!(!seen.sample.flags.contains(QualityFlag::EstimatedTime));
    }
}

#[test]
fn every_quantity_has_its_name() {
    for &quantity in Quantity::ALL {
        let name = quantity.definition().name;
        let decoded = decoded(&format!(r#"{{"device":"d","{name}":1}}"#));
        let seen = &decoded.observations[0];
        assert_eq!(seen.sample.readings.iter().collect::<Vec<_>>(), [(quantity, 1.0)]);
        assert_eq!((seen.sample.position, decoded.kind), (None, DeviceKind::Fixed));
        assert!(seen.sample.flags.contains(QualityFlag::EstimatedTime), "no time was sent");
        assert_eq!(seen.sample.measured_at.to_rfc3339(), "2026-05-01T12:00:00+00:00");
    }
}

#[test]
fn bad_sample_is_rejected_alone() {
    for (bad, code) in [
        ("7", "WRONG_TYPE"),
        ("null", "WRONG_TYPE"),
        ("[1,[2]]", "WRONG_TYPE"),
        (r#""x""#, "WRONG_TYPE"),
        (r#"{"pm10":1}"#, "MISSING_DEVICE"),
        (r#"{"device":7,"pm10":1}"#, "WRONG_TYPE"),
        (r#"{"device":"","pm10":1}"#, "INVALID_DEVICE"),
        (r#"{"device":"d"}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":null,"latitude":1,"longitude":1}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":"nan"}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":"0x10"}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":true}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":1e39}"#, "NO_VALUES"),
        (r#"{"device":"d","pm10":1,"latitude":1}"#, "INVALID_POSITION"),
        (r#"{"device":"d","pm10":1,"longitude":1}"#, "INVALID_POSITION"),
        (r#"{"device":"d","pm10":1,"latitude":91,"longitude":1}"#, "INVALID_POSITION"),
        (r#"{"device":"d","pm10":1,"time":"yesterday"}"#, "INVALID_TIME"),
        (r#"{"device":"d","pm10":1,"time":"9999-12-31T23:59:59-23:59"}"#, "INVALID_TIME"),
        (r#"{"device":"d","pm10":1,"time":7}"#, "INVALID_TIME"),
        (r#"{"device":"d","pm10":1,"time":true}"#, "WRONG_TYPE"),
        (r#"{"device":"d","pm10":1,"pm10":2}"#, "DUPLICATE_KEY"),
        (r#"{"device":"d","pm10":1,"x":1,"x":2}"#, "DUPLICATE_KEY"),
    ] {
        let decoded = decoded(&format!("[{EXAMPLE},{bad},{EXAMPLE}]"));
        assert_eq!((decoded.observations.len(), decoded.rejected.len()), (2, 1), "{bad}");
        assert_eq!((decoded.rejected[0].index, decoded.rejected[0].code), (1, code), "{bad}");
        assert_eq!(decoded.observations[1].index, 2);
    }
}

#[test]
fn request_may_name_the_device_and_unknown_keys_are_reported() {
    let body = br#"[{"pm10":1,"z":1,"a":"text","b":{"c":[]}},{"device":"own","pm10":1,"z":2}]"#;
    let decoded = read(body, Some("named")).expect("decoded");
    let devices: Vec<_> = decoded.observations.iter().map(|seen| seen.device.as_str()).collect();
    assert_eq!(devices, ["named", "own"]);
    assert_eq!(decoded.ignored, ["a", "b", "z"]);
}

#[test]
fn malformed_bodies_are_rejected() {
    for (body, code) in [
        (&b""[..], "MALFORMED_JSON"),
        (&EXAMPLE.as_bytes()[..40], "MALFORMED_JSON"),
        (b"7", "WRONG_TYPE"),
        (b"[]", "MISSING_VALUES"),
        (b"\"x\"", "WRONG_TYPE"),
        (b"null", "WRONG_TYPE"),
        (b"{\"device\":\"\xff\"}", "MALFORMED_JSON"),
        (br#"{"device":"d","pm10":1e999}"#, "MALFORMED_JSON"),
        (b"[] []", "MALFORMED_JSON"),
    ] {
        assert_eq!(read(body, None).expect_err("an error").code, code, "{}", String::from_utf8_lossy(body));
    }
    let deep = "[".repeat(100_000);
    assert_eq!(read(deep.as_bytes(), None).expect_err("an error").code, "MALFORMED_JSON");
    let many = |count| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(decoded(&many(MAX_SAMPLES_PER_BODY)).rejected.len(), MAX_SAMPLES_PER_BODY);
    assert_eq!(read(many(MAX_SAMPLES_PER_BODY + 1).as_bytes(), None).expect_err("an error").code, "TOO_MANY_SAMPLES");
}

#[test]
fn common_spellings_of_names_are_accepted() {
    let decoded = decoded(
        r#"{"device":"x","pm25":6.8,"PM10":"12.4","Relative Humidity":"60","pressure_pa":100520.25,"o3_ppb":30}"#,
    );
    let values: Vec<_> = decoded.observations[0].sample.readings.iter().collect();
    let ozone = 30.0 * 47.9982 / 24.055;
    let expected = [
        (Quantity::Pm2_5, 6.8),
        (Quantity::Pm10, 12.4),
        (Quantity::Humidity, 60.0),
        (Quantity::Pressure, 1005.2025),
        (Quantity::O3, ozone),
    ];
    assert_eq!((values.as_slice(), decoded.ignored.len()), (&expected[..], 0));
}

#[test]
fn unreadable_field_is_ignored_alone() {
    let body =
        r#"{"device":"x","pm10":12,"pm25":"n/a","temperature":[1],"humidity":true,"latitude":"north","longitude":0}"#;
    let decoded = decoded(body);
    assert_eq!(decoded.observations[0].sample.readings.iter().collect::<Vec<_>>(), [(Quantity::Pm10, 12.0)]);
    assert_eq!((decoded.observations[0].sample.position, decoded.rejected.len()), (None, 0));
    assert_eq!(decoded.ignored, ["humidity", "latitude", "pm25", "temperature"]);
}

#[test]
fn a_time_may_be_a_number_since_1970() {
    for time in
        ["1777629600", "1777629600000", "1777629600000000", "1777629600000000000", "\"2026-05-01T12:00:00+02:00\""]
    {
        let decoded = decoded(&format!(r#"{{"device":"d","pm10":1,"time":{time}}}"#));
        assert_eq!(decoded.observations[0].sample.measured_at.to_rfc3339(), "2026-05-01T10:00:00+00:00", "{time}");
        assert!(!decoded.observations[0].sample.flags.contains(QualityFlag::EstimatedTime));
    }
}
