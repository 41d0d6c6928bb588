//! The recorder caches the devices that it stored samples of. What other gateways store meanwhile must not matter.

use std::time::Duration;

use airgraph::domain::quality::{QualityFlag, QualityFlags};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    TestApp, at, empty_database,
    packet::{RawSample, encode, ttn_body},
    rollups::assert_rollups_match,
    statements::Statements,
};

/// Posts one sample of a device, measured this number of minutes after ten.
async fn post(app: &TestApp, device: &str, minute: i64, pm10: i32) -> String {
    let time = at("2026-05-01T10:00:00Z") + TimeDelta::minutes(minute);
    let body = json!({ "device": device, "time": time, "pm10": pm10 }).to_string();
    let answer = app.post("/ingest/json", Some(&app.admin), body).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.text
}

async fn key_use_is_stored(app: &TestApp) -> bool {
    let noted = sqlx::query_scalar("select bool_and(last_used_at is not null) from api_key");
    noted.fetch_one(&app.database.reads).await.expect("an answer")
}

async fn gateways() -> [TestApp; 2] {
    let options = empty_database().await;
    let one = TestApp::on(&options, true).await;
    let mut other = TestApp::on_second(&options).await;
    other.admin.clone_from(&one.admin);
    [one, other]
}

/// The flags of all samples, in the order of time.
async fn flags(app: &TestApp) -> Vec<QualityFlags> {
    let flags: Vec<i32> = sqlx::query_scalar("select flags from measurement order by measured_at, seq")
        .fetch_all(&app.database.reads)
        .await
        .expect("flags");
    flags.into_iter().map(QualityFlags::from_bits).collect()
}

#[tokio::test]
async fn cached_devices_need_no_lookup() {
    let app = TestApp::new().await;
    let statements = Statements::watch();
    post(&app, "a", 0, 5).await; // a new device
    while !key_use_is_stored(&app).await {
        tokio::time::sleep(Duration::from_millis(10)).await; // on the side, and a statement too
    }
    let (first_time, _) = statements.count(post(&app, "a", 1, 5)).await;
    let (remembered, _) = statements.count(post(&app, "a", 2, 5)).await;
    let (late, _) = statements.count(post(&app, "a", 1, 6)).await;
    let (again, _) = statements.count(post(&app, "a", 3, 5)).await;
    let (remembered_again, _) = statements.count(post(&app, "a", 4, 5)).await;
    assert_eq!((remembered, remembered_again), (1, 1), "nothing but what stores it");
    assert!(first_time > 1 && late > 1 && again > 1, "{first_time}, {late}, {again}");
}

#[tokio::test]
async fn sample_is_compared_with_the_previous_one_of_any_gateway() {
    let [one, other] = gateways().await;
    for (minute, (gateway, pm10)) in [
        (&one, 5),
        (&one, 6),
        (&other, 5),
        (&one, 7),
        (&other, 600),
        (&one, 601),
        (&other, 602),
        (&other, 6),
        (&one, 700),
    ]
    .into_iter()
    .enumerate()
    {
        post(gateway, "a", i64::try_from(minute).expect("small"), pm10).await;
    }
    let spikes: Vec<_> = flags(&one).await.into_iter().map(|flags| flags.contains(QualityFlag::Spike)).collect();
    assert_eq!(spikes, [false, false, false, false, true, false, false, false, true], "rises of 593 and of 694");
}

#[tokio::test]
async fn packet_is_compared_with_the_previous_one_of_any_gateway() {
    let [one, other] = gateways().await;
    // Each but the last two continues where the one before ended, and is stored from the cache.
    let packets = [(&one, 52.2), (&one, 52.2), (&one, 52.2), (&other, 52.2), (&one, 52.21), (&other, 52.22)];
    for (counter, (gateway, latitude)) in packets.into_iter().enumerate() {
        for app in [&one, &other] {
            app.clock.advance(TimeDelta::seconds(30));
        }
        let samples: Vec<_> = (0..8_u8).map(|n| RawSample::new(latitude, 0.12, n.into(), 1.0)).collect();
        let mut body = ttn_body("bike", &gateway.clock.now().to_rfc3339(), &encode(&samples));
        body["counter"] = json!(counter);
        assert_eq!(gateway.uplink(body.to_string()).await.status, 201);
    }
    let ambiguous = flags(&one).await.into_iter().filter(|flags| flags.contains(QualityFlag::AmbiguousPacket)).count();
    assert_eq!(ambiguous, 2 * 7, "of the two packets before the leaps all samples but the first");
}

/// A deletion moves `latest` back, and a revoked key is rejected.
#[tokio::test]
async fn deletions_and_revocations_invalidate_the_cache() {
    let [one, other] = gateways().await;
    for minute in 0..3 {
        post(&one, "a", minute, [5, 6, 600][usize::try_from(minute).expect("small")]).await;
    }
    let delete = "mutation { deleteMeasurements(input: {filter: {pm10: {min: 600}}}) { measurements } }";
    assert_eq!(other.admin(delete, json!({})).await["deleteMeasurements"]["measurements"], 1);
    post(&one, "a", 3, 650).await;
    assert!(flags(&one).await[2].contains(QualityFlag::Spike), "after 6, not after 600");
    post(&one, "a", 2, 601).await;
    let response = one.query("{ measurements { totalCount } device(key: \"a\") { latest { pm10 } } }").await;
    assert_eq!(response, json!({ "measurements": { "totalCount": 4 }, "device": { "latest": { "pm10": 650.0 } } }));
}

/// The same samples at both gateways at once, then at one or the other in turns: each is stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_in_turns_store_each_sample_once() {
    let gateways = gateways().await;
    for minute in 0..40 {
        let device = ["a", "b"][usize::from(minute % 5 == 0)];
        let each = gateways.iter().map(|gateway| post(gateway, device, minute, 7));
        join_all(each).await;
        post(&gateways[usize::from(minute % 3 == 0)], device, minute, 7).await;
    }
    let rows: (i64, i64) =
        sqlx::query_as("select (select count(*) from measurement), (select sum(recorded) from uplink)")
            .fetch_one(&gateways[0].database.reads)
            .await
            .expect("counts");
    assert_eq!(rows, (40, 40));
    assert_rollups_match(&mut gateways[0].database.reads.acquire().await.expect("a connection")).await;
}
