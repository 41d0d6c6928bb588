//! What becomes of a gateway that is asked far more than it can answer: how much of its best it still does, how long those
//! wait whom it answers, and how much memory it takes meanwhile.
//!
//! ```sh
//! cargo bench --bench overload           # AIRGRAPH_BENCH_SECONDS of overload (60), AIRGRAPH_BENCH_ROWS (1000000)
//! cargo bench --bench overload -- latest # only the question with that word
//! ```
//!
//! Needs `wrk`. The best is the most answers of success in a second that wrk gets by any of a rising number of connections.
//! Then wrk asks by a thousand connections or more, each again as soon as it is answered or refused, and four connections of our
//! own, at the same time, ask the same and measure: wrk's own latencies are of answers and refusals together. They rest for
//! 50 ms after a refusal. What is asked is what is answered and what is refused together, so clients that wait as
//! `Retry-After` tells them would be many more. Everything runs on this machine at the same time: wrk's work for what is
//! refused is taken from the gateway.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use support::{
    Gateway, archive, database, is_wanted,
    load::Connection,
    memory_kb, setting,
    wrk::{Answers, Wrk},
};
use tokio::time::sleep;

/// Connections among which the best is looked for.
const RISING: [usize; 5] = [8, 16, 32, 64, 128];
/// For how long each.
const EACH: Duration = Duration::from_secs(4);
/// Connections of the overload at least.
const MANY: usize = 1000;
/// Connections that measure.
const PROBES: usize = 4;
/// How long one of them rests after a refusal.
const REST: Duration = Duration::from_millis(50);

const QUESTIONS: [(&str, &str); 2] = [
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
    for (name, query) in QUESTIONS.into_iter().filter(|(name, _)| is_wanted(name)) {
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
    for connections in RISING {
        let Answers { good, refused, .. } = wrk.run(connections, EACH).await?;
        println!("  {connections:4} connections: {good:6.0} answers/s, {refused:6.0} refusals/s");
        best = best.max(good);
    }
    // One that is refused comes again after half a second, so these ask for twice the best.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands")]
    let far_too_many = MANY.max((1.1 * best) as usize);
    let pid = gateway.pid()?;
    let before = memory_kb(pid, "VmRSS")?;
    // The probes begin later and end sooner: what they measure is overload throughout.
    let measured = async {
        sleep(Duration::from_secs(1)).await;
        probe(gateway, body, time.saturating_sub(Duration::from_secs(2))).await
    };
    let (answers, measured, during) = tokio::join!(wrk.run(far_too_many, time), measured, most_memory(pid, time));
    let (answers, (waited, turned_away), during) = (answers?, measured?, during?);
    let (first_second, _) = probe(gateway, body, Duration::from_secs(1)).await?;
    let after = memory_kb(pid, "VmRSS")?;

    let Answers { good, refused, broken } = answers;
    let asked = good + refused;
    println!("  {far_too_many} connections: {asked:.0} asked/s, {:.1} times the best of {best:.0}", asked / best);
    println!("    answered  {good:6.0}/s, {:.0} % of the best; {broken} broken connections", 100.0 * good / best);
    println!("    refused   {refused:6.0}/s, {:.0} % of what was asked", 100.0 * refused / asked);
    println!(
        "    answers   p50 {:.1?}, p99 {:.1?} of {} measured, beside {turned_away} refusals",
        percentile(&waited, 50),
        percentile(&waited, 99),
        waited.len()
    );
    println!("    memory    {} MB before, {} MB at most, {} MB after", before / 1024, during / 1024, after / 1024);
    println!("    the first second after: p50 {:.1?}", percentile(&first_second, 50));
    Ok(())
}

/// How long answers took, in order, and how many requests were refused.
async fn probe(gateway: &Gateway, body: &str, time: Duration) -> Result<(Vec<Duration>, usize)> {
    let end = Instant::now() + time;
    let probes = (0..PROBES).map(async |_| {
        let mut connection = Connection::open(&gateway.address, None).await?;
        let (mut waited, mut refused) = (Vec::new(), 0);
        while Instant::now() < end {
            let sent = Instant::now();
            if connection.send("/graphql", body).await? {
                waited.push(sent.elapsed());
            } else {
                refused += 1;
                sleep(REST).await;
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

/// The most memory that a process had in that time, in kilobytes.
async fn most_memory(pid: u32, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let mut most = 0;
    while Instant::now() < end {
        most = most.max(memory_kb(pid, "VmRSS")?);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(most)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}
