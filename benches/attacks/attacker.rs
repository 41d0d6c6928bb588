//! A client that attacks, with an address of its own.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::load;

/// Pause after a refusal, so that the attack is not a mere loop of refusals in the benchmark's own process.
const RETRY_DELAY: Duration = Duration::from_millis(5);

pub struct Attacker {
    /// Host and port of the gateway.
    pub host: String,
    pub from: Ipv4Addr,
    /// A sensor's key that is not bound to a device.
    pub sensor_key: String,
    pub reader_key: String,
    succeeded: AtomicUsize,
    refused: AtomicUsize,
}

impl Attacker {
    pub fn new(address: &str, from: Ipv4Addr, sensor_key: &str, reader_key: &str) -> Result<Self> {
        Ok(Self {
            host: address.strip_prefix("http://").context("an address")?.to_owned(),
            from,
            sensor_key: sensor_key.to_owned(),
            reader_key: reader_key.to_owned(),
            succeeded: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        })
    }

    /// Successful responses, and refusals: error responses and connections closed by the gateway.
    pub fn outcome(&self) -> String {
        format!("{}, {}", self.succeeded.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    pub fn count(&self, succeeded: bool) {
        let count = if succeeded { &self.succeeded } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub async fn connect(&self) -> Result<TcpStream> {
        load::connect(&self.host, self.from).await
    }

    /// A request with its head, for a connection that ends after the response.
    pub fn request(&self, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let host = &self.host;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends a request over a new connection, reads the response to its end, and counts it.
    pub async fn send(&self, path: &str, headers: &str, body: &[u8]) -> Result<()> {
        let succeeded = self.exchange(&self.request(path, headers, body)).await.unwrap_or(false);
        self.count(succeeded);
        if !succeeded {
            sleep(RETRY_DELAY).await;
        }
        Ok(())
    }

    async fn exchange(&self, request: &[u8]) -> Result<bool> {
        let mut connection = self.connect().await?;
        connection.write_all(request).await?;
        let mut beginning = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let length = connection.read(&mut buffer).await?;
            if length == 0 {
                break;
            }
            if beginning.len() < 4096 {
                beginning.extend_from_slice(&buffer[..length.min(4096)]);
            }
        }
        let text = String::from_utf8_lossy(&beginning);
        Ok(text.starts_with("HTTP/1.1 2") && !text.contains("\r\n{\"errors"))
    }

    /// Sends a query.
    pub async fn query(&self, body: &str) -> Result<()> {
        self.send("/graphql", "content-type: application/json\r\n", body.as_bytes()).await
    }

    /// Sends to an ingest route.
    pub async fn record(&self, path: &str, body: &str) -> Result<()> {
        let headers = format!("content-type: application/json\r\nx-api-key: {}\r\n", self.sensor_key);
        self.send(path, &headers, body.as_bytes()).await
    }

    /// Counts responses on held connections.
    pub async fn count_held(&self, connections: &mut [TcpStream]) {
        let answers = connections.iter_mut().map(async |connection| {
            let mut beginning = [0; 64];
            // No response yet: the gateway still waits for the rest.
            match timeout(Duration::from_millis(1), connection.read(&mut beginning)).await {
                Ok(Ok(length)) => self.count(beginning[..length].starts_with(b"HTTP/1.1 1")),
                Ok(Err(_)) => self.count(false),
                Err(_) => self.count(true),
            }
        });
        join_all(answers).await;
    }
}

/// Runs this many workers concurrently, each with its number, until all end or are dropped.
pub async fn workers<F: Future<Output = Result<()>>>(count: usize, work: impl Fn(usize) -> F) -> Result<()> {
    futures_util::future::try_join_all((0..count).map(work)).await.map(drop)
}
