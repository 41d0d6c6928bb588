//! The data of the cases: two bicycles, a school and a laboratory, over two months.

use airgraph::db::connect::{self, Database};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::OnceCell;

use crate::support::{
    TestApp, at, copy_of_database, empty_database,
    packet::{RawSample, encode, ttn_body},
};

/// The database that the cases copy, and the key of its admin.
struct Fixture {
    options: PgConnectOptions,
    admin: String,
}

static FIXTURE: OnceCell<Fixture> = OnceCell::const_new();

/// A copy of the database.
pub async fn copy_of_fixture() -> PgConnectOptions {
    copy_of_database(&FIXTURE.get_or_init(fill).await.options).await
}

/// A gateway on a copy.
pub async fn gateway(options: &PgConnectOptions) -> TestApp {
    let admin = &FIXTURE.get().expect("the copied database").admin;
    TestApp::with_admin(options, admin).await
}

async fn fill() -> Fixture {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    // Uplinks of one moment have no order, so each arrives a minute after the one before.
    app.clock.advance(TimeDelta::minutes(-10));
    let next = || app.clock.advance(TimeDelta::minutes(1));
    app.admin(
        "mutation { registerDevice(input: {key: \"school\", name: \"St Mary's\", kind: FIXED, latitude: 52.2, longitude: 0.12,
            licence: \"CC-BY-4.0\", attribution: \"The pupils\", sensors: [{sensor: \"sds011\", quantity: PM2_5}]}) { status } }",
        json!({}),
    )
    .await;
    app.admin(
        "mutation { createApiKey(input: {name: \"School\", role: SENSOR, deviceKey: \"school\",
            expiresAt: \"2027-01-01T00:00:00Z\"}) { key } }",
        json!({}),
    )
    .await;
    next();
    let packet: Vec<_> =
        (0..8).map(|n| RawSample::new(52.2 + f64::from(n) * 0.0001, 0.12, 20.0 + f64::from(n), 10.0)).collect();
    let answer = app.uplink(ttn_body("bike-07", "2026-05-01T08:00:00Z", &encode(&packet)).to_string()).await;
    assert_eq!(answer.status, 201);
    next();
    assert_eq!(app.uplink(json!({ "dev_id": "bike-07" }).to_string()).await.status, 400);
    for samples in [school(), rides(), special()] {
        next();
        app.record(samples.into()).await;
    }
    let admin = app.admin.clone();
    app.close().await;
    Fixture { options, admin }
}

/// A sample an hour for a day and a half.
fn school() -> Vec<Value> {
    let sample = |hour: i64| {
        let time = at("2026-04-30T00:10:00Z") + TimeDelta::hours(hour);
        json!({ "device": "school", "measuredAt": time.to_rfc3339(), "pm25": 5 + hour % 7, "pm10": 12 + hour % 5,
            "weather": { "temperature": 8 + hour % 4, "humidity": 60 + hour % 9 } })
    };
    (0..36).map(sample).collect()
}

/// Two rides to the north, a sample every three seconds.
fn rides() -> Vec<Value> {
    let sample = |start: &str, n: i32| {
        let time = at(start) + TimeDelta::seconds(3) * n;
        json!({ "device": "bike-09", "measuredAt": time.to_rfc3339(), "latitude": 52.2 + f64::from(n) * 0.000_135,
            "longitude": 0.12, "pm25": 5 + n % 2, "pm10": 10 + n, "motion": { "speed": 18 } })
    };
    let ride = |start, samples| (0..samples).map(move |n| sample(start, n));
    ride("2026-05-01T09:00:00Z", 21).chain(ride("2026-05-01T09:30:00Z", 12)).collect()
}

/// All quantities, values out of range, no position, and a position without a fix.
fn special() -> Vec<Value> {
    let all = json!({
        "device": "lab", "measuredAt": "2026-05-01T10:00:00.123456Z", "latitude": 52.205_123_456_789, "longitude": 0.1218,
        "pm1": 3.3, "pm25": 40.229_28, "pm4": 48.1, "pm10": 999.9,
        "weather": { "temperature": 21.59, "ambientTemperature": 15.5, "humidity": 80, "dewPoint": 12, "pressure": 1013,
            "windSpeed": 0, "windGust": 0.5, "windDirection": 225, "rain": 0, "sunshine": 3.03 },
        "ambient": { "co2": 412.5, "no2": 0.02, "o3": 0.03, "co": 0.4, "vocIndex": 100, "noxIndex": 1, "particles03": 1200,
            "noise": 45.5, "illuminance": 800 },
        "motion": { "altitude": 205.5, "speed": 9.5, "accelerationX": -40.5, "accelerationY": 5.5, "accelerationZ": -134.75,
            "accelerationMagnitude": 140.5, "rotationX": -6.5, "rotationY": 34.5, "rotationZ": -52.5,
            "rotationMagnitude": 12.125 },
        "status": { "batteryVoltage": 5.03, "signalStrength": -61, "satellites": 6, "gpsUpdated": true, "sampleCounter": 21,
            "uptime": 4_294_967_295.0, "accelerometerSamples": 273 },
    });
    vec![
        all,
        json!({ "device": "bike-09", "measuredAt": "2026-04-30T23:59:59.5Z", "latitude": 0, "longitude": 0, "pm10": 1.1,
            "pm25": 2.2, "motion": { "speed": 17.5 }, "status": { "gpsUpdated": false, "batteryVoltage": 3.71 } }),
        json!({ "device": "school", "measuredAt": "2026-05-01T08:00:00Z", "pm25": 1200, "weather": { "humidity": 91.5 } }),
    ]
}

/// Checks that a copy can be opened, which fails clearly when the schema is not migrated.
#[tokio::test]
async fn copy_has_the_devices_of_the_fixture() {
    let options = copy_of_fixture().await;
    let database: Database = connect::open(&options, 1, 1).await.expect("a database");
    let keys: Vec<String> =
        sqlx::query_scalar("select key from device order by key").fetch_all(&database.writes).await.expect("devices");
    assert_eq!(keys, ["bike-07", "bike-09", "lab", "school"]);
    database.close().await;
}
