//! Clients that disconnect in the middle of their requests leak no database connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rand::RngExt as _;
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::timeouts::{lock_table, wait_for_lock_waiters};
use crate::support::{TestApp, empty_database, gateway::DEADLINE};

/// Default number; `AIRGRAPH_HANG_UPS` overrides it. Ten thousand take a minute.
const REQUESTS: usize = 2000;
const CLIENTS: usize = 16;

/// The bytes of a request, whose kind depends on its number.
fn request(number: usize, key: &str) -> String {
    let (path, body) = match number % 5 {
        0 => (
            "/graphql",
            json!({ "query": "{ devices { nodes { key latest { pm10 } } } measurements { totalCount } }" }),
        ),
        1 => (
            "/graphql",
            json!({ "query": format!(
                "mutation {{ registerDevice(input: {{key: \"fixed-{number}\", kind: MOBILE}}) {{ status }} }}"
            ) }),
        ),
        2 => (
            "/graphql",
            json!({ "query": format!(
                "mutation {{ recordMeasurements(input: {{measurements: [
                     {{device: \"d\", measuredAt: \"2026-05-01T10:00:00Z\", pm10: {number}}}]}}) {{ status }} }}"
            ) }),
        ),
        3 => ("/ingest/json", json!([{ "device": "e", "time": "2026-05-01T10:00:00Z", "pm10": number }])),
        _ => ("/graphql", json!({ "query": "{ server { tables { name rowEstimate } } }" })),
    };
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends requests and disconnects at a random moment: in the middle of the body, or while they run; some wait for the
/// response. Returns the number of responses that began.
async fn hang_up(address: SocketAddr, key: String, requests: usize, next: Arc<AtomicUsize>) -> usize {
    let mut answered = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            return answered;
        }
        let request = request(number, &key);
        let (cut, wait) = {
            let mut rng = rand::rng();
            let cut = if rng.random_ratio(1, 8) { rng.random_range(0..request.len()) } else { request.len() };
            let patient = cut == request.len() && rng.random_ratio(1, 5);
            (cut, if patient { DEADLINE } else { Duration::from_micros(rng.random_range(0..20_000)) })
        };
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        connection.write_all(&request.as_bytes()[..cut]).await.expect("sent");
        let mut byte = [0];
        answered += usize::from(timeout(wait, connection.read(&mut byte)).await.is_ok());
    }
}

/// Waits until all connections of a pool are idle, and acquires all of them.
async fn assert_no_connection_is_leaked(pool: &PgPool) {
    let since = Instant::now();
    while pool.size() as usize != pool.num_idle() {
        assert!(since.elapsed() < DEADLINE, "{} of {} connections come back", pool.num_idle(), pool.size());
        sleep(Duration::from_millis(20)).await;
    }
    let all = join_all((0..pool.options().get_max_connections()).map(|_| pool.acquire())).await;
    for connection in all {
        connection.expect("a connection").ping().await.expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnects_leak_no_transaction_and_no_connection() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let requests = std::env::var("AIRGRAPH_HANG_UPS").map_or(REQUESTS, |count| count.parse().expect("a number"));
    let (address, next, since) = (app.listen().await, Arc::new(AtomicUsize::new(0)), Instant::now());
    let clients = (0..CLIENTS).map(|_| tokio::spawn(hang_up(address, app.admin.clone(), requests, next.clone())));
    let answered: usize = join_all(clients).await.into_iter().map(|client| client.expect("no panic")).sum();
    println!("{requests} requests in {:.1?}, {answered} of them answered before their client hung up", since.elapsed());
    assert!(answered > 0 && answered < requests * 9 / 10, "all were cut off, or hardly any");

    assert_no_connection_is_leaked(&app.database.reads).await;
    assert_no_connection_is_leaked(&app.database.writes).await;
    let mut watch = options.connect().await.expect("a connection");
    let forgotten: Vec<String> = sqlx::query_scalar(
        "select state || ': ' || query from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'",
    )
    .fetch_all(&mut watch)
    .await
    .expect("sessions");
    assert!(forgotten.is_empty(), "{forgotten:#?}");
    watch.close().await.expect("closed");
    app.query("{ devices { nodes { key } } }").await;
}

/// A statement whose client is gone only takes time from others.
#[tokio::test]
async fn statement_of_a_disconnected_client_is_cancelled() {
    let options = empty_database().await;
    let app = TestApp::on(&options, true).await;
    let address = app.listen().await;
    let mut watch = options.connect().await.expect("a connection");
    let lock = lock_table(&options, "device").await;
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request(0, &app.admin).as_bytes()).await.expect("sent");
    wait_for_lock_waiters(&mut watch, 1).await;
    drop(connection);
    timeout(Duration::from_secs(20), wait_for_lock_waiters(&mut watch, 0)).await.expect("it ends");
    lock.close().await.expect("closed");
}
