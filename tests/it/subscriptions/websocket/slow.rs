//! Clients that read slowly, and clients that are gone without a close.

use std::time::Duration;

use airgraph::http::SocketTimeouts;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestApp, gateway::DEADLINE, socket::Socket};

const TIMEOUTS: SocketTimeouts = SocketTimeouts {
    init: DEADLINE,
    ping_interval: DEADLINE,
    key_recheck: DEADLINE,
    write: Duration::from_millis(100),
    close: Duration::from_millis(100),
    drain: DEADLINE,
};

/// Sends large pings and reads no response, until sending blocks because the other side waits too.
async fn fill_socket(socket: &mut Socket) {
    let ping = json!({ "type": "ping", "payload": { "x": "x".repeat(1_000_000) } }).to_string();
    for _ in 0..1000 {
        match timeout(Duration::from_secs(3), socket.0.send(Message::text(ping.clone()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    panic!("a gigabyte of answers is held for a client that doesn't read");
}

#[tokio::test]
async fn socket_without_reads_is_closed() {
    let app = TestApp::new().await.with_sockets(10, TIMEOUTS);
    let mut socket = Socket::ready(app.listen().await, None).await;
    fill_socket(&mut socket).await;
    timeout(DEADLINE, app.app.sockets.all_closed()).await.expect("the socket is closed");
}

#[tokio::test]
async fn socket_that_reads_again_receives_the_too_slow_error() {
    let app = TestApp::new().await.with_sockets(10, SocketTimeouts { close: DEADLINE, ..TIMEOUTS });
    let mut socket = Socket::ready(app.listen().await, None).await;
    fill_socket(&mut socket).await;
    let closed = async {
        loop {
            match socket.0.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return (u16::from(frame.code), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let closed = timeout(DEADLINE, closed).await.expect("a close");
    assert_eq!(closed, (1013, "too slow".to_owned()), "there is nothing to be resumed");
}

#[tokio::test]
async fn socket_without_pongs_is_closed_and_others_stay() {
    let ping_interval = Duration::from_millis(700);
    let app = TestApp::new().await.with_sockets(10, SocketTimeouts { ping_interval, ..TIMEOUTS });
    let address = app.listen().await;
    let dead = Socket::ready(address, None).await; // answers nothing unless `next` is called
    let mut alive = Socket::ready(address, None).await;
    for _ in 0..4 {
        let message = timeout(DEADLINE, alive.0.next()).await.expect("a ping");
        assert!(message.as_ref().is_some_and(|message| message.as_ref().is_ok_and(Message::is_ping)), "{message:?}");
    }
    drop(alive);
    timeout(DEADLINE, app.app.sockets.all_closed()).await.expect("the dead one is gone as well");
    drop(dead);
}
