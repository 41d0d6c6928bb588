//! A gateway behind pgbouncer: it records, answers queries and delivers events as without it.

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::support::{
    TestApp,
    events::{EventStream, StreamRequest},
    pooler::{self, Pooler},
    postgres::OwnPostgres,
    skipped,
};

/// The first version that supports prepared statements with transaction pooling.
const MIN_VERSION_WITH_PREPARED_STATEMENTS: (u32, u32) = (1, 21);
/// Rounds of concurrent queries, samples and mutations.
const ROUNDS: u32 = 40;

#[tokio::test]
async fn session_pooling_supports_migrations() {
    if pooler::version().is_none() {
        return;
    }
    let postgres = OwnPostgres::start(&["fsync=off"]).await;
    let pooler = Pooler::start(&postgres, "session", 20).await;
    let app = TestApp::on_new(&pooler.options).await;
    assert_gateway_works(&app, &postgres).await;
}

#[tokio::test]
async fn transaction_pooling_works_with_prepared_statements() {
    let Some(version) = pooler::version() else { return };
    if version < MIN_VERSION_WITH_PREPARED_STATEMENTS {
        let (major, minor) = version;
        skipped(&format!("pgbouncer {major}.{minor} can't pool by transaction what is prepared; 1.21 can"));
        return;
    }
    let postgres = OwnPostgres::start(&["fsync=off"]).await;
    let direct = TestApp::on_new(&postgres.options).await;
    let pooler = Pooler::start(&postgres, "transaction", 4).await;
    let app = TestApp::behind_pooler(&direct, &pooler.options, &postgres.options).await;
    assert_gateway_works(&app, &postgres).await;
}

/// All functions of a gateway, many of them concurrently.
async fn assert_gateway_works(app: &TestApp, postgres: &OwnPostgres) {
    let query = "subscription { measurementRecorded { measurement { pm10 } } }";
    let mut events = EventStream::open(&app.app.router(), StreamRequest { query, ..StreamRequest::default() }).await;
    let rounds = (0..ROUNDS).map(async |round| {
        let body =
            json!([{ "device": "d", "time": format!("2026-05-01T10:00:{round:02}Z"), "pm10": round }]).to_string();
        assert_eq!(app.post("/ingest/json", Some(&app.admin), body).await.status, StatusCode::CREATED);
        let mutation =
            format!("mutation {{ registerDevice(input: {{key: \"m{round}\", kind: MOBILE}}) {{ status }} }}");
        let response = app.graphql(Some(&app.admin), &mutation, json!({})).await;
        assert_eq!(response["data"]["registerDevice"]["status"], "REGISTERED", "{response}");
        let question =
            "{ devices(first: 5) { nodes { key latest { pm10 } measurements(first: 3) { nodes { pm10 } } } } }";
        let response = app.graphql(None, question, json!({})).await;
        assert_eq!(response["errors"], Value::Null, "{response}");
    });
    join_all(rounds).await;
    let (response, _) = events.payloads(ROUNDS as usize).await;
    let mut response: Vec<_> =
        response.iter().map(|event| event["data"]["measurementRecorded"]["measurement"]["pm10"].as_f64()).collect();
    response.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    assert_eq!(response, (0..ROUNDS).map(|round| Some(f64::from(round))).collect::<Vec<_>>());

    let mut connection = postgres.options.connect().await.expect("a connection");
    let open: i64 = sqlx::query_scalar("select count(*) from pg_stat_activity where state like 'idle in transaction%'")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(open, 0, "open transactions");
}
