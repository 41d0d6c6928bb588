//! An export and other callers take turns for the connections to Postgres, page by page.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use airgraph::{
    config::security::SecuritySettings,
    limits::{Limits, rate_limit::CallerId},
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use futures_util::StreamExt as _;
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::{
    limits::timeouts::{lock_table, wait_for_lock_waiters},
    support::{TestApp, empty_database, gateway::DEADLINE},
};

const EXPORTER: &str = "192.0.2.1";
const NEIGHBOUR: &str = "192.0.2.2";

fn request(path: &str, address: &str, body: Option<String>) -> Request<Body> {
    let request = if body.is_some() { Request::post(path) } else { Request::get(path) };
    let request = request.header(header::CONTENT_TYPE, "application/json").header("x-forwarded-for", address);
    request.body(body.unwrap_or_default().into()).expect("a request")
}

/// The table that the one waiting statement waits for, other than the one that was just released.
async fn wait_for_lock_on_another_table(watch: &mut PgConnection, released: &str) -> String {
    let since = Instant::now();
    loop {
        let found = sqlx::query_scalar(
            "select relation::regclass::text from pg_locks join pg_database d on d.oid = database
             where datname = current_database() and not granted and relation <> $1::regclass",
        );
        if let Some(table) = found.bind(released).fetch_optional(&mut *watch).await.expect("locks") {
            return table;
        }
        assert!(since.elapsed() < DEADLINE, "no statement waits");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn statement_of_another_caller_comes_before_the_next_page_of_an_export() {
    let options = empty_database().await;
    let behind_a_proxy = SecuritySettings {
        trusted_proxies: vec!["0.0.0.0/32".parse().expect("a network")],
        ..SecuritySettings::default()
    };
    let app = TestApp::with_security_on(&options, behind_a_proxy, Limits::default()).await;
    let sample = |time: &str| json!({ "device": "a", "measuredAt": time, "pm10": 1 });
    // One in each of three pages, which read windows of 1, 8 and 64 days, and in each of three partitions.
    let times = ["2026-02-28T12:00:00Z", "2026-03-02T00:00:00Z", "2026-04-01T00:00:00Z"];
    app.record(json!(times.map(sample))).await;
    let mut watch = options.connect().await.expect("a connection");
    let second_page = lock_table(&options, "measurement_2026_03").await;
    let third_page = lock_table(&options, "measurement_2026_04").await;

    // Other callers hold all connections but one.
    let servers = &app.app.state.read_servers;
    let (connections, _) = servers.primary().turns.load();
    let mut held = Vec::new();
    for caller in 1..u8::try_from(connections).expect("few") {
        let caller = CallerId::Address(Ipv4Addr::new(198, 51, 100, caller).into());
        held.push(servers.primary().turns.acquire(caller).await.expect("a turn"));
    }
    let path = "/export/measurements.csv?from=2026-02-28T00:00:00Z&columns=measured_at";
    let export = app.app.router().oneshot(request(path, EXPORTER, None)).await.expect("an answer");
    assert_eq!(export.status(), StatusCode::OK);
    wait_for_lock_waiters(&mut watch, 1).await;

    // While the second page is read, another caller's statement arrives.
    let devices = lock_table(&options, "device").await;
    let body = json!({ "query": "{ devices { nodes { key } } }" }).to_string();
    let neighbour = app.send(request("/graphql", NEIGHBOUR, Some(body)));
    let order_of_statements = async {
        while servers.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        second_page.close().await.expect("closed");
        let next = wait_for_lock_on_another_table(&mut watch, "measurement_2026_03").await;
        assert_eq!(next, "device", "the statement after the second page");
        devices.close().await.expect("closed");
    };
    let (answer, ()) = tokio::join!(neighbour, order_of_statements);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    third_page.close().await.expect("closed");
    let chunks: Vec<_> = export.into_body().into_data_stream().collect().await;
    let file: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.expect("a chunk")).collect();
    let lines: Vec<_> = std::str::from_utf8(&file).expect("text").lines().skip(1).collect();
    assert_eq!(lines, times);
}
