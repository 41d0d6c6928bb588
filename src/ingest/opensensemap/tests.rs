use proptest::prelude::*;

use super::*;
use crate::{
    domain::{quality::QualityFlag, quantity::Quantity, sample::Sample, sensor::Sensors},
    ingest::testing::{at, damaged, incoming, refusal},
};

const ARRAY: &str = r#"[{"sensor":"pm10","value":"  12.40","createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972,66.6]},
    {"sensor":"pm25","value":6.38,"createdAt":"2026-05-01T10:00:00Z","location":[7.684,51.972,66.6]},
    {"sensor":"temp","value":"18.42","createdAt":"2026-05-01T10:01:00.5Z"}]"#;
const OBJECT: &str = r#"{"pm10":["12.40","2026-05-01T10:00:00Z",[7.684,51.972,66.6]],
    "pm25":[6.38,"2026-05-01T10:00:00Z",{"lng":7.684,"lat":51.972,"height":66.6}],
    "temp":["18.42","2026-05-01T10:01:00.5Z"]}"#;
const CSV: &str = "pm10,    12.40,2026-05-01T10:00:00Z,7.684000,51.972000,66.60\n\
    pm25,     6.38,2026-05-01T10:00:00Z,7.684000,51.972000,66.60\ntemp,    18.42,2026-05-01T10:01:00.5Z\n\r\n";

fn registered() -> Sensors {
    let mut sensors = Sensors::default();
    for (id, quantity) in [
        ("pm10", Quantity::Pm10),
        ("pm25", Quantity::Pm2_5),
        ("temp", Quantity::Temperature),
        ("temp2", Quantity::Temperature),
        ("press", Quantity::Pressure),
        ("alti", Quantity::Altitude),
    ] {
        sensors.add(id.to_owned(), quantity).expect("a sensor");
    }
    sensors
}

fn read(body: &[u8]) -> Result<Decoded, DecodeError> {
    decode(&Incoming { named: Some("box"), sensors: &registered(), ..incoming(body) })
}

fn decoded(body: &str) -> Decoded {
    read(body.as_bytes()).unwrap_or_else(|error| panic!("{error:?} for {body}"))
}

fn readings(sample: &Sample) -> Vec<(Quantity, f64)> {
    sample.readings.iter().collect()
}

/// Time, place (latitude first) and values of each sample.
type Told = (String, Option<(f64, f64)>, Vec<(Quantity, f64)>);

fn told(decoded: &Decoded) -> Vec<Told> {
    let place = |sample: &Sample| sample.position.map(|place| (place.latitude(), place.longitude()));
    let samples = decoded.observations.iter().map(|seen| &seen.sample);
    samples.map(|sample| (sample.measured_at.to_rfc3339(), place(sample), readings(sample))).collect()
}

/// Place in the body and code of each rejection.
fn rejected(decoded: &Decoded) -> Vec<(usize, &'static str)> {
    decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect()
}

#[test]
fn each_form_gives_a_sample_a_moment_and_takes_longitude_first() {
    for body in [ARRAY, OBJECT, CSV] {
        let decoded = decoded(body);
        assert_eq!(
            told(&decoded),
            [
                (
                    "2026-05-01T10:00:00+00:00".to_owned(),
                    Some((51.972, 7.684)),
                    vec![(Quantity::Pm2_5, 6.38), (Quantity::Pm10, 12.4), (Quantity::Altitude, 66.6)]
                ),
                ("2026-05-01T10:01:00.500+00:00".to_owned(), None, vec![(Quantity::Temperature, 18.42)]),
            ],
            "{body}"
        );
        let seen: Vec<_> = decoded.observations.iter().map(|seen| (seen.index, seen.device.as_str())).collect();
        assert_eq!(seen, [(0, "box"), (2, "box")], "the first value's place in the body");
        assert!(decoded.observations.iter().all(|seen| seen.sample.flags.bits() == 0));
        assert_eq!((decoded.kind, decoded.ignored.len(), decoded.rejected.len()), (DeviceKind::Mobile, 0, 0));
    }
}

