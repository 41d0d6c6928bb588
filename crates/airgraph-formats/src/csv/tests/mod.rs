mod archives;
mod columns;
mod dialects;
mod properties;

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use airgraph_domain::{device::DeviceKind, quantity::Quantity, sensor::Sensors};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, ReadBuf};

use super::*;
use crate::testing::at;

const CARD: &str = "Counter,Latitude,Longitude,PM10,PM2.5,gpsUpdated,Speed,Altitude,Satellites,Date,Time,Millis,AccX,AccY,\
AccZ,Temperature,GyroX,GyroY,GyroZ,nAcc,BatteryVIN\n\
Reference,0,0,0,0,0,0,0,0,0,0,0,16384,12,-3,0,1,2,3,0,0\n\
21,52.178690,0.122792,35.7,25.8,1,9.50,205.5,6,20260401,93005,123385,-4069.45,595.45,-134.72,21.59,-6.99,34.6,-52.5,273,5.03\n\
22,52.178828,0.122812,34.3,26.5,0,6.00,213.2,6,20260401,93008,129964,-4346.58,-45.46,-14.82,21.61,-8.0,13.67,-94.35,288,5.03\n";

const BACKUP: &str = ",Unnamed: 0,AccX,Acc_mag,Altitude,BatteryVIN,Counter,Date,DewPt,GyroX,Gyro_mag,Humid,Latitude,Longitude,\
Millis,MxWSpd,PM10,PM2.5,Press,Rain,Satellites,Speed,Start,Sun,Temp_CBS,Temp_CL,Time,WindDr,WindSp,gpsUpdated,nAcc,uuid\n\
0,0,-4069.45,4114.98,205.5,5.03,21,1041024,12,-6.99,12.1,80,52.17869,0.122792,123385,20,35.7,25.8,1013,0.2,6,9.5,00:00,3.03,\
21.59,15.5,19.093888888888888,225,10,1,273,fb231a55\n";

fn options() -> CsvOptions {
    CsvOptions { device: Some(DeviceKey::try_new("bike-07").expect("a key")), ..CsvOptions::default() }
}

/// The outcome of reading a file in memory.
fn now<T>(reading: impl Future<Output = T>) -> T {
    reading.now_or_never().expect("all of it is there")
}

fn open(file: &str, options: CsvOptions) -> Result<CsvReader<&[u8]>, CsvError> {
    now(CsvReader::open(file.as_bytes(), options))
}

fn read(file: &str, options: CsvOptions) -> CsvChunk {
    now(open(file, options).expect("a known header").next_chunk()).expect("a chunk")
}

fn refusal(file: &str, options: CsvOptions) -> (&'static str, String) {
    match open(file, options).map(|_| ()) {
        Err(CsvError::Rejected(reason)) => (reason.code, reason.detail),
        other => panic!("{file:?}: {other:?}"),
    }
}

fn readings(observation: &Observation) -> Vec<(Quantity, f64)> {
    observation.sample.readings.iter().collect()
}

/// Line and code of each rejection.
fn rejected(chunk: &CsvChunk) -> Vec<(usize, &'static str)> {
    chunk.decoded.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect()
}

#[test]
fn card_is_recognised_by_its_header_and_calibration_is_skipped() {
    let chunk = read(CARD, options());
    assert_eq!((chunk.lines, rejected(&chunk)), (2, vec![]));
    let first = &chunk.decoded.observations[0];
    assert_eq!((first.index, first.device.as_str()), (3, "bike-07"));
    assert_eq!((first.sample.measured_at, first.sample.time_uncertainty_s), (at("2026-04-01T09:30:05Z"), None));
    let position = first.sample.position.expect("a position");
    assert_eq!((position.latitude(), position.longitude()), (52.178_69, 0.122_792));
    assert_eq!(
        readings(first),
        [
            (Quantity::Pm2_5, 25.8),
            (Quantity::Pm10, 35.7),
            (Quantity::Temperature, 21.59),
            (Quantity::Altitude, 205.5),
            (Quantity::Speed, 9.5),
            (Quantity::AccelerationX, -4069.45),
            (Quantity::AccelerationY, 595.45),
            (Quantity::AccelerationZ, -134.72),
            (Quantity::RotationX, -6.99),
            (Quantity::RotationY, 34.6),
            (Quantity::RotationZ, -52.5),
            (Quantity::BatteryVoltage, 5.03),
            (Quantity::Satellites, 6.0),
            (Quantity::GpsUpdated, 1.0),
            (Quantity::SampleCounter, 21.0),
            (Quantity::Uptime, 123_385.0),
            (Quantity::AccelerometerSamples, 273.0),
        ]
    );
    assert_eq!(chunk.decoded.kind, DeviceKind::Mobile);
}

