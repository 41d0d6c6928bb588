//! Subscribers of one filter at a thousand samples per second: number of events, latency after the commit,
//! and the gateway's memory for an idle subscriber. Then the cost of a sample with 1 and with
//! 10,000 subscriptions with different filters.
//!
//! ```sh
//! cargo bench --bench live           # seconds per measurement: AIRGRAPH_BENCH_SECONDS, default 10
//! cargo bench --bench live filters   # only the second table
//! ```
//!
//! Everything runs on this machine at the same time: the gateway, Postgres, senders and subscribers. Needs as many
//! open files as there are subscribers, and raises its limit to the maximum.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use airgraph::{clock::Clock, db::feed};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use sqlx::PgPool;
use support::{
    Gateway, database,
    load::Connection,
    process::{cpu_time, memory_kb},
    setting,
    subscriber::{Received, Subscriber},
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// Devices, each with one sample per second.
const DEVICE_COUNT: u32 = 1000;
/// Samples in a request, each of another device.
const IN_A_POST: u32 = 10;
/// Connections that send samples.
const WORKER_COUNT: u64 = 16;
/// Connections that subscribe concurrently.
const MAX_CONCURRENT_CONNECTS: usize = 64;
/// Subscriptions with different filters of one key, and of one of its sockets.
const FILTERS_PER_KEY: u32 = 1800;
const SUBSCRIPTIONS_PER_SOCKET: usize = 100;
/// Samples that are sent one by one, per second.
const SAMPLES_PER_SECOND: u64 = 20;

#[tokio::main]
async fn main() -> Result<()> {
    raise_file_limit()?;
    let seconds = setting("AIRGRAPH_BENCH_SECONDS", 10)?;
    let database = database().await?;
    if support::is_wanted("subscribers") {
        subscribers(&database.url, seconds).await?;
    }
    if support::is_wanted("filters") {
        filters(&database.url, seconds).await?;
    }
    database.stop().await
}

async fn subscribers(url: &str, seconds: u64) -> Result<()> {
    println!(
        "{:12} {:>8} {:>12} {:>12} {:>9} {:>9} {:>14} {:>9}",
        "subscribers", "of", "events/s", "due/s", "p50 ms", "p99 ms", "kB idle, each", "CPU idle"
    );
    for (subscribers, of) in [(0, 0), (1000, 10), (10_000, 10), (100, DEVICE_COUNT)] {
        // A new gateway for each run, so its memory is that of these subscribers.
        let gateway = Gateway::start(url).await?;
        measure(&gateway, url, subscribers, of, seconds).await?;
        gateway.stop().await?;
    }
    Ok(())
}

/// Different filters, of which a sample matches few: by device, by area, by value, and by alternatives of these.
fn different_filter(number: u32) -> String {
    let (row, column) = (number / 100, number % 100);
    let kinds = [
        format!("devices: [\"{}\"], pm10: {{min: 0.{number:05}}}", name(number % DEVICE_COUNT)),
        format!(
            "area: {{boundingBox: {{south: {}.{column:02}, north: {}.{column:02}5, west: {row}, east: {row}.01}}}}",
            10 + row % 30,
            10 + row % 30,
        ),
        format!("pm10: {{min: {}.5, max: {}.75}}", 100 + number, 100 + number),
        format!(
            "or: [{{pm25: {{min: {}}}}}, {{area: {{circle: {{latitude: -{row}, longitude: {column}, radius: 500}}}}}}]",
            100 + number
        ),
    ];
    kinds.into_iter().cycle().nth(number as usize % 4).unwrap_or_default()
}

/// CPU time of the gateway for a batch of one sample with this many different filters.
async fn filters(url: &str, seconds: u64) -> Result<()> {
    println!(
        "{:>17} {:>9} {:>16} {:>16} {:>12} {:>18}",
        "different filters", "events/s", "CPU ms a sample", "less recording", "times one", "kB idle, each"
    );
    let (mut recording, mut one) = (None, None);
    for count in [0_u32, 1, 100, 1000, 10_000] {
        let gateway = Gateway::start(url).await?;
        let pid = gateway.pid()?;
        post(&gateway, Clock::system().now() - TimeDelta::hours(1), 1).await?; // creates the devices
        let before = memory_kb(pid, "VmRSS")?;
        let mut listening = Vec::new();
        for from in (0..count).step_by(FILTERS_PER_KEY as usize) {
            let key = reader_key(&gateway).await?;
            let numbers: Vec<_> = (from..count.min(from + FILTERS_PER_KEY)).collect();
            for numbers in numbers.chunks(SUBSCRIPTIONS_PER_SOCKET) {
                let query = |number: &u32| {
                    format!(
                        "subscription {{ measurementRecorded(filter: {{{}}}) {{ cursor measurement {{ measuredAt pm10 }} }} }}",
                        different_filter(*number)
                    )
                };
                let queries: Vec<_> = numbers.iter().map(query).collect();
                listening.push(Subscriber::open_many(&gateway.address, &key, &queries).await?);
            }
        }
        sleep(Duration::from_secs(5)).await;
        let idle_memory = memory_kb(pid, "VmRSS")?.saturating_sub(before);
        let (end, ended) = watch::channel(false);
        let listening: Vec<_> = listening.into_iter().map(|subscriber| listen(subscriber, ended.clone())).collect();
        let busy = cpu_time(pid)?;
        let samples = seconds * SAMPLES_PER_SECOND;
        post_singly(&gateway, samples).await?;
        sleep(Duration::from_secs(1)).await; // for pending events
        let busy = cpu_time(pid)?.saturating_sub(busy);
        end.send_replace(true);
        let mut received = 0;
        for subscriber in listening {
            received += subscriber.await??.len();
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        {
            let each = busy.as_secs_f64() * 1000.0 / samples as f64;
            let recording = *recording.get_or_insert(each);
            let added = each - recording;
            let times = (count > 0).then(|| added / *one.get_or_insert(added));
            println!(
                "{count:17} {:9.1} {each:16.2} {added:16.2} {:>12} {:18.2}",
                received as f64 / seconds as f64,
                times.map_or_else(String::new, |times| format!("{times:.1}")),
                idle_memory as f64 / f64::from(count.max(1)),
            );
        }
        gateway.stop().await?;
    }
    Ok(())
}

/// A new key with the role reader.
async fn reader_key(gateway: &Gateway) -> Result<String> {
    let mut connection = Connection::open(&gateway.address, Some(support::KEY)).await?;
    let query = "mutation { createApiKey(input: {name: \"bench\", role: READER}) { key } }";
    connection.post("/graphql", &json!({ "query": query }).to_string()).await?;
    let answer = String::from_utf8_lossy(connection.answer());
    let (_, rest) = answer.split_once("\"key\":\"").with_context(|| format!("no key: {answer}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

/// Sends samples one by one, at a constant rate.
async fn post_singly(gateway: &Gateway, samples: u64) -> Result<()> {
    let mut connection = Connection::open(&gateway.address, Some(support::KEY)).await?;
    let (began, from) = (Instant::now(), Clock::system().now());
    for number in 0..samples {
        sleep(Duration::from_micros(number * 1_000_000 / SAMPLES_PER_SECOND).saturating_sub(began.elapsed())).await;
        let at = from + TimeDelta::microseconds(i64::try_from(number)?);
        let device = name(u32::try_from(number)? % DEVICE_COUNT);
        let sample =
            json!({ "device": device, "time": at, "latitude": 52.2, "longitude": 0.12, "pm2_5": 5.5, "pm10": 9 });
        connection.post("/ingest/json", &json!([sample]).to_string()).await?;
    }
    Ok(())
}

/// Opens `subscribers` subscriptions to `of` devices, and prints what they received.
async fn measure(gateway: &Gateway, url: &str, subscribers: usize, of: u32, seconds: u64) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    post(gateway, Clock::system().now() - TimeDelta::hours(1), 1).await?; // creates the devices
    sleep(Duration::from_secs(1)).await;
    let pid = gateway.pid()?;
    let before = memory_kb(pid, "VmRSS")?;
    let names: Vec<_> = (0..of).map(name).collect();
    let filter = if of == DEVICE_COUNT { "null".to_owned() } else { format!("{{devices: {}}}", json!(names)) };
    let query = format!(
        "subscription {{ measurementRecorded(filter: {filter}) {{ cursor measurement {{
            measuredAt latitude longitude pm25 pm10 device {{ key }} }} }} }}"
    );
    let opened: Vec<_> = stream::iter(0..subscribers)
        .map(|_| Subscriber::open(&gateway.address, &query))
        .buffer_unordered(MAX_CONCURRENT_CONNECTS)
        .collect()
        .await;
    let opened = opened.into_iter().collect::<Result<Vec<_>>>()?;
    sleep(Duration::from_secs(2)).await;
    let idle_memory = memory_kb(pid, "VmRSS")?.saturating_sub(before);
    let busy = cpu_time(pid)?;
    sleep(Duration::from_secs(5)).await;
    let idle_cpu = cpu_time(pid)?.saturating_sub(busy) / 5;

    let (end, ended) = watch::channel(false);
    let listening: Vec<_> = opened.into_iter().map(|subscriber| listen(subscriber, ended.clone())).collect();
    let newest = feed::extent(&pool).await?.newest;
    post(gateway, Clock::system().now(), seconds).await?;
    sleep(Duration::from_secs(2)).await; // for pending events
    end.send_replace(true);
    let mut received = Vec::new();
    for subscriber in listening {
        received.extend(subscriber.await??);
    }
    let mut delays = delays(&pool, newest, &received).await?;
    delays.sort_unstable();
    let percentile = |percent: usize| delays.get(delays.len() * percent / 100).copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    {
        println!(
            "{subscribers:12} {of:8} {:12.0} {:12} {:9.1} {:9.1} {:14.1} {:8.1}%",
            received.len() as f64 / seconds as f64,
            subscribers * of as usize,
            ms(percentile(50)),
            ms(percentile(99)),
            idle_memory as f64 / subscribers.max(1) as f64,
            idle_cpu.as_secs_f64() * 100.0,
        );
    }
    pool.close().await;
    Ok(())
}

