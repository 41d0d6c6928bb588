//! The recorder: each sample once, whatever arrives together, late, twice or in pieces.

use std::{collections::BTreeSet, sync::Arc};

use airgraph::{
    domain::{
        device::{DeviceKey, DeviceKind},
        position::Position,
        quantity::Quantity,
        sample::Sample,
    },
    ingest::{
        Decoded, Observation,
        recorder::{Receipt, RecordError, Recorder, Submission},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::json;

use crate::support::{
    TestApp, at, noon,
    packet::{Raw, encode, ttn_body},
};

fn sample(time: DateTime<Utc>, pm10: f64) -> Sample {
    let mut sample = Sample::new(time);
    sample.readings.set(Quantity::Pm10, pm10).expect("a value");
    sample
}

fn submission(samples: impl IntoIterator<Item = (&'static str, Sample)>) -> Submission {
    let observations = samples
        .into_iter()
        .enumerate()
        .map(|(index, (device, sample))| Observation {
            index,
            device: DeviceKey::try_new(device).expect("a key"),
            sample,
        })
        .collect();
    Submission {
        format: "test",
        received_at: noon(),
        body: Arc::from(&b"body"[..]),
        api_key: None,
        named: None,
        event: None,
        decoded: Ok(Decoded {
            observations,
            rejected: Vec::new(),
            kind: DeviceKind::Mobile,
            frame_counter: None,
            ignored: Vec::new(),
        }),
    }
}

async fn record(app: &TestApp, samples: impl IntoIterator<Item = (&'static str, Sample)>) -> (usize, usize) {
    let receipt = app.recorder.record(submission(samples)).await.expect("recorded");
    assert_eq!(receipt.rejected, []);
    (receipt.recorded, receipt.duplicates)
}

async fn rows(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from measurement").fetch_one(&app.database.reads).await.expect("a count")
}

#[tokio::test]
async fn a_sample_told_twice_in_one_body_is_one_sample() {
    let app = TestApp::new().await;
    let twice = [("bike", sample(at("2026-05-01T10:00:00Z"), 5.0)), ("bike", sample(at("2026-05-01T10:00:00Z"), 5.0))];
    assert_eq!(record(&app, twice).await, (1, 1));
}

#[tokio::test]
async fn different_samples_of_one_moment_are_all_kept_and_each_once() {
    let app = TestApp::new().await;
    let time = at("2026-05-01T10:00:00Z");
    let mut weather = Sample::new(time);
    weather.readings.set(Quantity::Temperature, 18.4).expect("a value");
    let mut warmer = Sample::new(time);
    warmer.readings.set(Quantity::Temperature, 18.5).expect("a value");
    let mut elsewhere = sample(time, 5.0);
    elsewhere.position = Some(Position::try_new(52.2, 0.1).expect("a place"));
    let all = || {
        [
            ("bike", sample(time, 5.0)),
            ("bike", sample(time, 6.0)),
            ("bike", weather.clone()),
            ("bike", warmer.clone()),
            ("bike", elsewhere.clone()),
        ]
    };

    assert_eq!(record(&app, [("bike", sample(time, 6.0))]).await, (1, 0), "the second content comes first");
    assert_eq!(record(&app, all()).await, (4, 1));
    assert_eq!(record(&app, all()).await, (0, 5));
    let mut backward = all();
    backward.reverse();
    assert_eq!(record(&app, backward).await, (0, 5));
    assert_eq!(rows(&app).await, 5);
}

#[tokio::test]
async fn a_clock_that_stands_still_is_told_so() {
    let app = TestApp::new().await;
    let many = (0..300).map(|pm10| ("bike", sample(at("2026-05-01T10:00:00Z"), f64::from(pm10))));
    let receipt = app.recorder.record(submission(many)).await.expect("recorded");
    assert_eq!((receipt.recorded, receipt.rejected.len()), (256, 44));
    assert_eq!((receipt.rejected[0].index, receipt.rejected[0].code), (256, "TOO_MANY_AT_ONE_TIME"));
    let one_more = app.recorder.record(submission([("bike", sample(at("2026-05-01T10:00:00Z"), 999.0))])).await;
    assert_eq!(one_more.expect("recorded").rejected.len(), 1);
}

#[tokio::test]
async fn any_month_since_2000_finds_its_partition() {
    let app = TestApp::new().await;
    let times = ["2000-01-01T00:00:00Z", "2004-10-24T19:05:38Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z"];
    assert_eq!(record(&app, times.map(|time| ("bike", sample(at(time), 5.0)))).await, (4, 0));
    let receipt = app.recorder.record(submission([("bike", sample(at("1999-12-31T23:59:59Z"), 5.0))])).await;
    assert_eq!(receipt.expect("recorded").rejected[0].code, "TIME_TOO_EARLY");
}

#[tokio::test]
async fn a_partition_that_somebody_dropped_is_made_again() {
    let app = TestApp::new().await;
    assert_eq!(record(&app, [("bike", sample(at("2026-04-01T10:00:00Z"), 5.0))]).await, (1, 0));
    sqlx::raw_sql("drop table measurement_2026_04").execute(&app.database.writes).await.expect("dropped");
    assert_eq!(record(&app, [("bike", sample(at("2026-04-01T10:00:00Z"), 5.0))]).await, (1, 0));
}

#[tokio::test]
async fn two_gateways_make_the_same_partitions_and_devices_at_once() {
    let app = TestApp::new().await;
    let other = Recorder::start(&app.database.writes, &app.clock);
    let months = |offset| {
        (0..24).map(move |month| {
            let time = at("2020-01-15T10:00:00Z") + TimeDelta::days(30 * month);
            (["a", "b", "c"][usize::try_from(month % 3).expect("small")], sample(time, f64::from(offset)))
        })
    };
    let (first, second) =
        tokio::join!(app.recorder.record(submission(months(1))), other.0.record(submission(months(2))));
    assert_eq!(first.expect("recorded").recorded + second.expect("recorded").recorded, 48);
    assert_eq!(rows(&app).await, 48);
}

/// A submission that Postgres refuses: a text with a zero byte can't be stored. No decoder lets one through.
fn poisoned() -> Submission {
    let mut poisoned = submission([]);
    poisoned.decoded = Err(airgraph::ingest::DecodeError { code: "TEST", detail: "a zero byte: \0".to_owned() });
    poisoned
}

#[tokio::test]
async fn a_poisoned_submission_does_not_fail_its_neighbours() {
    let app = TestApp::new().await;
    let time = |second| at("2026-05-01T10:00:00Z") + TimeDelta::seconds(second);
    let submissions =
        (0..20).map(|n| if n % 5 == 2 { poisoned() } else { submission([("bike", sample(time(n), 5.0))]) });
    let outcomes = join_all(submissions.map(|submission| app.recorder.record(submission))).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(receipt) => assert_eq!((receipt.recorded, n % 5 == 2), (1, false), "submission {n}"),
            Err(error) => assert!(matches!(error, RecordError::Database(_)) && n % 5 == 2, "submission {n}: {error}"),
        }
    }
    assert_eq!(rows(&app).await, 16);
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let app = TestApp::new().await;
    for second in 0..50 {
        let time = at("2026-05-01T10:00:00Z") + TimeDelta::seconds(second);
        let recording = app.recorder.record(submission([("bike", sample(time, 5.0))]));
        // Polled until it waits, then dropped.
        let _ = futures_util::poll!(Box::pin(recording));
    }
    app.writers.finish().await; // everything accepted is stored
    let rows: i64 =
        sqlx::query_scalar("select count(*) from measurement").fetch_one(&app.database.reads).await.expect("a count");
    assert_eq!(rows, 50);
    let open: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    )
    .fetch_one(&app.database.reads)
    .await
    .expect("a count");
    assert_eq!(open, 0);
}

#[tokio::test]
async fn after_the_end_nothing_more_is_accepted() {
    let app = TestApp::new().await;
    let recorder = app.recorder.clone();
    app.writers.finish().await;
    let refused = recorder.record(submission([("bike", sample(noon(), 5.0))])).await;
    assert!(matches!(refused, Err(RecordError::ShuttingDown)), "{refused:?}");
}

#[tokio::test]
async fn more_than_may_wait_is_refused_at_once() {
    let app = TestApp::new().await;
    // All connections of the writers are taken, so nothing leaves the queue.
    let mut held = Vec::new();
    while let Some(connection) = app.database.writes.try_acquire() {
        held.push(connection);
    }
    for _ in 0..5 - held.len() {
        held.push(app.database.writes.acquire().await.expect("a connection"));
    }
    let large = || {
        let mut large = submission([("bike", sample(noon(), 5.0))]);
        large.body = vec![0; 10 << 20].into();
        large
    };
    // Polled once and dropped: what was accepted keeps its share of the queue until it is stored.
    let mut refused = Vec::new();
    for _ in 0..8 {
        let outcome = futures_util::poll!(Box::pin(app.recorder.record(large())));
        refused.push(matches!(outcome, std::task::Poll::Ready(Err(RecordError::QueueFull))));
    }
    assert_eq!(refused, [false, false, false, false, false, false, true, true], "64 MiB hold six of them");
    drop(held);
}

const DEVICES: [&str; 4] = ["a", "b", "c", "d"];

/// `latest` holds the newest of what is stored, whatever came in which order; and every sample is there once.
#[tokio::test]
async fn random_late_and_repeated_input_is_stored_once_and_latest_is_true() {
    let app = TestApp::new().await;
    let one = (0..DEVICES.len(), 0..40_i64, 0..3_u8);
    let batches = proptest::collection::vec(proptest::collection::vec(one, 1..30), 40);
    let mut runner =
        TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(20_260_501), ..ProptestConfig::default() });
    let batches = batches.new_tree(&mut runner).expect("input").current();

    let mut expected = BTreeSet::new();
    let mut sent = 0;
    for some in batches.chunks(4) {
        let submissions = some.iter().map(|batch| {
            submission(batch.iter().map(|&(device, second, pm10)| {
                expected.insert((DEVICES[device], second, pm10));
                sent += 1;
                (DEVICES[device], sample(at("2026-04-30T23:59:40Z") + TimeDelta::seconds(second), f64::from(pm10)))
            }))
        });
        let submissions: Vec<_> = submissions.collect();
        join_all(submissions.into_iter().map(|submission| app.recorder.record(submission)))
            .await
            .into_iter()
            .for_each(|receipt| assert!(receipt.is_ok(), "{receipt:?}"));
    }
    let stored: i64 =
        sqlx::query_scalar("select count(*) from measurement").fetch_one(&app.database.reads).await.expect("a count");
    assert_eq!(usize::try_from(stored).expect("small"), expected.len());
    let told: i64 = sqlx::query_scalar("select sum(recorded + duplicates) from uplink")
        .fetch_one(&app.database.reads)
        .await
        .expect("a sum");
    assert_eq!(told, sent);
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from (
             select device_id, max((measured_at, seq)::text) from measurement group by device_id
             except
             select device_id, (measured_at, seq)::text from latest
         ) as wrong",
    )
    .fetch_one(&app.database.reads)
    .await
    .expect("a count");
    assert_eq!(wrong, 0);
}

