use super::*;
use crate::domain::{quantity::Quantity, sensor::NO_SENSORS};

const EXAMPLE: &str = "feinstaub,node=esp8266-12345678 SDS_P1=12.40,SDS_P2=6.83,signal=-61 1777629600000000000\n";

fn read(body: &[u8], named: Option<&str>) -> Result<Decoded, DecodeError> {
    let received_at = "2026-05-01T12:00:00Z".parse().expect("a time");
    decode(&Incoming { body, received_at, named, event: None, sensors: &NO_SENSORS })
}

fn decoded(body: &str) -> Decoded {
    read(body.as_bytes(), None).expect("decoded")
}

fn told(decoded: &Decoded) -> Vec<(Quantity, f64)> {
    decoded.observations.iter().flat_map(|seen| seen.sample.readings.iter()).collect()
}

#[test]
fn the_example_gives_its_values() {
    let decoded = decoded(EXAMPLE);
    let seen = &decoded.observations[0];
    assert_eq!((seen.index, seen.device.as_str(), decoded.kind), (0, "esp8266-12345678", DeviceKind::Fixed));
    assert_eq!(seen.sample.measured_at.to_rfc3339(), "2026-05-01T10:00:00+00:00");
    assert!(!seen.sample.flags.contains(QualityFlag::EstimatedTime));
    assert_eq!(told(&decoded), [(Quantity::Pm2_5, 6.83), (Quantity::Pm10, 12.4), (Quantity::SignalStrength, -61.0)]);
}

#[test]
fn without_a_timestamp_the_arrival_counts() {
    let decoded = decoded("m,node=n pm10=1");
    assert_eq!(decoded.observations[0].sample.measured_at.to_rfc3339(), "2026-05-01T12:00:00+00:00");
    assert!(decoded.observations[0].sample.flags.contains(QualityFlag::EstimatedTime));
}

#[test]
fn escapes_quotes_and_types_are_read_to_the_letter() {
    let decoded = decoded(concat!(
        r#"my\ air\,x,no\ te=a\=b,node=Schule\ Nord\,\ 2 note="say \"hi, you\" \\ = ok",a\ b=t,pm10=12i,"#,
        r#"co2=450u,pm2_5=-1.5e-1,signal="-59 dBm",pressure=1005.25,BME280_humidity=50,latitude=52.2,longitude=0.12"#,
    ));
    assert_eq!(decoded.observations[0].device.as_str(), "Schule Nord, 2");
    assert_eq!(
        told(&decoded),
        [
            (Quantity::Pm2_5, -0.15),
            (Quantity::Pm10, 12.0),
            (Quantity::Humidity, 50.0),
            (Quantity::Pressure, 1005.25),
            (Quantity::Co2, 450.0),
            (Quantity::SignalStrength, -59.0),
        ]
    );
    assert_eq!((decoded.kind, decoded.ignored.as_slice()), (DeviceKind::Mobile, &["a b".into(), "note".into()][..]));
}

#[test]
fn the_device_is_the_first_tag_that_names_it() {
    for (line, device) in [
        ("m,host=h,device=d,node=n pm10=1", "n"),
        ("m,host=h,device=d pm10=1", "d"),
        ("m,host=h pm10=1", "h"),
        ("m pm10=1", "named"),
    ] {
        let decoded = read(line.as_bytes(), Some("named")).expect("decoded");
        assert_eq!(decoded.observations[0].device.as_str(), device);
    }
}

