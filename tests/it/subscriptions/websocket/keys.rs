//! API keys on a socket: sent when it opens, and checked again while it is open.

use std::time::Duration;

use airgraph::{auth::INVALID_KEY_MESSAGE, http::SocketTimeouts};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    TestApp, empty_database,
    gateway::DEADLINE,
    socket::{PROTOCOL, Socket},
};

const ADMIN_ONLY: &str = "{ server { database { name } } }";
const MEASUREMENTS: &str = "subscription { measurementRecorded { measurement { pm10 } } }";

fn forbidden() -> (u16, String) {
    (4403, INVALID_KEY_MESSAGE.to_owned())
}

/// Sends `connection_init` with this payload.
async fn init(socket: &mut Socket, payload: Value) {
    socket.send_json(json!({ "type": "connection_init", "payload": payload })).await;
}

/// A new key, and its id.
async fn create(app: &TestApp, input: &str) -> (String, Value) {
    let mutation = format!("mutation {{ createApiKey(input: {{{input}}}) {{ key apiKey {{ id }} }} }}");
    let mut created = app.admin(&mutation, json!({})).await["createApiKey"].take();
    (created["key"].as_str().expect("a key").to_owned(), created["apiKey"]["id"].take())
}

#[tokio::test]
async fn key_is_read_from_connection_init_or_headers() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let bearer = format!("Bearer {}", app.admin);
    for (headers, payload) in [
        (vec![PROTOCOL], json!({ "authorization": bearer })),
        (vec![PROTOCOL], json!({ "Authorization": bearer, "other": 1 })),
        (vec![PROTOCOL], json!({ "X-API-Key": app.admin })),
        (vec![PROTOCOL], json!({ "authToken": app.admin })),
        (vec![PROTOCOL], json!({ "headers": { "Authorization": bearer } })),
        (vec![PROTOCOL, ("authorization", &*bearer)], Value::Null),
        (vec![PROTOCOL, ("x-api-key", &*app.admin)], json!({ "authorization": null })),
    ] {
        let mut socket = Socket::try_open(address, &headers).await.expect("an upgrade");
        init(&mut socket, payload.clone()).await;
        assert_eq!(socket.receive().await["type"], "connection_ack", "{payload}");
        socket.subscribe("1", ADMIN_ONLY, json!({})).await;
        let message = socket.receive().await;
        assert!(message["payload"]["data"]["server"]["database"]["name"].is_string(), "{payload}: {message}");
    }
    let no_key = (4403, "`authorization` in connection_init must be `Bearer <key>`".to_owned());
    for (authorization, expected) in [("Bearer invalid", forbidden()), ("Digest x", no_key.clone()), ("", no_key)] {
        let mut socket = Socket::open(address).await;
        init(&mut socket, json!({ "authorization": authorization })).await;
        assert_eq!(socket.closed().await, expected, "{authorization}");
    }
    let mut socket = Socket::open(address).await;
    init(&mut socket, json!({ "accessToken": app.admin })).await;
    let unread = "`accessToken` in connection_init is not read: send `{\"Authorization\": \"Bearer <key>\"}`";
    assert_eq!(socket.closed().await, (4400, unread.to_owned()), "it must not become anonymous");
    let invalid = Socket::try_open(address, &[PROTOCOL, ("x-api-key", "invalid")]).await;
    assert_eq!(invalid.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn connection_without_a_required_key_is_rejected() {
    let app = TestApp::on(&empty_database().await, false).await;
    let address = app.listen().await;
    let mut socket = Socket::open(address).await;
    init(&mut socket, Value::Null).await;
    let (code, reason) = socket.closed().await;
    assert!(code == 4403 && reason.starts_with("reading needs a key here"), "{code} {reason}");
    Socket::ready(address, Some(&app.admin)).await;
}

#[tokio::test]
async fn expired_key_ends_operations_and_socket() {
    let app =
        TestApp::new().await.with_sockets(10, SocketTimeouts { key_recheck: DEADLINE, ..SocketTimeouts::default() });
    let address = app.listen().await;
    // Half a second after the fixed time of the clock.
    let (key, _) = create(&app, "name: \"s\", role: SENSOR, expiresAt: \"2026-05-01T12:00:00.5Z\"").await;
    let mut socket = Socket::ready(address, Some(&key)).await;
    let mut other = Socket::ready(address, Some(&app.admin)).await;
    for socket in [&mut socket, &mut other] {
        socket.subscribe("1", MEASUREMENTS, json!({})).await;
        socket.subscribe("2", MEASUREMENTS, json!({})).await;
    }
    app.clock.advance(TimeDelta::milliseconds(501));
    for id in ["1", "2"] {
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{message}");
    }
    assert_eq!(socket.closed().await, forbidden());
    other.send_json(json!({ "type": "ping" })).await;
    assert_eq!(other.receive().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn revoked_key_closes_the_socket_and_a_database_failure_does_not() {
    let key_pace = Duration::from_millis(100);
    let app =
        TestApp::new().await.with_sockets(10, SocketTimeouts { key_recheck: key_pace, ..SocketTimeouts::default() });
    let address = app.listen().await;
    let (key, id) = create(&app, "name: \"r\", role: READER").await;
    let mut revoked = Socket::ready(address, Some(&key)).await;
    let mut valid = Socket::ready(address, Some(&app.admin)).await;
    app.admin(&format!("mutation {{ revokeApiKey(input: {{id: {id}}}) {{ status }} }}"), json!({})).await;
    app.clock.advance(TimeDelta::seconds(61)); // until then it may be remembered
    assert_eq!(revoked.closed().await, forbidden());

    app.database.keys.close().await;
    app.clock.advance(TimeDelta::seconds(61));
    tokio::time::sleep(5 * key_pace).await;
    valid.send_json(json!({ "type": "ping" })).await;
    assert_eq!(valid.receive().await, json!({ "type": "pong" }));
    let mut late = Socket::open(address).await;
    init(&mut late, json!({ "authorization": format!("Bearer {}", app.admin) })).await;
    let (code, reason) = late.closed().await;
    assert!(code == 1013 || code == 4500, "{code} {reason}");
}
