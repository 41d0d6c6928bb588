//! Retention of uplinks: whole months are dropped once all of them is old enough, without blocking anything.

use std::time::Instant;

use airgraph::{
    db::retention::{DroppedPartitions, drop_old_partitions},
    domain::{month::Month, retention::RetentionPolicy},
};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::Executor as _;

use crate::{
    ops::cli::{output, text},
    support::{
        TestApp, at, empty_database,
        gateway::{DEADLINE, Gateway, on},
        noon,
    },
};

/// One uplink in each of these months, received on the 15th.
async fn fill(app: &TestApp, months: usize) {
    for _ in 0..months {
        let body = json!({ "device": "bike", "time": app.clock.now(), "pm10": 5 }).to_string();
        assert!(app.post("/ingest/json", Some(&app.admin), body).await.status.is_success());
        app.clock.advance(TimeDelta::days(31));
    }
}

async fn run_retention(app: &TestApp, retention: &str) -> DroppedPartitions {
    let retention: RetentionPolicy = retention.parse().expect("a retention");
    let mut connection = app.database.writes.acquire().await.expect("a connection");
    drop_old_partitions(&mut connection, retention, app.clock.now()).await.expect("no failure")
}

async fn count(app: &TestApp, table: &'static str) -> i64 {
    let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(statement).fetch_one(&app.database.reads).await.expect("a count")
}

fn month(day: &str) -> Month {
    Month::from_time(at(&format!("{day}T00:00:00Z")))
}

#[tokio::test]
async fn months_of_old_uplinks_are_dropped_and_measurements_kept() {
    let app = TestApp::new().await;
    fill(&app, 4).await; // on 1 May, 1 June, 2 July, 2 August
    // It is 2 September. 31 July is 33 days ago, so July is over with 33 days and not with 34.
    assert_eq!(run_retention(&app, "forever").await, DroppedPartitions::default());
    assert_eq!(run_retention(&app, "34d").await.dropped, [month("2026-05-01"), month("2026-06-01")]);
    assert_eq!(count(&app, "uplink").await, 2);
    assert_eq!(run_retention(&app, "34d").await, DroppedPartitions::default());
    assert_eq!(run_retention(&app, "32d").await.dropped, [month("2026-07-01")]);
    assert_eq!((count(&app, "uplink").await, count(&app, "measurement").await), (1, 4));
    let left = app.admin("{ uplinks { nodes { receivedAt } } }", json!({})).await;
    assert_eq!(left["uplinks"]["nodes"], json!([{ "receivedAt": "2026-08-02T12:00:00Z" }]));
}

/// The recorder caches the existing months; a dropped one is found missing and created again.
#[tokio::test]
async fn recorder_recreates_a_dropped_month() {
    let app = TestApp::new().await;
    fill(&app, 1).await;
    app.clock.advance(TimeDelta::days(100));
    assert_eq!(run_retention(&app, "90d").await.dropped, [month("2026-05-01")]);
    app.clock.advance(noon() - app.clock.now());
    let body = json!({ "device": "bike", "time": "2026-05-01T11:00:00Z", "pm10": 6 }).to_string();
    assert!(app.post("/ingest/json", Some(&app.admin), body).await.status.is_success());
    assert_eq!((count(&app, "uplink").await, count(&app, "measurement").await), (1, 2));
}

#[tokio::test]
async fn month_in_use_is_dropped_later_and_blocks_no_writer() {
    let app = TestApp::new().await;
    fill(&app, 1).await;
    app.clock.advance(TimeDelta::days(100));
    let mut reader = app.database.reads.begin().await.expect("a transaction");
    reader.execute("select count(*) from uplink").await.expect("a look");
    assert_eq!(
        run_retention(&app, "90d").await,
        DroppedPartitions { dropped: Vec::new(), in_use: vec![month("2026-05-01")] }
    );
    // The lock was released: another session can write.
    let body = json!({ "device": "bike", "time": app.clock.now(), "pm10": 7 }).to_string();
    assert!(app.post("/ingest/json", Some(&app.admin), body).await.status.is_success());
    reader.rollback().await.expect("ended");
    assert_eq!(run_retention(&app, "90d").await.dropped, [month("2026-05-01")]);
}

#[tokio::test]
async fn two_gateways_drop_each_month_once() {
    let app = TestApp::new().await;
    fill(&app, 6).await;
    app.clock.advance(TimeDelta::days(200));
    let (one, two) = tokio::join!(run_retention(&app, "90d"), run_retention(&app, "90d"));
    assert_eq!((one.in_use, two.in_use), (Vec::new(), Vec::new()));
    let mut dropped = one.dropped.len() + two.dropped.len();
    // One skipped the month that the other, or Postgres itself, was working on.
    let since = Instant::now();
    while dropped < 6 && since.elapsed() < DEADLINE {
        dropped += run_retention(&app, "90d").await.dropped.len();
    }
    assert_eq!(dropped, 6);
    assert_eq!(count(&app, "uplink").await, 0);
}

/// A partition that an operator created by hand is left alone.
#[tokio::test]
async fn partitions_of_other_names_are_kept() {
    let app = TestApp::new().await;
    sqlx::raw_sql(
        "create table uplink_archive partition of uplink for values from ('2001-01-01 00:00Z') to ('2002-01-01 00:00Z')",
    )
    .execute(&app.database.writes)
    .await
    .expect("made");
    assert_eq!(run_retention(&app, "1d").await, DroppedPartitions::default());
}

/// The tests' clock is long past for the program's own clock.
#[tokio::test]
async fn retention_runs_at_startup_unless_disabled() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    app.clock.advance(at("2020-05-01T00:00:00Z") - noon());
    fill(&app, 1).await;
    let serve = |retention: &str| {
        let mut command = on(&options, &["serve"]);
        command.env("AIRGRAPH_UPLINK_RETENTION", retention);
        command
    };
    let keeping = Gateway::start(serve("forever")).await;
    assert_eq!((keeping.terminate(), count(&app, "uplink").await), (Some(0), 1));
    let forgetting = Gateway::start(serve("52weeks")).await;
    for _ in 0..600 {
        if count(&app, "uplink").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!((count(&app, "uplink").await, count(&app, "measurement").await), (0, 1));
    assert_eq!(forgetting.terminate(), Some(0), "it doesn't wait for the next round");
    let refused = output(serve("a while")).await;
    let message = text(&refused.stderr);
    assert!(!refused.status.success() && message.contains("such as 90d"), "{message}");
}