#[test]
fn backup_is_recognised_by_its_header_and_its_weather_is_stored() {
    let chunk = read(BACKUP, options());
    assert_eq!((chunk.lines, rejected(&chunk)), (1, vec![]));
    let sample = &chunk.decoded.observations[0].sample;
    assert_eq!(sample.measured_at, at("2004-10-24T19:05:38Z"));
    let knot = 1852.0 / 3600.0;
    for (quantity, value) in [
        (Quantity::AccelerationMagnitude, 4114.98),
        (Quantity::RotationMagnitude, 12.1),
        (Quantity::Temperature, 21.59),
        (Quantity::AmbientTemperature, 15.5),
        (Quantity::DewPoint, 12.0),
        (Quantity::Humidity, 80.0),
        (Quantity::Pressure, 1013.0),
        (Quantity::Rain, 0.2),
        (Quantity::Sunshine, 3.03),
        (Quantity::WindDirection, 225.0),
        (Quantity::WindSpeed, 10.0 * knot),
        (Quantity::WindGust, 20.0 * knot),
    ] {
        assert_eq!(sample.readings.get(quantity), Some(value), "{quantity:?}");
    }
    assert_eq!(chunk.decoded.ignored, ["Start", "uuid"]);
}

#[test]
fn plain_columns_may_be_in_any_order_and_be_renamed() {
    let file = "pm10,time,device,longitude,latitude,mood\n\
                12.4,2026-05-01T10:00:00Z,a,0.12,52.2,good\n\
                ,2026-05-01 12:00:00.5,b,,,\n\
                7,2026-05-01T12:00:00+02:00,\"c \",,NaN,bad\n";
    let chunk = read(file, options());
    let devices: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.device.as_str()).collect();
    assert_eq!((devices, rejected(&chunk)), (vec!["a", "c"], vec![(3, "NO_VALUES")]));
    assert_eq!(chunk.decoded.observations[1].sample.measured_at, at("2026-05-01T10:00:00Z"));
    assert_eq!(chunk.decoded.ignored, ["mood"]);

    let german = "Zeit,Feinstaub,PM10\n2026-05-01 10:00:00,6.8,12.4\n";
    let columns = "Zeit:time, Feinstaub:pm2_5,PM10:pm10".parse().expect("columns");
    let chunk = read(german, CsvOptions { columns, ..options() });
    assert_eq!(readings(&chunk.decoded.observations[0]), [(Quantity::Pm2_5, 6.8), (Quantity::Pm10, 12.4)]);
}

#[test]
fn date_option_shifts_all_lines_by_the_offset_of_the_first() {
    let file = "Date,Time,PM10\n20041024,235959,1\n20041025,3,2\n";
    let date = Some("2024-06-09".parse().expect("a date"));
    let chunk = read(file, CsvOptions { date, ..options() });
    let times: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.sample.measured_at).collect();
    assert_eq!(times, [at("2024-06-09T23:59:59Z"), at("2024-06-10T00:00:03Z")]);
    assert_eq!(
        refusal("time,pm10\n", CsvOptions { date, ..options() }).0,
        "OPTION_NOT_APPLICABLE",
        "whole times are not shifted"
    );
}

#[test]
fn bad_line_is_rejected_alone_by_its_number() {
    let file = "time,latitude,longitude,pm10\n\
                2026-05-01T10:00:00Z,52.2,0.1,1\n\
                2026-05-01T10:00:01Z,52.2,0.1\n\
                2026-05-01T10:00:02Z,52.2,0.1,1,2\n\
                \n\
                yesterday,52.2,0.1,1\n\
                2026-02-30T10:00:00Z,52.2,0.1,1\n\
                2026-05-01T10:00:03Z,91,0.1,1\n\
                2026-05-01T10:00:04Z,,0.1,1\n\
                2026-05-01T10:00:05Z,52.2,0.1,much\n\
                2026-05-01T10:00:06Z,52.2,0.1,1e999\n\
                2026-05-01T10:00:07Z,52.2,0.1,1e39\n\
                ,52.2,0.1,1\n\
                2026-05-01T10:00:08Z,52.2,0.1,2,\n";
    let chunk = read(file, options());
    assert_eq!(
        rejected(&chunk),
        [
            (3, "WRONG_FIELD_COUNT"),
            (4, "WRONG_FIELD_COUNT"),
            (6, "INVALID_TIME"),
            (7, "INVALID_TIME"),
            (8, "INVALID_POSITION"),
            (9, "INVALID_POSITION"),
            (10, "WRONG_TYPE"),
            (11, "WRONG_TYPE"),
            (12, "INVALID_VALUE"),
            (13, "MISSING_TIME"),
        ]
    );
    let good: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.index).collect();
    assert_eq!((chunk.lines, good), (12, vec![2, 14]), "an empty field behind the last does no harm");
}

