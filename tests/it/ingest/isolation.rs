//! A submission that fails, hangs or waits for a lock is answered by itself: the others of its batch are stored without it.
//!
//! What a submission does to the database is decided by its PM10, in a trigger that only these tests have.

use std::time::{Duration, Instant};

use airgraph::{
    domain::{api_key::ApiKeyId, device::DeviceKey, quantity::Quantity},
    recorder::{Receipt, RecordError, Source, Submission},
};
use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use futures_util::{
    future::{join_all, try_join_all},
    poll,
};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

use super::recorder::{sample, submission};
use crate::support::{TestApp, at, empty_database};

/// The database rejects it.
pub const REFUSED: u32 = 901;
/// Its statement takes an hour.
const SLOW: u32 = 902;
/// It waits for a lock that the test holds.
const LOCKED: u32 = 903;
/// It ends the connection on which it is stored.
const DISCONNECTS: u32 = 904;
/// It is neither stored nor rejected, so that storing it never ends by itself.
const VANISHES: u32 = 905;

const TRIGGER: &str = "
    create sequence attempt;
    create table held (id int);
    insert into held values (1);
    create function misbehave() returns trigger language plpgsql as $$
    begin
        if new.pm10 between 901 and 905 then perform nextval('attempt'); end if;
        case new.pm10::int
            when 901 then raise exception 'refused by the test';
            when 902 then perform pg_sleep(3600);
            when 903 then perform from held for update;
            when 904 then perform pg_terminate_backend(pg_backend_pid());
            when 905 then return null;
            else null;
        end case;
        return new;
    end $$;
    create trigger misbehave before insert on measurement for each row execute function misbehave();";

/// A gateway whose database has the trigger.
pub async fn gateway() -> (TestApp, PgConnectOptions) {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.database.writes.execute(TRIGGER).await.expect("a trigger");
    let bike = "insert into device (key, kind, created_at) values ('bike', 'mobile', now())"; // new devices go another way
    app.database.writes.execute(bike).await.expect("a device");
    (app, options)
}

/// Number of attempts to store a misbehaving row. Sequences are not rolled back.
pub async fn attempts(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select case when is_called then last_value else 0 end from attempt");
    count.fetch_one(&app.database.reads).await.expect("a count")
}

async fn stored(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from measurement").fetch_one(&app.database.reads).await.expect("a count")
}

/// A sample of a device, measured this number of seconds after ten.
fn one(second: usize, pm10: u32) -> Submission {
    let time = at("2026-05-01T10:00:00Z") + TimeDelta::seconds(i64::try_from(second).expect("small"));
    submission([("bike", sample(time, f64::from(pm10)))])
}

/// `ordinary` submissions and one other in their middle, which the writer takes as one batch: all wait before it runs.
async fn batch_with(app: &TestApp, pm10: u32, ordinary: usize) -> Result<Receipt, RecordError> {
    let place = ordinary / 2;
    let batch = (0..=ordinary).map(|n| one(n, if n == place { pm10 } else { 5 }));
    let mut outcomes = join_all(batch.map(|submission| app.recorder.record(submission))).await;
    let other = outcomes.remove(place);
    for outcome in outcomes {
        assert_eq!(outcome.expect("an ordinary one is stored").recorded, 1);
    }
    other
}

async fn lock(options: &PgConnectOptions, statement: &'static str) -> PgConnection {
    let mut holder = options.connect().await.expect("a connection");
    holder.execute("begin").await.expect("a transaction");
    holder.execute(statement).await.expect("a lock");
    holder
}

#[tokio::test]
async fn rejected_submission_fails_alone_among_hundreds() {
    let (app, _) = gateway().await;
    let refused = batch_with(&app, REFUSED, 499).await;
    assert!(matches!(refused, Err(RecordError::Database(_))), "{refused:?}");
    assert_eq!(stored(&app).await, 499);
    let attempts = attempts(&app).await;
    assert!((2..=11).contains(&attempts), "the batch, its parts by halves, and alone: {attempts}");
}

#[tokio::test]
async fn hundreds_of_rejected_submissions_are_answered_and_the_others_stored() {
    let (app, _) = gateway().await;
    let batch = (0..500).map(|n| one(n, if n % 5 == 0 { 5 } else { REFUSED }));
    let since = Instant::now();
    let outcomes = join_all(batch.map(|submission| app.recorder.record(submission))).await;
    println!("400 refused among 500 of one device were answered within {:.1?}", since.elapsed());
    for (n, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.is_ok(), n % 5 == 0, "{n}: {outcome:?}");
    }
    assert_eq!(stored(&app).await, 100);
}

