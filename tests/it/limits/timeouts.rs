//! Requests that take too long time out, and their statements are cancelled in Postgres.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use crate::support::{TestApp, empty_database, gateway::DEADLINE, socket::Socket};

/// Locks a table, so that its readers wait.
pub async fn lock_table(options: &PgConnectOptions, table: &str) -> PgConnection {
    let mut connection = options.clone().application_name("holder").connect().await.expect("a connection");
    let statement = format!("begin; lock table {table} in access exclusive mode");
    connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a lock");
    connection
}

/// Waits until this number of statements of the gateway wait for a lock.
pub async fn wait_for_lock_waiters(watch: &mut PgConnection, count: i64) {
    let since = Instant::now();
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database()
             and application_name = 'airgraph' and wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *watch)
        .await
        .expect("a count");
        if waiting == count {
            return;
        }
        assert!(since.elapsed() < DEADLINE, "{waiting} statements wait, not {count}");
        sleep(Duration::from_millis(20)).await;
    }
}

const QUERY: &str = "{ devices { nodes { key } } }";

#[tokio::test]
async fn slow_query_is_answered_with_504_and_its_statement_cancelled() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await.with_request_timeout(Duration::from_secs(3));
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let body = json!({ "query": QUERY }).to_string();
    let (answer, ()) = tokio::join!(app.post("/graphql", None, body), wait_for_lock_waiters(&mut watch, 1));
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "TIMEOUT", "{}", answer.text);
    // The lock is still held: only the disconnect of the gateway ends the statement, long before its own timeout.
    timeout(Duration::from_secs(20), wait_for_lock_waiters(&mut watch, 0)).await.expect("it ends");
    lock.close().await.expect("closed");
    app.query(QUERY).await;
}

#[tokio::test]
async fn timeout_applies_to_sockets_and_streams() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await.with_request_timeout(Duration::from_millis(500));
    let mut watch = options.connect().await.expect("a connection");
    let mut socket = Socket::ready(app.listen().await, None).await;
    let lock = lock_table(&options, "device").await;
    socket.subscribe("1", QUERY, json!({})).await;
    let response = socket.receive().await;
    assert!(response.to_string().contains("TIMEOUT"), "{response}");
    let body = json!({ "query": QUERY }).to_string();
    let streamed = app.post("/graphql/stream", None, body).await;
    assert!(streamed.text.contains("TIMEOUT"), "{}", streamed.text);
    timeout(Duration::from_secs(20), wait_for_lock_waiters(&mut watch, 0)).await.expect("they end");
    lock.close().await.expect("closed");
}