/// A ride of our own making: a spiral, a sample every three seconds.
fn ride(samples: u32) -> Vec<Raw> {
    (0..samples)
        .map(|n| {
            let angle = f64::from(n) / 40.0;
            let (latitude, longitude) =
                (52.2 + 0.00004 * f64::from(n) * angle.sin(), 0.12 + 0.00005 * f64::from(n) * angle.cos());
            Raw::new(latitude, longitude, 10.0 + f64::from(n % 90), 5.0 + f64::from(n % 5))
        })
        .collect()
}

async fn post_by_sixteen(app: &Arc<TestApp>, ride: &[Raw]) {
    let start = at("2019-02-25T16:00:00Z");
    let packets: Vec<_> = ride
        .chunks(8)
        .enumerate()
        .map(|(number, samples)| {
            let received_at = start + TimeDelta::seconds(24 * i64::try_from(number).expect("small"));
            ttn_body("bike-07", &received_at.to_rfc3339(), &encode(samples)).to_string()
        })
        .collect();
    let packets = Arc::new(packets);
    let clients = (0..16).map(|client| {
        let (app, packets) = (app.clone(), packets.clone());
        tokio::spawn(async move {
            let mut receipt = Receipt::default();
            // Each packet twice: the second time by another client, while the first may still be on its way.
            for number in (0..packets.len() * 2).filter(|number| number % 16 == client) {
                let answer = app.uplink(packets[number / 2].clone()).await;
                assert_eq!(answer.status, 201, "{}", answer.text);
                let told = answer.json();
                let count = |field: &str| usize::try_from(told[field].as_u64().expect("a number")).expect("small");
                receipt.recorded += count("recorded");
                receipt.duplicates += count("duplicates");
            }
            receipt
        })
    });
    let receipts: Vec<_> = join_all(clients).await.into_iter().map(|receipt| receipt.expect("no panic")).collect();
    let sum = |count: fn(&Receipt) -> usize| receipts.iter().map(count).sum::<usize>();
    assert_eq!((sum(|receipt| receipt.recorded), sum(|receipt| receipt.duplicates)), (ride.len(), ride.len()));

    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = "query ($after: String) { measurements(orderBy: MEASURED_AT_ASC, first: 1000, after: $after) {
            nodes { latitude longitude pm10 pm25 } pageInfo { hasNextPage endCursor } } }";
        let page = app.query_with(query, json!({ "after": after })).await;
        let nodes = page["measurements"]["nodes"].as_array().expect("nodes");
        found.extend(nodes.iter().map(|node| {
            ["latitude", "longitude", "pm10", "pm25"].map(|field| node[field].as_f64().expect("a number"))
        }));
        after = page["measurements"]["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        if page["measurements"]["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let expected: Vec<_> =
        ride.iter().map(|raw| [raw.degrees().0, raw.degrees().1, f64::from(raw.pm10), f64::from(raw.pm2_5)]).collect();
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "sample {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ride_posted_by_sixteen_clients_with_each_packet_twice_is_stored_once() {
    let app = Arc::new(TestApp::new().await);
    post_by_sixteen(&app, &ride(800)).await;
}

