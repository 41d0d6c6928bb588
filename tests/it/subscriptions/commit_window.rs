//! Transactions whose rows become visible in parts, as Citus commits them: first the row of the feed and the local
//! rollups, then the rows on other servers, which are prepared transactions, and only then the lock of the feed is free.
//! Here by hand, with a prepared transaction of one Postgres.

use airgraph::{
    db::{
        DbError, deletion,
        feed::{self, FeedRecord},
    },
    domain::{
        cell::{rollup_cell, to_bigint},
        device::DeviceId,
        feed::FeedOffset,
        filter::Filter,
        measurement::MeasurementKey,
    },
    graphql::cursor::FeedCursor,
    subscriptions::Subscriber,
};
use async_graphql::connection::CursorType as _;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tokio::time::timeout;

use crate::support::{
    TestApp,
    gateway::DEADLINE,
    live::{assert_no_event, payloads},
    noon,
    postgres::OwnPostgres,
    rollups::assert_rollups_match,
};

/// The lock of `next_feed_number()`.
const FEED_LOCK_ID: i64 = 0x6169_7267_0006;

const SUBSCRIPTION: &str = "subscription { measurementRecorded { measurement { pm10 } } }";

async fn start() -> (OwnPostgres, TestApp) {
    let postgres = OwnPostgres::start(&["max_prepared_transactions=5"]).await;
    let app = TestApp::on_new(&postgres.options).await;
    for device in ["a", "b"] {
        app.record(json!([sample(device, 0, 1)])).await;
    }
    (postgres, app)
}

/// All in one hour and one cell.
fn sample(device: &str, seconds: i64, pm10: i64) -> Value {
    let measured_at = noon() - TimeDelta::minutes(30) + TimeDelta::seconds(seconds);
    json!({ "device": device, "measuredAt": measured_at, "pm10": pm10, "latitude": 52.2, "longitude": 0.12 })
}

fn key(device: i64, seconds: i64) -> MeasurementKey {
    let measured_at = noon() - TimeDelta::minutes(30) + TimeDelta::seconds(seconds);
    MeasurementKey { device_id: DeviceId(device), measured_at, seq: 0 }
}

/// A committed batch of one sample of device `a`, of which only the local part is visible.
struct Window {
    coordinator: PgConnection,
    /// Number of the batch.
    number: i64,
}

impl Window {
    /// Adds the sample with this value, `seconds` after the first.
    async fn open(postgres: &OwnPostgres, seconds: i64, pm10: f32) -> Self {
        let key = key(1, seconds);
        let mut worker = postgres.options.connect().await.expect("a connection");
        worker.execute("begin").await.expect("a transaction");
        sqlx::query(
            "insert into measurement (device_id, measured_at, seq, flags, recorded_at, latitude, longitude, cell, pm10)
             select device_id, $1, 0, 0, now(), latitude, longitude, cell, $2 from measurement where device_id = 1 limit 1",
        )
        .bind(key.measured_at)
        .bind(pm10)
        .execute(&mut worker)
        .await
        .expect("a row");
        add_to_hour(&mut worker, "device_hour", pm10).await;
        worker.execute("prepare transaction 'window'").await.expect("prepared");
        worker.close().await.expect("closed");

        let mut coordinator = postgres.options.connect().await.expect("a connection");
        sqlx::query("select pg_advisory_lock($1)").bind(FEED_LOCK_ID).execute(&mut coordinator).await.expect("a lock");
        let mut local = coordinator.begin().await.expect("a transaction");
        add_to_hour(&mut local, "cell_hour", pm10).await;
        feed::append(&mut local, &FeedRecord { recorded: vec![key], changed: Vec::new() }).await.expect("appended");
        local.commit().await.expect("committed");
        let number = sqlx::query_scalar("select max(number) from feed").fetch_one(&mut coordinator).await;
        Self { coordinator, number: number.expect("a number") }
    }

    /// Makes the rows of the other server visible.
    async fn commit_prepared(&mut self) {
        self.coordinator.execute("commit prepared 'window'").await.expect("committed");
    }

    /// Releases the lock of the feed, after [`Self::commit_prepared`], or before it after a crash.
    async fn unlock(&mut self) {
        let unlock = sqlx::query("select pg_advisory_unlock($1)").bind(FEED_LOCK_ID);
        unlock.execute(&mut self.coordinator).await.expect("unlocked");
    }

    /// Waits until the follower of the feed has finished a statement with this text since the batch was committed.
    async fn wait_for_follower(&mut self, text: &str) {
        let has_read = "select exists (
                            select from pg_stat_activity, feed
                            where application_name = 'airgraph feed' and state = 'idle' and query like '%' || $1 || '%'
                              and query_start > feed.committed_at and feed.number = $2
                        )";
        let wait = async {
            loop {
                let has_read = sqlx::query_scalar(has_read).bind(text).bind(self.number);
                if has_read.fetch_one(&mut self.coordinator).await.expect("an answer") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, wait).await.expect("the follower reads");
    }
}