fn name(device: u32) -> String {
    format!("live-{device}")
}

/// Sends a sample of each device per second, at a constant rate.
async fn post(gateway: &Gateway, from: DateTime<Utc>, seconds: u64) -> Result<()> {
    let began = Instant::now();
    let posts = u64::from(DEVICE_COUNT / IN_A_POST); // per second
    let workers = (0..WORKER_COUNT).map(async |worker| {
        let mut connection = Connection::open(&gateway.address, Some(support::KEY)).await?;
        for number in (worker..seconds * posts).step_by(usize::try_from(WORKER_COUNT)?) {
            let (second, place) = (number / posts, u32::try_from(number % posts)?);
            let due = Duration::from_micros(number * 1_000_000 / posts);
            sleep(due.saturating_sub(began.elapsed())).await;
            let at = from + TimeDelta::seconds(i64::try_from(second)?);
            let devices = place * IN_A_POST..(place + 1) * IN_A_POST;
            let sample = |device: u32| {
                let at = at + TimeDelta::microseconds(i64::from(device)); // identifies the sample
                json!({ "device": name(device), "time": at, "latitude": 52.2, "longitude": 0.12, "pm2_5": 5.5, "pm10": 9 })
            };
            let body = json!(devices.map(sample).collect::<Vec<_>>()).to_string();
            connection.post("/ingest/json", &body).await?;
        }
        Ok::<_, anyhow::Error>(())
    });
    futures_util::future::try_join_all(workers).await?;
    Ok(())
}