/// Reads a real ride from the folder beside the repository; left out where that is missing. The test above stands on
/// one of our own making.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_ride_posted_by_sixteen_clients_with_each_packet_twice_is_stored_once() {
    let Ok(track) =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cleancycle-track.csv"))
    else {
        println!("left out: ../shared/data/cleancycle-track.csv is not there");
        return;
    };
    let ride: Vec<_> = track
        .lines()
        .map(|line| {
            let values: Vec<f64> = line.split(',').map(|value| value.trim().parse().expect("a number")).collect();
            Raw::new(values[0], values[1], values[2], values[3])
        })
        .collect();
    assert_eq!(ride.len(), 1896);
    let app = Arc::new(TestApp::new().await);
    post_by_sixteen(&app, &decodable(&ride)).await;
}

/// The ride as its packets can tell it: where the bicycle moved more than half a window between two samples, the
/// decoder finds the rest of the packet one window off.
fn decodable(ride: &[Raw]) -> Vec<Raw> {
    let follow = |previous: u32, raw: u32| {
        let step = (raw & 0x7ff).cast_signed() - (previous & 0x7ff).cast_signed();
        let step = if step > 1024 {
            step - 2048
        } else if step < -1024 {
            step + 2048
        } else {
            step
        };
        previous.checked_add_signed(step).expect("on the earth")
    };
    ride.chunks(8)
        .flat_map(|packet| {
            packet[1..]
                .iter()
                .scan(packet[0], move |previous, &raw| {
                    let latitude = follow(previous.latitude, raw.latitude);
                    let longitude = follow(previous.longitude, raw.longitude);
                    *previous = Raw { latitude, longitude, ..raw };
                    Some(*previous)
                })
                .fold(vec![packet[0]], |mut whole, raw| {
                    whole.push(raw);
                    whole
                })
        })
        .collect()
}