/// Sensor keys.
pub async fn keys(app: &TestApp, count: i32) -> Vec<ApiKeyId> {
    let insert = "insert into api_key (name, role, hash, created_at)
        select 'test', 'sensor', sha256(n::text::bytea), now() from generate_series(1, $1) as n returning api_key_id";
    let ids: Vec<i64> = sqlx::query_scalar(insert).bind(count).fetch_all(&app.database.writes).await.expect("keys");
    ids.into_iter().map(ApiKeyId).collect()
}

/// A sample of a device with its own name, sent with a key or without.
pub fn sent(key: impl Into<Option<ApiKeyId>>, device: &str, second: usize, pm10: u32) -> Submission {
    let mut submission = one(second, pm10);
    submission.api_key = key.into();
    let decoded = submission.decoded.as_mut().expect("decoded");
    decoded.observations[0].device = DeviceKey::try_new(device).expect("a key");
    submission
}

/// Records submissions together, and returns the longest duration of an accepted one.
async fn longest_time_of_stored(app: &TestApp, submissions: Vec<Submission>) -> Duration {
    let since = Instant::now();
    let outcomes = join_all(submissions.into_iter().map(async |submission| {
        let refused = submission.decoded.as_ref().expect("decoded").observations[0].sample.readings.get(Quantity::Pm10)
            == Some(f64::from(REFUSED));
        let outcome = app.recorder.record(submission).await;
        assert_eq!(outcome.is_err(), refused, "{outcome:?}");
        (refused, since.elapsed())
    }))
    .await;
    outcomes.into_iter().filter(|(refused, _)| !refused).map(|(_, time)| time).max().unwrap_or_default()
}

/// The key is isolated after a few failures. From then on its submissions are tried once each, apart from the others.
#[tokio::test]
async fn failing_submissions_of_a_key_delay_other_keys_less_than_a_second_once() {
    let (app, _) = gateway().await;
    let keys = keys(&app, 101).await;
    let bad = keys[50];
    let others = keys.iter().filter(|key| **key != bad).enumerate();
    let known = others.map(|(n, &key)| sent(key, &format!("device-{n}"), 0, 5));
    let known = known.chain((0..400).map(|n| sent(bad, &format!("bad-{n}"), 0, 5)));
    longest_time_of_stored(&app, known.collect()).await;
    let mut all_attempts = 0;
    for round in 1..5 {
        let second = |n: usize| 1000 * round + n;
        let others = keys.iter().filter(|key| **key != bad).enumerate();
        let others = others.map(|(n, &key)| sent(key, &format!("device-{n}"), second(n), 5));
        let refused = (0..400).map(|n| sent(bad, &format!("bad-{n}"), second(n), REFUSED));
        let time = longest_time_of_stored(&app, others.chain(refused).collect()).await;
        let attempts = attempts(&app).await;
        println!(
            "round {round}: 100 other submissions were stored within {time:.1?}; {} attempts",
            attempts - all_attempts
        );
        assert!(time < Duration::from_secs(1), "round {round}: {time:?}");
        if round > 1 {
            assert_eq!(attempts - all_attempts, 400, "each is tried once, alone");
        }
        all_attempts = attempts;
    }
    assert_eq!(stored(&app).await, 900);
}

#[tokio::test]
async fn repeatedly_failing_device_is_stored_apart_until_it_succeeds() {
    let (app, _) = gateway().await;
    let key = keys(&app, 1).await[0];
    longest_time_of_stored(&app, vec![sent(key, "good", 100, 5), sent(key, "bad", 100, 5)]).await;
    for round in 0..2 {
        let submissions = vec![sent(key, "good", round, 5), sent(key, "bad", round, REFUSED)];
        longest_time_of_stored(&app, submissions).await;
    }
    let before = attempts(&app).await;
    longest_time_of_stored(&app, vec![sent(key, "good", 10, 5), sent(key, "bad", 10, REFUSED)]).await;
    assert_eq!(attempts(&app).await - before, 1, "it is not tried in a batch");
    longest_time_of_stored(&app, vec![sent(key, "good", 11, 5), sent(key, "bad", 11, 5)]).await;
    longest_time_of_stored(&app, vec![sent(key, "good", 12, 5), sent(key, "bad", 12, REFUSED)]).await;
    assert_eq!(attempts(&app).await - before, 3, "it is tried in a batch again, and then alone");
}

