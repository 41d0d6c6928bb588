//! The reader and the sensor that an attack must not slow down.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use airgraph::clock::Clock;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::support::load::Connection;

/// Interval between two requests.
const REQUEST_INTERVAL: Duration = Duration::from_millis(50);
/// Timeout of a request, which then counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const READER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SENSOR_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const QUERY: &str = r#"{"query":"{ measurements(first: 10) { nodes { measuredAt pm25 pm10 } } }"}"#;

/// Latencies of requests.
#[derive(Default)]
pub struct Latencies {
    sorted: Vec<Duration>,
    failed: usize,
}

impl Latencies {
    /// Median and 99th percentile, in milliseconds.
    pub fn text(&self) -> String {
        let ms = |percent: usize| {
            let at = (self.sorted.len() * percent / 100).min(self.sorted.len().saturating_sub(1));
            self.sorted.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0
        };
        format!("{:.1} {:.1}", ms(50), ms(99))
    }

    /// Requests that failed.
    pub fn failed(all: &[&Self]) -> usize {
        all.iter().map(|latencies| latencies.failed).sum()
    }
}

/// The reader and the sensor.
pub struct Neighbours {
    reader: Client,
    sensor: Client,
    /// Time of the sensor's last sample.
    sampled_at: DateTime<Utc>,
}

/// A client that sends one request at a time.
struct Client {
    connection: Connection,
    address: String,
    from: Ipv4Addr,
    key: Option<String>,
}

impl Neighbours {
    pub async fn connect(address: &str, sensor_key: &str) -> Result<Self> {
        let reader = Client::connect(address, READER_ADDRESS, None).await?;
        let sensor = Client::connect(address, SENSOR_ADDRESS, Some(sensor_key.to_owned())).await?;
        Ok(Self { reader, sensor, sampled_at: Clock::system().now() - TimeDelta::hours(1) })
    }

    /// Latencies of the reader's and the sensor's requests during this time.
    pub async fn measure(&mut self, time: Duration) -> Result<(Latencies, Latencies)> {
        let sampled_at = &mut self.sampled_at;
        let sample = || {
            *sampled_at += TimeDelta::seconds(1);
            json!({ "device": "neighbour", "time": *sampled_at, "latitude": 52.2, "longitude": 0.12, "pm10": 12 })
                .to_string()
        };
        let reader = self.reader.repeat(time, "/graphql", || QUERY.to_owned());
        let sensor = self.sensor.repeat(time, "/ingest/json", sample);
        let (reader, sensor) = tokio::join!(reader, sensor);
        Ok((reader?, sensor?))
    }
}

impl Client {
    async fn connect(address: &str, from: Ipv4Addr, key: Option<String>) -> Result<Self> {
        let connection = Connection::open_from(address, from, key.as_deref()).await?;
        Ok(Self { connection, address: address.to_owned(), from, key })
    }

    async fn repeat(&mut self, time: Duration, path: &str, mut body: impl FnMut() -> String) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        let mut ticks = interval(REQUEST_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + time;
        while Instant::now() < end {
            ticks.tick().await;
            let sent = Instant::now();
            match timeout(REQUEST_TIMEOUT, self.connection.send(path, &body())).await {
                Ok(Ok(true)) => latencies.sorted.push(sent.elapsed()),
                Ok(Ok(false)) => latencies.failed += 1,
                Ok(Err(_)) | Err(_) => {
                    latencies.failed += 1;
                    let connecting = Connection::open_from(&self.address, self.from, self.key.as_deref());
                    self.connection = timeout(REQUEST_TIMEOUT, connecting).await??;
                }
            }
        }
        latencies.sorted.sort_unstable();
        Ok(latencies)
    }
}
