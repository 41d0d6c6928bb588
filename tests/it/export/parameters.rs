//! Parameters: each of them works, and an error names the one that is wrong.

use serde_json::json;

use super::{csv, export, refused};
use crate::support::TestApp;

async fn with_samples() -> TestApp {
    let app = TestApp::new().await;
    let sample = |device: &str, hour: u32, pm25: f64, latitude: f64| {
        json!({ "device": device, "measuredAt": format!("2026-05-01T{hour:02}:00:00Z"), "pm25": pm25, "latitude": latitude, "longitude": 13.0,
                "weather": { "temperature": pm25 / 2.0 } })
    };
    app.record(json!([
        sample("a", 1, 10.0, 52.0),
        sample("a", 2, 20.0, 53.0),
        sample("b", 3, 30.0, 52.0),
        sample("c", 4, 2000.0, 54.0),
    ]))
    .await;
    app
}

/// The hours of the exported samples.
async fn hours(app: &TestApp, parameters: &[(&str, &str)]) -> Vec<u32> {
    let parameters = [parameters, &[("columns", "measured_at")]].concat();
    let records = csv(&export(app, "measurements.csv", &parameters).await);
    records.iter().map(|record| record[0].1[11..13].parse().expect("an hour")).collect()
}

#[tokio::test]
async fn readable_parameters_filter_measurements() {
    let app = with_samples().await;
    for (parameters, expected) in [
        (vec![], vec![1, 2, 3, 4]),
        (vec![("order", "MEASURED_AT_DESC")], vec![4, 3, 2, 1]),
        (vec![("device", "a"), ("device", "b")], vec![1, 2, 3]),
        (vec![("from", "2026-05-01T02:00:00Z")], vec![2, 3, 4]),
        (vec![("to", "2026-05-01T02:00:00Z")], vec![1]),
        (vec![("from", "2026-05-01T04:00:00+02:00"), ("to", "2026-05-01T04:00:00Z")], vec![2, 3]),
        (vec![("bbox", "12,51.5,14,52.5")], vec![1, 3]),
        (vec![("circle", "53,13,1000")], vec![2]),
        (vec![("flags", "OUT_OF_RANGE,SPIKE")], vec![4]),
        (vec![("notFlags", "OUT_OF_RANGE")], vec![1, 2, 3]),
        (vec![("pm2_5.min", "20"), ("pm2_5.max", "30")], vec![2, 3]),
        (vec![("temperature.max", "5")], vec![1]),
        (vec![("filter", r#"{"pm25":{"min":20}}"#), ("device", "a")], vec![2]),
    ] {
        assert_eq!(hours(&app, &parameters).await, expected, "{parameters:?}");
    }
}

#[tokio::test]
async fn columns_are_selected_by_name_and_group() {
    let app = with_samples().await;
    let header = async |parameters: &[(&str, &str)]| {
        let text = export(&app, "measurements.csv", parameters).await;
        text.split("\r\n").next().expect("a header").to_owned()
    };
    assert_eq!(header(&[]).await, "device,measured_at,latitude,longitude,pm1,pm2_5,pm4,pm10,flags");
    assert_eq!(header(&[("columns", "flags, pm10,pm10"), ("columns", "device")]).await, "flags,pm10,device");
    assert!(header(&[("columns", "weather")]).await.starts_with("temperature,ambient_temperature,humidity,"));
    let all = header(&[("columns", "all")]).await;
    assert!(all.contains(",uptime,") && all.contains(",recorded_at,") && !all.contains("cursor"), "{all}");
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = with_samples().await;
    for (file, parameters, expected) in [
        (
            "measurements.csv",
            vec![("fro", "2026-05-01T00:00:00Z")],
            "fro: unknown parameter of an export of measurements; there are: filter, device, from",
        ),
        ("measurements.csv", vec![("from", "2026-05-01")], "from: expected an RFC 3339 time with zone"),
        (
            "measurements.csv",
            vec![("from", "2026-05-02T00:00:00Z"), ("to", "2026-05-01T00:00:00Z")],
            "from: `from` must be before `to`",
        ),
        (
            "measurements.csv",
            vec![("from", "2026-05-02T00:00:00Z"), ("from", "2026-05-01T00:00:00Z")],
            "from: given more than once",
        ),
        ("measurements.csv", vec![("bbox", "1,2,3")], "bbox: must be west,south,east,north"),
        ("measurements.csv", vec![("bbox", "1,2,3,x")], "bbox: \"x\" is not a number"),
        ("measurements.csv", vec![("bbox", "1,20,3,10")], "bbox: "),
        ("measurements.csv", vec![("bbox", "1,20,3,10"), ("device", "a")], "bbox: "),
        ("measurements.csv", vec![("cells", "nonsense")], "cells: "),
        ("measurements.csv", vec![("flags", "WET")], "flags: expected "),
        ("measurements.csv", vec![("pm2_5.min", "5"), ("pm2_5.max", "1")], "pm2_5.max: has no value in common"),
        ("measurements.csv", vec![("pm3.min", "5")], "pm3.min: no quantity \"pm3\""),
        ("measurements.csv", vec![("trip", "x")], "trip: "),
        ("measurements.csv", vec![("filter", "{")], "filter: not valid JSON"),
        ("measurements.csv", vec![("filter", "[]")], "filter: must be a JSON object"),
        ("measurements.csv", vec![("filter", r#"{"pm25":{"min":"x"}}"#)], "filter.pm25.min: expected "),
        (
            "measurements.csv",
            vec![("filter", r#"{"pm25":{"min":2,"max":1}}"#), ("device", "a")],
            "filter.pm25: `min` must not be above `max`",
        ),
        ("measurements.csv", vec![("filter", r#"{"nonsense":1}"#)], "filter.nonsense: "),
        (
            "measurements.csv",
            vec![("columns", "device,wind")],
            "columns: no column \"wind\"; there are: device, measured_at",
        ),
        ("measurements.csv", vec![("times", "unix")], "times: must be rfc3339 or epoch"),
        ("measurements.csv", vec![("order", "KEY_ASC")], "order: expected "),
        ("measurements.csv", vec![("after", "nonsense")], "after: not a cursor"),
    ] {
        let (status, code, detail) = refused(&app, file, &parameters).await;
        assert_eq!((status.as_u16(), code.as_str()), (400, "BAD_USER_INPUT"), "{file} {parameters:?}: {detail}");
        assert!(detail.starts_with(expected), "{file} {parameters:?}: {detail}");
    }
    for file in ["measurements", "measurements.xlsx", "uplinks.csv", ".csv"] {
        assert_eq!(app.get(&format!("/export/{file}")).await.status.as_u16(), 404, "{file}");
    }
}
