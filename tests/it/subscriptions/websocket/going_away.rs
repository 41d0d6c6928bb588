//! Shutdown of a gateway: sockets receive a close frame, and running operations are completed.

use std::net::SocketAddr;

use serde_json::json;
use sqlx::ConnectOptions as _;

use super::operations::hold_recording;
use crate::support::{
    empty_database,
    gateway::{Gateway, on},
    socket::Socket,
};

const RECORD: &str = "mutation { recordMeasurements(input: {measurements: [
    {device: \"bike\", measuredAt: \"2026-05-01T10:00:00Z\", pm10: 1}]}) { recorded } }";

#[tokio::test]
async fn shutdown_closes_sockets_after_their_operations() {
    let options = empty_database().await;
    let key = "7d41c9e85a0b4f1396d2e8b7f05c3a64";
    let mut command = on(&options, &["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", key);
    let gateway = Gateway::start(command).await;
    let address: SocketAddr = gateway.address.trim_start_matches("http://").parse().expect("an address");

    let mut connection = options.connect().await.expect("a connection");
    let lock = hold_recording(&mut connection).await;
    let mut new = Socket::open(address).await;
    let mut idle = Socket::ready(address, None).await;
    let mut listening = Socket::ready(address, None).await;
    listening.subscribe("1", "subscription { measurementRecorded { cursor } }", json!({})).await;
    listening.subscribe("2", "{ __typename }", json!({})).await;
    assert_eq!(
        (listening.receive().await["type"].clone(), listening.receive().await["type"].clone()),
        (json!("next"), json!("complete"))
    );
    let mut busy = Socket::ready(address, Some(key)).await;
    busy.subscribe("1", RECORD, json!({})).await;
    busy.send_json(json!({ "type": "ping" })).await;
    assert_eq!(busy.receive().await, json!({ "type": "pong" }), "so the mutation runs");

    let ended = tokio::task::spawn_blocking(move || gateway.terminate());
    for socket in [&mut new, &mut idle, &mut listening] {
        assert_eq!(socket.closed().await, (1001, "Going away".to_owned()));
    }
    lock.rollback().await.expect("let go");
    assert_eq!(busy.receive().await["payload"]["data"]["recordMeasurements"]["recorded"], 1);
    assert_eq!(busy.receive().await, json!({ "id": "1", "type": "complete" }));
    assert_eq!(busy.closed().await, (1001, "Going away".to_owned()));
    assert_eq!(ended.await.expect("no panic"), Some(0));
}
