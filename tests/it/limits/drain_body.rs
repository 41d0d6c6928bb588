//! A client that sends a larger body than the gateway reads receives the response with the reason.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{TestApp, gateway::DEADLINE};

/// Sends a head and `sent` bytes of a body, and only then reads the response, as simple clients do.
async fn send(
    address: SocketAddr,
    path: &str,
    key: &str,
    content_length: usize,
    sent: usize,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {content_length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let piece = vec![b'x'; 64 << 10];
    let mut left = sent;
    while left > 0 {
        let length = left.min(piece.len());
        stream.write_all(&piece[..length]).await?;
        left -= length;
    }
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

#[tokio::test]
async fn rejected_body_may_be_sent_to_its_end() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let key = app.admin.as_str();
    for (path, key, bytes, status) in [
        ("/graphql", key, 2 << 20, "413 "),
        ("/ingest/json", key, 2 << 20, "413 "),
        ("/ingest/json", "ag_wrong", 500_000, "401 "),
        ("/nowhere", key, 500_000, "404 "),
        ("/ingest/csv", "ag_wrong", 7 << 20, "401 "),
    ] {
        for _ in 0..10 {
            let answer = send(address, path, key, bytes, bytes).await.expect(path);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn endless_body_is_cut_off_and_finite_body_is_answered() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let endless = timeout(DEADLINE, send(address, "/nowhere", "", 1 << 40, 1 << 30));
    let outcome = endless.await.expect("it ends long before a gigabyte is sent");
    assert!(outcome.is_err(), "{outcome:?}");
    let stalled = timeout(Duration::from_secs(30), send(address, "/nowhere", "", 1 << 20, 100_000));
    let answer = stalled.await.expect("it is not waited for").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
