use airgraph_domain::{quantity::Quantity, sensor::NO_SENSORS};

use super::*;

const EXAMPLE: &str = "feinstaub,node=esp8266-12345678 SDS_P1=12.40,SDS_P2=6.83,signal=-61 1777629600000000000\n";

fn read(body: &[u8], named: Option<&str>) -> Result<Decoded, DecodeError> {
    read_with(body, named, None)
}

fn read_with(body: &[u8], named: Option<&str>, event: Option<&str>) -> Result<Decoded, DecodeError> {
    let received_at = "2026-05-01T12:00:00Z".parse().expect("a time");
    decode(&Incoming { body, received_at, device_hint: named, event, sensors: &NO_SENSORS })
}

fn decoded(body: &str) -> Decoded {
    read(body.as_bytes(), None).expect("decoded")
}

fn readings(decoded: &Decoded) -> Vec<(Quantity, f64)> {
    decoded.observations.iter().flat_map(|seen| seen.sample.readings.iter()).collect()
}

#[test]
fn documented_example_is_decoded() {
    let decoded = decoded(EXAMPLE);
    let seen = &decoded.observations[0];
    assert_eq!((seen.index, seen.device.as_str(), decoded.kind), (0, "esp8266-12345678", DeviceKind::Fixed));
    assert_eq!(seen.sample.measured_at.to_rfc3339(), "2026-05-01T10:00:00+00:00");
    assert!(!seen.sample.flags.contains(QualityFlag::EstimatedTime));
    assert_eq!(
        readings(&decoded),
        [(Quantity::Pm2_5, 6.83), (Quantity::Pm10, 12.4), (Quantity::SignalStrength, -61.0)]
    );
}

#[test]
fn tag_may_name_the_unit_of_the_fields_that_it_can_measure() {
    let expected = |values: &[(Quantity, f64)]| values.to_vec();
    for (line, values) in [
        (
            "grill,host=n,scale=Fahrenheit temperature=77,humidity=50",
            expected(&[(Quantity::Temperature, 25.0), (Quantity::Humidity, 50.0)]),
        ),
        ("t,node=n,unit=°F temperature=77,pm10=3", expected(&[(Quantity::Pm10, 3.0), (Quantity::Temperature, 25.0)])),
        ("gas,node=n,unit=mg/m3 co=2", expected(&[(Quantity::Co, 2.0)])),
        ("temperature,device=n,unit=°F value=77", expected(&[(Quantity::Temperature, 25.0)])),
        ("indoor_ozone,device=n,unit=µg/m³ value=60", expected(&[(Quantity::O3, 60.0)])),
        // Neither is a unit.
        ("modbus,node=n,unit=3 temperature=20", expected(&[(Quantity::Temperature, 20.0)])),
        ("modbus,node=n,scale=linear temperature=20", expected(&[(Quantity::Temperature, 20.0)])),
    ] {
        assert_eq!(readings(&decoded(line)), values, "{line}");
    }
    assert_eq!(read(b"gas,node=n co=2", None).expect_err("no unit").code, "NO_VALUES");
}

#[test]
fn forecasts_are_ignored() {
    let now = "weather,host=n,forecast=* temperature=21.5 1777629600000000000\n";
    let decoded =
        decoded(&format!("{now}weather,host=n,forecast=3h temperature=22.3,humidity=41i 1777629600000000000"));
    assert_eq!(readings(&decoded), [(Quantity::Temperature, 21.5)]);
    assert_eq!(decoded.ignored, ["humidity", "temperature"]);
}

#[test]
fn without_a_timestamp_the_arrival_counts() {
    let decoded = decoded("m,node=n pm10=1");
    assert_eq!(decoded.observations[0].sample.measured_at.to_rfc3339(), "2026-05-01T12:00:00+00:00");
    assert!(decoded.observations[0].sample.flags.contains(QualityFlag::EstimatedTime));
}

