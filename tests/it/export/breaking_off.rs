//! An export that does not come to its end: the client leaves, the database fails, the key is revoked.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    limits::timeouts::{lock_table, wait_for_lock_waiters},
    support::{TestApp, empty_database, gateway::DEADLINE},
};

/// An export whose first page is sent, and whose next one waits for a lock.
struct HalfSent {
    app: TestApp,
    client: TcpStream,
    received: String,
    lock: PgConnection,
    watch: PgConnection,
}

async fn begin(address: SocketAddr, key: &str) -> (TcpStream, String) {
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "GET /export/measurements.csv?from=2026-04-01T00:00:00Z&columns=measured_at HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: {key}\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut received = String::new();
    read_until(&mut client, &mut received, |received| received.contains("2026-04-01T00:00:00Z")).await;
    (client, received)
}

/// Reads until what was received is enough; the connection must not end before.
async fn read_until(client: &mut TcpStream, received: &mut String, is_enough: impl Fn(&str) -> bool) {
    let mut buffer = [0; 4096];
    while !is_enough(received) {
        let read = timeout(DEADLINE, client.read(&mut buffer)).await.expect("in time").expect("bytes");
        assert_ne!(read, 0, "{received}");
        *received += std::str::from_utf8(&buffer[..read]).expect("text");
    }
}

impl HalfSent {
    async fn start(key: impl AsyncFnOnce(&TestApp) -> String) -> Self {
        let options = empty_database().await;
        let app = TestApp::on(&options, true).await;
        let sample = |time: &str| json!({ "device": "a", "measuredAt": time, "pm10": 1 });
        app.record(json!([sample("2026-04-01T00:00:00Z"), sample("2026-05-01T00:00:00Z")])).await;
        let (address, mut watch) = (app.listen().await, options.connect().await.expect("a connection"));
        let key = key(&app).await;
        let lock = lock_table(&options, "measurement_2026_05").await;
        let (client, received) = begin(address, &key).await;
        wait_for_lock_waiters(&mut watch, 1).await;
        Self { app, client, received, lock, watch }
    }

    /// All that the client receives.
    async fn read_to_end(&mut self) -> &str {
        let mut rest = Vec::new();
        timeout(DEADLINE, self.client.read_to_end(&mut rest)).await.expect("in time").expect("an end");
        self.received += std::str::from_utf8(&rest).expect("text");
        &self.received
    }
}

const LAST_CHUNK: &str = "\r\n0\r\n\r\n";

#[tokio::test]
async fn statement_of_a_client_that_leaves_is_cancelled() {
    let HalfSent { app, client, lock, mut watch, .. } = HalfSent::start(async |app| app.admin.clone()).await;
    let since = Instant::now();
    drop(client);
    timeout(Duration::from_secs(20), wait_for_lock_waiters(&mut watch, 0)).await.expect("it ends");
    println!("the statement ended after {:.2?}", since.elapsed());
    lock.close().await.expect("closed");
    assert_eq!(app.app.exports.in_use(), 0);
}

#[tokio::test]
async fn complete_export_ends_with_the_last_chunk() {
    let mut export = HalfSent::start(async |app| app.admin.clone()).await;
    sqlx::query("rollback").execute(&mut export.lock).await.expect("released");
    // The connection stays open for further requests.
    read_until(&mut export.client, &mut export.received, |received| received.ends_with(LAST_CHUNK)).await;
    assert!(export.received.contains("2026-05-01T00:00:00Z"), "{}", export.received);
}

#[tokio::test]
async fn fault_of_the_database_breaks_the_transfer_off() {
    let mut export = HalfSent::start(async |app| app.admin.clone()).await;
    let ended = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'airgraph' and wait_event_type = 'Lock'",
    );
    ended.execute(&mut export.watch).await.expect("ended");
    let received = export.read_to_end().await;
    assert!(received.contains("2026-04-01T00:00:00Z") && !received.ends_with(LAST_CHUNK), "{received}");
}

#[tokio::test]
async fn revoked_key_breaks_the_transfer_off() {
    let create = "mutation { createApiKey(input: {name: \"r\", role: READER}) { key apiKey { id } } }";
    let mut id = String::new();
    let mut export = HalfSent::start(async |app| {
        let created = app.admin(create, json!({})).await;
        id = created["createApiKey"]["apiKey"]["id"].as_str().expect("an id").to_owned();
        created["createApiKey"]["key"].as_str().expect("a key").to_owned()
    })
    .await;
    let revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { id } } }";
    export.app.admin(revoke, json!({ "id": id })).await;
    let received = export.read_to_end().await;
    assert!(received.contains("2026-04-01T00:00:00Z") && !received.ends_with(LAST_CHUNK), "{received}");
}
