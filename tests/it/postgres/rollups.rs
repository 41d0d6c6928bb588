//! Hourly rollups are kept up to date: they always equal the aggregates of the rows of `measurement`, whatever was stored
//! and deleted in which order, by several gateways at once.

use airgraph::{
    db,
    domain::{
        device::{DeviceKey, DeviceKind},
        filter::{Condition, Filter, ValueRange},
        position::Position,
        quantity::Quantity,
        sample::Sample,
    },
    ingest::{Decoded, Observation},
    jobs::delete_measurements,
    recorder::{Arrival, RecordError, Source, Submission},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngSeed, TestRunner},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use crate::support::{TestApp, at, citus_cluster, empty_database, noon, rollups::assert_rollups_match};

/// A sample as numbers.
#[derive(Clone, Copy, Debug)]
struct TestSample {
    device: u8,
    /// Minutes since two hours before a month ends.
    minute: i64,
    place: Option<u8>,
    pm2_5: Option<i16>,
    pm10: Option<i16>,
    temperature: Option<i16>,
}

/// Attempts of a step in Citus.
const MAX_ATTEMPTS: u32 = 50;
/// The position (0, 0).
const NULL_ISLAND: u8 = 5;
/// A position in the same rollup cells, where a device can be.
const BESIDE_NULL_ISLAND: u8 = 6;

/// One operation.
#[derive(Clone, Debug)]
enum Step {
    Record(Vec<TestSample>),
    /// This number of samples of one device, starting with this one, one every few seconds.
    Upload(TestSample, i64),
    /// The uplink with this index now decodes to other values and other places.
    Replay(usize, i16),
    /// Deletes the measurements of a device in this number of minutes, or those above a value.
    Delete(TestSample, i64),
}