#[test]
fn invalid_times_are_rejected_as_such() {
    let card = |date: &str, time: &str| rejected(&read(&format!("Date,Time,PM10\n{date},{time},1\n"), options()));
    assert_eq!(card("20260501", "235959"), []);
    assert_eq!(card("20260501", "0"), [], "midnight");
    assert_eq!(card("20260501", "93005.50"), []);
    for (date, time) in [
        ("0", "0"),
        ("2026051", "93005"),
        ("20260431", "93005"),
        ("20260501", "240000"),
        ("20260501", "96000"),
        ("20260501", "-1"),
        ("20260501", "9:30"),
        ("20260501", "93005.x"),
        ("+2026051", "0"),
    ] {
        assert_eq!(card(date, time), [(2, "INVALID_TIME")], "{date} {time}");
    }
    let backup =
        |date: &str, time: &str| rejected(&read(&format!("Date,Time,PM10,uuid\n{date},{time},1,x\n"), options()));
    assert_eq!(backup("1041024.0", "23.9998"), []);
    for (date, time) in [("1041324", "1"), ("-1", "1"), ("99999999999", "1"), ("1041024", "24"), ("1041024", "-0.1")] {
        assert_eq!(backup(date, time), [(2, "INVALID_TIME")], "{date} {time}");
    }
}

#[test]
fn incomplete_header_is_rejected_naming_missing_columns() {
    for (file, expected) in [
        ("", "EMPTY_FILE"),
        ("\n\n", "EMPTY_FILE"),
        ("when;what\n", "UNKNOWN_HEADER"),
        ("time,pm10\0\n", "INVALID_UTF8"),
        ("Date,PM10\n", "UNKNOWN_HEADER"),
        ("time,mood\n", "MISSING_COLUMN"),
    ] {
        assert_eq!(refusal(file, options()).0, expected, "{file:?}");
    }
    assert_eq!(refusal("time,pm10\n", CsvOptions::default()).0, "MISSING_DEVICE");
    assert_eq!(refusal(CARD, CsvOptions::default()).0, "MISSING_DEVICE");
    let columns = "Zeit:time".parse().expect("columns");
    assert_eq!(refusal("time,pm10\n", CsvOptions { columns, ..options() }).0, "MISSING_COLUMN");
    for utf_16 in [
        &b"\xff\xfet\0i\0m\0e\0"[..],
        b"\xfe\xff\0t\0i\0m\0e\0\n",
        b"t\x00i\x00m\x00e\x00,\x00p\x00m\x001\x000\x00\n\x00",
    ] {
        let Err(CsvError::Rejected(reason)) = now(CsvReader::open(utf_16, options())) else { panic!("{utf_16:?}") };
        assert_eq!(reason.code, "INVALID_UTF8");
        assert!(reason.detail.contains("UTF-16") && reason.detail.contains("save it"), "{}", reason.detail);
    }
    assert_eq!(refusal(&"x,".repeat(2000), options()).0, "UNKNOWN_HEADER");
}

#[test]
fn device_bound_key_imports_samples_of_its_device_only() {
    let file = "time,device,pm10\n2026-05-01T10:00:00Z,mine,1\n2026-05-01T10:00:00Z,yours,1\n2026-05-01T10:00:01Z,,1\n";
    let mine = Some(DeviceKey::try_new("mine").expect("a key"));
    let chunk = read(file, CsvOptions { device: mine.clone(), restrict_to_device: mine, ..CsvOptions::default() });
    assert_eq!((chunk.decoded.observations.len(), rejected(&chunk)), (2, vec![(3, "FORBIDDEN")]));
}

const PM10_ID: &str = "5a8600000000000000000010";
const PM2_5_ID: &str = "5a8600000000000000000025";

fn box_options() -> CsvOptions {
    let mut sensors = Sensors::default();
    for (id, quantity) in [(PM10_ID, Quantity::Pm10), (PM2_5_ID, Quantity::Pm2_5)] {
        sensors.add(id.to_owned(), quantity).expect("a sensor");
    }
    CsvOptions { sensors, ..options() }
}