#[test]
fn bad_lines_are_named_by_their_number_and_the_others_stand() {
    for (bad, code) in [
        (&b"m"[..], "MALFORMED_LINE"),
        (b",node=n pm10=1", "MALFORMED_LINE"),
        (b"m,node= pm10=1", "MALFORMED_LINE"),
        (b"m,node pm10=1", "MALFORMED_LINE"),
        (b"m,node=n ", "MALFORMED_LINE"),
        (b"m,node=n pm10", "MALFORMED_LINE"),
        (b"m,node=n pm10=1,", "MALFORMED_LINE"),
        (b"m,node=n pm10=1 1777629600000000000 x", "MALFORMED_LINE"),
        (b"m,node=n note=\"x", "MALFORMED_LINE"),
        (b"m,node=n note=\"x\"y", "MALFORMED_LINE"),
        (b"m,node=n pm10=", "INVALID_VALUE"),
        (b"m,node=n pm10=1e999", "INVALID_VALUE"),
        (b"m,node=n pm10=nan", "INVALID_VALUE"),
        (b"m,node=n pm10=inf", "INVALID_VALUE"),
        (b"m,node=n pm10=1.5i", "INVALID_VALUE"),
        (b"m,node=n pm10=-1u", "INVALID_VALUE"),
        (b"m,node=n pm10=9223372036854775808i", "INVALID_VALUE"),
        (b"m,node=n pm10=1e39", "NO_VALUES"),
        (b"m,node=n pm10=1,pm10=2", "DUPLICATE_KEY"),
        (b"m,node=n,node=o pm10=1", "DUPLICATE_KEY"),
        (b"m,node=n pm10=1 soon", "INVALID_TIME"),
        (b"m,node=n pm10=1 9223372036854775808", "INVALID_TIME"),
        (b"m,node=n pm10=1 1777629600", "TIME_TOO_EARLY"),
        (b"m,node=n pm10=1 -9223372036854775808", "TIME_TOO_EARLY"),
        (b"m,node=\xff pm10=1", "INVALID_UTF8"),
        (b"m pm10=1", "MISSING_DEVICE"),
        (b"m,node=\\  pm10=1", "INVALID_DEVICE"),
        (b"m,node=n usage=1", "NO_VALUES"),
        (b"m,node=n pm10=\"inf\"", "NO_VALUES"),
        (b"m,node=n pm10=1,latitude=52", "INVALID_POSITION"),
    ] {
        let shown = String::from_utf8_lossy(bad);
        let body = [b"# a comment\n\nm,node=n pm10=1\r\n", bad, b"\n  \nm,node=n pm10=2"].concat();
        let decoded = read(&body, None).expect("decoded");
        let rejected: Vec<_> = decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect();
        assert_eq!(rejected, [(3, code)], "{shown}");
        assert_eq!(told(&decoded), [(Quantity::Pm10, 1.0), (Quantity::Pm10, 2.0)], "{shown}");
        assert_eq!(decoded.observations[1].index, 5, "{shown}");
        assert_eq!(read(bad, None).expect_err("no line is good").code, code, "{shown}");
    }
}

#[test]
fn a_quoted_string_may_hold_a_new_line() {
    let decoded = decoded("m,node=n note=\"a\nb\",pm10=1\nm,node=n pm10=2\n");
    assert_eq!(decoded.observations.iter().map(|seen| seen.index).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn a_body_without_lines_tells_nothing_and_one_with_too_many_is_refused() {
    for body in ["", "\n\n", "# nothing", "  \r\n"] {
        assert_eq!(decoded(body), Decoded::nothing(DeviceKind::Fixed), "{body:?}");
    }
    let many = |count| "m,node=n pm10=1\n".repeat(count);
    assert_eq!(decoded(&many(MAX_LINES)).observations.len(), MAX_LINES);
    assert_eq!(read(many(MAX_LINES + 1).as_bytes(), None).expect_err("an error").code, "TOO_MANY_LINES");
}

proptest::proptest! {
    #[test]
    fn no_text_of_the_protocols_characters_makes_it_panic(text in r#"[mn,= "\\\n\r#1ieu.-]{0,60}"#) {
        let _ = read(text.as_bytes(), None);
    }
}

#[test]
fn a_field_whose_unit_is_not_settled_is_ignored() {
    let (code, detail) = {
        let error = read(b"system,host=pi uptime=1249632i", None).expect_err("uptime may be in seconds");
        (error.code, error.detail)
    };
    assert_eq!(code, "NO_VALUES", "{detail}");
    let decoded = decoded("air,device=a pm25=5,o3=0.03,wind_speed=3,uptime_s=12,pressure=100520");
    assert_eq!(told(&decoded), [(Quantity::Pm2_5, 5.0), (Quantity::Pressure, 1005.2), (Quantity::Uptime, 12_000.0)]);
    assert_eq!(decoded.ignored, ["o3", "wind_speed"]);
}