/// Adds a value to the only hour of the table that has device 1 or its cell.
async fn add_to_hour(db: &mut PgConnection, table: &str, pm10: f32) {
    let cell: i64 = sqlx::query_scalar("select cell from measurement where device_id = 1 limit 1")
        .fetch_one(&mut *db)
        .await
        .expect("a cell");
    let cell = airgraph::domain::cell::from_bigint(cell).expect("a cell");
    let (column, value) = if table == "cell_hour" { ("cell", to_bigint(rollup_cell(cell))) } else { ("device_id", 1) };
    let statement = format!(
        "update {table} set count = count + 1, pm10_count = pm10_count + 1, pm10_sum = pm10_sum + $2,
                pm10_sum_of_squares = pm10_sum_of_squares + $2 * $2, pm10_min = least(pm10_min, $2::real),
                pm10_max = greatest(pm10_max, $2::real)
         where {column} = $1"
    );
    let update = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(value).bind(f64::from(pm10));
    assert_eq!(update.execute(db).await.expect("an hour").rows_affected(), 1);
}

/// PM10 of the next event.
async fn next_value(subscriber: &mut Subscriber) -> Value {
    payloads(subscriber, 1).await.remove(0)["data"]["measurementRecorded"]["measurement"]["pm10"].take()
}

fn cursor(number: i64) -> String {
    FeedCursor(FeedOffset::after(number)).encode_cursor()
}

#[tokio::test]
async fn batch_is_delivered_when_all_of_its_rows_are_visible() {
    let (postgres, app) = start().await;
    let mut subscriber = app.subscribe(SUBSCRIPTION).await;
    let mut window = Window::open(&postgres, 60, 7.0).await;

    let db = &app.database.reads;
    assert_eq!(feed::list_after(db, window.number - 1, 9).await.expect("read"), Some(Vec::new()));
    let extent = feed::extent(db).await.expect("read");
    assert_eq!((extent.newest, extent.newest_whole), (window.number, window.number - 1));
    assert_eq!(app.feed_cursor().await, cursor(window.number - 1));
    window.wait_for_follower("feed_forgotten").await;
    assert_no_event(&mut subscriber).await;

    window.commit_prepared().await;
    window.unlock().await;
    assert_eq!(next_value(&mut subscriber).await, 7.0);
    assert_eq!(app.feed_cursor().await, cursor(window.number));
}

#[tokio::test]
async fn batches_before_a_partial_one_are_delivered() {
    let (postgres, app) = start().await;
    let after = app.feed_cursor().await;
    app.record(json!([sample("b", 30, 5)])).await;
    let mut window = Window::open(&postgres, 60, 7.0).await;
    let query = format!("subscription {{ measurementRecorded(after: \"{after}\") {{ measurement {{ pm10 }} }} }}");
    let mut subscriber = app.subscribe(&query).await;
    assert_eq!(next_value(&mut subscriber).await, 5.0);
    window.commit_prepared().await;
    window.unlock().await;
    assert_eq!(next_value(&mut subscriber).await, 7.0);
}

#[tokio::test]
async fn rows_of_a_server_that_failed_in_the_commit_are_awaited() {
    let (postgres, app) = start().await;
    let mut subscriber = app.subscribe(SUBSCRIPTION).await;
    let mut window = Window::open(&postgres, 60, 7.0).await;
    window.unlock().await;
    window.wait_for_follower("pg_prepared_xacts").await;
    assert_no_event(&mut subscriber).await;
    window.commit_prepared().await;
    assert_eq!(next_value(&mut subscriber).await, 7.0);
}

#[tokio::test]
async fn hour_is_not_recomputed_without_rows_that_are_prepared() {
    let (postgres, app) = start().await;
    let mut window = Window::open(&postgres, 60, 7.0).await;
    let mut connection = postgres.options.connect().await.expect("a connection");
    connection.execute("set lock_timeout = '100ms'").await.expect("set");
    for is_locked in [true, false] {
        if !is_locked {
            window.unlock().await;
        }
        let mut transaction = connection.begin().await.expect("a transaction");
        let outcome = deletion::delete(&mut transaction, &[key(2, 0)], &Filter::default()).await;
        assert!(matches!(outcome, Err(DbError::Locked(_))), "{outcome:?}");
    }
    window.commit_prepared().await;
    let mut transaction = connection.begin().await.expect("a transaction");
    let deleted = deletion::delete(&mut transaction, &[key(2, 0)], &Filter::default()).await.expect("deleted");
    assert_eq!(deleted, [key(2, 0)]);
    transaction.commit().await.expect("committed");
    assert_rollups_match(&mut connection).await;
    app.close().await;
}