#[test]
fn escapes_quotes_and_types_are_parsed() {
    let decoded = decoded(concat!(
        r#"my\ air\,x,no\ te=a\=b,node=Schule\ Nord\,\ 2 note="say \"hi, you\" \\ = ok",a\ b=t,pm10=12i,"#,
        r#"co2=450u,pm2_5=-1.5e-1,signal="-59 dBm",pressure=1005.25,BME280_humidity=50,latitude=52.2,longitude=0.12"#,
    ));
    assert_eq!(decoded.observations[0].device.as_str(), "Schule Nord, 2");
    assert_eq!(
        readings(&decoded),
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
fn device_is_the_first_device_tag() {
    for (line, device) in [
        ("m,host=h,device=d,node=n pm10=1", "n"),
        ("m,host=h,device=d pm10=1", "d"),
        ("m,host=h pm10=1", "h"),
        ("mqtt_consumer,host=h,topic=sensors/balcony pm10=1", "sensors/balcony"),
        ("airSensors,sensor_id=TLM0100 humidity=35.1", "TLM0100"),
        ("m pm10=1", "named"),
    ] {
        let decoded = read(line.as_bytes(), Some("named")).expect("decoded");
        assert_eq!(decoded.observations[0].device.as_str(), device);
    }
}

#[test]
fn bad_lines_are_rejected_by_number_and_the_others_decoded() {
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
        (b"m,node=n pm10=1 1777640400000000000", "TIME_IN_THE_FUTURE"),
        (b"m,node=n pm10=1 1777629600.5", "INVALID_TIME"),
        (b"m,node=n pm10=\"inf\"", "NO_VALUES"),
        (b"m,node=n pm10=1,latitude=52", "INVALID_POSITION"),
    ] {
        let shown = String::from_utf8_lossy(bad);
        let body = [b"# a comment\n\nm,node=n pm10=1\r\n", bad, b"\n  \nm,node=n pm10=2"].concat();
        let decoded = read(&body, None).expect("decoded");
        let rejected: Vec<_> = decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect();
        assert_eq!(rejected, [(3, code)], "{shown}");
        assert_eq!(readings(&decoded), [(Quantity::Pm10, 1.0), (Quantity::Pm10, 2.0)], "{shown}");
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
fn empty_body_has_no_samples_and_too_many_lines_are_rejected() {
    for body in ["", "\n\n", "# nothing", "  \r\n"] {
        assert_eq!(decoded(body), Decoded::empty(DeviceKind::Fixed), "{body:?}");
    }
    let many = |count| "m,node=n pm10=1\n".repeat(count);
    assert_eq!(decoded(&many(MAX_LINES)).observations.len(), MAX_LINES);
    assert_eq!(read(many(MAX_LINES + 1).as_bytes(), None).expect_err("an error").code, "TOO_MANY_LINES");
}

proptest::proptest! {
    #[test]
    fn arbitrary_line_protocol_text_does_not_panic(text in r#"[mn,= "\\\n\r#1ieu.-]{0,60}"#) {
        let _ = read(text.as_bytes(), None);
    }
}

#[test]
fn field_with_an_ambiguous_unit_is_ignored() {
    let (code, detail) = {
        let error = read(b"system,host=pi uptime=1249632i", None).expect_err("uptime may be in seconds");
        (error.code, error.detail)
    };
    assert_eq!(code, "NO_VALUES", "{detail}");
    let decoded = decoded("air,device=a pm25=5,o3=0.03,wind_speed=3,uptime_s=12,pressure=100520");
    assert_eq!(
        readings(&decoded),
        [(Quantity::Pm2_5, 5.0), (Quantity::Pressure, 1005.2), (Quantity::Uptime, 12_000.0)]
    );
    assert_eq!(decoded.ignored, ["o3", "wind_speed"]);
}

/// Device, seconds since the first timestamp of these tests, and values of a sample.
type Shown<'a> = (&'a str, i64, Vec<(Quantity, f64)>);

fn samples(decoded: &Decoded) -> Vec<Shown<'_>> {
    let since = |seen: &Observation| seen.sample.measured_at.timestamp() - 1_777_629_600;
    let all = decoded.observations.iter();
    all.map(|seen| (seen.device.as_str(), since(seen), seen.sample.readings.iter().collect())).collect()
}

#[test]
fn single_values_of_one_device_and_time_are_one_sample() {
    // Pimoroni Enviro's destination for InfluxDB writes these with precision=s; its noise is in volts, its rain since
    // the last reading, and the unit of luminance is ambiguous.
    let body = "temperature,device=balcony value=18.5 1777629600\npm2_5,device=balcony value=6 1777629600\n\
        noise,device=balcony value=0.123 1777629600\nrain,device=balcony value=0.2794 1777629600\n\
        pm10,device=balcony value=9 1777629600\npm10,device=balcony value=11 1777629660\npm10,device=attic value=3 1777629600";
    let decoded = read_with(body.as_bytes(), None, Some("precision=s")).expect("decoded");
    let first = vec![(Quantity::Pm2_5, 6.0), (Quantity::Pm10, 9.0), (Quantity::Temperature, 18.5)];
    assert_eq!(
        samples(&decoded),
        [
            ("balcony", 0, first),
            ("balcony", 60, vec![(Quantity::Pm10, 11.0)]),
            ("attic", 0, vec![(Quantity::Pm10, 3.0)])
        ]
    );
    assert_eq!(decoded.ignored, ["noise", "rain"]);
    assert_eq!(decoded.observations.iter().map(|seen| seen.index).collect::<Vec<_>>(), [0, 5, 6]);
}

#[test]
fn tasmota_measurement_is_the_quantity() {
    let decoded = decoded(
        "temperature,device=tasmota1,sensor=ds18b20,id=01144A0CB2AA value=22.63\n\
        humidity,device=tasmota1,sensor=htu21 value=49.2\ntemperature,device=tasmota1,sensor=htu21 value=25.32\n\
        temperature,device=tasmota1,sensor=esp32 value=51.7\npm2.5,device=tasmota1,sensor=sds0x1 value=6.8\n\
        carbondioxide,device=tasmota1,sensor=mhz19b value=612\nrssi,device=tasmota1,sensor=wifi value=100\n\
        signal,device=tasmota1,sensor=wifi value=-50\npower1,device=tasmota1,sensor=device value=1\n",
    );
    let expected = vec![
        (Quantity::Pm2_5, 6.8),
        (Quantity::Temperature, 22.63),
        (Quantity::Humidity, 49.2),
        (Quantity::Co2, 612.0),
        (Quantity::SignalStrength, -50.0),
    ];
    assert_eq!(samples(&decoded), [("tasmota1", 7200, expected)]);
    assert_eq!(decoded.ignored, ["power1", "rssi", "temperature"]);
}

#[test]
fn home_assistant_keeps_the_unit_in_the_measurement_and_the_quantity_in_the_entity() {
    let body = "µg/m³,domain=sensor,entity_id=balcony_pm2_5 value=6.8,device_class_str=\"pm25\" 1777629600000000000\n\
        °F,domain=sensor,entity_id=balcony_temperature value=68,state_class_str=\"measurement\" 1777629600000000000\n\
        %,domain=sensor,entity_id=phone_battery_level value=81 1777629600000000000\n\
        ppb,domain=sensor,entity_id=balcony_ozone value=30 1777629600000000000\n\
        °C,domain=sensor,entity_id=nas_cpu_temperature value=51,device_class_str=\"temperature\" 1777629600000000000\n\
        climate.hall,domain=climate,entity_id=hall temperature=21,current_temperature=19.5 1777629600000000000\n\
        sensor__pm10,domain=sensor,entity_id=dust_sensor value=9,unit_of_measurement_str=\"µg/m³\" 1777629600000000000\n";
    let decoded = decoded(body);
    let (dust, balcony) = (&decoded.observations[1], &decoded.observations[0]);
    assert_eq!(
        (decoded.observations.len(), balcony.device.as_str(), dust.device.as_str()),
        (2, "balcony", "dust_sensor")
    );
    let of = |quantity| balcony.sample.readings.get(quantity);
    assert_eq!((of(Quantity::Pm2_5), of(Quantity::Temperature)), (Some(6.8), Some(20.0)));
    assert!(of(Quantity::O3).is_some_and(|value| (value - 59.87).abs() < 0.1), "{balcony:?}");
    assert_eq!(dust.sample.readings.get(Quantity::Pm10), Some(9.0));
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
}

#[test]
fn host_metrics_are_ignored() {
    for line in [
        "cpu,cpu=cpu-total,host=pi usage_idle=95.1,usage_user=3.2",
        "mem,host=pi available_percent=72.1,total=4005920768i",
        "system,host=pi load1=0.04,n_cpus=4i,uptime=1249632i",
        "sensors,chip=coretemp-isa-0000,feature=core_0,host=pi temp_input=45,temp_max=84",
        "temp,host=pi,sensor=coretemp_core_0_input temp=45",
        "smart_device,device=sda,host=pi temp_c=34i,exit_status=0i",
        "hddtemp,device=/dev/sda,host=pi temperature=34i",
        "wireless,host=pi,interface=wlan0 level=-50i,noise=-95i,link=60i",
        "door,node=n value=t",
    ] {
        assert_eq!(read(line.as_bytes(), None).expect_err(line).code, "NO_VALUES");
        let decoded = decoded(&format!("{line}\nair,node=n pm10=1"));
        assert_eq!((decoded.rejected.len(), readings(&decoded)), (0, vec![(Quantity::Pm10, 1.0)]), "{line}");
    }
}

#[test]
fn precision_is_the_unit_of_timestamps() {
    for (event, timestamp) in
        [("precision=ms", "1777629600000"), ("precision=s", "1777629600"), ("precision=m", "29627160")]
    {
        let decoded = read_with(format!("m,node=n pm10=1 {timestamp}").as_bytes(), None, Some(event)).expect("decoded");
        assert_eq!(samples(&decoded), [("n", 0, vec![(Quantity::Pm10, 1.0)])], "{event}");
    }
    let code = |body: &[u8], event| read_with(body, None, Some(event)).expect_err("an error").code;
    assert_eq!(code(b"m,node=n pm10=1 1777629600", "precision=d"), "INVALID_PRECISION");
    assert_eq!(code(b"m,node=n pm10=1 9223372036854775807", "precision=h"), "INVALID_TIME");
    assert_eq!(code(b"m,node=n pm10=1 1777629600000", "precision=s"), "TIME_IN_THE_FUTURE");
}
