//! The gateway stops in time, whatever hangs.

use std::{
    fs::File,
    process::Stdio,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::spawn_blocking};

use crate::{
    postgres::crash::KEY,
    support::{
        gateway::{Gateway, airgraph, on},
        postgres::OwnPostgres,
        socket::Socket,
    },
};

/// The documented shutdown time, plus the time for the signal and the exit status on a busy machine.
const MAX_DURATION: Duration = Duration::from_secs(25 + 5);

/// Stops a gateway; returns its exit code, the duration, and its log.
async fn stop(gateway: Gateway, log: tempfile::NamedTempFile) -> (Option<i32>, Duration, String) {
    let since = Instant::now();
    let code = spawn_blocking(move || gateway.terminate()).await.expect("no panic");
    (code, since.elapsed(), std::fs::read_to_string(log.path()).expect("text"))
}

/// Sends a request and does not read the response.
async fn send(gateway: &Gateway, head: &str, body: &str) -> TcpStream {
    let host = gateway.address.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).await.expect("a connection");
    let request = format!("{head}\r\nHost: {host}\r\nX-Api-Key: {KEY}\r\n{body}");
    connection.write_all(request.as_bytes()).await.expect("sent");
    connection
}

/// With a sensor's body, a query and a file in flight, a file that never ends, and a socket whose client is gone.
#[tokio::test]
async fn frozen_database_and_hanging_clients_do_not_prevent_shutdown() {
    let postgres = OwnPostgres::start(&["fsync=off"]).await;
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut command = on(&postgres.options, &["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", KEY).stderr(Stdio::from(File::create(log.path()).expect("a file")));
    let gateway = Gateway::start(command).await;
    let address = gateway.address.trim_start_matches("http://").parse().expect("an address");
    let mut socket = Socket::ready(address, Some(KEY)).await;
    socket.subscribe("1", "subscription { measurementRecorded { measurement { pm10 } } }", json!({})).await;
    let stuck_upload = send(
        &gateway,
        "POST /ingest/csv HTTP/1.1",
        "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndevic",
    )
    .await;

    let frozen = postgres.freeze().await;
    let post = |path: &str, kind: &str, body: &str| {
        (
            format!("POST {path} HTTP/1.1"),
            format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        )
    };
    let mut waiting = Vec::new();
    for (head, body) in [
        post("/ingest/json", "application/json", r#"{"device":"d","time":"2026-05-01T10:00:00Z","pm10":1}"#),
        post("/graphql", "application/json", r#"{"query":"{ devices { nodes { key } } }"}"#),
        post("/ingest/csv", "text/csv", "device,time,pm10\nd,2026-05-01T11:00:00Z,1\n"),
    ] {
        waiting.push(send(&gateway, &head, &body).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await; // so that they are accepted
    let (_, took, written) = stop(gateway, log).await;
    OwnPostgres::thaw(frozen); // before anything fails: a frozen one would not end
    drop((waiting, stuck_upload, socket));
    assert!(took < MAX_DURATION, "{took:.1?}: {written}");
    assert!(written.contains("shutdown goes on without waiting any longer"), "{written}");
}

/// A private Postgres that is frozen can't be stopped; `dev-db` stops it once it continues.
#[tokio::test]
async fn frozen_embedded_postgres_does_not_prevent_shutdown() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a folder");
    let data_dir = folder.path().join("data");
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut command = airgraph(&["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", KEY).env("AIRGRAPH_DATA_DIR", &data_dir);
    let gateway = Gateway::start({
        command.stderr(Stdio::from(File::create(log.path()).expect("a file")));
        command
    })
    .await;
    let pid = || std::fs::read_to_string(data_dir.join("postgres/postmaster.pid")).ok();
    let postmaster: i32 = pid().expect("it runs").lines().next().expect("a line").trim().parse().expect("a pid");
    kill(Pid::from_raw(postmaster), Signal::SIGSTOP).expect("a signal");
    let (code, took, written) = stop(gateway, log).await;
    kill(Pid::from_raw(postmaster), Signal::SIGCONT).expect("a signal");
    assert!(took < MAX_DURATION, "{took:.1?}: {written}");
    assert_eq!(code, Some(1));
    assert!(written.contains("shutdown timed out") && written.contains("embedded Postgres"), "{written}");
    let since = Instant::now();
    while pid().is_some() {
        assert!(since.elapsed() < Duration::from_mins(2), "dev-db does not stop it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
