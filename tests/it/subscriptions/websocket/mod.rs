//! GraphQL over WebSocket, to the letter of `graphql-transport-ws`.

mod close_codes;
mod going_away;
mod hostile;
mod keys;
mod limits;
mod operations;
mod slow;
mod subscriptions;

use std::time::Duration;

use airgraph::{auth::INVALID_KEY_MESSAGE, http::SocketTimeouts};
use axum::http::StatusCode;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    TestApp,
    socket::{PROTOCOL, Socket},
};

fn init() -> serde_json::Value {
    json!({ "type": "connection_init" })
}

#[tokio::test]
async fn other_subprotocols_are_rejected() {
    let address = TestApp::new().await.listen().await;
    for offer in ["", "Sec-WebSocket-Protocol: graphql-ws\r\n", "Sec-WebSocket-Protocol: graphql-transport-wss\r\n"] {
        let (mut socket, head) = Socket::open_offering(address, offer).await;
        assert!(
            head.starts_with("HTTP/1.1 101 ") && !head.to_lowercase().contains("sec-websocket-protocol"),
            "{offer}: {head}"
        );
        assert_eq!(socket.closed().await, (4406, "Subprotocol not acceptable".to_owned()), "{offer}");
    }
    for offer in [
        "Sec-WebSocket-Protocol: graphql-ws, graphql-transport-ws\r\n",
        "Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n",
    ] {
        let (mut socket, head) = Socket::open_offering(address, offer).await;
        // Some clients compare header names as text.
        assert!(head.contains("Sec-WebSocket-Protocol: graphql-transport-ws\r\n"), "{offer}: {head}");
        // The example of RFC 6455.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        socket.send_json(init()).await;
        assert_eq!(socket.receive().await["type"], "connection_ack");
    }
}

#[tokio::test]
async fn bad_handshake_is_rejected_before_the_upgrade() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let refused = async |headers: &[(&str, &str)]| Socket::try_open(address, headers).await.err();
    assert_eq!(refused(&[PROTOCOL, ("authorization", "Bearer invalid")]).await, Some(StatusCode::UNAUTHORIZED));

    let upgrade = |version: &str, key: bool| {
        let mut request = axum::http::Request::get("/graphql")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", version);
        if key {
            request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        }
        request.body(axum::body::Body::empty()).expect("a request")
    };
    let old = app.send(upgrade("8", true)).await;
    assert_eq!(
        (old.status, &old.headers["sec-websocket-version"]),
        (StatusCode::UPGRADE_REQUIRED, &"13".parse().unwrap())
    );
    let without_key = app.send(upgrade("13", false)).await;
    assert_eq!(without_key.status, StatusCode::BAD_REQUEST);
    assert!(without_key.text.contains("Sec-WebSocket-Key is missing"), "{}", without_key.text);
}

#[tokio::test]
async fn invalid_message_closes_the_socket_with_a_reason() {
    let address = TestApp::new().await.listen().await;
    for (message, reason) in [
        (Message::text("{"), "bad JSON: EOF while parsing an object at line 1 column 1"),
        (Message::text("hello"), "a message is a JSON object"),
        (Message::binary(b"{\"type\":\"ping\"}".as_slice()), "a message is a text, not binary"),
        (Message::text(r#"{"type":"start","id":"1"}"#), "unknown message type \"start\""),
        (Message::text(r#"{"type":"connection_init","payload":"key"}"#), "`payload` is no object"),
        (
            Message::text(r#"{"type":"connection_init","payload":{"authorization":5}}"#),
            "`payload.authorization` is no string",
        ),
        (Message::text(r#"{"type":"subscribe","payload":{"query":"{__typename}"}}"#), "`id` is missing"),
        (Message::text(r#"{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}"#), "`id` is empty"),
        (Message::text(r#"{"type":"complete","id":1}"#), "`id` is no string"),
    ] {
        let mut socket = Socket::open(address).await;
        socket.send(message.clone()).await;
        assert_eq!(socket.closed().await, (4400, reason.to_owned()), "{message}");
    }
    let mut socket = Socket::ready(address, None).await;
    socket.send_json(json!({ "type": "subscribe", "id": "1", "payload": { "variables": {} } })).await;
    assert_eq!(socket.closed().await, (4400, "`query` is missing: the GraphQL document (or `documentId`)".to_owned()));

    let mut socket = Socket::ready(address, None).await;
    socket.send_json(json!({ "type": "é".repeat(100) })).await;
    let (code, reason) = socket.closed().await;
    assert_eq!((code, reason.len()), (4400, 122), "cut between letters: {reason}");
}

#[tokio::test]
async fn operations_wait_for_the_acknowledgement() {
    let address = TestApp::new().await.listen().await;
    let unauthorized = (4401, "Unauthorized".to_owned());
    let mut socket = Socket::open(address).await;
    socket.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(socket.closed().await, unauthorized);

    // Also while the key is looked up.
    let mut socket = Socket::open(address).await;
    socket.send_json(json!({ "type": "connection_init", "payload": { "authorization": "Bearer invalid" } })).await;
    socket.subscribe("1", "{ __typename }", json!({})).await;
    let closed = socket.closed().await;
    assert!(closed == unauthorized || closed == (4403, INVALID_KEY_MESSAGE.to_owned()), "{closed:?}");
}

#[tokio::test]
async fn connection_init_is_required_once_within_the_timeout() {
    let pace = SocketTimeouts { init: Duration::from_millis(100), ..SocketTimeouts::default() };
    let address = TestApp::new().await.with_sockets(10, pace).listen().await;
    let mut socket = Socket::open(address).await;
    assert_eq!(socket.closed().await, (4408, "Connection initialisation timeout".to_owned()));

    let mut socket = Socket::ready(address, None).await;
    tokio::time::sleep(2 * pace.init).await;
    socket.send_json(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }), "no timeout after initialisation");
    socket.send_json(init()).await;
    assert_eq!(socket.closed().await, (4429, "Too many initialisation requests".to_owned()));

    let mut socket = Socket::open(address).await;
    socket.send_json(init()).await;
    socket.send_json(init()).await;
    let mut message = socket.next().await;
    if let Some(Message::Text(_)) = message {
        message = socket.next().await; // the acknowledgement may come first
    }
    let Some(Message::Close(Some(frame))) = message else { panic!("{message:?}") };
    assert_eq!(u16::from(frame.code), 4429);
}

#[tokio::test]
async fn pings_are_answered_at_any_time_and_pongs_are_welcome() {
    let address = TestApp::new().await.listen().await;
    let mut socket = Socket::open(address).await;
    socket.send_json(json!({ "type": "ping", "payload": { "n": [1, null] } })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "n": [1, null] } }));
    socket.send_json(json!({ "type": "pong", "payload": { "n": 2 } })).await;
    socket.send_json(init()).await;
    assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
    socket.send_json(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }));

    socket.send(Message::Ping("you?".into())).await;
    socket.0.close(None).await.expect("closed");
    assert!(socket.next().await.is_some_and(|message| message.is_close()), "the client's close is answered");
}