fn any_sample() -> impl Strategy<Value = TestSample> {
    let value = || {
        let tenths = prop_oneof![6 => 0..=9999_i16, 1 => Just(-9990_i16), 1 => -100..0_i16, 1 => 10_000..13_000_i16];
        proptest::option::weighted(0.8, tenths)
    };
    let place = prop_oneof![6 => 0..5_u8, 1 => Just(NULL_ISLAND), 1 => Just(BESIDE_NULL_ISLAND)];
    let temperature = proptest::option::weighted(0.3, prop_oneof![Just(20_i16), Just(200_i16)]);
    (0..4_u8, 0..240_i64, proptest::option::weighted(0.7, place), value(), value(), temperature).prop_map(
        |(device, minute, place, pm2_5, pm10, temperature)| TestSample {
            device,
            minute,
            place,
            pm2_5,
            pm10,
            temperature,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(any_sample(), 1..20).prop_map(Step::Record),
        1 => (any_sample(), 500..900_i64).prop_map(|(first, count)| Step::Upload(first, count)),
        2 => (any_sample(), 1..90_i64).prop_map(|(first, minutes)| Step::Delete(first, minutes)),
        3 => (0..1000_usize, 1..50_i16).prop_map(|(which, by)| Step::Replay(which, by)),
    ]
}

impl TestSample {
    fn time(self) -> DateTime<Utc> {
        at("2026-04-30T22:00:00Z") + TimeDelta::minutes(self.minute)
    }

    fn observation(self, index: usize, after: TimeDelta) -> Observation {
        let mut sample = Sample::new(self.time() + after);
        // Some of them in one hexagon, others in the next.
        sample.position = self.place.map(|place| {
            let (latitude, longitude) = match place {
                NULL_ISLAND => (0.0, 0.0),
                BESIDE_NULL_ISLAND => (0.0001, 0.0),
                place => (52.2 + f64::from(place % 3) * 0.002, 0.12 + f64::from(place) * 0.000_4),
            };
            Position::try_new(latitude, longitude).expect("a place")
        });
        if let Some(temperature) = self.temperature {
            sample.readings.set(Quantity::Temperature, f64::from(temperature)).expect("a value");
        }
        for (quantity, value) in [(Quantity::Pm2_5, self.pm2_5), (Quantity::Pm10, self.pm10)] {
            if let Some(value) = value {
                sample.readings.set(quantity, f64::from(value) / 10.0).expect("a value");
            }
        }
        Observation { index, device: DeviceKey::try_new(format!("device-{}", self.device)).expect("a key"), sample }
    }
}

fn submission(source: Source, received_at: DateTime<Utc>, observations: Vec<Observation>) -> Submission {
    let decoded = Decoded {
        observations,
        rejected: Vec::new(),
        kind: DeviceKind::Mobile,
        frame_counter: None,
        is_packet: false,
        ignored: Vec::new(),
    };
    Submission { format: "test", received_at, api_key: None, is_admin: false, source, decoded: Ok(decoded) }
}

fn arrival(observations: Vec<Observation>) -> Submission {
    submission(Source::Arrival(Arrival { body: "body".into(), ..Arrival::default() }), noon(), observations)
}

impl Step {
    /// Takes the step, as clients do: what could not be stored in time, as behind a deletion in Citus, is sent again.
    async fn take(self, app: &TestApp) {
        let mut attempts = if citus_cluster::is_used() { MAX_ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match self.clone().attempt(app).await {
                Err(RecordError::TimedOut) if attempts > 0 => {}
                outcome => return outcome.expect("recorded"),
            }
        }
    }

    async fn attempt(self, app: &TestApp) -> Result<(), RecordError> {
        let submission = match self {
            Self::Record(samples) => arrival(
                samples
                    .iter()
                    .enumerate()
                    .map(|(index, sample)| sample.observation(index, TimeDelta::zero()))
                    .collect(),
            ),
            Self::Upload(first, count) => {
                let samples =
                    (0..count).map(|n| first.observation(0, TimeDelta::seconds(7) * i32::try_from(n).expect("small")));
                submission(Source::File, noon(), samples.collect())
            }
            Self::Replay(which, by) => match replayed(app, which, by).await {
                Some(submission) => submission,
                None => return Ok(()),
            },
            Self::Delete(first, minutes) => {
                delete(app, first, minutes).await;
                return Ok(());
            }
        };
        app.recorder.record_with_retry(submission).await.map(drop)
    }
}

/// Deletes what a device measured in this number of minutes, or, of all devices, all values at least those of the sample.
async fn delete(app: &TestApp, first: TestSample, minutes: i64) {
    let condition = match first.pm10 {
        Some(pm10) if minutes % 3 == 0 => Condition::Between(
            Quantity::Pm10,
            ValueRange { min: Some(f64::from(pm10) / 10.0), max: Some(f64::from(pm10) / 10.0 + 50.0) },
        ),
        _ => Condition::MeasuredBetween {
            from: Some(first.time()),
            to: Some(first.time() + TimeDelta::minutes(minutes)),
        },
    };
    let mut filter = Filter::default();
    if matches!(condition, Condition::MeasuredBetween { .. }) {
        let key = format!("device-{}", first.device);
        let ids = db::device::load_ids_by_keys(&app.database.reads, &[&key]).await.expect("devices");
        filter.add(Condition::Devices(ids.into_values().collect())).expect("a filter");
    }
    filter.add(condition).expect("a filter");
    delete_measurements::run(&app.database.writes, &filter, false).await.expect("deleted");
}

/// An uplink with other values, at other places, for the times that it had before.
async fn replayed(app: &TestApp, which: usize, by: i16) -> Option<Submission> {
    let uplinks: Vec<(Uuid, DateTime<Utc>)> =
        sqlx::query_as("select uplink_id, received_at from uplink order by uplink_id")
            .fetch_all(&app.database.reads)
            .await
            .expect("uplinks");
    let &(uplink_id, received_at) = uplinks.get(which % uplinks.len().max(1))?;
    let rows: Vec<(String, DateTime<Utc>, i32)> = sqlx::query_as(
        "select key, measured_at, seq from measurement join device using (device_id) where uplink_id = $1 order by 1, 2, 3",
    )
    .bind(uplink_id)
    .fetch_all(&app.database.reads)
    .await
    .expect("rows");
    let observations = rows.into_iter().enumerate().map(|(index, (device, time, seq))| {
        let value = by + i16::try_from(seq).expect("small");
        let place = u8::try_from(by % 8).ok().filter(|place| *place < 7);
        let pm10 = if by % 5 == 0 { -9990 } else { value };
        let sample = TestSample { device: 0, minute: 0, place, pm2_5: None, pm10: Some(pm10), temperature: None };
        let mut seen = sample.observation(index, time - at("2026-04-30T22:00:00Z"));
        seen.device = DeviceKey::try_new(device).expect("a key");
        seen
    });
    Some(submission(Source::Replay { uplink_id }, received_at, observations.collect()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rollups_equal_the_rows_after_random_steps_of_two_gateways() {
    let options = empty_database().await;
    let gateways = [TestApp::on(&options, true).await, TestApp::on_second(&options).await];
    let mut runner =
        TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(20_261_125), ..ProptestConfig::default() });
    let steps = proptest::collection::vec(step(), 160).new_tree(&mut runner).expect("input").current();
    let mut connection = gateways[0].database.reads.acquire().await.expect("a connection");
    for some in steps.chunks(8) {
        let taken = some.iter().cloned().enumerate().map(|(n, step)| step.take(&gateways[n % 2]));
        join_all(taken).await;
        assert_rollups_match(&mut connection).await;
        let wrong: i64 = sqlx::query_scalar(
            "with newest as (select distinct on (device_id) device_id, measured_at, seq, pm2_5, pm10 from measurement
                             order by device_id, measured_at desc, seq desc),
                  stored as (select device_id, measured_at, seq, pm2_5, pm10 from latest)
             select count(*) from ((table newest except table stored) union all (table stored except table newest)) as wrong",
        )
        .fetch_one(&mut *connection)
        .await
        .expect("a count");
        assert_eq!(wrong, 0, "devices whose latest sample is another");
    }
    for table in ["device_hour_2026_04", "device_hour_2026_05", "cell_hour_2026_04", "cell_hour_2026_05"] {
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
        assert!(rows > 2, "{rows} rows in {table}");
    }
}

/// Runs a migration as sqlx does.
async fn migrate(connection: &mut PgConnection, version: i64) {
    let migrator = sqlx::migrate!();
    let migration = migrator.iter().find(|migration| migration.version == version).expect("the migration");
    let mut transaction = connection.begin().await.expect("a transaction");
    transaction.execute(migration.sql.clone()).await.expect("a migration");
    transaction.commit().await.expect("committed");
}

/// Resets the rollups to their state before migration 12: every value and position counts.
const BEFORE_INVALID_VALUES: &str = "
    alter table device_hour drop column invalid_count; alter table cell_hour drop column invalid_count;
    alter type new_device_hour drop attribute invalid_count; alter type new_cell_hour drop attribute invalid_count;
    insert into cell_hour (cell, hour, count)
    select (cell & ~(15::bigint << 52)) | (9::bigint << 52) | 262143, date_trunc('hour', measured_at, 'UTC'), 1
    from measurement where cell is not null on conflict do nothing;
    update device_hour h set (count, pm2_5_count, pm2_5_sum, pm2_5_sum_of_squares, pm2_5_min, pm2_5_max,
                              pm10_count, pm10_sum, pm10_sum_of_squares, pm10_min, pm10_max) = (
        select count(*), count(pm2_5), coalesce(sum(pm2_5::text::float8), 0),
               coalesce(sum(pm2_5::text::float8 ^ 2), 0), min(pm2_5), max(pm2_5),
               count(pm10), coalesce(sum(pm10::text::float8), 0),
               coalesce(sum(pm10::text::float8 ^ 2), 0), min(pm10), max(pm10)
        from measurement m
        where m.device_id = h.device_id and date_trunc('hour', measured_at, 'UTC') = h.hour
    ) where exists (select from measurement m where m.device_id = h.device_id
                        and date_trunc('hour', measured_at, 'UTC') = h.hour and flags & 1 <> 0);
    update cell_hour h set (count, pm2_5_count, pm2_5_sum, pm2_5_sum_of_squares, pm2_5_min, pm2_5_max,
                            pm10_count, pm10_sum, pm10_sum_of_squares, pm10_min, pm10_max) = (
        select count(*), count(pm2_5), coalesce(sum(pm2_5::text::float8), 0),
               coalesce(sum(pm2_5::text::float8 ^ 2), 0), min(pm2_5), max(pm2_5),
               count(pm10), coalesce(sum(pm10::text::float8), 0),
               coalesce(sum(pm10::text::float8 ^ 2), 0), min(pm10), max(pm10)
        from measurement m
        where (m.cell & ~(15::bigint << 52)) | (9::bigint << 52) | 262143 = h.cell
          and date_trunc('hour', measured_at, 'UTC') = h.hour
    ) where exists (select from measurement m where (m.cell & ~(15::bigint << 52)) | (9::bigint << 52) | 262143 = h.cell
                        and date_trunc('hour', measured_at, 'UTC') = h.hour and flags & 5 <> 0);
    create index cell_hour_2026_04_whole on cell_hour_2026_04 (cell, hour) include (count)";

#[tokio::test]
async fn migration_recomputes_rollups_without_invalid_values() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let mut runner =
        TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(20_261_129), ..ProptestConfig::default() });
    let sample = proptest::collection::vec(any_sample(), 400).new_tree(&mut runner).expect("input").current();
    let valid = TestSample { device: 3, minute: 0, place: Some(0), pm2_5: Some(71), pm10: Some(90), temperature: None };
    // Some hours have no flagged measurement: those of a device of its own.
    // And in some hours nothing but the position is wrong.
    let places = [(250, NULL_ISLAND), (310, NULL_ISLAND), (311, BESIDE_NULL_ISLAND)];
    let elsewhere = places.map(|(minute, place)| TestSample { device: 2, minute, place: Some(place), ..valid });
    let valid = (0..4).map(|n| TestSample { minute: 60 * n, ..valid }).chain(elsewhere);
    let samples = sample.into_iter().map(|sample| TestSample { device: sample.device % 3, ..sample });
    let samples = samples.chain(valid).map(|sample| sample.observation(0, TimeDelta::zero()));
    app.recorder.record(arrival(samples.collect())).await.expect("recorded");
    let mut connection = app.database.writes.acquire().await.expect("a connection");
    assert_rollups_match(&mut connection).await;

    connection.execute(BEFORE_INVALID_VALUES).await.expect("as it was before");
    let invalid: (i64, i64) = sqlx::query_as(
        "select (select count(*) from device_hour where pm10_min < 0 or pm10_max > 999.9),
                (select count(*) from cell_hour where pm10_min < 0 or pm10_max > 999.9)",
    )
    .fetch_one(&mut *connection)
    .await
    .expect("counts");
    assert!(invalid.0 > 5 && invalid.1 > 5, "{invalid:?}");
    let places = "select coalesce(string_agg(h.ctid::text, ' ' order by device_id, hour), '') from device_hour h
                  join device using (device_id) where key = 'device-3'";
    let before: String = sqlx::query_scalar(places).fetch_one(&mut *connection).await.expect("places");

    connection.execute("set time zone 'Asia/Kathmandu'").await.expect("a time zone");
    migrate(&mut connection, 12).await;
    assert_rollups_match(&mut connection).await;
    let after: String = sqlx::query_scalar(places).fetch_one(&mut *connection).await.expect("places");
    assert_eq!(after, before, "hours without flagged measurements are left as they are");
    let indexes: i64 = sqlx::query_scalar("select count(*) from pg_class where relname like 'cell_hour%whole'")
        .fetch_one(&mut *connection)
        .await
        .expect("a count");
    assert_eq!(indexes, 0, "indexes without the new column");
    let another =
        TestSample { device: 1, minute: 1, place: Some(1), pm2_5: Some(-9990), pm10: Some(7), temperature: None };
    app.recorder.record(arrival(vec![another.observation(0, TimeDelta::zero())])).await.expect("recorded");
    assert_rollups_match(&mut connection).await;
}

