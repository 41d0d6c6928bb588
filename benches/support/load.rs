//! Load: connections that send again after each response.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

/// Parameters of the load.
pub struct Load {
    /// Connections, each with one request at a time.
    pub clients: usize,
    /// Duration.
    pub seconds: u64,
    /// The API key; anonymous without one.
    pub key: Option<&'static str>,
}

/// Results of the load.
pub struct Outcome {
    /// Number of responses.
    pub answers: usize,
    /// Responses per second.
    pub per_second: f64,
    /// Median latency.
    pub median: Duration,
    /// 99th percentile of the latency.
    pub p99: Duration,
    /// The length of a response, with its headers.
    pub bytes: usize,
}

impl Load {
    /// Sends bodies repeatedly; each response must be a success.
    pub async fn run(&self, address: &str, path: &str, body: impl Fn() -> String + Sync) -> Result<Outcome> {
        let since = Instant::now();
        let end = since + Duration::from_secs(self.seconds);
        let clients = (0..self.clients).map(async |_| {
            let mut connection = Connection::open(address, self.key).await?;
            let mut times = Vec::new();
            let mut sent = Instant::now();
            while sent < end {
                connection.post(path, &body()).await?;
                let answered = Instant::now();
                times.push(answered - sent);
                sent = answered;
            }
            Ok::<_, anyhow::Error>((times, connection.answer.len()))
        });
        let clients = futures_util::future::try_join_all(clients).await?;
        let elapsed = since.elapsed();
        let bytes = clients.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
        let mut times: Vec<_> = clients.into_iter().flat_map(|(times, _)| times).collect();
        times.sort_unstable();
        let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let per_second = times.len() as f64 / elapsed.as_secs_f64();
        Ok(Outcome { answers: times.len(), per_second, median: percentile(50), p99: percentile(99), bytes })
    }

    /// Sends a body once.
    pub async fn send_once(&self, address: &str, path: &str, body: &str) -> Result<()> {
        Connection::open(address, self.key).await?.post(path, body).await
    }
}

/// A minimal HTTP/1.1 client: a complete one would take as much CPU time as the gateway.
pub struct Connection {
    stream: TcpStream,
    host: String,
    key: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str, key: Option<&str>) -> Result<Self> {
        Self::open_from(address, Ipv4Addr::UNSPECIFIED, key).await
    }

    /// Connects from an address of this machine.
    pub async fn open_from(address: &str, from: Ipv4Addr, key: Option<&str>) -> Result<Self> {
        let host = address.strip_prefix("http://").context("an address")?.to_owned();
        let key = key.map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
        let stream = connect(&host, from).await?;
        Ok(Self { stream, host, key, request: Vec::new(), answer: Vec::new() })
    }

    /// Sends a body, and waits for a successful response.
    pub async fn post(&mut self, path: &str, body: &str) -> Result<()> {
        let succeeded = self.send(path, body).await?;
        ensure!(succeeded, "{}", String::from_utf8_lossy(&self.answer));
        Ok(())
    }

    /// The last response, with its head.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// Sends a body, and returns whether the response is a success.
    pub async fn send(&mut self, path: &str, body: &str) -> Result<bool> {
        self.request.clear();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.host,
            self.key,
            body.len()
        );
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body.as_bytes());
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let (head, length) = loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the connection ended");
            if let Some(head) = self.answer.windows(4).position(|end| end == b"\r\n\r\n") {
                break (head + 4, content_length(&self.answer[..head])?);
            }
        };
        while self.answer.len() < head + length {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the connection ended");
        }
        Ok(self.answer.starts_with(b"HTTP/1.1 2") && !self.answer[head..].starts_with(b"{\"errors"))
    }
}

/// Connects to a host and port, from an address of this machine.
pub async fn connect(host: &str, from: Ipv4Addr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(host.parse()?).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = str::from_utf8(head)?;
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let value = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    Ok(value.with_context(|| format!("no content-length: {head}"))?.parse()?)
}
