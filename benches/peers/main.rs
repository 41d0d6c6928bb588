//! Compares the gateway with `PostGraphile` 5 and with handlers written by hand, in Rust and in Node, on the same
//! database: requests per second, and how many requests and rows one second of CPU time serves.
//!
//! ```sh
//! (cd benches/peers && npm ci)
//! cargo bench --bench peers          # seconds per line and server: AIRGRAPH_BENCH_SECONDS, default 5
//! ```
//!
//! The servers work in turns of a second, with ten connections to Postgres each. Everything runs on this machine at the
//! same time, including the load, so only the ratios are meaningful. CPU time is that of the server and of Postgres,
//! without the load.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod server;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use anyhow::{Result, ensure};
use server::Server;
use sqlx::PgPool;
use support::{
    Database, Gateway, KEY, by_hand, database, is_wanted, lists,
    lists::ListedKeys,
    load::{Connection, Load},
    packets::{Packets, SAMPLES_PER_PACKET},
    process::{cpu_time, cpu_time_with_children},
    setting,
};

/// Number of concurrent connections.
const CLIENT_COUNT: usize = 16;

/// A list, as each of the servers provides it.
struct List {
    name: String,
    airgraph: String,
    postgraphile: String,
    handler_path: String,
    /// The keys of the devices, which requests ask for in turn; `None` for a list of many devices.
    keys: Option<ListedKeys>,
    rows: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    if by_hand::serve_if_requested().await? {
        return Ok(());
    }
    let seconds = setting("AIRGRAPH_BENCH_SECONDS", 5)?;
    let database = database().await?;
    let gateway = Gateway::start(&database.url).await?;
    fill(&database).await?;
    let servers = Server::start_all(&database.url, &gateway).await?;
    println!("{:38} {:>10} {:>12} {:>12} {:>9}", "", "requests/s", "per CPU s", "rows/CPU s", "airgraph");
    let (of_device, nested) = lists();
    for list in of_device.iter().filter(|list| is_wanted(&list.name)) {
        compare(list, &servers, &database, seconds).await?;
    }
    if is_wanted(&nested.name) {
        lists::nested_devices(&PgPool::connect(&database.url).await?).await?;
        compare(&nested, &servers, &database, seconds).await?;
    }
    recording(&gateway, &database, seconds).await?;
    for server in &servers {
        println!("peak memory of {}: {} MB", server.name, server.peak_memory_mb()?);
    }
    drop(servers); // before their database ends
    gateway.stop().await?;
    database.stop().await
}

/// The listed devices. `PostGraphile` learns from a comment that measurements belong to devices.
async fn fill(database: &Database) -> Result<()> {
    let pool = PgPool::connect(&database.url).await?;
    lists::listed_devices(&pool).await?;
    let relation = "comment on table measurement is '@foreignKey (device_id) references device (device_id)'";
    sqlx::raw_sql(relation).execute(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Lists of one device of several lengths, and a nested one.
fn lists() -> ([List; 4], List) {
    let newest = "orderBy: [MEASURED_AT_DESC, SEQ_DESC]";
    let of_device = |count: usize| List {
        name: format!("latest {count} of a device"),
        airgraph: format!(
            "query($key: String!) {{ device(key: $key) {{ measurements(first: {count}) {{ nodes {{
                measuredAt recordedAt latitude longitude pm25 pm10 timeUncertainty }} }} }} }}"
        ),
        postgraphile: format!(
            "query($key: String!) {{ deviceByKey(key: $key) {{
                measurementsByDeviceId(first: {count}, {newest}) {{ nodes {{
                    measuredAt recordedAt latitude longitude pm25 pm10 timeUncertaintyS }} }} }} }}"
        ),
        handler_path: format!("/listed/{count}"),
        keys: Some(ListedKeys::default()),
        rows: count,
    };
    let nested = List {
        name: "nested: 50 devices, latest, 10 of each".to_owned(),
        airgraph: "{ devices(first: 50) { nodes { key name latest { measuredAt pm25 pm10 }
            measurements(first: 10) { nodes { measuredAt pm25 pm10 } } } } }"
            .to_owned(),
        postgraphile: format!(
            "{{ allDevices(first: 50, orderBy: KEY_ASC) {{ nodes {{ key name
                latest: measurementsByDeviceId(first: 1, {newest}) {{ nodes {{ measuredAt pm25 pm10 }} }}
                measurementsByDeviceId(first: 10, {newest}) {{ nodes {{ measuredAt pm25 pm10 }} }} }} }} }}"
        ),
        handler_path: "/nested".to_owned(),
        keys: None,
        rows: 50 * 11,
    };
    ([1, 100, 1000, 10_000].map(of_device), nested)
}

