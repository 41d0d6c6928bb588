use airgraph_domain::{quantity::Quantity, sensor::NO_SENSORS};

use super::*;

const EXAMPLE: &str = r#"{"esp8266id":"12345678","software_version":"NRZ-2024-135","sensordatavalues":[
    {"value_type":"SDS_P1","value":"12.40"},{"value_type":"SDS_P2","value":"6.83"},
    {"value_type":"BME280_temperature","value":"18.42"},{"value_type":"BME280_pressure","value":"100520.25"},
    {"value_type":"BME280_humidity","value":"61.30"},{"value_type":"GPS_lat","value":"52.205100"},
    {"value_type":"GPS_lon","value":"0.121800"},{"value_type":"signal","value":"-61"}]}"#;

fn read(body: &[u8], named: Option<&str>) -> Result<Decoded, DecodeError> {
    let received_at = "2026-05-01T12:00:00Z".parse().expect("a time");
    decode(&Incoming { body, received_at, device_hint: named, event: None, sensors: &NO_SENSORS })
}

/// Decodes these values (name, JSON) of a chip.
fn values(values: &[(&str, &str)]) -> Decoded {
    let values: Vec<_> =
        values.iter().map(|(name, value)| format!(r#"{{"value_type":"{name}","value":{value}}}"#)).collect();
    let body = format!(r#"{{"esp8266id":"1","sensordatavalues":[{}]}}"#, values.join(","));
    read(body.as_bytes(), None).expect("decoded")
}

fn readings(decoded: &Decoded) -> Vec<(Quantity, f64)> {
    decoded.observations.iter().flat_map(|seen| seen.sample.readings.iter()).collect()
}

#[test]
fn documented_example_is_decoded() {
    let decoded = read(EXAMPLE.as_bytes(), None).expect("decoded");
    let seen = &decoded.observations[0];
    assert_eq!((seen.index, seen.device.as_str(), decoded.kind), (0, "esp8266-12345678", DeviceKind::Mobile));
    let position = seen.sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (52.2051, 0.1218));
    assert_eq!(
        readings(&decoded),
        [
            (Quantity::Pm2_5, 6.83),
            (Quantity::Pm10, 12.4),
            (Quantity::Temperature, 18.42),
            (Quantity::Humidity, 61.3),
            (Quantity::Pressure, 1005.2025),
            (Quantity::SignalStrength, -61.0),
        ]
    );
    assert_eq!(seen.sample.time_uncertainty_s, Some(145));
    assert!(seen.sample.flags.contains(QualityFlag::EstimatedTime));
    assert!(decoded.rejected.is_empty() && decoded.ignored.is_empty());
}

#[test]
fn the_header_names_the_device_before_the_body_does() {
    let decoded = read(EXAMPLE.as_bytes(), Some("esp32-99")).expect("decoded");
    assert_eq!(decoded.observations[0].device.as_str(), "esp32-99");
}

#[test]
fn every_particulate_has_its_quantity() {
    for prefix in ["SDS", "PMS", "HPM", "NPM", "IPS", "SPS30"] {
        for (suffix, quantity) in
            [("P0", Quantity::Pm1), ("P1", Quantity::Pm10), ("P2", Quantity::Pm2_5), ("P4", Quantity::Pm4)]
        {
            assert_eq!(readings(&values(&[(&format!("{prefix}_{suffix}"), "3")])), [(quantity, 3.0)]);
        }
    }
}

#[test]
fn firmware_no_value_markers_are_null() {
    let decoded = values(&[
        ("SDS_P1", "5"),
        ("GPS_lat", r#""-200.000000""#),
        ("GPS_lon", r#""-200.000000""#),
        ("GPS_height", r#""-1000.00""#),
        ("GPS_timestamp", r#""1970-01-01T00:00:00.000""#),
        ("temperature", "-128"),
        ("humidity", r#""-1.0""#),
    ]);
    assert_eq!(readings(&decoded), [(Quantity::Pm10, 5.0)]);
    assert_eq!((decoded.observations[0].sample.position, decoded.kind), (None, DeviceKind::Mobile));
    assert!(decoded.ignored.is_empty(), "{:?}", decoded.ignored);
    assert_eq!(readings(&values(&[("temperature", "-1"), ("humidity", "0")])).len(), 2, "these are values");
}

#[test]
fn preferred_sensor_wins_and_the_others_are_reported() {
    let sent = [
        ("PMS_P1", "9"),
        ("SDS_P1", "5"),
        ("HPM_P1", "7"),
        ("temperature", "20"),
        ("BME280_temperature", "18"),
        ("SDS_P1", "6"),
    ];
    let decoded = values(&sent);
    assert_eq!(readings(&decoded), [(Quantity::Pm10, 5.0), (Quantity::Temperature, 18.0)]);
    assert_eq!(decoded.ignored, ["HPM_P1", "PMS_P1", "SDS_P1", "temperature"]);
    let dead = values(&[("BME280_temperature", "-128"), ("temperature", "20")]);
    assert_eq!(readings(&dead), [(Quantity::Temperature, 20.0)], "a sensor without a value is no better one");
}

#[test]
fn non_finite_and_unknown_values_are_reported_as_ignored() {
    for unusable in [r#""nan""#, r#""inf""#, r#""-Infinity""#, r#""1e999""#, r#""""#, r#""x""#, "true", "[1]"] {
        let decoded = values(&[("SDS_P1", unusable), ("signal", r#""-59 dBm""#), ("samples", "7")]);
        assert_eq!(readings(&decoded), [(Quantity::SignalStrength, -59.0)], "{unusable}");
        assert_eq!(decoded.ignored, ["SDS_P1", "samples"]);
    }
    let decoded = values(&[("HECA_temperature", "40"), ("P1", "1")]);
    assert_eq!((decoded.rejected[0].code, decoded.ignored.len()), ("NO_VALUES", 2));
    assert_eq!(values(&[("SDS_P1", "1e39")]).rejected[0].code, "NO_VALUES");
    let null = values(&[("SDS_P1", "null"), ("SDS_P2", "3")]);
    assert_eq!((readings(&null), null.ignored.len()), (vec![(Quantity::Pm2_5, 3.0)], 0));
}

#[test]
fn invalid_position_is_rejected() {
    for place in [&[("GPS_lat", "91"), ("GPS_lon", "0")][..], &[("GPS_lat", "52")], &[("GPS_lon", "0")]] {
        let decoded = values(&[place, &[("SDS_P1", "1")]].concat());
        assert_eq!((decoded.observations.len(), decoded.rejected[0].code), (0, "INVALID_POSITION"));
    }
}

#[test]
fn malformed_bodies_are_rejected() {
    for (body, code) in [
        (&EXAMPLE.as_bytes()[..EXAMPLE.len() - 9], "MALFORMED_JSON"),
        (b"{\"esp8266id\":\"\xff\"}", "MALFORMED_JSON"),
        (br#"{"esp8266id":"1","sensordatavalues":[{"value_type":"SDS_P1","value":1e999}]}"#, "MALFORMED_JSON"),
        (br#"{"esp8266id":"1","esp8266id":"2","sensordatavalues":[]}"#, "WRONG_TYPE"),
        (br#"{"esp8266id":"1"}"#, "WRONG_TYPE"),
        (br#"{"sensordatavalues":[]}"#, "MISSING_DEVICE"),
        (br#"{"esp8266id":"\u0000","sensordatavalues":[]}"#, "INVALID_DEVICE"),
    ] {
        assert_eq!(read(body, None).expect_err("an error").code, code);
    }
    let deep = format!(r#"{{"sensordatavalues":[{{"value_type":"x","value":{}"#, "[".repeat(100_000));
    assert_eq!(read(deep.as_bytes(), None).expect_err("an error").code, "MALFORMED_JSON");
}

#[test]
fn an_scd30_and_a_noise_sensor_have_their_quantities() {
    let decoded = values(&[
        ("SCD30_temperature", "21.5"),
        ("SCD30_humidity", "40"),
        ("SCD30_co2_ppm", "612"),
        ("DNMS_noise_LAeq", "47.3"),
        ("DNMS_noise_LA_max", "80"),
    ]);
    let expected =
        [(Quantity::Temperature, 21.5), (Quantity::Humidity, 40.0), (Quantity::Co2, 612.0), (Quantity::Noise, 47.3)];
    assert_eq!(
        (readings(&decoded).as_slice(), decoded.ignored.as_slice()),
        (&expected[..], &["DNMS_noise_LA_max".to_owned()][..])
    );
}

#[test]
fn the_interval_is_the_uncertainty_of_the_time() {
    for (interval, seconds) in
        [(r#""600000""#, 600), ("145000", 145), ("0", 0), (r#""x""#, 145), ("-1", 145), ("1e12", 145)]
    {
        let decoded = values(&[("interval", interval), ("SDS_P1", "1")]);
        assert_eq!(decoded.observations[0].sample.time_uncertainty_s, Some(seconds), "{interval}");
        assert_eq!(
            decoded.ignored.is_empty(),
            interval != r#""x""# && !interval.starts_with("-1") && interval != "1e12"
        );
    }
}

#[test]
fn invalid_entry_is_ignored_alone() {
    let body = br#"{"esp8266id":"1","sensordatavalues":[7,{"value":"1"},{"value_type":9,"value":1},{"value_type":"SDS_P1","value":"5"}]}"#;
    let decoded = read(body, None).expect("decoded");
    assert_eq!(readings(&decoded), [(Quantity::Pm10, 5.0)]);
    assert_eq!(decoded.ignored, ["sensordatavalues[0]", "sensordatavalues[1]", "sensordatavalues[2]"]);
}
