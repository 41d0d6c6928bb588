//! Statistics, cells, devices and trips: the values that GraphQL returns.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde_json::{Value, json};

use super::{csv, export, formats::features, ndjson, refused};
use crate::{api::filters::conditions::fill, support::TestApp};

async fn filled() -> TestApp {
    let app = TestApp::new().await;
    fill(&app, &mut ChaCha8Rng::seed_from_u64(14)).await;
    app
}

fn nodes<'a>(data: &'a Value, field: &str) -> &'a [Value] {
    data[field]["nodes"].as_array().or(data[field].as_array()).expect("a list")
}

#[tokio::test]
async fn statistics_are_those_of_graphql() {
    let app = filled().await;
    let data = app
        .query(
            r#"{ statistics(filter: {measuredAt: {from: "2026-04-20T00:00:00Z"}}, every: DAY, timeZone: "Europe/Berlin", groupBy: [DEVICE]) {
               start end device { key } count pm25 { count mean min max standardDeviation } humidity: quantity(of: HUMIDITY) { mean invalidCount } } }"#,
        )
        .await;
    let expected: Vec<_> = nodes(&data, "statistics")
        .iter()
        .map(|row| {
            json!({
                "start": row["start"], "end": row["end"], "device": row["device"]["key"], "count": row["count"],
                "pm2_5_count": row["pm25"]["count"], "pm2_5_mean": row["pm25"]["mean"], "pm2_5_min": row["pm25"]["min"],
                "pm2_5_max": row["pm25"]["max"], "pm2_5_standard_deviation": row["pm25"]["standardDeviation"],
                "humidity_mean": row["humidity"]["mean"], "humidity_invalid_count": row["humidity"]["invalidCount"],
            })
        })
        .collect();
    assert!(expected.len() > 20);
    let parameters = [
        ("from", "2026-04-20T00:00:00Z"),
        ("every", "DAY"),
        ("timezone", "Europe/Berlin"),
        ("groupBy", "DEVICE"),
        ("columns", "start,end,device,count,pm2_5_count,pm2_5_mean,pm2_5_min,pm2_5_max,pm2_5_standard_deviation"),
        ("columns", "humidity_mean,humidity_invalid_count"),
    ];
    assert_eq!(ndjson(&export(&app, "statistics.ndjson", &parameters).await), expected);

    let default = export(&app, "statistics.csv", &[("groupBy", "HOUR_OF_DAY")]).await;
    assert!(default.starts_with("start,end,hour_of_day,count,pm1_count,pm1_mean,pm1_min,pm1_max,"), "{default}");
    assert_eq!(csv(&default).len(), 24);
}

#[tokio::test]
async fn cells_are_those_of_graphql() {
    let app = filled().await;
    let data =
        app.query("{ cells(filter: {}, resolution: 7) { index center { latitude } count pm10 { mean } } }").await;
    let expected: Vec<_> = nodes(&data, "cells")
        .iter()
        .map(|cell| {
            json!({ "cell": cell["index"], "latitude": cell["center"]["latitude"], "count": cell["count"], "pm10_mean": cell["pm10"]["mean"] })
        })
        .collect();
    assert!(expected.len() > 1);
    let parameters = [("resolution", "7"), ("columns", "cell,latitude,count,pm10_mean")];
    assert_eq!(ndjson(&export(&app, "cells.ndjson", &parameters).await), expected);
    let polygons = features(&export(&app, "cells.geojson", &parameters).await);
    assert!(polygons.len() == expected.len() && polygons.iter().all(|cell| cell["geometry"]["type"] == "Polygon"));

    let of_cells = export(&app, "statistics.geojson", &[("groupBy", "CELL"), ("cellResolution", "7")]).await;
    assert_eq!(features(&of_cells).len(), expected.len());
}

