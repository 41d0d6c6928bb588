//! Whatever a client sends: it is answered, or the socket is closed with a code of the protocol; others are served.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestApp, gateway::DEADLINE, socket::Socket};

/// Close codes of the protocol, or of the WebSocket below it, for mistakes of a client.
const CODES: [u16; 9] = [1002, 1007, 1009, 4400, 4401, 4403, 4409, 4429, 1000];
const CASES: u32 = 64;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("{ __typename }")),
        Just(json!("subscription { a }")),
        Just(json!("subscription { measurementRecorded { cursor } }")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(member(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("type"),
        Just("id"),
        Just("payload"),
        Just("query"),
        Just("variables"),
        Just("operationName"),
        Just("extensions"),
        Just("authorization"),
        Just("x"),
    ]
    .prop_map(str::to_owned)
}

/// Mostly messages of the protocol, complete or with a random value in place of a member.
fn message() -> impl Strategy<Value = Message> {
    let kind = prop::sample::select(vec![
        "connection_init",
        "subscribe",
        "complete",
        "ping",
        "pong",
        "next",
        "connection_ack",
        "start",
    ]);
    let id = prop_oneof![4 => Just(json!("1")), 1 => json_value()];
    let payload = prop_oneof![4 => Just(json!({ "query": "{ __typename }" })), 2 => json_value(), 1 => Just(Value::Null),
        1 => Just(json!({ "query": "subscription { deviceUpdated { cursor } }" }))];
    let proper =
        (kind, id, payload).prop_map(|(kind, id, payload)| json!({ "type": kind, "id": id, "payload": payload }));
    prop_oneof![
        8 => proper.prop_map(|message| Message::text(message.to_string())),
        2 => json_value().prop_map(|value| Message::text(value.to_string())),
        1 => "\\PC{0,40}".prop_map(Message::text),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Message::binary),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Message::Ping(bytes.into())),
    ]
}

/// Sends the messages and then a ping, and reads until the pong or the close.
async fn talk(mut socket: Socket, messages: Vec<Message>) -> Option<u16> {
    for message in &messages {
        if futures_util::SinkExt::send(&mut socket.0, message.clone()).await.is_err() {
            break; // it was closed meanwhile, which is read below
        }
    }
    let last = json!({ "type": "ping", "payload": { "last": "one" } });
    let _ = futures_util::SinkExt::send(&mut socket.0, Message::text(last.to_string())).await;
    loop {
        match socket.next().await {
            Some(Message::Text(text)) => {
                let response: Value = serde_json::from_str(&text).expect("JSON");
                if response == json!({ "type": "pong", "payload": { "last": "one" } }) {
                    return None;
                }
                let kind = response["type"].as_str().unwrap_or_default();
                assert!(["connection_ack", "pong", "next", "error", "complete"].contains(&kind), "{text}");
            }
            Some(Message::Close(Some(frame))) => return Some(frame.code.into()),
            other => panic!("{other:?} after {messages:?}"),
        }
    }
}

#[tokio::test]
async fn any_messages_are_answered_or_the_socket_is_closed_with_a_code() {
    let address = TestApp::new().await.listen().await;
    let mut runner = TestRunner::deterministic();
    let messages = prop::collection::vec(message(), 0..8);
    for case in 0..cases() {
        let messages = messages.new_tree(&mut runner).expect("messages").current();
        let socket = if case % 2 == 0 { Socket::ready(address, None).await } else { Socket::open(address).await };
        if let Some(code) = talk(socket, messages.clone()).await {
            assert!(CODES.contains(&code), "{code} after {messages:?}");
        }
    }
}

#[tokio::test]
async fn arbitrary_bytes_are_harmless() {
    let app = TestApp::new().await;
    let address = app.listen().await;
    let mut runner = TestRunner::deterministic();
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), Just(0x81), Just(0xfe), Just(0)], 1..200);
    for _ in 0..cases() {
        let mut socket = Socket::ready(address, None).await;
        let sent = bytes.new_tree(&mut runner).expect("bytes").current();
        socket.0.get_mut().write_all(&sent).await.expect("sent");
        socket.0.get_mut().shutdown().await.expect("nothing more comes");
        while let Some(message) = socket.next().await {
            if let Message::Close(Some(frame)) = message {
                assert!(CODES.contains(&frame.code.into()), "{frame:?} after {sent:?}");
            }
        }
    }
    timeout(DEADLINE, app.app.sockets.all_closed()).await.expect("none is left");
    talk(Socket::ready(address, None).await, Vec::new()).await;
}
