//! The recorder: each sample once, whatever arrives together, late, twice or in pieces.

use std::collections::BTreeSet;

use airgraph::{
    domain::{
        device::{DeviceKey, DeviceKind},
        position::Position,
        quantity::Quantity,
        sample::Sample,
    },
    ingest::{Decoded, Observation},
    recorder::{Arrival, RecordError, Recorder, Source, Submission},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};

use crate::support::{TestApp, at, empty_database, noon};

pub fn sample(time: DateTime<Utc>, pm10: f64) -> Sample {
    let mut sample = Sample::new(time);
    sample.readings.set(Quantity::Pm10, pm10).expect("a value");
    sample
}

pub fn submission(samples: impl IntoIterator<Item = (&'static str, Sample)>) -> Submission {
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
        api_key: None,
        is_admin: false,
        source: Source::Arrival(Arrival { body: "body".into(), ..Arrival::default() }),
        decoded: Ok(Decoded {
            observations,
            rejected: Vec::new(),
            kind: DeviceKind::Mobile,
            frame_counter: None,
            is_packet: false,
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

/// Each gateway takes a sample that it has not cached for new, without checking its key; the insert must show which was first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_that_record_the_same_at_once_store_it_once() {
    let options = empty_database().await;
    let one = TestApp::on(&options, true).await;
    let other = TestApp::on_second(&options).await;
    let mut expected = 0;
    for (round, count) in [1, 8, 30, 1, 700, 2, 1500, 5, 40, 600].into_iter().cycle().take(40).enumerate() {
        let start = at("2026-04-01T00:00:00Z") + TimeDelta::hours(i64::try_from(round).expect("small"));
        let samples = || (0..count).map(|second| ("bike", sample(start + TimeDelta::seconds(second), 5.0)));
        let (first, second) =
            tokio::join!(one.recorder.record(submission(samples())), other.recorder.record(submission(samples())));
        let (first, second) = (first.expect("recorded"), second.expect("recorded"));
        let count = usize::try_from(count).expect("small");
        assert_eq!(first.recorded + second.recorded, count, "{first:?} {second:?}");
        assert_eq!(first.duplicates + second.duplicates, count, "{first:?} {second:?}");
        expected += count;
    }
    assert_eq!(rows(&one).await, i64::try_from(expected).expect("small"));
}

#[tokio::test]
async fn sample_repeated_in_one_body_is_stored_once() {
    let app = TestApp::new().await;
    let twice = [("bike", sample(at("2026-05-01T10:00:00Z"), 5.0)), ("bike", sample(at("2026-05-01T10:00:00Z"), 5.0))];
    assert_eq!(record(&app, twice).await, (1, 1));
}

#[tokio::test]
async fn different_samples_of_one_time_are_each_stored_once() {
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
async fn too_many_samples_at_one_time_are_rejected() {
    let app = TestApp::new().await;
    let many = (0..300).map(|pm10| ("bike", sample(at("2026-05-01T10:00:00Z"), f64::from(pm10))));
    let receipt = app.recorder.record(submission(many)).await.expect("recorded");
    assert_eq!((receipt.recorded, receipt.rejected.len()), (256, 44));
    assert_eq!((receipt.rejected[0].index, receipt.rejected[0].code), (256, "TOO_MANY_AT_ONE_TIME"));
    let one_more = app.recorder.record(submission([("bike", sample(at("2026-05-01T10:00:00Z"), 999.0))])).await;
    assert_eq!(one_more.expect("recorded").rejected.len(), 1);
}

#[tokio::test]
async fn every_month_since_2000_has_a_partition() {
    let app = TestApp::new().await;
    let times = ["2000-01-01T00:00:00Z", "2004-10-24T19:05:38Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z"];
    assert_eq!(record(&app, times.map(|time| ("bike", sample(at(time), 5.0)))).await, (4, 0));
    let receipt = app.recorder.record(submission([("bike", sample(at("1999-12-31T23:59:59Z"), 5.0))])).await;
    assert_eq!(receipt.expect("recorded").rejected[0].code, "TIME_TOO_EARLY");
}

#[tokio::test]
async fn dropped_partition_is_created_again() {
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

/// A submission that Postgres rejects: a text with a zero byte can't be stored. No decoder accepts one.
fn poisoned() -> Submission {
    let mut poisoned = submission([]);
    poisoned.decoded = Err(airgraph::ingest::DecodeError { code: "TEST", detail: "a zero byte: \0".to_owned() });
    poisoned
}

#[tokio::test]
async fn poisoned_submission_does_not_fail_its_batch() {
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
async fn disconnect_does_not_cancel_recording() {
    let app = TestApp::new().await;
    for second in 0..50 {
        let time = at("2026-05-01T10:00:00Z") + TimeDelta::seconds(second);
        let recording = app.recorder.record(submission([("bike", sample(time, 5.0))]));
        // Polled until it waits, then dropped.
        let _ = futures_util::poll!(Box::pin(recording));
    }
    app.writers.drain().await; // everything accepted is stored
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

/// As after a restart of the database: each connection of the pool is stale, and the first statement on it fails.
#[tokio::test]
async fn stale_connections_are_replaced() {
    let app = TestApp::new().await;
    let five = join_all((0..5).map(|_| app.database.writes.acquire())).await;
    drop(five.into_iter().map(|connection| connection.expect("a connection")).collect::<Vec<_>>());
    while app.database.writes.num_idle() < 5 {
        tokio::task::yield_now().await; // they go back on the side
    }
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
           and application_name not like 'citus%'", // Citus ends its own sessions by itself
    )
    .fetch_all(&app.database.reads)
    .await
    .expect("ended");
    assert!(ended.len() >= 5 && ended.iter().all(|ended| *ended), "{ended:?}");
    assert_eq!(record(&app, [("bike", sample(at("2026-05-01T10:00:00Z"), 5.0))]).await, (1, 0));
}

#[tokio::test]
async fn recorder_accepts_nothing_after_its_end() {
    let app = TestApp::new().await;
    let recorder = app.recorder.clone();
    app.writers.drain().await;
    let refused = recorder.record(submission([("bike", sample(noon(), 5.0))])).await;
    assert!(matches!(refused, Err(RecordError::ShuttingDown)), "{refused:?}");
}

#[tokio::test]
async fn submissions_beyond_the_queue_are_rejected_at_once() {
    let app = TestApp::new().await;
    // All connections of the writers are acquired, so nothing leaves the queue.
    let mut held = Vec::new();
    while let Some(connection) = app.database.writes.try_acquire() {
        held.push(connection);
    }
    for _ in 0..5 - held.len() {
        held.push(app.database.writes.acquire().await.expect("a connection"));
    }
    let large = || {
        let mut large = submission([("bike", sample(noon(), 5.0))]);
        large.source = Source::Arrival(Arrival { body: vec![0; 10 << 20].into(), ..Arrival::default() });
        large
    };
    // Polled once and dropped: an accepted submission keeps its share of the queue until it is stored.
    let mut refused = Vec::new();
    for _ in 0..8 {
        let outcome = futures_util::poll!(Box::pin(app.recorder.record(large())));
        refused.push(matches!(outcome, std::task::Poll::Ready(Err(RecordError::QueueFull))));
    }
    assert_eq!(refused[..5], [false, false, false, true, true], "one key may fill half of 64 MiB");
    drop(held);
}

const DEVICES: [&str; 4] = ["a", "b", "c", "d"];

/// `latest` holds the newest stored sample, in whatever order samples came; and every sample is stored once.
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
    let counted: i64 = sqlx::query_scalar("select sum(recorded + duplicates) from uplink")
        .fetch_one(&app.database.reads)
        .await
        .expect("a sum");
    assert_eq!(counted, sent);
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