#[tokio::test]
async fn devices_are_those_of_graphql() {
    let app = filled().await;
    let register = "mutation { registerDevice(input: {key: \"a, b\", kind: FIXED, latitude: 52, longitude: 13, licence: \"CC-BY-4.0\"}) { status } }";
    app.admin(register, json!({})).await;
    let data = app
        .query("{ devices(orderBy: KEY_DESC) { edges { cursor } nodes { key name kind latitude longitude licence attribution createdAt latest { measuredAt } } } }")
        .await;
    let expected: Vec<_> = nodes(&data, "devices")
        .iter()
        .map(|device| {
            json!({
                "device": device["key"], "name": device["name"], "kind": device["kind"], "latitude": device["latitude"],
                "longitude": device["longitude"], "licence": device["licence"], "attribution": device["attribution"],
                "created_at": device["createdAt"], "last_seen": device["latest"]["measuredAt"],
            })
        })
        .collect();
    assert_eq!(expected.len(), 4);
    let found = ndjson(&export(&app, "devices.ndjson", &[("order", "KEY_DESC")]).await);
    assert_eq!(found, expected);
    let cursor = data["devices"]["edges"][1]["cursor"].as_str().expect("a cursor");
    let rest = ndjson(&export(&app, "devices.ndjson", &[("order", "KEY_DESC"), ("after", cursor)]).await);
    assert_eq!(rest, expected[2..]);
    let fixed = ndjson(&export(&app, "devices.ndjson", &[("kind", "FIXED"), ("bbox", "12,51,14,53")]).await);
    assert_eq!(fixed, expected[3..]);
    let places = features(&export(&app, "devices.geojson", &[("device", "a, b")]).await);
    assert_eq!(places[0]["geometry"], json!({ "type": "Point", "coordinates": [13.0, 52.0] }));
}

#[tokio::test]
async fn trips_are_those_of_graphql() {
    let app = TestApp::new().await;
    for device in ["a", "b"] {
        for trip in 0..2 {
            let sample = |minute: u32| {
                json!({ "device": device, "measuredAt": format!("2026-05-01T{trip:02}:{minute:02}:00Z"), "pm10": minute,
                        "latitude": 52.0 + f64::from(minute) / 100.0, "longitude": 13.0 })
            };
            app.record((0..10).map(sample).collect()).await;
        }
    }
    let data = app
        .query(r#"{ trips(devices: ["a"], measuredAt: {from: "2026-05-01T00:00:00Z"}) { nodes { id start end distance pm10 { mean count } points { latitude } } } }"#)
        .await;
    let expected: Vec<_> = nodes(&data, "trips")
        .iter()
        .map(|trip| {
            json!({ "device": "a", "trip": trip["id"], "start": trip["start"], "end": trip["end"], "distance": trip["distance"],
                    "pm10_mean": trip["pm10"]["mean"], "pm10_count": trip["pm10"]["count"] })
        })
        .collect();
    assert_eq!(expected.len(), 2);
    let columns = ("columns", "device,trip,start,end,distance,pm10_mean,pm10_count");
    let parameters = [("device", "a"), ("device", "b"), ("from", "2026-05-01T00:00:00Z"), columns];
    let found = ndjson(&export(&app, "trips.ndjson", &parameters).await);
    assert_eq!((found.len(), &found[..2]), (4, &expected[..]));
    let lines = features(&export(&app, "trips.geojson", &parameters).await);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["geometry"]["coordinates"].as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = TestApp::new().await;
    for (file, parameters, expected) in [
        ("statistics.csv", vec![("every", "DAY")], "from: required with `every`"),
        ("statistics.csv", vec![("every", "DECADE")], "every: expected "),
        ("statistics.csv", vec![("timezone", "Mars")], "timezone: "),
        ("statistics.csv", vec![("groupBy", "DEVICE,CITY")], "groupBy: expected "),
        ("statistics.csv", vec![("cellResolution", "x")], "cellResolution: \"x\" is not a whole number"),
        ("statistics.csv", vec![("includeInvalid", "yes")], "includeInvalid: must be true or false"),
        ("statistics.csv", vec![("order", "KEY_ASC")], "order: unknown parameter of an export of statistics"),
        ("statistics.csv", vec![("after", "x")], "after: an export of statistics has no cursors"),
        ("statistics.geojson", vec![], "groupBy: GeoJSON needs a place"),
        ("cells.csv", vec![("resolution", "13")], "resolution: must be an H3 resolution between 0 and 12, not 13"),
        ("devices.csv", vec![("kind", "FLYING")], "kind: expected "),
        ("devices.csv", vec![("order", "LATEST_VALUE_ASC")], "orderByQuantity: required"),
        ("devices.csv", vec![("after", "x")], "after: not a cursor"),
        ("trips.csv", vec![], "device: required"),
        ("trips.csv", vec![("device", "a"), ("maxGap", "0")], "maxGap: must be between 1 and 86400"),
        ("trips.csv", vec![("device", "a"), ("to", "tomorrow")], "to: expected "),
    ] {
        let (status, code, detail) = refused(&app, file, &parameters).await;
        assert_eq!((status.as_u16(), code.as_str()), (400, "BAD_USER_INPUT"), "{file} {parameters:?}: {detail}");
        assert!(detail.starts_with(expected), "{file} {parameters:?}: {detail}");
    }
}
