//! Excerpts of archives: structure and figures as published, ids and places replaced.

use super::*;

macro_rules! corpus {
    ($($name:literal),* $(,)?) => {
        /// Excerpts, each with its name.
        pub(super) const CORPUS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../corpus/csv/", $name, ".csv")))),*];
    };
}

corpus![
    "airgradient-greek-mu",
    "airgradient-no-values",
    "airgradient-quoted",
    "archive-bmp180-2017",
    "archive-sds011-2018",
    "archive-sds011-2024",
    "openaq-2022",
    "openaq-2023-embassy",
    "openaq-one-parameter",
    "openaq-quoted",
    "openaq-units",
    "opensensemap-export",
    "opensensemap-headerless",
    "opensensemap-semicolon",
    "sensor-community-bme280",
    "sensor-community-dht22",
    "sensor-community-ppd42ns",
    "sensor-community-sds011",
    "sensor-community-sps30",
];

fn chunk(name: &str, options: CsvOptions) -> CsvChunk {
    let (_, file) = CORPUS.iter().find(|(known, _)| *known == name).expect("a file of the corpus");
    read(file, options)
}

fn archive(name: &str) -> CsvChunk {
    chunk(name, CsvOptions::default())
}

/// Device, time and readings of a sample.
type Row = (String, String, Vec<(Quantity, f64)>);

fn samples(chunk: &CsvChunk) -> Vec<Row> {
    let time = |seen: &Observation| seen.sample.measured_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    chunk
        .decoded
        .observations
        .iter()
        .map(|seen| (seen.device.as_str().to_owned(), time(seen), readings(seen)))
        .collect()
}

fn sample(device: &str, time: &str, readings: &[(Quantity, f64)]) -> Row {
    (device.to_owned(), time.to_owned(), readings.to_vec())
}

fn assert_samples(chunk: &CsvChunk, expected: &[Row]) {
    assert_eq!(samples(chunk), expected);
    assert_eq!(chunk.decoded.kind, DeviceKind::Fixed, "a station stays where it is");
    assert!(chunk.unreadable.is_empty(), "{:?}", chunk.unreadable);
}

#[test]
fn sds011_of_sensor_community() {
    let chunk = archive("sensor-community-sds011");
    let device = "sensor-community-90001";
    assert_samples(
        &chunk,
        &[
            sample(device, "2018-12-01T00:00:18Z", &[(Quantity::Pm2_5, 5.33), (Quantity::Pm10, 5.43)]),
            sample(device, "2016-08-13T03:02:46.949036Z", &[(Quantity::Pm2_5, 5.03), (Quantity::Pm10, 7.71)]),
        ],
    );
    let position = chunk.decoded.observations[0].sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (50.001, 8.002));
    assert_eq!(
        rejected(&chunk),
        [(4, "WRONG_TYPE")],
        "the archive has \"unavailable\", and a format string for a number"
    );
    assert_eq!(chunk.decoded.ignored, ["location", "durP1", "ratioP1", "durP2", "ratioP2"]);
}

#[test]
fn bme280_of_sensor_community_is_in_pascal() {
    let chunk = archive("sensor-community-bme280");
    let expected =
        [(Quantity::Temperature, 12.75), (Quantity::Humidity, 63.35), (Quantity::Pressure, 96_913.02 / 100.0)];
    assert_samples(&chunk, &[sample("sensor-community-90002", "2017-03-31T00:00:47Z", &expected)]);
    assert_eq!(chunk.decoded.ignored, ["location", "altitude", "pressure_sealevel"]);
}

#[test]
fn dht22_of_sensor_community_and_its_marks_for_no_value() {
    let chunk = archive("sensor-community-dht22");
    let device = "sensor-community-90003";
    assert_samples(
        &chunk,
        &[
            sample(device, "2018-12-01T00:00:19Z", &[(Quantity::Temperature, 11.1), (Quantity::Humidity, 68.9)]),
            sample(device, "2018-12-01T00:02:46Z", &[(Quantity::Temperature, 11.2)]),
        ],
    );
    assert_eq!(rejected(&chunk), [(3, "NO_VALUES"), (5, "NO_VALUES")], "empty, and -128 with -1");
}

