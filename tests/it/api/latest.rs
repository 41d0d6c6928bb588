//! `latest`: the newest measurement of a device, or the newest that has a quantity.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn latest_is_the_newest_in_any_order_of_arrival() {
    let app = TestApp::new().await;
    for (time, pm10) in [("10:00:02", 2), ("10:00:01", 1), ("10:00:03", 3), ("09:00:00", 0)] {
        app.record(json!([{ "device": "a", "measuredAt": format!("2026-05-01T{time}Z"), "pm10": pm10 }])).await;
    }
    assert_eq!(
        app.query("{ device(key: \"a\") { latest { pm10 } } }").await["device"]["latest"],
        json!({ "pm10": 3.0 })
    );
}

#[tokio::test]
async fn newest_measurement_with_the_quantity_is_returned() {
    let app = TestApp::new().await;
    app.record(json!([
        { "device": "a", "measuredAt": "2026-03-01T10:00:00Z", "pm1": 1, "weather": { "humidity": 50 } },
        { "device": "a", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 2, "weather": { "temperature": 7 } },
        { "device": "a", "measuredAt": "2026-05-01T11:00:00Z", "pm10": 3 },
        { "device": "b", "measuredAt": "2026-05-01T11:00:00Z", "pm1": 4, "status": { "batteryVoltage": 3.5 } },
    ]))
    .await;
    let question = "{ devices { nodes { key latest { pm10 pm1 } pm1: latest(of: PM1) { measuredAt pm1 }
        pm10: latest(of: PM10) { pm10 } humid: latest(of: HUMIDITY) { measuredAt weather { humidity } }
        warm: latest(of: TEMPERATURE) { measuredAt } charge: latest(of: BATTERY_VOLTAGE) { pm1 } loud: latest(of: NOISE) { id } } } }";
    let by_http = app.graphql(None, question, json!({})).await;
    assert_eq!(by_http, app.by_resolvers(question).await);
    assert_eq!(
        by_http["data"]["devices"]["nodes"],
        json!([
            { "key": "a", "latest": { "pm10": 3.0, "pm1": null }, "pm1": { "measuredAt": "2026-03-01T10:00:00Z", "pm1": 1.0 },
              "pm10": { "pm10": 3.0 }, "humid": { "measuredAt": "2026-03-01T10:00:00Z", "weather": { "humidity": 50.0 } },
              "warm": { "measuredAt": "2026-05-01T10:00:00Z" }, "charge": null, "loud": null },
            { "key": "b", "latest": { "pm10": null, "pm1": 4.0 }, "pm1": { "measuredAt": "2026-05-01T11:00:00Z", "pm1": 4.0 },
              "pm10": null, "humid": null, "warm": null, "charge": { "pm1": 4.0 }, "loud": null },
        ])
    );
}

/// The search is bounded: a device that never has a quantity doesn't have its whole archive read.
#[tokio::test]
async fn search_for_a_quantity_reads_at_most_ten_thousand_rows() {
    let app = TestApp::new().await;
    app.record(json!([{ "device": "a", "measuredAt": "2026-05-01T00:00:00Z", "pm1": 1 }])).await;
    let latest = async |rows: i32| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "insert into measurement (device_id, measured_at, seq, flags, recorded_at, pm10)
             select device_id, timestamptz '2026-05-01 00:00Z' + n * interval '1 s', 0, 0, now(), n
             from device, generate_series(1, {rows}) n on conflict do nothing"
        )))
        .execute(&app.database.writes)
        .await
        .expect("stored");
        app.query("{ device(key: \"a\") { latest(of: PM1) { pm1 } } }").await["device"]["latest"].take()
    };
    assert_eq!(latest(9_999).await, json!({ "pm1": 1.0 }));
    assert_eq!(latest(10_000).await, json!(null));
}