#[tokio::test]
async fn migration_builds_rollups_of_existing_measurements() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let samples = (0..240_u8).map(|n| {
        let place = Some(n % 5).filter(|place| *place < 4);
        let (pm2_5, pm10) = (Some(7), Some(n.into()));
        let sample = TestSample { device: n % 3, minute: n.into(), place, pm2_5, pm10, temperature: None };
        sample.observation(0, TimeDelta::zero())
    });
    app.recorder.record(arrival(samples.collect())).await.expect("recorded");
    let mut connection = app.database.writes.acquire().await.expect("a connection");
    // As before: the rows exist, the tables don't.
    let gone = "drop table device_hour, cell_hour; drop type new_device_hour, new_cell_hour";
    connection.execute(gone).await.expect("dropped");
    connection.execute("set time zone 'Asia/Kathmandu'").await.expect("a time zone"); // where hours begin at a quarter
    migrate(&mut connection, 10).await;
    migrate(&mut connection, 12).await;
    assert_rollups_match(&mut connection).await;
    let hours: (i64, i64) =
        sqlx::query_as("select (select count(*) from device_hour), (select count(*) from cell_hour)")
            .fetch_one(&mut *connection)
            .await
            .expect("counts");
    assert_eq!(hours, (12, 8));
    // And a gateway that starts after the migration continues from there.
    let app = TestApp::on_second(&options).await;
    let late = TestSample { device: 1, minute: 1, place: Some(1), pm2_5: Some(9999), pm10: None, temperature: None };
    app.recorder.record(arrival(vec![late.observation(0, TimeDelta::zero())])).await.expect("recorded");
    assert_rollups_match(&mut connection).await;
}