#[test]
fn sps30_of_sensor_community() {
    let chunk = archive("sensor-community-sps30");
    let full = [(Quantity::Pm1, 3.5), (Quantity::Pm2_5, 3.8), (Quantity::Pm4, 3.9), (Quantity::Pm10, 4.0)];
    assert_samples(
        &chunk,
        &[
            sample("sensor-community-90004", "2025-06-15T00:00:00Z", &full),
            sample("sensor-community-90004", "2025-06-15T00:01:00Z", &[(Quantity::Pm2_5, 5.4), (Quantity::Pm10, 9.6)]),
        ],
    );
}

#[test]
fn particle_counts_of_a_ppd42ns_are_ignored() {
    let chunk = archive("sensor-community-ppd42ns");
    assert_eq!((chunk.decoded.observations.len(), rejected(&chunk)), (0, vec![(2, "NO_VALUES")]));
    assert!(chunk.decoded.rejected[0].detail.contains("counts particles"));
}

#[test]
fn the_device_option_names_the_device_of_an_archive() {
    for name in ["sensor-community-sds011", "openaq-units", "airgradient-greek-mu"] {
        let chunk = chunk(name, options());
        assert!(chunk.decoded.observations.iter().all(|seen| seen.device.as_str() == "bike-07"), "{name}");
    }
}

#[test]
fn openaq_gathers_the_values_of_a_location_and_time() {
    let chunk = archive("openaq-units");
    let device = "openaq-90010";
    assert_eq!(chunk.lines, 8);
    assert_samples(
        &chunk,
        &[
            sample(
                device,
                "2026-03-31T17:00:00Z",
                &[
                    (Quantity::Pm2_5, 72.5),
                    (Quantity::Pm10, 136.0),
                    (Quantity::Temperature, 20.0),
                    (Quantity::Humidity, 51.0),
                ],
            ),
            sample(device, "2026-03-31T18:00:00Z", &[(Quantity::Pm10, 120.0)]),
        ],
    );
    assert_eq!(rejected(&chunk), [(8, "VALUE_TOLD_TWICE")]);
    assert_eq!(chunk.decoded.ignored, ["pm25 (furlongs)", "so2 (ppb)"]);
}

#[test]
fn openaq_one_parameter_in_local_time() {
    let device = "openaq-90011";
    assert_samples(
        &archive("openaq-one-parameter"),
        &[
            sample(device, "2022-10-31T17:00:00Z", &[(Quantity::Pm10, 100.3)]),
            sample(device, "2022-10-31T18:00:00Z", &[(Quantity::Pm10, 56.9)]),
            sample(device, "2022-10-31T19:00:00Z", &[(Quantity::Pm10, 45.1)]),
        ],
    );
}

#[test]
fn openaq_with_quotes() {
    let chunk = archive("openaq-quoted");
    assert_samples(&chunk, &[sample("openaq-90012", "2025-07-03T15:40:00Z", &[(Quantity::Pm10, 41.23)])]);
    let position = chunk.decoded.observations[0].sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (21.0031, 105.7947));
}

#[test]
fn openaq_converts_gases() {
    let file = "location_id,sensors_id,location,datetime,lat,lon,parameter,units,value\n\
                7,1,x,2026-04-01T01:00:00Z,,,no2,ppb,10\n7,2,x,2026-04-01T01:00:00Z,,,co,ppm,1\n\
                7,3,x,2026-04-01T01:00:00Z,,,um003,particles/cm³,1.5\n";
    let chunk = read(file, CsvOptions::default());
    let readings = &chunk.decoded.observations[0].sample.readings;
    assert!(readings.get(Quantity::No2).is_some_and(|value| (value - 19.125).abs() < 0.01));
    assert!(readings.get(Quantity::Co).is_some_and(|value| (value - 1.1642).abs() < 0.001));
    assert_eq!(readings.get(Quantity::Particles0_3), Some(150.0));
}

