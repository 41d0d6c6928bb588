//! Every close code of a socket, and its cause.

use std::time::Duration;

use airgraph::{auth::INVALID_KEY_MESSAGE, http::SocketTimeouts};
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::support::{TestApp, socket::Socket};

const SUBSCRIBE: &str =
    r#"{"type":"subscribe","id":"1","payload":{"query":"subscription { deviceUpdated { cursor } }"}}"#;

/// The action of a client.
enum ClientAction {
    /// Offers another subprotocol.
    Offers(&'static str),
    /// Sends these messages at once.
    Sends(Vec<Message>),
    /// The same, after the acknowledgement.
    SendsLater(Vec<Message>),
    /// Waits while the gateway is stopped.
    WaitsForTheEnd,
}

use ClientAction::{Offers, Sends, SendsLater, WaitsForTheEnd};

#[tokio::test]
async fn each_reason_to_close_a_socket_has_its_code() {
    let text = |text: &str| Message::text(text.to_owned());
    let init = || text(r#"{"type":"connection_init"}"#);
    let wrong_key = json!({ "type": "connection_init", "payload": { "authorization": "Bearer ag_none" } }).to_string();
    let frame = |opcode, payload: &'static [u8]| Message::Frame(Frame::message(payload, OpCode::Data(opcode), true));
    for (code, reason, does) in [
        (1001, "Going away", WaitsForTheEnd),
        (1002, "", SendsLater(vec![frame(Data::Continue, b"{}")])),
        (1007, "a text is not UTF-8", SendsLater(vec![frame(Data::Text, b"\xff")])),
        (1009, "a message is larger than 1048576 bytes", SendsLater(vec![Message::text(" ".repeat((1 << 20) + 1))])),
        (4400, "unknown message type \"start\"", SendsLater(vec![text(r#"{"type":"start","id":"1"}"#)])),
        (4401, "Unauthorized", Sends(vec![text(SUBSCRIBE)])),
        (4403, INVALID_KEY_MESSAGE, Sends(vec![text(&wrong_key)])),
        (4406, "Subprotocol not acceptable", Offers("Sec-WebSocket-Protocol: graphql-ws\r\n")),
        (4408, "Connection initialisation timeout", Sends(Vec::new())),
        (4409, "Subscriber for 1 already exists", SendsLater(vec![text(SUBSCRIBE), text(SUBSCRIBE)])),
        (4429, "Too many initialisation requests", SendsLater(vec![init()])),
    ] {
        let pace = SocketTimeouts {
            init: Duration::from_millis(if code == 4408 { 100 } else { 60_000 }),
            ..SocketTimeouts::default()
        };
        let app = TestApp::new().await.with_sockets(10, pace);
        let address = app.listen().await;
        let (mut socket, messages) = match does {
            Offers(protocols) => (Socket::open_offering(address, protocols).await.0, Vec::new()),
            Sends(messages) => (Socket::open(address).await, messages),
            SendsLater(messages) => (Socket::ready(address, None).await, messages),
            WaitsForTheEnd => {
                let socket = Socket::ready(address, None).await;
                app.app.shutdown.cancel();
                (socket, Vec::new())
            }
        };
        for message in messages {
            socket.send(message).await;
        }
        let closed = socket.closed().await;
        assert!(closed.0 == code && (reason.is_empty() || closed.1 == reason), "{code} {reason}: {closed:?}");
    }
}
