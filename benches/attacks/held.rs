//! Attacks that hold resources: connections, uploads, subscriptions.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    attacker::{Attacker, workers},
    support::subscriber::Subscriber,
};

/// Interval of replacing held connections that the gateway has closed.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of opening one.
const OPEN_TIMEOUT: Duration = Duration::from_millis(500);

/// Uploads that begin and then send nothing.
pub async fn uploads(attacker: &Attacker) -> Result<()> {
    let begin = format!(
        "POST /ingest/csv?device=held HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ntransfer-encoding: chunked\r\n\r\n\
         20\r\ntime,pm10\n2026-04-01T10:00:00Z,1\n\r\n",
        attacker.host, attacker.sensor_key
    );
    hold(attacker, &[(600, begin.as_bytes())]).await
}

/// Requests with an endless head, and endless `WebSocket` frames.
pub async fn half_sent(attacker: &Attacker) -> Result<()> {
    let head = format!("POST /graphql HTTP/1.1\r\nhost: {}\r\nx-unfinished: ", attacker.host);
    let upgrade = format!(
        "GET /graphql HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n",
        attacker.host
    );
    // A masked text frame with a declared length of 900,000 bytes.
    let mut frame = vec![0x81, 0xff];
    frame.extend_from_slice(&900_000_u64.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&vec![b' '; 100_000]);
    let socket = [upgrade.as_bytes(), &frame].concat();
    hold(attacker, &[(3000, head.as_bytes()), (400, &socket)]).await
}

/// Bodies sent byte by byte, and responses that are not read.
pub async fn slow_clients(attacker: &Attacker) -> Result<()> {
    let slow = workers(64, |_| async {
        loop {
            let mut connection = attacker.connect().await?;
            let head = format!(
                "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{",
                attacker.host
            );
            let mut is_open = connection.write_all(head.as_bytes()).await.is_ok();
            while is_open {
                sleep(Duration::from_millis(200)).await;
                is_open = connection.write_all(b" ").await.is_ok();
            }
            attacker.count(false);
        }
    });
    let query =
        json!({ "query": "{ measurements(first: 10000) { nodes { id measuredAt latitude longitude pm25 pm10 } } }" });
    let unread = attacker.request("/graphql", "content-type: application/json\r\n", query.to_string().as_bytes());
    let unread = [(8, unread.as_slice())];
    tokio::try_join!(slow, hold(attacker, &unread))?;
    Ok(())
}

/// Subscriptions with different filters.
pub async fn subscriptions(attacker: &Attacker) -> Result<()> {
    let address = format!("http://{}", attacker.host);
    workers(100, |socket| {
        let address = &address;
        async move {
            let query = |n: usize| {
                let min = socket * 100 + n;
                format!("subscription {{ measurementRecorded(filter: {{pm10: {{min: 0.{min:05}}}}}) {{ measurement {{ measuredAt pm10 }} }} }}")
            };
            let queries: Vec<_> = (0..100).map(query).collect();
            loop {
                let opened = Subscriber::open_from(address, attacker.from, &attacker.reader_key, &queries).await;
                let Ok(mut subscriber) = opened else {
                    attacker.count(false);
                    sleep(RECONNECT_INTERVAL).await;
                    continue;
                };
                while let Ok(text) = subscriber.next().await {
                    attacker.count(!text.contains("\"type\":\"error\""));
                }
            }
        }
    })
    .await
}

/// Opens this many connections of each kind and sends their beginning; every second, reopens those that are closed.
async fn hold(attacker: &Attacker, kinds: &[(usize, &[u8])]) -> Result<()> {
    let opened = kinds.iter().map(async |&(count, beginning)| {
        loop {
            let mut connections: Vec<TcpStream> = Vec::with_capacity(count);
            for _ in 0..count {
                let opening = async {
                    let mut connection = attacker.connect().await?;
                    connection.write_all(beginning).await?;
                    anyhow::Ok(connection)
                };
                match timeout(OPEN_TIMEOUT, opening).await {
                    Ok(Ok(connection)) => connections.push(connection),
                    Ok(Err(_)) | Err(_) => attacker.count(false),
                }
            }
            sleep(RECONNECT_INTERVAL).await;
            attacker.count_held(&mut connections).await;
        }
    });
    futures_util::future::join_all(opened).await.into_iter().collect()
}
