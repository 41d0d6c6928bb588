//! Formats, headers and file names.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use axum::http::header;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tower::ServiceExt as _;

use super::{csv, export, ndjson};
use crate::support::TestApp;

async fn with_samples() -> TestApp {
    let app = TestApp::new().await;
    app.record(json!([
        { "device": "a, \"b\"", "measuredAt": "2026-05-01T10:00:00.25Z", "pm25": 12.4, "latitude": 52.5, "longitude": 13.25 },
        { "device": "bike", "measuredAt": "2026-05-01T10:01:00Z", "pm25": 2000, "pm10": 0.1, "status": { "gpsUpdated": false } },
    ]))
    .await;
    app
}

#[tokio::test]
async fn csv_is_as_written_in_rfc_4180() {
    let app = with_samples().await;
    let columns = "device,measured_at,latitude,longitude,pm2_5,pm10,gps_updated,flags";
    assert_eq!(
        export(&app, "measurements.csv", &[("columns", columns)]).await,
        "device,measured_at,latitude,longitude,pm2_5,pm10,gps_updated,flags\r\n\
         \"a, \"\"b\"\"\",2026-05-01T10:00:00.250Z,52.5,13.25,12.4,,,\r\n\
         bike,2026-05-01T10:01:00Z,,,2000.0,0.1,false,OUT_OF_RANGE PM25_ABOVE_PM10 STALE_FIX\r\n"
    );
    let epoch = export(&app, "measurements.csv", &[("columns", "measured_at"), ("times", "epoch")]).await;
    assert_eq!(epoch, "measured_at\r\n1777629600.25\r\n1777629660\r\n");
    let empty = export(&app, "measurements.csv", &[("device", "none"), ("columns", "device")]).await;
    assert_eq!((csv(&empty).len(), empty.as_str()), (0, "device\r\n"));
}

#[tokio::test]
async fn ndjson_has_a_line_for_each_row() {
    let app = with_samples().await;
    let rows =
        ndjson(&export(&app, "measurements.ndjson", &[("columns", "device,pm2_5,flags"), ("times", "epoch")]).await);
    assert_eq!(
        rows,
        [
            json!({ "device": "a, \"b\"", "pm2_5": 12.4, "flags": [] }),
            json!({ "device": "bike", "pm2_5": 2000.0, "flags": ["OUT_OF_RANGE", "PM25_ABOVE_PM10", "STALE_FIX"] }),
        ]
    );
    assert_eq!(export(&app, "measurements.ndjson", &[("device", "none")]).await, "");
}

/// Checks the rules of RFC 7946 for a collection; returns its features.
pub fn features(text: &str) -> Vec<Value> {
    let collection: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    assert_eq!(collection["type"], "FeatureCollection");
    let features = collection["features"].as_array().expect("features").clone();
    for feature in &features {
        assert_eq!(feature["type"], "Feature");
        assert!(feature["properties"].is_object(), "{feature}");
        let geometry = &feature["geometry"];
        let coordinates = &geometry["coordinates"];
        match geometry["type"].as_str() {
            None => assert!(geometry.is_null(), "{feature}"),
            Some("Point") => check_position(coordinates),
            Some("LineString") => {
                let line = coordinates.as_array().expect("positions");
                assert!(line.len() >= 2, "{feature}");
                line.iter().for_each(check_position);
            }
            Some("Polygon") => {
                let ring = coordinates[0].as_array().expect("a ring");
                assert!(ring.len() >= 4 && ring.first() == ring.last(), "closed: {feature}");
                let at = |position: &Value, axis: usize| position[axis].as_f64().expect("a number");
                let area = |pair: &[Value]| at(&pair[0], 0) * at(&pair[1], 1) - at(&pair[1], 0) * at(&pair[0], 1);
                assert!(ring.windows(2).map(area).sum::<f64>() > 0.0, "counterclockwise: {feature}");
            }
            Some(other) => panic!("{other}"),
        }
    }
    features
}

fn check_position(position: &Value) {
    let [longitude, latitude] = [0, 1].map(|axis| position[axis].as_f64().expect("a number"));
    assert!((-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude), "{position}");
}

#[tokio::test]
async fn geojson_has_points_and_the_cursor_of_the_end() {
    let app = with_samples().await;
    let text = export(&app, "measurements.geojson", &[("columns", "device,latitude,longitude,pm2_5")]).await;
    let found = features(&text);
    assert_eq!(found[0]["geometry"], json!({ "type": "Point", "coordinates": [13.25, 52.5] }));
    assert_eq!(found[0]["properties"], json!({ "device": "a, \"b\"", "pm2_5": 12.4 }));
    assert_eq!((found.len(), &found[1]["geometry"]), (2, &Value::Null));
    let cursor =
        serde_json::from_str::<Value>(&text).expect("JSON")["endCursor"].as_str().expect("a cursor").to_owned();
    assert!(features(&export(&app, "measurements.geojson", &[("after", &cursor)]).await).is_empty());
    assert!(features(&export(&app, "measurements.geojson", &[("device", "none")]).await).is_empty());
}

#[tokio::test]
async fn file_has_a_telling_name() {
    let app = TestApp::new().await;
    for (file, query, name) in [
        ("measurements.csv", "", "airgraph-measurements.csv"),
        (
            "measurements.geojson",
            "?from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z",
            "airgraph-measurements-2026-05-01-2026-06-01.geojson",
        ),
        ("measurements.ndjson", "?device=caf%C3%A9%22%0D%0A7", "airgraph-measurements-caf____7.ndjson"),
    ] {
        let answer = app.get(&format!("/export/{file}{query}")).await;
        let expected = format!("attachment; filename=\"{name}\"");
        assert_eq!(answer.headers[header::CONTENT_DISPOSITION], expected.as_str(), "{}", answer.text);
    }
}

#[tokio::test]
async fn export_is_compressed_on_request() {
    let app = with_samples().await;
    let plain = export(&app, "measurements.csv", &[]).await;
    for coding in ["gzip", "zstd", "br"] {
        let request = axum::http::Request::get("/export/measurements.csv").header("accept-encoding", coding);
        let answer = app
            .app
            .router()
            .oneshot(request.body(axum::body::Body::empty()).expect("a request"))
            .await
            .expect("an answer");
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], coding);
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a complete body");
        let mut text = String::new();
        let read = match coding {
            "gzip" => GzipDecoder::new(&*bytes).read_to_string(&mut text).await,
            "zstd" => ZstdDecoder::new(&*bytes).read_to_string(&mut text).await,
            _ => BrotliDecoder::new(&*bytes).read_to_string(&mut text).await,
        };
        read.expect("a complete file");
        assert_eq!(text, plain, "{coding}");
    }
}