#[tokio::test]
async fn slow_submission_delays_no_other() {
    let (app, _) = gateway().await;
    let mut slow = Box::pin(app.recorder.record(one(7, SLOW)));
    assert!(poll!(&mut slow).is_pending());
    // In the same batch, and in later ones.
    let since = Instant::now();
    let together = join_all((100..140).map(|n| app.recorder.record(one(n, 5)))).await;
    println!("40 submissions beside one that takes an hour were answered within {:.1?}", since.elapsed());
    assert!(together.iter().all(Result::is_ok), "{together:?}");
    for n in 200..203 {
        assert_eq!(app.recorder.record(one(n, 5)).await.expect("stored").recorded, 1);
    }
    assert!(poll!(&mut slow).is_pending(), "the others did not wait for it");
    let outcome = slow.await;
    assert!(matches!(outcome, Err(RecordError::TimedOut)), "{outcome:?}");
    assert_eq!(stored(&app).await, 43);
}

#[tokio::test]
async fn locked_submission_delays_no_other_and_is_stored_after_the_lock() {
    let (app, options) = gateway().await;
    let holder = lock(&options, "select from held for update").await;
    let mut locked = Box::pin(app.recorder.record(one(7, LOCKED)));
    assert!(poll!(&mut locked).is_pending());
    let since = Instant::now();
    let together = try_join_all((100..140).map(|n| app.recorder.record(one(n, 5)))).await.expect("stored");
    println!("40 submissions beside one that waits for a lock were answered within {:.1?}", since.elapsed());
    assert!(together.iter().all(|receipt| receipt.recorded == 1), "{together:?}");
    assert_eq!(app.recorder.record(one(200, 5)).await.expect("stored").recorded, 1);
    assert!(poll!(&mut locked).is_pending(), "the others did not wait for it");
    holder.close().await.expect("closed");
    assert_eq!(locked.await.expect("stored").recorded, 1);
    assert_eq!(stored(&app).await, 42);
}

#[tokio::test]
async fn submission_that_ends_its_connection_is_isolated() {
    let (app, _) = gateway().await;
    let outcome = batch_with(&app, DISCONNECTS, 30).await;
    assert!(matches!(outcome, Err(RecordError::Database(_))), "{outcome:?}");
    assert_eq!(stored(&app).await, 30);
    let attempts = attempts(&app).await;
    assert!(attempts <= 13, "each stale connection that there may be, its parts by halves, and alone: {attempts}");
}

/// An insert that stores no row although one is expected: each round of inserting and comparing equals the one before.
#[tokio::test]
async fn rounds_without_progress_end() {
    let (app, _) = gateway().await;
    assert_eq!(app.recorder.record(one(100, 5)).await.expect("stored").recorded, 1);
    let late = app.recorder.record(one(7, VANISHES)).await;
    assert!(matches!(late, Err(RecordError::TimedOut)), "{late:?}");
    let attempts = attempts(&app).await;
    assert!(attempts <= 4 * 10, "ten rounds in three attempts, and alone: {attempts}");
    assert_eq!(batch_with(&app, 5, 10).await.expect("stored").recorded, 1);
}