#[test]
fn without_a_time_that_of_arrival_counts() {
    for body in [
        "{\"pm10\":12,\"pm25\":\"6\"}",
        "pm10,12\npm25,6",
        "pm10,12,\npm25,6,,,,\n",
        "{\"pm10\":[12,null],\"pm25\":[6,\"\"]}",
    ] {
        let decoded = decoded(body);
        let [Observation { sample, .. }] = &decoded.observations[..] else { panic!("one sample of {body}") };
        assert_eq!(readings(sample), [(Quantity::Pm2_5, 6.0), (Quantity::Pm10, 12.0)]);
        assert_eq!((sample.measured_at, sample.position), (at("2026-07-01T12:00:00Z"), None));
        assert!(sample.flags.contains(QualityFlag::EstimatedTime));
        assert_eq!(decoded.kind, DeviceKind::Fixed);
    }
}

#[test]
fn another_time_place_or_height_is_another_sample() {
    let decoded = decoded(
        "pm10,1,2026-05-01T10:00:00Z,7,51,60\npm25,1,2026-05-01T10:00:00Z,7,51,61\npm25,2,2026-05-01T10:00:01Z,7,51,60
pm25,3,2026-05-01T10:00:00Z,7,52,60\npm25,4,2026-05-01T12:00:00+02:00,7,51,60\ntemp,5\n",
    );
    let values: Vec<_> = decoded.observations.iter().map(|seen| seen.sample.readings.get(Quantity::Pm2_5)).collect();
    assert_eq!(values, [Some(4.0), Some(1.0), Some(2.0), Some(3.0), None], "a time is the same in another zone");
    assert!(decoded.rejected.is_empty());
}

#[test]
fn of_two_values_of_a_quantity_the_first_counts() {
    for body in ["temp,1\npm10,2\ntemp2,3\ntemp,4", r#"{"temp":1,"pm10":2,"temp2":3,"temp":4}"#] {
        let decoded = decoded(body);
        assert_eq!(readings(&decoded.observations[0].sample), [(Quantity::Pm10, 2.0), (Quantity::Temperature, 1.0)]);
        assert_eq!(rejected(&decoded), [(2, "VALUE_TOLD_TWICE"), (3, "VALUE_TOLD_TWICE")]);
    }
}

#[test]
fn a_sensor_of_the_altitude_precedes_the_height_of_the_place() {
    let time = "2026-05-01T10:00:00Z,7,51,60";
    for body in [
        format!("alti,55,{time}\npm10,1,{time}\nalti,56,{time}"),
        format!("pm10,1,{time}\nalti,55,{time}\nalti,56,{time}"),
    ] {
        let decoded = decoded(&body);
        let [Observation { sample, .. }] = &decoded.observations[..] else { panic!("one sample") };
        assert_eq!(sample.readings.get(Quantity::Altitude), Some(55.0));
        assert_eq!(rejected(&decoded), [(2, "VALUE_TOLD_TWICE")]);
    }
}

#[test]
fn pressure_may_come_in_pascals() {
    for (value, expected) in [("1005.2", 1005.2), ("100520.25", 1005.2025), ("2000", 2000.0), ("30000", 300.0)] {
        let decoded = decoded(&format!("press,{value}"));
        assert_eq!(readings(&decoded.observations[0].sample), [(Quantity::Pressure, expected)]);
    }
    assert_eq!(readings(&decoded("temp,9000").observations[0].sample), [(Quantity::Temperature, 9000.0)]);
}

#[test]
fn a_header_and_a_byte_order_mark_are_passed_over() {
    for body in [
        "sensorId,value,createdAt,lng,lat,height\r\npm10,1\r\n",
        "\u{feff} sensorid , Value\npm10,1",
        "\u{feff}\npm10,1",
    ] {
        let decoded = decoded(body);
        assert_eq!((decoded.observations[0].index, decoded.ignored.len()), (1, 0), "{body}");
    }
    assert_eq!(decoded("pm10,1\nsensorId,value").ignored, ["sensorId"], "only a first line is a header");
}

