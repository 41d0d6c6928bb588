//! A gateway under overload: its throughput relative to its best, the latency of successful
//! responses, and its memory.
//!
//! ```sh
//! cargo bench --bench overload           # AIRGRAPH_BENCH_SECONDS of overload (60), AIRGRAPH_BENCH_ROWS (1000000)
//! cargo bench --bench overload -- latest # only the query with that word
//! ```
//!
//! Needs `wrk`. The best is the maximum rate of successful responses that wrk gets with a rising number of connections.
//! Then wrk sends with a thousand connections or more, each again after every response, and four connections of the
//! benchmark's own send the same at the same time and measure: wrk's latencies include refusals. They pause for
//! 50 ms after a refusal. The offered load is the sum of responses and refusals; a real overload with clients that
//! respect `Retry-After` has many more clients. Everything runs on this machine at the same time: wrk's work for
//! refusals takes CPU time from the gateway.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use support::{
    Gateway, archive, database, is_wanted,
    load::Connection,
    process::memory_kb,
    setting,
    wrk::{Answers, Wrk},
};
use tokio::time::sleep;

/// Numbers of connections to find the best.
const CONNECTION_COUNTS: [usize; 5] = [8, 16, 32, 64, 128];
/// Duration of each.
const STEP_DURATION: Duration = Duration::from_secs(4);
/// Minimum number of connections of the overload.
const MIN_OVERLOAD_CONNECTIONS: usize = 1000;
/// Number of connections that measure.
const PROBE_CONNECTIONS: usize = 4;
/// Pause after a refusal.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

const QUERIES: [(&str, &str); 2] = [
    (
        "latest 100 of a device",
        r#"{ device(key: "station") { measurements(first: 100) { nodes { measuredAt latitude longitude pm25 pm10 } } } }"#,
    ),
    (
        "nested: 50 devices, 20 of each",
        "{ devices(first: 50) { nodes { key latest { measuredAt pm25 pm10 }
            measurements(first: 20) { nodes { measuredAt pm25 pm10 } } } } }",
    ),
];

#[tokio::main]
async fn main() -> Result<()> {
    let time = Duration::from_secs(setting("AIRGRAPH_BENCH_SECONDS", 60)?);
    let rows = u32::try_from(setting("AIRGRAPH_BENCH_ROWS", 1_000_000)?)?;
    let database = database().await?;
    archive::fill(&database.url, rows).await?;
    for (name, query) in QUERIES.into_iter().filter(|(name, _)| is_wanted(name)) {
        let gateway = Gateway::start(&database.url).await?;
        println!("{name}");
        overload(&gateway, &json!({ "query": query }).to_string(), time).await?;
        gateway.stop().await?;
    }
    database.stop().await
}

async fn overload(gateway: &Gateway, body: &str, time: Duration) -> Result<()> {
    let wrk = Wrk::new(&gateway.address, body)?;
    let mut best = 0_f64;
    for connections in CONNECTION_COUNTS {
        let Answers { good, refused, .. } = wrk.run(connections, STEP_DURATION).await?;
        println!("  {connections:4} connections: {good:6.0} answers/s, {refused:6.0} refusals/s");
        best = best.max(good);
    }
    // A refused connection sends again after half a second, so these offer twice the best.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands")]
    let far_too_many = MIN_OVERLOAD_CONNECTIONS.max((1.1 * best) as usize);
    let pid = gateway.pid()?;
    let before = memory_kb(pid, "VmRSS")?;
    // The probes begin later and end sooner, so they measure overload only.
    let measured = async {
        sleep(Duration::from_secs(1)).await;
        probe(gateway, body, time.saturating_sub(Duration::from_secs(2))).await
    };
    let (answers, measured, during) = tokio::join!(wrk.run(far_too_many, time), measured, most_memory(pid, time));
    let (answers, (waited, turned_away), during) = (answers?, measured?, during?);
    let (first_second, _) = probe(gateway, body, Duration::from_secs(1)).await?;
    let after = memory_kb(pid, "VmRSS")?;

    let Answers { good, refused, broken } = answers;
    let offered = good + refused;
    println!("  {far_too_many} connections: {offered:.0} offered/s, {:.1} times the best of {best:.0}", offered / best);
    println!("    answered  {good:6.0}/s, {:.0} % of the best; {broken} broken connections", 100.0 * good / best);
    println!("    refused   {refused:6.0}/s, {:.0} % of the offered load", 100.0 * refused / offered);
    println!(
        "    answers   p50 {:.1?}, p99 {:.1?} of {} measured, beside {turned_away} refusals",
        percentile(&waited, 50),
        percentile(&waited, 99),
        waited.len()
    );
    println!("    memory    {} MB before, {} MB maximum, {} MB after", before / 1024, during / 1024, after / 1024);
    println!("    the first second after: p50 {:.1?}", percentile(&first_second, 50));
    Ok(())
}

/// Latencies of successful responses, sorted, and the number of refusals.
async fn probe(gateway: &Gateway, body: &str, time: Duration) -> Result<(Vec<Duration>, usize)> {
    let end = Instant::now() + time;
    let probes = (0..PROBE_CONNECTIONS).map(async |_| {
        let mut connection = Connection::open(&gateway.address, None).await?;
        let (mut waited, mut refused) = (Vec::new(), 0);
        while Instant::now() < end {
            let sent = Instant::now();
            if connection.send("/graphql", body).await? {
                waited.push(sent.elapsed());
            } else {
                refused += 1;
                sleep(REFUSAL_PAUSE).await;
            }
        }
        Ok::<_, anyhow::Error>((waited, refused))
    });
    let probes = futures_util::future::try_join_all(probes).await?;
    let refused = probes.iter().map(|(_, refused)| refused).sum();
    let mut waited: Vec<_> = probes.into_iter().flat_map(|(waited, _)| waited).collect();
    waited.sort_unstable();
    Ok((waited, refused))
}

/// The maximum memory of a process during this time, in kilobytes.
async fn most_memory(pid: u32, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let mut max = 0;
    while Instant::now() < end {
        max = max.max(memory_kb(pid, "VmRSS")?);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(max)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}
