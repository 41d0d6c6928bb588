//! A client of `graphql-transport-ws` that sends whatever a test needs.

use std::net::SocketAddr;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, protocol::Role},
};

use super::gateway::DEADLINE;

/// The subprotocol as a header.
pub const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// A WebSocket.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// Upgrades with these headers; the error is the status of the rejection.
    pub async fn try_open(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let connection = TcpStream::connect(address).await.expect("a connection");
        match client_async(request, connection).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Upgrades with an offer that the library would not make; returns the head of the response too.
    pub async fn open_offering(address: SocketAddr, protocols: &str) -> (Self, String) {
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        let request = format!(
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocols}\r\n"
        );
        connection.write_all(request.as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(DEADLINE, connection.read_u8()).await.expect("an answer").expect("a byte"));
        }
        let head = String::from_utf8(head).expect("text");
        (Self(WebSocketStream::from_raw_socket(connection, Role::Client, None).await), head)
    }

    /// Upgrades, and sends nothing yet.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address, &[PROTOCOL]).await.expect("an upgrade")
    }

    /// Upgrades and waits for the acknowledgement, with or without a key.
    pub async fn ready(address: SocketAddr, key: Option<&str>) -> Self {
        let mut socket = Self::open(address).await;
        let payload = key.map(|key| json!({ "authorization": format!("Bearer {key}") }));
        socket.send_json(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Sends a message.
    pub async fn send_json(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends anything.
    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("sent");
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send_json(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next message.
    pub async fn receive(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => {
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
            }
            other => panic!("no text but {other:?}"),
        }
    }

    /// The code and the reason of the server's close frame; panics if it does not close now.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Some(Message::Close(Some(frame))) => {
                let close = (frame.code.into(), frame.reason.to_string());
                assert!(self.next().await.is_none(), "nothing comes after it");
                close
            }
            other => panic!("not closed but {other:?}"),
        }
    }

    /// The next message; pings are answered and skipped. None at the end.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("something within the deadline") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }
}
