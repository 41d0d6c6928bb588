//! Subscriptions on a socket.

use std::time::Duration;

use airgraph::http::SocketTimeouts;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestApp, gateway::DEADLINE, noon, socket::Socket};

const MEASUREMENTS: &str =
    "subscription ($after: String) { measurementRecorded(after: $after) { cursor measurement { pm10 } } }";

/// A device that tells nothing.
const QUIET: &str = "mutation { registerDevice(input: {key: \"quiet\", kind: FIXED}) { status } }";

fn sample(seconds: i64, pm10: i64) -> Value {
    json!({ "device": "bike", "measuredAt": noon() + TimeDelta::seconds(seconds - 5000), "pm10": pm10 })
}

/// What an event tells: its cursor, and PM10.
fn event(heard: &Value) -> (String, f64) {
    let event = &heard["payload"]["data"]["measurementRecorded"];
    let cursor = event["cursor"].as_str().unwrap_or_else(|| panic!("no event but {heard}"));
    (cursor.to_owned(), event["measurement"]["pm10"].as_f64().expect("told"))
}

/// Waits until another subscription has begun, so that this socket is seen to work, and most likely all before it have.
async fn settle(socket: &mut Socket) {
    socket
        .subscribe(
            "settle",
            "subscription { statisticsUpdated(devices: [\"quiet\"], every: DAY) { count } }",
            json!({}),
        )
        .await;
    let heard = socket.hear().await;
    assert_eq!((&heard["id"], &heard["type"]), (&json!("settle"), &json!("next")), "{heard}");
    socket.say(json!({ "type": "complete", "id": "settle" })).await;
}

#[tokio::test]
async fn events_come_until_the_client_completes_and_can_be_resumed() {
    let app = TestApp::new().await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    let start = app.feed_cursor().await;
    app.record(json!([sample(0, 1), sample(1, 2)])).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": start })).await;
    let (first, told) = event(&socket.hear().await);
    assert_eq!(told, 1.0);
    assert_eq!(event(&socket.hear().await).1, 2.0);
    app.record(json!([sample(2, 3)])).await;
    assert_eq!(event(&socket.hear().await).1, 3.0);

    socket.say(json!({ "type": "complete", "id": "1" })).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }), "so it has ended");
    app.record(json!([sample(3, 4)])).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": first })).await;
    for expected in [2.0, 3.0, 4.0] {
        let heard = socket.hear().await;
        assert_eq!((&heard["id"], &heard["type"], event(&heard).1), (&json!("1"), &json!("next"), expected));
    }
}

#[tokio::test]
async fn what_can_not_be_subscribed_to_is_an_error() {
    let app = TestApp::new().await;
    app.admin(QUIET, json!({})).await;
    let mut socket = Socket::ready(app.listen().await, None).await;
    for (after, code) in [("not a cursor", "BAD_USER_INPUT"), ("Zjo5OTk5OTk5OTkuMA", "BAD_USER_INPUT")] {
        socket.subscribe("1", MEASUREMENTS, json!({ "after": after })).await;
        let heard = socket.hear().await;
        assert_eq!((&heard["id"], &heard["type"]), (&json!("1"), &json!("error")), "{heard}");
        assert_eq!(heard["payload"][0]["extensions"]["code"], code, "{heard}");
    }
    settle(&mut socket).await;
}

/// A client that reads nothing while more is told than is held for it: it hears what was at hand, then where it may go on,
/// and misses nothing. What another subscription of the socket has seen doesn't hold it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_too_slow_is_told_where_to_go_on_and_misses_nothing() {
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
    let (mut told, mut last) = (Vec::new(), String::new());
    let reason = loop {
        match socket.next().await {
            Some(Message::Text(text)) => {
                let (cursor, pm10) = event(&serde_json::from_str(&text).expect("JSON"));
                told.push(pm10);
                last = cursor;
            }
            Some(Message::Close(Some(frame))) => {
                assert_eq!(u16::from(frame.code), 1013, "{frame:?}");
                break frame.reason.to_string();
            }
            other => panic!("{other:?} after {} events", told.len()),
        }
    };
    assert!(!told.is_empty() && told.len() < 2500, "{} events fit where 16 MiB do", told.len());
    let cursor = reason.strip_prefix("too slow; resume after ").unwrap_or_else(|| panic!("{reason}"));
    assert_eq!(cursor, last, "what comes after the last event that was heard");
    let mut socket = Socket::ready(address, None).await;
    socket.subscribe("1", MEASUREMENTS, json!({ "after": cursor })).await;
    while told.len() < usize::try_from(EVENTS).expect("small") {
        told.push(event(&socket.hear().await).1);
    }
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    let expected: Vec<_> = (0..EVENTS).map(|n| n as f64).collect();
    assert_eq!(told, expected, "each once, in order");
}

const RESUMED: &str = "subscription { measurementRecorded(filter: { pm10: { min: 100 } }) { measurement { pm10 } } }";

/// Subscribes with the extension `resume`.
async fn resume(socket: &mut Socket, after: Value) {
    let payload = json!({ "query": RESUMED, "extensions": { "resume": { "after": after } } });
    socket.say(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
}

/// The next result, and its cursor.
async fn resumed(socket: &mut Socket) -> (Value, Value) {
    let mut heard = socket.hear().await;
    let mut payload = heard["payload"].take();
    assert_eq!(heard["type"], "next", "{payload}");
    let cursor = payload["extensions"]["cursor"].take();
    assert!(cursor.is_string(), "{payload}");
    (payload["data"]["measurementRecorded"]["measurement"]["pm10"].take(), cursor)
}

#[tokio::test]
async fn results_have_cursors_for_a_client_that_resumes() {
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
    let heard = socket.hear().await;
    assert_eq!(heard["payload"][0]["extensions"]["argument"], "after", "{heard}");
    resume(&mut socket, json!(7)).await;
    let (code, reason) = socket.closed().await;
    assert!(code == 4400 && reason.starts_with("`extensions.resume`"), "{code} {reason}");
}
