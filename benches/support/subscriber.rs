//! A minimal WebSocket subscriber: a complete one would take as much CPU time as the gateway.

use std::{net::Ipv4Addr, time::SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::load::connect;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A subscribed connection.
pub struct Subscriber {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An event: the sample's time in the response, and the time of receipt.
pub type Received = (String, SystemTime);

impl Subscriber {
    /// Connects with the admin's key and subscribes.
    pub async fn open(address: &str, query: &str) -> Result<Self> {
        Self::open_many(address, super::KEY, &[query.to_owned()]).await
    }

    /// Connects with a key and starts each of these subscriptions.
    pub async fn open_many(address: &str, key: &str, queries: &[String]) -> Result<Self> {
        Self::open_from(address, Ipv4Addr::UNSPECIFIED, key, queries).await
    }

    /// The same from an address of this machine.
    pub async fn open_from(address: &str, from: Ipv4Addr, key: &str, queries: &[String]) -> Result<Self> {
        let host = address.strip_prefix("http://").context("an address")?;
        let mut stream = connect(host, from).await?;
        let upgrade = format!(
            "GET /graphql HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await?;
        let mut subscriber = Self { stream, buffer: Vec::new() };
        let head = loop {
            subscriber.read().await?;
            if let Some(end) = subscriber.buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                break end + 4;
            }
        };
        ensure!(subscriber.buffer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&subscriber.buffer));
        subscriber.buffer.drain(..head);
        let init = json!({ "type": "connection_init", "payload": { "x-api-key": key } }).to_string();
        subscriber.send(TEXT, init.as_bytes()).await?;
        let acknowledged = subscriber.next().await?;
        ensure!(acknowledged.contains("connection_ack"), "{acknowledged}");
        for (id, query) in queries.iter().enumerate() {
            let id = id.to_string();
            let subscribe = json!({ "id": id, "type": "subscribe", "payload": { "query": query } }).to_string();
            subscriber.send(TEXT, subscribe.as_bytes()).await?;
        }
        Ok(subscriber)
    }

    /// The next event.
    pub async fn receive(&mut self) -> Result<Received> {
        let text = self.next().await?;
        let (_, rest) = text.split_once("\"measuredAt\":\"").with_context(|| format!("no event: {text}"))?;
        Ok((rest.split('"').next().unwrap_or_default().to_owned(), SystemTime::now()))
    }

    /// The next text message.
    pub async fn next(&mut self) -> Result<String> {
        loop {
            if let Some((code, payload)) = take_frame(&mut self.buffer) {
                match code {
                    TEXT => return Ok(String::from_utf8(payload)?),
                    PING => self.send(PONG, &payload).await?,
                    CLOSE => bail!("closed: {}", String::from_utf8_lossy(payload.get(2..).unwrap_or_default())),
                    _ => {}
                }
            } else {
                self.read().await?;
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection ended");
        Ok(())
    }

    /// Sends a frame, masked as required, with zeros.
    async fn send(&mut self, code: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![0x80 | code];
        match u8::try_from(payload.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 0x7e);
                frame.extend_from_slice(&u16::try_from(payload.len())?.to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}

/// Removes a complete frame from the front, if there is one: its opcode and its payload.
fn take_frame(buffer: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (&code, &short) = (buffer.first()?, buffer.get(1)?);
    let (head, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    let payload = buffer.get(head..head + length)?.to_vec();
    buffer.drain(..head + length);
    Some((code & 0x0f, payload))
}
