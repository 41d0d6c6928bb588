//! Stalled uploads block no other request and hold no threads.

use std::{fs, net::SocketAddr, time::Duration};

use airgraph::limits::{ConnectionLimits, Limits, UploadLimits};
use axum::http::StatusCode;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{TestApp, gateway::DEADLINE};

async fn app(uploads: UploadLimits) -> TestApp {
    let connections = ConnectionLimits { max_per_address: 2000, ..ConnectionLimits::default() };
    TestApp::with_limits(Limits { connections, uploads, ..Limits::default() }).await
}

/// Begins an upload. Head and first lines are one write: lines that arrive after a refusal would reset its connection.
async fn begin(address: SocketAddr, key: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /ingest/csv?device=d HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let begin = head + &chunk("time,pm10\n2026-04-01T10:00:00Z,1\n");
    connection.write_all(begin.as_bytes()).await.expect("sent");
    connection
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

async fn send(connection: &mut TcpStream, text: &str) {
    connection.write_all(chunk(text).as_bytes()).await.expect("sent");
}

/// The response, as far as it arrived.
async fn answer(connection: &mut TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let length = timeout(DEADLINE, connection.read(&mut answer)).await.expect("in time").expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

async fn wait_for_uploads(app: &TestApp, count: usize) {
    let reached = async {
        while app.app.uploads.in_use() != count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, reached).await.expect("so many uploads");
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("threads").count()
}

/// Attack 4: each upload took a thread forever, and none was left for anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_hundred_idle_uploads_are_refused_or_ended() {
    let app = app(UploadLimits { rate_window: Duration::from_secs(10), ..UploadLimits::default() }).await;
    let address = app.listen().await;
    let before = threads();
    let mut uploads = join_all((0..600).map(|_| begin(address, &app.admin))).await;
    wait_for_uploads(&app, 2).await;
    let body = r#"{"device":"d","time":"2026-04-01T11:00:00Z","pm10":1}"#;
    assert_eq!(app.post("/ingest/json", Some(&app.admin), body).await.status, StatusCode::CREATED);
    app.query("{ devices { totalCount } }").await;
    assert!(threads() < before + 100, "{} threads, {before} before", threads()); // other tests have some too

    let answers = join_all(uploads.iter_mut().map(answer)).await;
    let count = |status: &str| answers.iter().filter(|answer| answer.starts_with(status)).count();
    assert_eq!((count("HTTP/1.1 429 "), count("HTTP/1.1 408 ")), (598, 2), "{:?}", answers.first());
    let refused = answers.iter().find(|answer| answer.starts_with("HTTP/1.1 429 ")).expect("one");
    assert!(refused.contains("too many uploads with your key") && refused.contains("Retry-After: 10"), "{refused}");
    wait_for_uploads(&app, 0).await;
}

#[tokio::test]
async fn slow_steady_upload_is_recorded() {
    let rate_window = Duration::from_millis(500);
    let app = app(UploadLimits { rate_window, min_bytes_per_window: 10, ..UploadLimits::default() }).await;
    let mut upload = begin(app.listen().await, &app.admin).await;
    for second in 10..30 {
        sleep(Duration::from_millis(100)).await; // for several windows
        let line = format!("2026-04-01T10:00:{second}Z,1\n");
        let (half, other_half) = line.split_at(line.len() / 2);
        send(&mut upload, half).await;
        send(&mut upload, other_half).await;
    }
    send(&mut upload, "").await; // the end
    let answer = answer(&mut upload).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"recorded\":21,"), "{answer}");
}

#[tokio::test]
async fn slow_upload_times_out_and_reports_what_was_stored() {
    let app = app(UploadLimits { max_duration: Duration::from_secs(1), ..UploadLimits::default() }).await;
    let mut upload = begin(app.listen().await, &app.admin).await;
    let answer = answer(&mut upload).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"lines\":0,"), "{answer}");
}