/// The servers' speed and CPU time for a list.
async fn compare(list: &List, servers: &[Server], database: &Database, seconds: u64) -> Result<()> {
    let mut measured = vec![Measured::default(); servers.len()];
    for round in 0..=seconds {
        for (server, measured) in servers.iter().zip(&mut measured) {
            let (path, body) = server.requests(list);
            if round == 0 {
                // The first round warms up, and checks that all servers answer with the same number of rows.
                let mut connection = Connection::open(&server.address, None).await?;
                connection.post(path, &body()).await?;
                let rows = String::from_utf8_lossy(connection.answer()).matches("\"measuredAt\":\"").count();
                ensure!(rows == list.rows, "{} has {rows} rows of {}", server.name, list.rows);
            }
            let load = Load { clients: CLIENT_COUNT, seconds: 1, key: None };
            let turn =
                Measured::of(server.pid, database, async { Ok(load.run(&server.address, path, &body).await?.answers) })
                    .await?;
            if round > 0 {
                measured.add(&turn);
            }
        }
    }
    println!("{}", list.name);
    for (server, found) in servers.iter().zip(&measured) {
        found.print(server.name, list.rows, &measured[0]);
    }
    Ok(())
}

/// The gateway's speed and CPU time for packets of samples.
async fn recording(gateway: &Gateway, database: &Database, seconds: u64) -> Result<()> {
    const LINE: &str = "packets of 8 samples";
    if !is_wanted(LINE) {
        return Ok(());
    }
    let packets = Packets::default();
    let load = Load { clients: CLIENT_COUNT, seconds, key: Some(KEY) };
    let measured = Measured::of(gateway.pid()?, database, async {
        Ok(load.run(&gateway.address, "/insertSensorData", || packets.next()).await?.answers)
    })
    .await?;
    println!("{LINE}");
    measured.print("airgraph", usize::try_from(SAMPLES_PER_PACKET)?, &measured);
    Ok(())
}

/// Requests, and the time and CPU time that they took.
#[derive(Clone, Default)]
struct Measured {
    requests: usize,
    time: Duration,
    cpu_time: Duration,
}

impl Measured {
    async fn of(pid: u32, database: &Database, requests: impl Future<Output = Result<usize>>) -> Result<Self> {
        let postmaster = database.postmaster()?;
        let cpu_time_so_far = || anyhow::Ok(cpu_time(pid)? + cpu_time_with_children(postmaster)?);
        let (since, before) = (std::time::Instant::now(), cpu_time_so_far()?);
        let requests = requests.await?;
        Ok(Self { requests, time: since.elapsed(), cpu_time: cpu_time_so_far()?.saturating_sub(before) })
    }

    fn add(&mut self, turn: &Self) {
        self.requests += turn.requests;
        self.time += turn.time;
        self.cpu_time += turn.cpu_time;
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn per_second(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn print(&self, server: &str, rows: usize, airgraph: &Self) {
        let per_cpu_second = self.requests as f64 / self.cpu_time.as_secs_f64();
        println!(
            "  {server:36} {:10.0} {per_cpu_second:12.0} {:12.0} {:8.2}×",
            self.per_second(),
            per_cpu_second * rows as f64,
            airgraph.per_second() / self.per_second()
        );
    }
}
