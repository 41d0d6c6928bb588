//! What one client may take, and that it takes nothing from others.

use std::time::Duration;

use airgraph::http::Pace;
use axum::http::StatusCode;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    TestApp,
    gateway::DEADLINE,
    socket::{PROTOCOL, Socket},
};

const MEASUREMENTS: &str =
    "subscription ($after: String) { measurementRecorded(after: $after) { measurement { pm10 } } }";

#[tokio::test]
async fn a_message_of_ten_megabytes_is_refused_and_disturbs_nobody() {
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
    assert_eq!(other.hear().await["payload"]["x"].as_str().map(str::len), Some(x.len()));
}

#[tokio::test]
async fn a_thousand_subscriptions_on_one_socket_are_nine_hundred_too_many() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let (mut socket, mut other) = (Socket::ready(address, None).await, Socket::ready(address, None).await);
    let cursor = app.feed_cursor().await;
    for n in 0..1000 {
        socket.subscribe(&n.to_string(), MEASUREMENTS, json!({ "after": cursor })).await;
    }
    for n in 100..1000 {
        let heard = socket.hear().await;
        assert_eq!((&heard["type"], &heard["id"]), (&json!("error"), &json!(n.to_string())), "{heard}");
        let error = &heard["payload"][0];
        assert_eq!(error["extensions"]["code"], "TOO_MANY_OPERATIONS", "{heard}");
        assert!(error["message"].as_str().is_some_and(|told| told.starts_with("100 operations run")), "{heard}");
    }
    other.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(other.hear().await["type"], "next");
    app.record(json!([{ "device": "bike", "measuredAt": "2026-05-01T10:00:00Z", "pm10": 1 }])).await;
    let mut told = std::collections::HashSet::new();
    for _ in 0..100 {
        let heard = socket.hear().await;
        assert_eq!(heard["payload"]["data"]["measurementRecorded"]["measurement"]["pm10"], 1.0, "{heard}");
        told.insert(heard["id"].to_string());
    }
    assert_eq!(told.len(), 100, "each of those that run, once");
    socket.say(json!({ "type": "complete", "id": "7" })).await;
    socket.subscribe("1000", "{ __typename }", json!({})).await;
    assert_eq!(socket.hear().await["type"], "next", "there is room again");
}

#[tokio::test]
async fn no_more_sockets_are_opened_than_may_be() {
    let app = TestApp::new().await.with_sockets(2, Pace::default());
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
