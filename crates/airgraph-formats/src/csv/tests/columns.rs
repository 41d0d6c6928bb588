//! Names of columns, and unreadable values.

use super::*;

/// The readings of the only line.
fn line(file: &str) -> Vec<(Quantity, f64)> {
    let chunk = read(file, options());
    assert_eq!((chunk.lines, rejected(&chunk)), (1, vec![]), "{file}");
    readings(&chunk.decoded.observations[0])
}

#[test]
fn column_names_and_units_are_recognised() {
    for (name, value, expected) in [
        ("PM2.5", "6.8", (Quantity::Pm2_5, 6.8)),
        ("pm25", "6.8", (Quantity::Pm2_5, 6.8)),
        ("pm02", "6.8", (Quantity::Pm2_5, 6.8)),
        ("PM2.5 [µg/m³]", "6.8", (Quantity::Pm2_5, 6.8)),
        ("pm2_5_mgm3", "0.5", (Quantity::Pm2_5, 500.0)),
        ("Temperature [°C]", "18.5", (Quantity::Temperature, 18.5)),
        ("temperature_f", "212", (Quantity::Temperature, 100.0)),
        ("pressure_pa", "100520", (Quantity::Pressure, 1005.2)),
        ("Pressure (hPa)", "1005.2", (Quantity::Pressure, 1005.2)),
        ("uptime_s", "3", (Quantity::Uptime, 3000.0)),
        ("gps_updated", "true", (Quantity::GpsUpdated, 1.0)),
        ("gps_updated", "false", (Quantity::GpsUpdated, 0.0)),
        ("gps_updated", "1", (Quantity::GpsUpdated, 1.0)),
    ] {
        assert_eq!(line(&format!("time,{name}\n2026-05-01T10:00:00Z,{value}\n")), [expected], "{name}");
    }
}

#[test]
fn common_names_of_time_and_position_are_recognised() {
    for time in
        ["time", "timestamp", "Timestamp", "datetime", "date_time", "Date/Time", "createdAt", "created_at", "Time"]
    {
        for (latitude, longitude) in [("lat", "lon"), ("lat", "lng"), ("Latitude", "Longitude")] {
            let file = format!("{longitude},{time},pm10,{latitude}\n0.12,2026-05-01 10:00:00,1,52.2\n");
            let chunk = read(&file, options());
            let sample = &chunk.decoded.observations[0].sample;
            let position = sample.position.expect("a position");
            assert_eq!((position.latitude(), position.longitude()), (52.2, 0.12), "{file}");
            assert_eq!(sample.measured_at, at("2026-05-01T10:00:00Z"), "{file}");
        }
    }
}

#[test]
fn date_and_time_of_day_may_be_in_two_columns() {
    for file in [
        "date,time,pm10\n2026-05-01,10:00:05,1\n",
        "time;date;pm10\n10:00:05;2026/05/01;1\n",
        "Date,Time,PM10\n2026-05-01,10:00:05,1\n",
        "date,time,pm10\n1999-01-01,2026-05-01T10:00:05Z,1\n",
    ] {
        let chunk = read(file, options());
        assert_eq!(rejected(&chunk), [], "{file}");
        assert_eq!(chunk.decoded.observations[0].sample.measured_at, at("2026-05-01T10:00:05Z"), "{file}");
    }
}

#[test]
fn first_column_of_a_quantity_counts_and_unknown_units_are_ignored() {
    let file = "time,pm25,PM2.5,pm10_furlongs,o3 [ppb],timestamp\n2026-05-01T10:00:00Z,1,2,3,,2020-01-01T00:00:00Z\n";
    let chunk = read(file, options());
    assert_eq!(readings(&chunk.decoded.observations[0]), [(Quantity::Pm2_5, 1.0)]);
    assert_eq!(chunk.decoded.observations[0].sample.measured_at, at("2026-05-01T10:00:00Z"));
    assert_eq!(chunk.decoded.ignored, ["PM2.5", "pm10_furlongs", "timestamp"]);
}

#[test]
fn unreadable_value_is_reported_alone() {
    let file = "time,pm10,humidity,temperature\n\
                2026-05-01T10:00:00Z,much,60,18.5\n\
                2026-05-01T10:00:01Z,1e39,61,n/a\n\
                2026-05-01T10:00:02Z,much,,\n";
    let chunk = read(file, options());
    assert_eq!(rejected(&chunk), [(4, "WRONG_TYPE")], "nothing is left of that line");
    let samples: Vec<_> = chunk.decoded.observations.iter().map(readings).collect();
    assert_eq!(
        samples,
        [vec![(Quantity::Temperature, 18.5), (Quantity::Humidity, 60.0)], vec![(Quantity::Humidity, 61.0)]]
    );
    let unreadable: Vec<_> =
        chunk.unreadable.values.iter().map(|value| (value.line, value.column.as_str(), value.code)).collect();
    assert_eq!(unreadable, [(2, "pm10", "WRONG_TYPE"), (3, "pm10", "INVALID_VALUE")]);
    assert_eq!(chunk.unreadable.count, 2);
}

#[test]
fn header_names_the_columns_of_an_opensensemap_file() {
    for (header, line) in [
        ("sensorId,value,createdAt,lat,lon", "6.5,2026-05-01T10:00:00Z,51.972,7.684"),
        ("sensorId,value,createdAt,lng,lat,height", "6.5,2026-05-01T10:00:00Z,7.684,51.972,"),
        ("sensorid,createdAt,value,lat,lon", "2026-05-01T10:00:00.000Z,6.5,51.972,7.684"),
        ("sensorId,lon,boxName,lat,unit,value,createdAt", "7.684,my box,51.972,µg/m³,6.5,2026-05-01 10:00:00"),
    ] {
        for (from, to) in [(",", ","), (",", ";"), (",", "\t")] {
            let file = format!("{header}\n{PM10_ID},{line}\n").replace(from, to);
            let chunk = read(&file, box_options());
            assert_eq!((chunk.lines, rejected(&chunk)), (1, vec![]), "{file}");
            let sample = &chunk.decoded.observations[0].sample;
            let position = sample.position.expect("a position");
            assert_eq!((position.latitude(), position.longitude()), (51.972, 7.684), "{file}");
            assert_eq!(sample.measured_at, at("2026-05-01T10:00:00Z"));
            assert_eq!(sample.readings.get(Quantity::Pm10), Some(6.5));
        }
    }
    let comma = format!("{PM10_ID};6,5;2026-05-01T10:00:00Z;7,684;51,972\n");
    let position = read(&comma, box_options()).decoded.observations[0].sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (51.972, 7.684));
}

#[test]
fn unknown_column_of_opensensemap_is_rejected_by_name() {
    for (header, code, name) in [
        ("sensorId,value,createdAt,lat,long", "UNKNOWN_COLUMN", "\"long\""),
        ("mood,sensorId,value", "UNKNOWN_COLUMN", "\"mood\""),
        ("sensorId,value,lat,latitude", "DUPLICATE_COLUMN", "\"latitude\""),
        ("sensorId,createdAt,lat,lon", "MISSING_COLUMN", "value"),
    ] {
        let (found, detail) = refusal(&format!("{header}\n{PM10_ID},1,2,3\n"), box_options());
        assert_eq!(found, code, "{header}");
        assert!(detail.contains(name), "{detail}");
    }
}
