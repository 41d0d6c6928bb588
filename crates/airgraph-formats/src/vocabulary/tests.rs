use proptest::prelude::*;

use super::*;
use crate::ignored::IgnoredNames;

fn quantity(vocabulary: &Vocabulary, name: &str) -> Option<Quantity> {
    match vocabulary.meaning(name)? {
        FieldMeaning::Quantity { quantity, .. } => Some(quantity),
        FieldMeaning::Latitude | FieldMeaning::Longitude => None,
    }
}

#[test]
fn every_quantity_has_its_own_name_in_plain_formats() {
    for &wanted in Quantity::ALL {
        let Some(FieldMeaning::Quantity { quantity, unit, rank: UNRANKED }) = PLAIN.meaning(wanted.definition().name)
        else {
            panic!("{wanted:?}");
        };
        assert_eq!((quantity, unit.convert(quantity, 15.5)), (wanted, Some(15.5)), "the quantity's own unit");
    }
}

#[test]
fn spellings_of_a_name_are_equivalent() {
    for (names, wanted) in [
        (
            &["pm25", "pm2_5", "pm2.5", "PM2.5", "pm02", "PM 2.5", "pm-2-5", "Pm2_5", "pm2p5", "PM2.5 (µg/m³)"][..],
            Quantity::Pm2_5,
        ),
        (&["pm1", "PM1.0", "pm1_0", "pm01"], Quantity::Pm1),
        (&["pm10", "PM10", "pm10.0", "pm_10", "pm10_ugm3"], Quantity::Pm10),
        (&["Humidity", "relative_humidity", "relativeHumidity", "RH", "humidityrelative"], Quantity::Humidity),
        (&["airtemperature", "Air Temperature", "air_temp_erature"], Quantity::Temperature),
        (&["airpressure", "barometricPressure"], Quantity::Pressure),
        (&["windspeed", "WindSpeed", "windspeed_kmh"], Quantity::WindSpeed),
        (&["temperature", "Temp", "temperature_c", "temperature_f", "Temperature [°C]"], Quantity::Temperature),
    ] {
        for name in names {
            assert_eq!(quantity(&PLAIN, name), Some(wanted), "{name}");
        }
    }
    for unknown in [
        "",
        "pm",
        "pm100",
        "pm3",
        "pm_1_00",
        "temperature_ppm",
        "pm2_5_count",
        "_",
        "pressure_raw",
        "pm10_avg",
        "co2_index",
        "température",
    ] {
        assert_eq!(quantity(&PLAIN, unknown), None, "{unknown}");
    }
}

#[test]
fn external_name_without_a_unit_is_ignored() {
    for name in ["battery", "bat", "battery_percent"] {
        assert_eq!((quantity(&CONVENTIONAL, name), quantity(&PLAIN, name)), (None, None), "{name}");
    }
    for name in ["o3", "no2", "co", "uptime", "wind_speed", "battery_voltage", "speed", "rain", "acceleration_x"] {
        assert_eq!(quantity(&CONVENTIONAL, name), None, "{name}");
        assert!(quantity(&PLAIN, name).is_some(), "{name}");
    }
    for name in
        ["BAT_V", "battery_mv", "o3_ppb", "no2_ugm3", "uptime_ms", "wind_speed_m_s", "battery_voltage_mv", "co_ppm"]
    {
        assert!(quantity(&CONVENTIONAL, name).is_some(), "{name}");
    }
}

/// The values of a sample with one field.
fn read(vocabulary: &Vocabulary, name: &str, value: f64) -> (Vec<(Quantity, f64)>, Vec<String>) {
    let mut ignored = IgnoredNames::default();
    let mut builder = SampleBuilder::new(vocabulary);
    builder.add(name, RawValue::Number(value), &mut ignored);
    let values = builder.build(chrono::DateTime::UNIX_EPOCH).map(|sample| sample.readings.iter().collect());
    (values.unwrap_or_default(), ignored.into_names())
}

#[test]
fn unit_of_external_pressure_depends_on_its_size() {
    for (value, expected) in
        [(1005.2, Some(1005.2)), (100_520.0, Some(1005.2)), (101.3, None), (29.9, None), (2000.0, None)]
    {
        let (values, ignored) = read(&CONVENTIONAL, "pressure", value);
        assert_eq!(values, expected.map(|value| (Quantity::Pressure, value)).into_iter().collect::<Vec<_>>());
        assert_eq!(ignored.len(), usize::from(expected.is_none()), "{value}");
    }
}

#[test]
fn documented_pressure_is_in_hectopascal_except_what_can_only_be_pascal() {
    for (value, expected) in [(1005.2, 1005.2), (100_520.0, 1005.2), (2000.0, 2000.0), (-1.0, -1.0), (200_000.0, 2e5)] {
        assert_eq!(read(&PLAIN, "pressure", value).0, [(Quantity::Pressure, expected)]);
    }
}

#[test]
fn average_counts_only_without_a_value_of_the_moment() {
    assert_eq!(read(&CONVENTIONAL, "PM10_Avg", 2.0).0, [(Quantity::Pm10, 2.0)]);
    assert_eq!(read(&CONVENTIONAL, "PM10_max", 2.0).0, []);
    let mut ignored = IgnoredNames::default();
    let mut builder = SampleBuilder::new(&CONVENTIONAL);
    for (name, value) in [("temperature_avg", 5.0), ("temperature", 6.0), ("temperature_mean", 7.0)] {
        builder.add(name, RawValue::Number(value), &mut ignored);
    }
    let sample = builder.build(chrono::DateTime::UNIX_EPOCH).expect("a sample");
    assert_eq!(sample.readings.get(Quantity::Temperature), Some(6.0));
    assert_eq!(ignored.into_names(), ["temperature_avg", "temperature_mean"]);
}

#[test]
fn first_value_of_a_quantity_counts_and_the_other_is_ignored() {
    let mut ignored = IgnoredNames::default();
    let mut builder = SampleBuilder::new(&PLAIN);
    for (name, value) in [("pm25", 5.0), ("pm2_5", 5.0), ("pm2.5", 6.0)] {
        builder.add(name, RawValue::Number(value), &mut ignored);
    }
    let sample = builder.build(chrono::DateTime::UNIX_EPOCH).expect("a sample");
    assert_eq!((sample.readings.get(Quantity::Pm2_5), ignored.into_names()), (Some(5.0), vec!["pm2.5".to_owned()]));
}

proptest! {
    #[test]
    fn arbitrary_names_do_not_panic(name in ".{0,80}") {
        for vocabulary in [&PLAIN, &CONVENTIONAL, &airrohr::AIRROHR, &airrohr::AIRROHR_OR_CONVENTIONAL] {
            let _ = vocabulary.meaning(&name);
        }
    }
}
