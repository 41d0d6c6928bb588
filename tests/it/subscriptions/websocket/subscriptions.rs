//! Subscriptions on a socket.

use std::time::Duration;

use airgraph::http::SocketTimeouts;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestApp, gateway::DEADLINE, noon, socket::Socket};

const MEASUREMENTS: &str =
    "subscription ($after: String) { measurementRecorded(after: $after) { cursor measurement { pm10 } } }";

/// A device that sends nothing.
const QUIET: &str = "mutation { registerDevice(input: {key: \"quiet\", kind: FIXED}) { status } }";

fn sample(seconds: i64, pm10: i64) -> Value {
    json!({ "device": "bike", "measuredAt": noon() + TimeDelta::seconds(seconds - 5000), "pm10": pm10 })
}

/// The content of an event: its cursor, and PM10.
fn event(message: &Value) -> (String, f64) {
    let event = &message["payload"]["data"]["measurementRecorded"];
    let cursor = event["cursor"].as_str().unwrap_or_else(|| panic!("no event but {message}"));
    (cursor.to_owned(), event["measurement"]["pm10"].as_f64().expect("PM10"))
}

/// Waits until another subscription has begun, so that this socket is known to work, and very likely all before it.
async fn settle(socket: &mut Socket) {
    socket
        .subscribe(
            "settle",
            "subscription { statisticsUpdated(devices: [\"quiet\"], every: DAY) { count } }",
            json!({}),
        )
        .await;
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("settle"), &json!("next")), "{message}");
    socket.send_json(json!({ "type": "complete", "id": "settle" })).await;
}

#[tokio::test]
async fn events_come_until_the_client_completes_and_can_be_resumed() {
    let app = TestApp::new().await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    let start = app.feed_cursor().await;
    app.record(json!([sample(0, 1), sample(1, 2)])).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": start })).await;
    let (first, pm10) = event(&socket.receive().await);
    assert_eq!(pm10, 1.0);
    assert_eq!(event(&socket.receive().await).1, 2.0);
    app.record(json!([sample(2, 3)])).await;
    assert_eq!(event(&socket.receive().await).1, 3.0);

    socket.send_json(json!({ "type": "complete", "id": "1" })).await;
    socket.send_json(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }), "so it has ended");
    app.record(json!([sample(3, 4)])).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": first })).await;
    for expected in [2.0, 3.0, 4.0] {
        let message = socket.receive().await;
        assert_eq!((&message["id"], &message["type"], event(&message).1), (&json!("1"), &json!("next"), expected));
    }
}

#[tokio::test]
async fn invalid_subscription_is_an_error() {
    let app = TestApp::new().await;
    app.admin(QUIET, json!({})).await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    for (after, code) in [("not a cursor", "BAD_USER_INPUT"), ("Zjo5OTk5OTk5OTkuMA", "BAD_USER_INPUT")] {
        socket.subscribe("1", MEASUREMENTS, json!({ "after": after })).await;
        let message = socket.receive().await;
        assert_eq!((&message["id"], &message["type"]), (&json!("1"), &json!("error")), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{message}");
    }
    settle(&mut socket).await;
}

/// A client that reads nothing while more events come than are buffered for it: it receives the buffered events, then the
/// cursor to resume from, and misses nothing. The progress of another subscription of the socket doesn't affect it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_subscriber_receives_a_resume_cursor_and_misses_nothing() {
    const EVENTS: i64 = 4000;
    let app = TestApp::new()
        .await
        .with_sockets(10, SocketTimeouts { write: DEADLINE, ping_interval: DEADLINE, ..SocketTimeouts::default() });
    app.admin(QUIET, json!({})).await;
    let address = app.listen().await;
    let mut socket = Socket::ready(address, None).await;
    // Sixteen kilobytes an event.
    let padding: String =
        (0..90).map(|n| format!("m{n:060}: measurement {{ id measuredAt recordedAt }}")).collect::<Vec<_>>().join(" ");
    let wide = format!(
        "subscription ($after: String) {{ measurementRecorded(after: $after) {{ cursor measurement {{ pm10 }} {padding} }} }}"
    );
    let nothing = "subscription { measurementRecorded(filter: {devices: [\"quiet\"]}) { cursor } }";
    socket.subscribe("none", nothing, json!({})).await;
    socket.subscribe("wide", &wide, json!({ "after": app.feed_cursor().await })).await;
    settle(&mut socket).await;
    for batch in 0..EVENTS / 100 {
        let samples = (0..100).map(|n| sample(batch * 100 + n, batch * 100 + n));
        app.record(samples.collect()).await;
    }
    let (mut received, mut last) = (Vec::new(), String::new());
    let reason = loop {
        match socket.next().await {
            Some(Message::Text(text)) => {
                let (cursor, pm10) = event(&serde_json::from_str(&text).expect("JSON"));
                received.push(pm10);
                last = cursor;
            }
            Some(Message::Close(Some(frame))) => {
                assert_eq!(u16::from(frame.code), 1013, "{frame:?}");
                break frame.reason.to_string();
            }
            other => panic!("{other:?} after {} events", received.len()),
        }
    };
    assert!(!received.is_empty() && received.len() < 2500, "{} events fit where 16 MiB do", received.len());
    let cursor = reason.strip_prefix("too slow; resume after ").unwrap_or_else(|| panic!("{reason}"));
    assert_eq!(cursor, last, "the cursor of the last received event");
    let mut socket = Socket::ready(address, None).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": cursor })).await;
    while received.len() < usize::try_from(EVENTS).expect("small") {
        received.push(event(&socket.receive().await).1);
    }
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let expected: Vec<_> = (0..EVENTS).map(|n| n as f64).collect();
    assert_eq!(received, expected, "each once, in order");
}