#[test]
fn opensensemap_values_of_one_time_are_one_sample_with_or_without_a_header() {
    let values = format!(
        "{PM10_ID},6.5,2026-05-01T10:00:00Z,7.684,51.972,66.6\n\
         {PM2_5_ID},3.25,2026-05-01T10:00:00Z,7.684,51.972,66.6\n\
         5a8600000000000000000099,1,2026-05-01T10:00:00Z,7.684,51.972,66.6\n\
         {PM10_ID},7.5\n\
         {PM10_ID},much,2026-05-01T10:00:05Z\n"
    );
    for (header, first) in [("", 1), ("sensorId,value,createdAt,lng,lat,height\n", 2)] {
        let chunk = read(&format!("{header}{values}"), box_options());
        let seen = &chunk.decoded.observations[..];
        assert_eq!((chunk.lines, seen.len(), seen[0].index), (5, 1, first));
        let expected = [(Quantity::Pm2_5, 3.25), (Quantity::Pm10, 6.5), (Quantity::Altitude, 66.6)];
        assert_eq!((readings(&seen[0]), seen[0].sample.measured_at), (expected.to_vec(), at("2026-05-01T10:00:00Z")));
        assert_eq!(chunk.decoded.ignored, ["5a8600000000000000000099"]);
        assert_eq!(rejected(&chunk)[0], (first + 3, "MISSING_TIME"));
        assert_eq!(rejected(&chunk)[1].0, first + 4);
    }
    assert_eq!(refusal(&values, CsvOptions { device: None, ..box_options() }).0, "MISSING_DEVICE");
    assert_eq!(refusal(&values, options()).0, "UNKNOWN_SENSORS");
}

#[test]
fn values_of_one_time_are_in_one_chunk() {
    use std::fmt::Write as _;
    let mut file = String::new();
    for moment in 0..12_345_u32 {
        let time = at("2026-04-01T00:00:00Z") + chrono::TimeDelta::seconds(moment.into());
        for id in [PM10_ID, PM2_5_ID, "5a8600000000000000000099"] {
            writeln!(file, "{id},1,{}", time.to_rfc3339()).expect("a String takes it");
        }
    }
    let mut reader = open(&file, box_options()).expect("a known beginning");
    let mut samples = Vec::new();
    while let chunk = now(reader.next_chunk()).expect("in memory")
        && chunk.lines > 0
    {
        assert!(chunk.lines <= 10_002);
        samples.extend(chunk.decoded.observations);
    }
    assert_eq!(samples.len(), 12_345);
    assert!(samples.iter().all(|seen| seen.sample.readings.iter().count() == 2));
    // A file without a change of time is split nevertheless.
    let standing = format!("{PM10_ID},1,2026-04-01T00:00:00Z\n").repeat(50_000);
    assert_eq!(read(&standing, box_options()).lines, 20_000);
}

#[test]
fn column_option_needs_two_names_with_a_colon() {
    for text in ["time", ":time", "Zeit:", "a:time,,b"] {
        assert!(matches!(text.parse::<ColumnNames>(), Err(InvalidColumns::Entry(_))), "{text}");
    }
    assert_eq!("a:time,a:pm10".parse::<ColumnNames>(), Err(InvalidColumns::Duplicate("a".to_owned())));
    assert_eq!("".parse::<ColumnNames>(), Ok(ColumnNames::default()));
}

#[test]
fn overlong_or_unterminated_line_is_rejected_alone() {
    let good = "2026-05-01T10:00:00Z,1\n";
    let file = format!("time,pm10\n{good}2026-05-01T10:00:01Z,\"2\n{good}{}\n{good}", "x".repeat(1 << 20));
    let chunk = read(&file, options());
    let lines: Vec<_> = chunk.decoded.observations.iter().map(|seen| seen.index).collect();
    assert_eq!(
        (lines, rejected(&chunk)),
        (vec![2, 3, 4, 6], vec![(5, "LINE_TOO_LONG")]),
        "what an open quote holds is read"
    );
    assert_eq!(refusal(&"x".repeat(1 << 20), options()).0, "LINE_TOO_LONG");
    let quoted = read("\u{feff}\"time\",device,pm10\r\n2026-05-01T10:00:00Z,\"a \"\"b\"\", c\",1\r\n", options());
    assert_eq!(quoted.decoded.observations[0].device.as_str(), "a \"b\", c");
}

#[test]
fn a_long_file_is_read_in_chunks() {
    let file = format!("time,pm10\n{}", "2026-05-01T10:00:00Z,1\n".repeat(25_000));
    let mut reader = open(&file, options()).expect("a known header");
    let lines: Vec<_> = (0..4).map(|_| now(reader.next_chunk()).expect("in memory").lines).collect();
    assert_eq!(lines, [10_000, 10_000, 5_000, 0]);
}

#[test]
fn read_error_is_not_end_of_file() {
    struct FailingReader;
    impl AsyncRead for FailingReader {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
        }
    }
    let file = b"time,pm10\n2026-05-01T10:00:00Z,12.4\n2026-05-01T10:00:01Z,12";
    let mut reader = now(CsvReader::open(file.chain(FailingReader), options())).expect("a known header");
    assert!(now(reader.next_chunk()).is_err(), "perhaps it was to be 12.5");
    assert_eq!(read(str::from_utf8(file).expect("text"), options()).decoded.observations.len(), 2);
}
