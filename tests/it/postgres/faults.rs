//! Faults of Postgres as clients see them: 503 with `Retry-After` for requests that need what is missing, all other requests
//! succeed, and the gateway recovers without a restart.
//!
//! A database that is away from the start is in `database_away`, one that is killed or hangs in `crash`, one that is slow
//! in `timeouts`.

use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    pool::PoolConnection, postgres::PgConnectOptions,
};
use tokio::time::sleep;

use crate::support::{Answer, TestApp, empty_database, gateway::DEADLINE, postgres::OwnPostgres};

const QUERY: &str = "{ devices { nodes { key } } }";

async fn post_sample(app: &TestApp, second: u32) -> Answer {
    let body = json!([{ "device": "d", "time": format!("2026-05-01T10:00:{second:02}Z"), "pm10": 1 }]).to_string();
    app.post("/ingest/json", Some(&app.admin), body).await
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert_eq!(answer.headers[header::RETRY_AFTER], "2");
    assert!(answer.text.contains("UNAVAILABLE"), "{}", answer.text);
}

/// The error code of the response to a query; null without an error.
async fn error_code(app: &TestApp, question: &str) -> Value {
    let answer = app.graphql(None, question, json!({})).await;
    answer["errors"][0]["extensions"]["code"].clone()
}

/// Waits until queries are answered and samples are stored.
async fn assert_recovers(app: &TestApp, second: u32) {
    let since = Instant::now();
    while error_code(app, QUERY).await != Value::Null || post_sample(app, second).await.status != StatusCode::CREATED {
        assert!(since.elapsed() < DEADLINE, "it doesn't recover");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn gateway_recovers_after_the_database_was_down() {
    let mut postgres = OwnPostgres::start(&["fsync=off"]).await;
    let app = TestApp::on_new(&postgres.options).await;
    assert_eq!(post_sample(&app, 0).await.status, StatusCode::CREATED);
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);

    postgres.kill();
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
    assert_unavailable(&app.get("/readyz").await);
    assert_unavailable(&post_sample(&app, 1).await);
    assert_eq!(error_code(&app, QUERY).await, "UNAVAILABLE");
    assert_eq!(error_code(&app, "{ server { version } }").await, Value::Null, "what needs no database");

    postgres.launch().await;
    assert_recovers(&app, 1).await;
}

/// All idle connections of a pool.
fn take_idle(pool: &PgPool) -> Vec<PoolConnection<Postgres>> {
    let mut taken = Vec::new();
    while let Some(connection) = pool.try_acquire() {
        taken.push(connection);
    }
    taken
}

#[tokio::test]
async fn exhausted_connections_are_answered_with_503() {
    let postgres = OwnPostgres::start(&["fsync=off", "max_connections=10"]).await;
    let app = TestApp::on_new(&postgres.options).await;
    assert_eq!(post_sample(&app, 0).await.status, StatusCode::CREATED);
    let mut others: Vec<PgConnection> = Vec::new();
    while let Ok(connection) = postgres.options.clone().connect().await {
        others.push(connection);
    }
    let (reads, writes) = (take_idle(&app.database.reads), take_idle(&app.database.writes));
    let recorder = take_idle(app.recorder.writer_pool());
    assert!(!writes.is_empty() && !recorder.is_empty(), "the gateway had connections");

    let (question, readiness) = tokio::join!(error_code(&app, QUERY), app.get("/readyz"));
    assert_eq!(question, "UNAVAILABLE");
    assert_unavailable(&readiness);
    assert_unavailable(&post_sample(&app, 1).await);
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);

    drop((others, reads, writes, recorder));
    assert_recovers(&app, 1).await;
}

/// Makes sessions of a database read-only or not, like those on a standby, and ends the existing ones.
async fn set_read_only(options: &PgConnectOptions, read_only: bool) {
    let mut connection = options.connect().await.expect("a connection");
    let database = options.get_database().expect("a database");
    let statement = format!("alter database {database} set default_transaction_read_only = {read_only}");
    connection.execute("set default_transaction_read_only = off").await.expect("may write");
    connection.execute(AssertSqlSafe(statement)).await.expect("set");
    connection
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'airgraph'",
        )
        .await
        .expect("ended");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn read_only_database_answers_queries_and_rejects_writes_with_503() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    assert_eq!(post_sample(&app, 0).await.status, StatusCode::CREATED);
    set_read_only(&options, true).await;

    assert_unavailable(&post_sample(&app, 1).await);
    let mutation = "mutation { registerDevice(input: {key: \"e\", kind: MOBILE}) { status } }";
    let since = Instant::now();
    while error_code(&app, QUERY).await != Value::Null {
        assert!(since.elapsed() < DEADLINE, "reading goes on"); // once the ended connections were noticed
    }
    let response = app.graphql(Some(&app.admin), mutation, json!({})).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response}");
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);

    set_read_only(&options, false).await;
    assert_recovers(&app, 1).await;
}

#[tokio::test]
async fn full_disk_rejects_samples_with_503_and_answers_queries() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    assert_eq!(post_sample(&app, 0).await.status, StatusCode::CREATED);
    let mut connection = options.connect().await.expect("a connection");
    let full = "create function disk_is_full() returns trigger language plpgsql as
                $$ begin raise exception 'could not extend file \"base/1\"' using errcode = '53100'; end $$;
                create trigger full_disk before insert on measurement for each row execute function disk_is_full()";
    connection.execute(full).await.expect("a trigger");

    let refused = post_sample(&app, 1).await;
    assert_unavailable(&refused);
    assert!(!refused.text.contains("extend") && !refused.text.contains("base/1"), "{}", refused.text);
    assert_eq!(error_code(&app, QUERY).await, Value::Null);
    assert_eq!(app.get("/readyz").await.status, StatusCode::OK);

    connection.execute("drop trigger full_disk on measurement").await.expect("room");
    assert_recovers(&app, 1).await;
    let stored = app.query("{ measurements { totalCount } }").await;
    assert_eq!(stored["measurements"]["totalCount"], 2, "what was refused is stored once");
}