/// Collects events until the end.
fn listen(mut subscriber: Subscriber, mut ended: watch::Receiver<bool>) -> JoinHandle<Result<Vec<Received>>> {
    tokio::spawn(async move {
        let mut received = Vec::new();
        loop {
            tokio::select! {
                event = subscriber.receive() => received.push(event?),
                _ = ended.wait_for(|ended| *ended) => return Ok(received),
            }
        }
    })
}

/// Latencies of the events after the commit. The commit's time is taken just before it, on the same clock.
async fn delays(pool: &PgPool, after: i64, received: &[Received]) -> Result<Vec<Duration>> {
    let mut committed = HashMap::new();
    let mut last = after;
    loop {
        let entries = feed::list_after(pool, last, 1000).await?.context("the feed was cut")?;
        let Some(entry) = entries.last() else { break };
        last = entry.number;
        for entry in &entries {
            let at = SystemTime::from(entry.committed_at);
            committed.extend(entry.record.recorded.iter().map(|key| (key.measured_at, at)));
        }
    }
    let delay = |(measured_at, at): &Received| {
        let committed = committed.get(&measured_at.parse().ok()?)?;
        Some(at.duration_since(*committed).unwrap_or_default())
    };
    received.iter().map(|event| delay(event).context("an event of nothing that was posted")).collect()
}

fn raise_file_limit() -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, max) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, max, max)?)
}