#[test]
fn locations_come_in_several_shapes() {
    for location in [
        "[7.5,51.5]",
        "[7.5,51.5,null]",
        r#"["7.5"," 51.5"]"#,
        r#"{"lng":7.5,"lat":51.5}"#,
        r#"{"longitude":7.5,"latitude":"51.5","height":null,"accuracy":[3]}"#,
    ] {
        let decoded = decoded(&format!(r#"[{{"sensor":"pm10","value":1,"location":{location},"unit":"x"}}]"#));
        let place = decoded.observations[0].sample.position.expect(location);
        assert_eq!((place.longitude(), place.latitude()), (7.5, 51.5));
    }
    for location in ["null", "[null,null]", "{}", r#"["",""]"#] {
        let decoded = decoded(&format!(r#"[{{"sensor":"pm10","value":1,"location":{location}}}]"#));
        assert_eq!(decoded.observations[0].sample.position, None, "{location}");
    }
}

#[test]
fn a_bad_value_costs_itself_only() {
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
        (b"temp,1,2026-05-01 10:00", "INVALID_TIME"),
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
fn swapped_coordinates_are_told_which_comes_first() {
    let decoded = decoded("pm10,1,,-33.9,151.2");
    assert!(decoded.rejected[0].detail.contains("longitude comes first"), "{:?}", decoded.rejected);
}

#[test]
fn unknown_sensors_are_named_and_if_there_are_no_others_the_body_is_refused() {
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
    let (code, detail) = refusal(decode(&Incoming { named: Some("box"), ..incoming(b"{\"pm10\\u0000\":1}") }));
    assert_eq!(code, "UNKNOWN_SENSORS", "no sensor is registered at all");
    assert!(!detail.contains('\0') && !detail.contains('…'), "{detail}");
}

#[test]
fn bodies_that_tell_nothing_are_refused() {
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
    let nameless = Incoming { named: Some(" "), sensors: &registered(), ..incoming(CSV.as_bytes()) };
    assert_eq!(refusal(decode(&nameless)).0, "INVALID_DEVICE");
}

#[test]
fn a_body_holds_2500_values_at_most() {
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

/// A value as all forms can tell it: sensor, value, time, place, height.
type Parts = (&'static str, String, Option<String>, Option<(f64, f64, Option<f64>)>);

fn parts() -> impl Strategy<Value = Parts> {
    let sensor = proptest::sample::select(&["pm10", "pm25", "temp", "temp2", "alti", "unknown"][..]);
    let value = prop_oneof![(-50.0..2000.0).prop_map(|value: f64| value.to_string()), "nan|x|| 1e3|7 "];
    let time = proptest::option::of(prop_oneof!["2026-05-01T10:0[0-3]:00(\\.5)?Z", "2026-05-01 soon"]);
    let degrees = |most: f64| prop_oneof![Just(0.0), Just(-0.0), Just(7.5), -most..most];
    let height = proptest::option::of(prop_oneof![Just(60.0), -500.0..9000.0]);
    let place = proptest::option::of((degrees(190.0), degrees(95.0), height));
    (sensor, value, time, place)
}

proptest! {
    #[test]
    fn the_forms_decode_alike(values in proptest::collection::vec(parts(), 1..12)) {
        let [mut array, mut object, mut csv] = [const { Vec::new() }; 3];
        for (sensor, value, time, place) in &values {
            let place_json = place.map(|(lng, lat, height)| height.map_or(serde_json::json!([lng, lat]), |height| serde_json::json!([lng, lat, height])));
            array.push(serde_json::json!({ "sensor": sensor, "value": value, "createdAt": time, "location": place_json }).to_string());
            object.push(format!("{:?}:{}", sensor, serde_json::json!([value, time, place_json])));
            let (lng, lat, height) = place.map_or_else(Default::default, |(lng, lat, height)| {
                (lng.to_string(), lat.to_string(), height.map(|height| height.to_string()).unwrap_or_default())
            });
            csv.push(format!("{sensor},{value},{},{lng},{lat},{height}", time.as_deref().unwrap_or_default()));
        }
        let array = read(format!("[{}]", array.join(",")).as_bytes());
        prop_assert_eq!(&array, &read(format!("{{{}}}", object.join(",")).as_bytes()));
        prop_assert_eq!(&array, &read(csv.join("\n").as_bytes()));
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body);
    }

    #[test]
    fn damaged_bodies_are_answered_without_a_panic(array in damaged(ARRAY), object in damaged(OBJECT), csv in damaged(CSV)) {
        for body in [array, object, csv] {
            let _ = read(&body);
        }
    }
}