const RESUMED: &str = "subscription { measurementRecorded(filter: { pm10: { min: 100 } }) { measurement { pm10 } } }";

/// Subscribes with the extension `resume`.
async fn resume(socket: &mut Socket, after: Value) {
    let payload = json!({ "query": RESUMED, "extensions": { "resume": { "after": after } } });
    socket.send_json(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
}

/// The next result, and its cursor.
async fn resumed(socket: &mut Socket) -> (Value, Value) {
    let mut message = socket.receive().await;
    let mut payload = message["payload"].take();
    assert_eq!(message["type"], "next", "{payload}");
    let cursor = payload["extensions"]["cursor"].take();
    assert!(cursor.is_string(), "{payload}");
    (payload["data"]["measurementRecorded"]["measurement"]["pm10"].take(), cursor)
}

#[tokio::test]
async fn results_have_cursors_for_resuming_clients() {
    let pace = SocketTimeouts { ping_interval: Duration::from_millis(200), ..SocketTimeouts::default() };
    let app = TestApp::new().await.with_sockets(10, pace);
    let address = app.listen().await;
    let sample = |second: i64, pm10: i64| json!([{ "device": "a", "measuredAt": noon() + TimeDelta::seconds(second), "pm10": pm10 }]);

    let mut socket = Socket::ready(address, None).await;
    resume(&mut socket, Value::Null).await;
    let (nothing, begin) = resumed(&mut socket).await;
    assert_eq!(nothing, Value::Null, "the position comes before any event");
    let ((), (nothing, moved)) = tokio::join!(app.record(sample(1, 1)), resumed(&mut socket));
    assert_eq!(nothing, Value::Null);
    assert_ne!(moved, begin, "events that do not match move the position on");
    drop(socket);

    app.record(sample(2, 100)).await;
    for after in [begin, moved] {
        let mut socket = Socket::ready(address, None).await;
        resume(&mut socket, after.clone()).await;
        assert_eq!(resumed(&mut socket).await, (Value::Null, after));
        let (pm10, cursor) = resumed(&mut socket).await;
        assert_eq!(pm10, 100.0);
        let mut again = Socket::ready(address, None).await;
        resume(&mut again, cursor.clone()).await;
        assert_eq!(resumed(&mut again).await, (Value::Null, cursor));
    }

    let mut socket = Socket::ready(address, None).await;
    resume(&mut socket, json!("nonsense")).await;
    let message = socket.receive().await;
    assert_eq!(message["payload"][0]["extensions"]["argument"], "after", "{message}");
    resume(&mut socket, json!(7)).await;
    let (code, reason) = socket.closed().await;
    assert!(code == 4400 && reason.starts_with("`extensions.resume`"), "{code} {reason}");
}
