//! Named queries in, snapshots out.

use serde_json::json;

use crate::support::{
    TestApp,
    packet::{RawSample, encode, ttn_body},
};

/// Two bicycles and a school, over two months.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.admin(
        "mutation { registerDevice(input: {key: \"school\", name: \"St Mary's\", kind: FIXED, latitude: 52.2, longitude: 0.12,
            licence: \"CC-BY-4.0\", attribution: \"The pupils\"}) { status } }",
        json!({}),
    )
    .await;
    let ride: Vec<_> =
        (0..8).map(|n| RawSample::new(52.2 + f64::from(n) * 0.0001, 0.12, 20.0 + f64::from(n), 10.0)).collect();
    let answer = app.uplink(ttn_body("bike-07", "2026-05-01T08:00:00Z", &encode(&ride)).to_string()).await;
    assert_eq!(answer.status, 201);
    app.record(json!([
        { "device": "bike-09", "measuredAt": "2026-04-30T23:59:59.5Z", "latitude": 0, "longitude": 0, "pm10": 1.1, "pm25": 2.2,
          "motion": { "speed": 17.5 }, "status": { "gpsUpdated": false, "batteryVoltage": 3.71 } },
        { "device": "school", "measuredAt": "2026-05-01T07:00:00Z", "pm25": 7.25, "weather": { "humidity": 91.5, "temperature": 8.25 } },
        { "device": "school", "measuredAt": "2026-05-01T08:00:00Z", "pm25": 1200, "weather": { "humidity": 60 } },
    ]))
    .await;
    app
}

macro_rules! snapshot {
    ($name:ident) => {
        #[tokio::test]
        async fn $name() {
            let answer = app().await.query(include_str!(concat!("queries/", stringify!($name), ".graphql"))).await;
            insta::assert_json_snapshot!(stringify!($name), answer);
        }
    };
}

snapshot!(devices_with_latest);
snapshot!(measurements_of_a_device);
snapshot!(measurements_in_a_span);
snapshot!(measurements_in_a_range);
snapshot!(nodes_by_id);