#[test]
fn a_day_of_openaq_is_one_chunk() {
    use std::fmt::Write as _;
    let mut file = "location_id,sensors_id,location,datetime,lat,lon,parameter,units,value\n".to_owned();
    for day in 1..4 {
        for parameter in ["pm10", "pm25", "pm1", "co2", "temperature"] {
            let units = match parameter {
                "co2" => "ppm",
                "temperature" => "c",
                _ => "µg/m³",
            };
            for minute in 0..1440 {
                let (hour, minute) = (minute / 60, minute % 60);
                writeln!(file, "7,1,x,2026-04-0{day}T{hour:02}:{minute:02}:00Z,1,2,{parameter},{units},1")
                    .expect("a String takes it");
            }
        }
    }
    let mut reader = open(&file, CsvOptions::default()).expect("a known header");
    let mut samples = Vec::new();
    while let chunk = now(reader.next_chunk()).expect("in memory")
        && chunk.lines > 0
    {
        samples.extend(chunk.decoded.observations);
    }
    assert_eq!(samples.len(), 3 * 1440);
    assert!(samples.iter().all(|seen| seen.sample.readings.iter().count() == 5));
}

#[test]
fn a_device_bound_key_rejects_other_locations() {
    let mine = Some(DeviceKey::try_new("openaq-1").expect("a key"));
    let file = "location_id,datetime,parameter,units,value\n1,2026-04-01T01:00:00Z,pm10,µg/m³,1\n\
                2,2026-04-01T01:00:00Z,pm10,µg/m³,1\n";
    let chunk = read(file, CsvOptions { restrict_to_device: mine, ..CsvOptions::default() });
    assert_eq!((chunk.decoded.observations.len(), rejected(&chunk)), (1, vec![(3, "FORBIDDEN")]));
}

#[test]
fn an_export_of_airgradient_has_raw_values() {
    let chunk = archive("airgradient-greek-mu");
    let expected = [
        (Quantity::Pm1, 22.3),
        (Quantity::Pm2_5, 33.8),
        (Quantity::Pm10, 37.5),
        (Quantity::Temperature, 29.6),
        (Quantity::Humidity, 80.0),
        (Quantity::Co2, 496.0),
        (Quantity::VocIndex, 104.0),
        (Quantity::NoxIndex, 1.0),
        (Quantity::Particles0_3, 4050.0),
    ];
    assert_samples(&chunk, &[sample("airgradient:aabbccddeeff", "2025-09-17T02:15:00Z", &expected)]);
    let ignored = &chunk.decoded.ignored;
    for name in ["PM2.5 (μg/m³) corrected", "Heat Index (°C)", "TVOC (ppb)", "Local Date/Time"] {
        assert!(ignored.iter().any(|ignored| ignored == name), "{name}: {ignored:?}");
    }
}

#[test]
fn an_export_of_airgradient_with_quotes_or_without_values() {
    let expected = [
        (Quantity::Pm1, 13.3208),
        (Quantity::Pm2_5, 36.24375),
        (Quantity::Pm10, 51.88125),
        (Quantity::Temperature, 26.7),
        (Quantity::Humidity, 74.5),
        (Quantity::Co2, 405.3),
        (Quantity::VocIndex, 79.375),
        (Quantity::NoxIndex, 2.85416),
        (Quantity::Particles0_3, 4050.25),
    ];
    let quoted = archive("airgradient-quoted");
    assert_samples(&quoted, &[sample("airgradient:aabbccddeeff", "2025-10-24T15:00:00Z", &expected)]);
    let chunk = archive("airgradient-no-values");
    let expected = [(Quantity::Pm2_5, 33.8), (Quantity::Temperature, 20.0), (Quantity::Humidity, 80.0)];
    assert_samples(&chunk, &[sample("airgradient:aabbccddeeff", "2025-09-17T02:15:00Z", &expected)]);
    assert_eq!(rejected(&chunk), [(3, "NO_VALUES")], "dashes");
}

#[test]
fn exports_of_opensensemap() {
    for (name, samples) in [("opensensemap-export", 2), ("opensensemap-headerless", 1), ("opensensemap-semicolon", 1)] {
        let chunk = chunk(name, box_options());
        assert_eq!((chunk.decoded.observations.len(), rejected(&chunk)), (samples, vec![]), "{name}");
        let first = &chunk.decoded.observations[0].sample;
        let position = first.position.expect("a position");
        assert_eq!(
            (position.latitude(), position.longitude()),
            (49.571_659_036_905_24, 10.599_517_878_144_98),
            "{name}"
        );
        assert_eq!(first.measured_at, at("2015-02-23T22:36:18.843Z"));
        assert_eq!(first.readings.get(Quantity::Pm10), Some(4.1));
    }
}
