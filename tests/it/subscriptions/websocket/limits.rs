//! Limits per client, and that a client takes nothing from others.

use std::time::Duration;

use airgraph::{
    http::SocketTimeouts,
    limits::{BodyLimits, Limits, WebSocketLimits},
};
use axum::http::StatusCode;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    TestApp,
    gateway::DEADLINE,
    socket::{PROTOCOL, Socket},
};

const MEASUREMENTS: &str =
    "subscription ($after: String) { measurementRecorded(after: $after) { measurement { pm10 } } }";

#[tokio::test]
async fn ten_megabyte_message_is_rejected_without_affecting_others() {
    let address = TestApp::new().await.listen().await;
    let mut other = Socket::ready(address, None).await;
    for message in [Message::text(" ".repeat(10_000_000)), Message::text(" ".repeat((1 << 20) + 1))] {
        let mut socket = Socket::ready(address, None).await;
        socket.send(message).await;
        assert_eq!(socket.closed().await, (1009, "a message is larger than 1048576 bytes".to_owned()));
    }
    // The largest message that is allowed.
    let (before, after) = (r#"{"type":"ping","payload":{"x":""#, r#""}}"#);
    let x = "x".repeat((1 << 20) - before.len() - after.len());
    other.send(Message::text(format!("{before}{x}{after}"))).await;
    assert_eq!(other.receive().await["payload"]["x"].as_str().map(str::len), Some(x.len()));
}

#[tokio::test]
async fn subscriptions_of_one_socket_are_limited_to_a_hundred() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let (mut socket, mut other) = (Socket::ready(address, None).await, Socket::ready(address, None).await);
    let cursor = app.feed_cursor().await;
    for n in 0..1000 {
        socket.subscribe(&n.to_string(), MEASUREMENTS, json!({ "after": cursor })).await;
    }
    for n in 100..1000 {
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(n.to_string())), "{message}");
        let error = &message["payload"][0];
        assert_eq!(error["extensions"]["code"], "TOO_MANY_OPERATIONS", "{message}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.starts_with("100 operations are running")),
            "{message}"
        );
    }
    other.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(other.receive().await["type"], "next");
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..100 {
        let message = socket.receive().await;
        assert_eq!(message["payload"]["data"]["measurementRecorded"]["measurement"]["pm10"], 1.0, "{message}");
        ids.insert(message["id"].to_string());
    }
    assert_eq!(ids.len(), 100, "each of those that run, once");
    socket.send_json(json!({ "type": "complete", "id": "7" })).await;
    socket.subscribe("1000", "{ __typename }", json!({})).await;
    assert_eq!(socket.receive().await["type"], "next", "there is room again");
}

#[tokio::test]
async fn total_number_of_sockets_is_limited() {
    let app = TestApp::new().await.with_sockets(2, SocketTimeouts::default());
    let address = app.listen().await;
    let first = Socket::ready(address, None).await;
    let _second = Socket::ready(address, None).await;
    assert_eq!(Socket::try_open(address, &[PROTOCOL]).await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    drop(first);
    let again = async {
        while Socket::try_open(address, &[PROTOCOL]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, again).await.expect("a place is free once its socket is gone");
}

#[tokio::test]
async fn sockets_per_caller_are_limited() {
    let websockets = WebSocketLimits { max_per_caller: 1, ..WebSocketLimits::default() };
    let app = TestApp::with_limits(Limits { websockets, ..Limits::default() }).await;
    let address = app.listen().await;
    let first = Socket::ready(address, None).await;
    assert_eq!(Socket::try_open(address, &[PROTOCOL]).await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    let key = ("x-api-key", app.admin.as_str());
    let by_key = Socket::try_open(address, &[PROTOCOL, key]).await.expect("a key is a caller of its own");
    drop(first);
    let again = async {
        loop {
            match Socket::try_open(address, &[PROTOCOL]).await {
                Ok(socket) => return socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let mut second = timeout(DEADLINE, again).await.expect("a place is free again");
    second.send_json(json!({ "type": "connection_init", "payload": { "x-api-key": app.admin } })).await;
    assert_eq!(second.closed().await, (1013, "too many WebSockets of yours are open; close some".to_owned()));
    drop(by_key);
}

/// The beginning of a text message of this number of bytes, all but the last of it.
fn unfinished(length: u64) -> Vec<u8> {
    let mut frame = vec![0x81, 0xff];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]); // the mask
    frame.resize(frame.len() + usize::try_from(length).expect("small") - 1, b' ');
    frame
}

/// Attack 15: such messages took unbounded memory, before their client was authenticated.
#[tokio::test]
async fn message_size_is_limited_before_the_acknowledgement_and_counted_after() {
    let bodies = BodyLimits { max_bytes_per_caller: 100_000, ..BodyLimits::default() };
    let app = TestApp::with_limits(Limits { bodies, ..Limits::default() }).await;
    let address = app.listen().await;
    let mut anonymous = Socket::open(address).await;
    anonymous.0.get_mut().write_all(&unfinished(30_000)).await.expect("sent");
    assert_eq!(
        anonymous.closed().await,
        (1009, "a message before connection_init is larger than 16384 bytes".to_owned())
    );
    assert_eq!(app.app.body_memory.bytes(), 0);

    let mut first = Socket::ready(address, None).await;
    first.0.get_mut().write_all(&unfinished(60_000)).await.expect("sent");
    let counted = async {
        while app.app.body_memory.bytes() < 59_999 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, counted).await.expect("it counts");
    let mut second = Socket::ready(address, None).await;
    second.0.get_mut().write_all(&unfinished(60_000)).await.expect("sent");
    let (code, reason) = second.closed().await;
    assert!(code == 1013 && reason.starts_with("too many large requests of yours"), "{code} {reason}");
    first.0.get_mut().write_all(b" ").await.expect("sent");
    assert_eq!(first.closed().await.0, 4400, "it is complete, and no message of the protocol");
    let returned = async {
        while app.app.body_memory.bytes() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, returned).await.expect("the memory is given back");
}
