//! Rejected values and rejected bodies.

use super::*;
use crate::testing::refusal;

#[test]
fn bad_value_is_rejected_alone() {
    for (bad, code) in [
        ("7", "WRONG_TYPE"),
        ("null", "WRONG_TYPE"),
        ("[]", "WRONG_TYPE"),
        ("{}", "MISSING_SENSOR"),
        (r#"{"sensor":" ","value":1}"#, "MISSING_SENSOR"),
        (r#"{"sensor":7,"value":1}"#, "WRONG_TYPE"),
        (r#"{"sensor":"temp"}"#, "MISSING_VALUE"),
        (r#"{"sensor":"temp","value":null}"#, "MISSING_VALUE"),
        (r#"{"sensor":"temp","value":"  "}"#, "MISSING_VALUE"),
        (r#"{"sensor":"temp","value":true}"#, "WRONG_TYPE"),
        (r#"{"sensor":"temp","value":[1]}"#, "WRONG_TYPE"),
        (r#"{"sensor":"temp","value":"6,38"}"#, "INVALID_VALUE"),
        (r#"{"sensor":"temp","value":"      nan"}"#, "INVALID_VALUE"),
        (r#"{"sensor":"temp","value":"-inf"}"#, "INVALID_VALUE"),
        (r#"{"sensor":"temp","value":"1e999"}"#, "INVALID_VALUE"),
        (r#"{"sensor":"pm25","value":1e39}"#, "INVALID_VALUE"),
        (r#"{"sensor":"temp","value":1,"createdAt":"yesterday"}"#, "INVALID_TIME"),
        (r#"{"sensor":"temp","value":1,"createdAt":"2026-00-00T00:00:00Z"}"#, "INVALID_TIME"),
        (r#"{"sensor":"temp","value":1,"createdAt":1777629600}"#, "WRONG_TYPE"),
        (r#"{"sensor":"temp","value":1,"location":[7]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[7,51,60,1]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":"7,51"}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[7,null]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[7,91]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[-33.9,151.2]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[7,51,"high"]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":[7,[51]]}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":{"lat":51}}"#, "INVALID_POSITION"),
        (r#"{"sensor":"temp","value":1,"location":{"lng":7,"lat":51,"longitude":8}}"#, "DUPLICATE_KEY"),
        (r#"{"sensor":"temp","value":1,"location":{"lng":7,"lat":51,"lat":52}}"#, "DUPLICATE_KEY"),
        (r#"{"sensor":"temp","value":1,"value":2}"#, "DUPLICATE_KEY"),
    ] {
        let decoded = decoded(&format!(r#"[{{"sensor":"pm10","value":1}},{bad},{{"sensor":"press","value":1000}}]"#));
        assert_eq!(rejected(&decoded), [(1, code)], "{bad}");
        assert_eq!(readings(&decoded.observations[0].sample).len(), 2, "{bad}");
    }
    for (bad, code) in [
        ("[]", "WRONG_LENGTH"),
        ("[1,null,null,1]", "WRONG_LENGTH"),
        ("{}", "WRONG_TYPE"),
        ("true", "WRONG_TYPE"),
        ("null", "MISSING_VALUE"),
        (r#"[1,"yesterday"]"#, "INVALID_TIME"),
        ("[1,null,[7,91]]", "INVALID_POSITION"),
    ] {
        assert_eq!(rejected(&decoded(&format!(r#"{{"pm10":1,"temp":{bad}}}"#))), [(1, code)], "{bad}");
    }
    for (bad, code) in [
        (&b"temp"[..], "WRONG_LENGTH"),
        (b"temp,1,,,,,", "WRONG_LENGTH"),
        (b",1", "MISSING_SENSOR"),
        (b"temp,", "MISSING_VALUE"),
        (b"temp,  nan", "INVALID_VALUE"),
        (b"temp,1e999", "INVALID_VALUE"),
        (b"temp,\"1\"", "INVALID_VALUE"),
        (b"temp,1,01/05/2026 10:00", "INVALID_TIME"),
        (b"temp,1,,7.6", "INVALID_POSITION"),
        (b"temp,1,,-33.9,151.2", "INVALID_POSITION"),
        (b"temp,1,,7.6,51.9,high", "INVALID_POSITION"),
        (b"temp,1,\xff", "INVALID_UTF8"),
        (b"\xff,1", "INVALID_UTF8"),
    ] {
        let body = [b"pm10,1\n", bad, b"\npress,1000\n"].concat();
        let decoded = read(&body).expect("decoded");
        assert_eq!(rejected(&decoded), [(1, code)], "{}", String::from_utf8_lossy(bad));
        assert_eq!(readings(&decoded.observations[0].sample).len(), 2);
    }
}

#[test]
fn swapped_coordinates_are_rejected_naming_the_order() {
    let decoded = decoded("pm10,1,,-33.9,151.2");
    assert!(decoded.rejected[0].detail.contains("longitude comes first"), "{:?}", decoded.rejected);
}

#[test]
fn unknown_sensors_are_ignored_and_a_body_without_known_ones_is_rejected() {
    let some = decoded("pm10,1\nzzz,not even a number\nPM10,2\nzzz,3");
    assert_eq!((some.observations.len(), some.ignored), (1, vec!["PM10".to_owned(), "zzz".to_owned()]));
    assert!(some.rejected.is_empty());
    let bad = decoded("pm10,nan\nzzz,1");
    assert_eq!(
        (rejected(&bad), bad.ignored.len()),
        (vec![(0, "INVALID_VALUE")], 1),
        "one is known, though its value is bad"
    );

    for body in ["a,1\nb,2\nc,3\nd,4\ne", r#"[{"sensor":"a","value":1},{"sensor":"b"},{"sensor":"c"},{"sensor":"d"}]"#]
    {
        let (code, detail) = refusal(read(body.as_bytes()));
        assert_eq!(code, "UNKNOWN_SENSORS");
        for hint in ["\"a\", \"b\", \"c\", …", "updateDevice", "sensor: \"a\"", "device box"] {
            assert!(detail.contains(hint), "{hint} in {detail}");
        }
    }
    let (code, detail) = refusal(decode(&Incoming { device_hint: Some("box"), ..incoming(b"{\"pm10\\u0000\":1}") }));
    assert_eq!(code, "UNKNOWN_SENSORS", "no sensor is registered at all");
    assert!(!detail.contains('\0') && !detail.contains('…'), "{detail}");
}

#[test]
fn bodies_without_values_are_rejected() {
    let deep = "[".repeat(900_000);
    let deep_in_object = format!("{{\"pm10\":{}", "[".repeat(900_000));
    for (body, code) in [
        (&b""[..], "MISSING_VALUES"),
        (b" \r\n", "MISSING_VALUES"),
        (b"[]", "MISSING_VALUES"),
        (b"{}", "MISSING_VALUES"),
        (b"sensorId,value,createdAt,lng,lat,height\n", "MISSING_VALUES"),
        (&ARRAY.as_bytes()[..100], "MALFORMED_JSON"),
        (&OBJECT.as_bytes()[..50], "MALFORMED_JSON"),
        (b"[] []", "MALFORMED_JSON"),
        (b"{\"pm10\":\"\xff\"}", "MALFORMED_JSON"),
        (b"{\"pm10\":1e999}", "MALFORMED_JSON"),
        (b"{\"pm10\":NaN}", "MALFORMED_JSON"),
        (deep.as_bytes(), "MALFORMED_JSON"),
        (deep_in_object.as_bytes(), "MALFORMED_JSON"),
    ] {
        assert_eq!(refusal(read(body)).0, code, "{:.60}", String::from_utf8_lossy(body));
    }
    assert_eq!(refusal(decode(&Incoming { sensors: &registered(), ..incoming(CSV.as_bytes()) })).0, "MISSING_DEVICE");
    let nameless = Incoming { device_hint: Some(" "), sensors: &registered(), ..incoming(CSV.as_bytes()) };
    assert_eq!(refusal(decode(&nameless)).0, "INVALID_DEVICE");
}

#[test]
fn more_than_2500_values_are_rejected() {
    let time = |number: usize| {
        (at("2026-05-01T00:00:00Z") + chrono::TimeDelta::seconds(i64::try_from(number).expect("small"))).to_rfc3339()
    };
    let array = |count| {
        let each = |number| format!(r#"{{"sensor":"pm10","value":1,"createdAt":"{}"}}"#, time(number));
        format!("[{}]", (0..count).map(each).collect::<Vec<_>>().join(","))
    };
    let object = |count| {
        format!(
            "{{{}}}",
            (0..count).map(|number| format!("\"pm10\":[1,\"{}\"]", time(number))).collect::<Vec<_>>().join(",")
        )
    };
    let csv = |count| {
        format!(
            "sensorId,value\n{}\n",
            (0..count).map(|number| format!("pm10,1,{}", time(number))).collect::<Vec<_>>().join("\n")
        )
    };
    for form in [&array as &dyn Fn(usize) -> String, &object, &csv] {
        assert_eq!(decoded(&form(MAX_VALUES)).observations.len(), MAX_VALUES);
        assert_eq!(refusal(read(form(MAX_VALUES + 1).as_bytes())).0, "TOO_MANY_VALUES");
    }
}
