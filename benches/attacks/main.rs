//! Latencies of a sensor and a reader, alone and while another client attacks.
//!
//! ```sh
//! cargo bench --bench attacks            # each attack for AIRGRAPH_BENCH_SECONDS (5), on AIRGRAPH_BENCH_ROWS (600000)
//! cargo bench --bench attacks -- polygon # attacks with that word in their names
//! ```
//!
//! Each attack runs against a gateway of its own in the profile `open` with its default limits. The reader sends a
//! small query and the sensor a sample every 50 ms. Each client has its own address on loopback, so rate limits and
//! quotas apply per client. The attacker works in the process of the benchmark, on the same cores as the gateway and
//! Postgres: part of its neighbours' latency is caused by its own work.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod attacker;
mod held;
mod neighbours;
mod queries;
mod recording;
#[path = "../support/mod.rs"]
mod support;

use std::{net::Ipv4Addr, time::Duration};

use anyhow::{Context as _, Result};
use attacker::Attacker;
use futures_util::future::BoxFuture;
use neighbours::{Latencies, Neighbours};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use support::{Gateway, KEY, archive, database, is_wanted, load::Connection, setting};

/// Limit of open files: attacks hold thousands of connections.
const MAX_OPEN_FILES: u64 = 20_000;
/// Addresses of the attacker's connections.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// Warm-up before a measurement: plans, caches, and the sensor's device.
const WARM_UP: Duration = Duration::from_millis(500);

type Run = for<'a> fn(&'a Attacker) -> BoxFuture<'a, Result<()>>;

/// Number in the list of known attacks, name, and a future that attacks until it is dropped.
const ATTACKS: [(u32, &str, Run); 13] = [
    (1, "20 totals of 49 conditions on another table", |attacker| Box::pin(queries::conditions(attacker))),
    (2, "totals in a polygon of 10,000 points, percentiles", |attacker| Box::pin(queries::scans(attacker))),
    (3, "long aliases, large answers", |attacker| Box::pin(queries::large_answers(attacker))),
    (4, "600 uploads that send nothing more", |attacker| Box::pin(held::uploads(attacker))),
    (5, "100 sockets of 100 subscriptions", |attacker| Box::pin(held::subscriptions(attacker))),
    (7, "undecodable bodies of 1 MB", |attacker| Box::pin(recording::undecodable(attacker))),
    (8, "5000 new devices a request", |attacker| Box::pin(recording::new_devices(attacker))),
    (9, "samples in 312 months", |attacker| Box::pin(recording::months(attacker))),
    (12, "invalid keys", |attacker| Box::pin(queries::invalid_keys(attacker))),
    (13, "persisted documents of 100 kB", |attacker| Box::pin(queries::persisted_documents(attacker))),
    (15, "3000 half-sent heads, 400 unfinished frames", |attacker| Box::pin(held::half_sent(attacker))),
    (18, "a leap second again and again", |attacker| Box::pin(recording::leap_second(attacker))),
    (19, "64 slow bodies, 8 answers that are not read", |attacker| Box::pin(held::slow_clients(attacker))),
];

#[tokio::main]
async fn main() -> Result<()> {
    let time = Duration::from_secs(setting("AIRGRAPH_BENCH_SECONDS", 5)?);
    let rows = u32::try_from(setting("AIRGRAPH_BENCH_ROWS", 600_000)?)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(MAX_OPEN_FILES), hard)?;
    let database = database().await?;
    archive::fill(&database.url, rows).await?;
    let gateway = Gateway::start_as_shipped(&database.url).await?;
    let sensor = key(&gateway, "SENSOR").await?;
    let attacking_sensor = key(&gateway, "SENSOR").await?;
    let attacking_reader = key(&gateway, "READER").await?;
    gateway.stop().await?;

    println!("{:54}{:^26}{:^26}", "", "reader: p50, p99 in ms", "sensor: p50, p99 in ms");
    println!(
        "{:54}{:>12}{:>14}{:>12}{:>14}{:>22}{:>9}",
        "", "alone", "meanwhile", "alone", "meanwhile", "attack: ok, refused", "failed"
    );
    for (number, name, run) in ATTACKS.into_iter().filter(|(_, name, _)| is_wanted(name)) {
        let gateway = Gateway::start_as_shipped(&database.url).await?;
        let mut neighbours = Neighbours::connect(&gateway.address, &sensor).await?;
        neighbours.measure(WARM_UP).await?;
        let (reader, sensor) = neighbours.measure(time).await?;
        let attacker = Attacker::new(&gateway.address, ATTACKER, &attacking_sensor, &attacking_reader)?;
        // Dropped at the end, with all its connections. The neighbours end by themselves.
        let (attack, measured) = tokio::join!(tokio::time::timeout(time, run(&attacker)), neighbours.measure(time));
        if let Ok(ended) = attack {
            ended.with_context(|| name)?;
        }
        let (reader_meanwhile, sensor_meanwhile) = measured?;
        println!(
            "{:54}{:>12}{:>14}{:>12}{:>14}{:>22}{:>9}",
            format!("{number:2}  {name}"),
            reader.text(),
            reader_meanwhile.text(),
            sensor.text(),
            sensor_meanwhile.text(),
            attacker.outcome(),
            Latencies::failed(&[&reader_meanwhile, &sensor_meanwhile]),
        );
        gateway.stop().await?;
    }
    database.stop().await
}

/// A new key of this role.
async fn key(gateway: &Gateway, role: &str) -> Result<String> {
    let mut connection = Connection::open(&gateway.address, Some(KEY)).await?;
    let query = format!("mutation {{ createApiKey(input: {{name: \"bench\", role: {role}}}) {{ key }} }}");
    connection.post("/graphql", &json!({ "query": query }).to_string()).await?;
    let answer = String::from_utf8_lossy(connection.answer());
    let (_, rest) = answer.split_once("\"key\":\"").with_context(|| format!("no key: {answer}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