#[tokio::test]
async fn submission_of_many_months_delays_no_other() {
    let (app, options) = gateway().await;
    assert_eq!(app.recorder.record(one(1, 5)).await.expect("stored").recorded, 1); // its month has partitions now
    let holder = lock(&options, "select pg_advisory_xact_lock(x'616972670001'::bigint)").await; // src/db/partition.rs
    let months = (0..20).map(|month| ("old", sample(at("2010-01-15T00:00:00Z") + TimeDelta::days(30 * month), 5.0)));
    let mut many = Box::pin(app.recorder.record(submission(months)));
    assert!(poll!(&mut many).is_pending());
    let others = try_join_all((2..20).map(|n| app.recorder.record(one(n, 5)))).await.expect("stored");
    assert!(others.iter().all(|receipt| receipt.recorded == 1));
    assert!(poll!(&mut many).is_pending(), "partitions are created by one at a time");
    let request = Request::get("/metrics").header("x-api-key", &app.admin).body(Body::empty());
    let metrics = app.send(request.expect("a request")).await.text;
    assert!(metrics.contains("recorder_batch_duration_seconds"), "{metrics}");
    assert!(!metrics.contains(r#"recorder_batch_duration_seconds_count{outcome="failed"}"#), "none waited for months");
    holder.close().await.expect("closed");
    assert_eq!(many.await.expect("stored").recorded, 20);
}

/// Each statement takes longer than the first timeout of a batch: the cause is not a submission.
#[tokio::test]
async fn slow_database_stores_all_submissions() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let slow = "create function slow() returns trigger language plpgsql as $$
            begin perform pg_sleep(0.7); return null; end $$;
        create trigger slow before insert on measurement for each statement execute function slow();";
    app.database.writes.execute(slow).await.expect("a trigger");
    for batch in 0..2 {
        let outcomes = join_all((0..8).map(|n| app.recorder.record(one(10 * batch + n, 5)))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    assert_eq!(stored(&app).await, 16);
}

/// On every input path it is answered, and concurrent submissions are stored.
#[tokio::test]
async fn rejected_submission_is_answered_and_others_stored_on_every_input_path() {
    let (app, _) = gateway().await;
    let app = &app;
    let other = |second: u32| {
        let body = json!({ "device": "other", "time": format!("2026-05-01T10:00:{second:02}Z"), "pm10": 5 });
        app.post("/ingest/json", Some(&app.admin), body.to_string())
    };
    let refused = json!({ "device": "bad", "time": "2026-05-01T10:00:00Z", "pm10": REFUSED }).to_string();
    let (answer, stored) = tokio::join!(app.post("/ingest/json", Some(&app.admin), refused), other(1));
    assert_eq!((answer.status.as_u16(), stored.status.as_u16()), (500, 201), "{}", answer.text);

    let mutation = "mutation ($pm10: Float!) { recordMeasurements(input: {measurements: [
        {device: \"bad\", measuredAt: \"2026-05-01T10:00:00Z\", pm10: $pm10}]}) { recorded } }";
    let (answer, stored) = tokio::join!(app.graphql(Some(&app.admin), mutation, json!({ "pm10": REFUSED })), other(2));
    assert_eq!((&answer["errors"][0]["extensions"]["code"], stored.status.as_u16()), (&json!("INTERNAL"), 201));

    let file = |pm10: u32, device: &str| {
        let body = format!("time,device,pm10\n2026-05-01T10:00:00Z,{device},{pm10}\n");
        let request = Request::post("/ingest/csv").header("content-type", "text/csv").header("x-api-key", &app.admin);
        app.send(request.body(Body::from(body)).expect("a request"))
    };
    let (answer, good, stored) = tokio::join!(file(REFUSED, "bad"), file(5, "good"), other(3));
    assert_eq!((answer.status.as_u16(), good.status.as_u16(), stored.status.as_u16()), (500, 200, 201));
    assert_eq!(good.json()["recorded"], 1, "{}", good.text);

    // A stored uplink that is rejected when it is decoded again.
    assert_eq!(other(4).await.status, 201);
    let body = json!({ "device": "other", "time": "2026-05-01T10:00:04Z", "pm10": REFUSED }).to_string();
    let fix = sqlx::query("update uplink set body = convert_to($1, 'UTF8') where body like '%10:00:04%'");
    let fixed = fix.bind(body).execute(&app.database.writes).await.expect("an update");
    assert_eq!(fixed.rows_affected(), 1);
    let replay = "mutation { replayUplinks(input: {filter: {}}) { uplinks skipped duplicates } }";
    let (response, stored) = tokio::join!(app.admin(replay, json!({})), other(5));
    assert_eq!(stored.status, 201);
    let response = &response["replayUplinks"];
    assert_eq!(response["skipped"], 1, "{response}");
    assert!(response["duplicates"].as_i64() >= Some(3), "{response}");
}

/// A submission's sample is unchanged when a replay of it fails.
#[tokio::test]
async fn rejected_replay_changes_nothing() {
    let (app, _) = gateway().await;
    let mut replay = one(7, REFUSED);
    assert_eq!(app.recorder.record(one(7, 5)).await.expect("stored").recorded, 1);
    let uplink_id = sqlx::query_scalar("select uplink_id from uplink").fetch_one(&app.database.reads).await;
    replay.source = Source::Replay { uplink_id: uplink_id.expect("an id") };
    let refused = app.recorder.record_with_retry(replay).await;
    assert!(matches!(refused, Err(RecordError::Database(_))), "{refused:?}");
    let pm10: f32 =
        sqlx::query_scalar("select pm10 from measurement").fetch_one(&app.database.reads).await.expect("it");
    assert_eq!(pm10, 5.0);
}
