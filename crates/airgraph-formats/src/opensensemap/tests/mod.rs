mod properties;
mod refused;

use airgraph_domain::{quality::QualityFlag, quantity::Quantity, sample::Sample, sensor::Sensors};

use super::*;
use crate::testing::{at, incoming};

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
    decode(&Incoming { device_hint: Some("box"), sensors: &registered(), ..incoming(body) })
}

fn decoded(body: &str) -> Decoded {
    read(body.as_bytes()).unwrap_or_else(|error| panic!("{error:?} for {body}"))
}

fn readings(sample: &Sample) -> Vec<(Quantity, f64)> {
    sample.readings.iter().collect()
}

/// Time, position (latitude first) and values of each sample.
type DecodedSample = (String, Option<(f64, f64)>, Vec<(Quantity, f64)>);

fn decoded_samples(decoded: &Decoded) -> Vec<DecodedSample> {
    let place = |sample: &Sample| sample.position.map(|place| (place.latitude(), place.longitude()));
    let samples = decoded.observations.iter().map(|seen| &seen.sample);
    samples.map(|sample| (sample.measured_at.to_rfc3339(), place(sample), readings(sample))).collect()
}

/// Index in the body and code of each rejection.
fn rejected(decoded: &Decoded) -> Vec<(usize, &'static str)> {
    decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect()
}

#[test]
fn each_form_has_one_sample_per_time_and_longitude_first() {
    for body in [ARRAY, OBJECT, CSV] {
        let decoded = decoded(body);
        assert_eq!(
            decoded_samples(&decoded),
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
fn header_and_byte_order_mark_are_skipped() {
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
fn all_shapes_of_locations_are_read() {
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
fn a_header_names_the_columns_of_csv() {
    let expected = [("2026-05-01T10:00:00+00:00".to_owned(), Some((51.972, 7.684)), vec![(Quantity::Pm10, 12.4)])];
    for body in [
        "sensorId,value,createdAt,lat,lon\npm10,12.4,2026-05-01T10:00:00Z,51.972,7.684\n",
        "sensorId,value,createdAt,lng,lat\npm10,12.4,2026-05-01T10:00:00Z,7.684,51.972\n",
        "createdAt;lon;lat;sensorId;value\r\n2026-05-01 10:00:00;7,684;51,972;pm10;12,4\r\n",
        "sensorId\tvalue\tcreatedAt\tlat\tlng\rpm10\t12.4\t1777629600\t51.972\t7.684\r",
    ] {
        let decoded = decoded(body);
        assert_eq!((decoded_samples(&decoded), rejected(&decoded)), (expected.to_vec(), vec![]), "{body:?}");
    }
}

#[test]
fn unknown_column_of_a_header_is_rejected_by_name() {
    for (header, code, name) in [
        ("sensorId,value,createdAt,lat,long", "UNKNOWN_COLUMN", "\"long\""),
        ("sensor,value,createdAt,lat,lon", "UNKNOWN_COLUMN", "\"sensor\""),
        ("createdAt,value", "MISSING_COLUMN", "sensorId"),
        ("sensorId,value,lon,lng", "DUPLICATE_COLUMN", "\"lng\""),
    ] {
        let error = read(format!("{header}\npm10,12.4,2026-05-01T10:00:00Z,1,2\n").as_bytes()).expect_err(header);
        assert_eq!(error.code, code, "{header}");
        assert!(error.detail.contains(name), "{}", error.detail);
    }
}
