//! Compares exports with `psql \copy (select …) to`: rows per second of CSV and Parquet, the memory of the gateway, and the
//! latency of other callers' queries meanwhile.
//!
//! ```sh
//! cargo bench --bench export         # rows: AIRGRAPH_BENCH_ROWS, default 5 million
//! ```
//!
//! Everything runs on this machine at the same time, including the clients, so only the ratios are meaningful.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::{body::Body, http::Request};
use futures_util::StreamExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use support::{Gateway, KEY, archive, database, load::Connection, process::memory_kb, setting};
use tokio::process::Command;

/// Rounds; the fastest of each counts.
const ROUND_COUNT: u32 = 3;
/// The columns that an export has by default.
const REFERENCE_STATEMENT: &str =
    "select d.key, m.measured_at, m.latitude, m.longitude, m.pm1, m.pm2_5, m.pm4, m.pm10, m.flags
                         from measurement m join device d using (device_id)";
/// The query of other callers, and the time between two of them.
const QUERY: &str = r#"{"query":"{ measurements(first: 20) { nodes { measuredAt pm10 device { key } } } }"}"#;
const QUERY_INTERVAL: Duration = Duration::from_millis(20);
const QUERY_COUNT: usize = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let rows = u32::try_from(setting("AIRGRAPH_BENCH_ROWS", 5_000_000)?)?;
    let database = database().await?;
    archive::fill(&database.url, rows).await?;
    let gateway = Gateway::start(&database.url).await?;
    let pool = sqlx::PgPool::connect(&database.url).await?;
    sqlx::query("vacuum analyze").execute(&pool).await?;
    let stored: i32 = sqlx::query_scalar("select count(*)::int from measurement").fetch_one(&pool).await?;
    let speed = |seconds: f64| f64::from(stored) / seconds;

    let (mut csv, mut parquet, mut copied, mut sorted) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    let order = "order by m.measured_at, m.device_id, m.seq";
    for _ in 0..ROUND_COUNT {
        // Alternating, so that a slower machine affects all.
        csv = csv.max(speed(download(&gateway, "measurements.csv").await?));
        copied = copied.max(speed(copy(&database.url, REFERENCE_STATEMENT).await?));
        parquet = parquet.max(speed(download(&gateway, "measurements.parquet").await?));
        sorted = sorted.max(speed(copy(&database.url, &format!("{REFERENCE_STATEMENT} {order}")).await?));
    }
    println!("{stored} rows{:34} {:>12} {:>12} {:>7}", "", "airgraph/s", "reference/s", "ratio");
    for (name, ours, reference) in [
        ("CSV, against \\copy", csv, copied),
        ("CSV, against \\copy of sorted rows", csv, sorted),
        ("Parquet, against \\copy as CSV", parquet, copied),
    ] {
        println!("{name:44} {ours:12.0} {reference:12.0} {:6.2}×", ours / reference);
    }
    println!("peak memory of the gateway: {} MB", memory_kb(gateway.pid()?, "VmHWM")? / 1024);

    let alone = latencies(&gateway).await?;
    let exporting = async {
        loop {
            if let Err(error) = download(&gateway, "measurements.csv").await {
                break error;
            }
        }
    };
    let meanwhile = tokio::select! {
        error = exporting => return Err(error),
        found = latencies(&gateway) => found?,
    };
    for (name, at) in [("p50", QUERY_COUNT / 2), ("p99", QUERY_COUNT * 99 / 100)] {
        let (before, during) = (alone[at].as_secs_f64(), meanwhile[at].as_secs_f64());
        println!(
            "{name} of other callers' queries: {:.1} ms alone, {:.1} ms during an export, {:.2}×",
            before * 1e3,
            during * 1e3,
            during / before
        );
    }
    pool.close().await;
    gateway.stop().await?;
    database.stop().await
}

/// Downloads an export; returns the seconds.
async fn download(gateway: &Gateway, file: &str) -> Result<f64> {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{}/export/{file}", gateway.address)).header("x-api-key", KEY);
    let since = Instant::now();
    let response = client.request(request.body(Body::empty())?).await?;
    ensure!(response.status().is_success(), "{}", response.status());
    let mut body = Body::new(response.into_body()).into_data_stream();
    while let Some(chunk) = body.next().await {
        chunk?;
    }
    Ok(since.elapsed().as_secs_f64())
}

/// Runs `psql \copy`; returns the seconds.
async fn copy(url: &str, select: &str) -> Result<f64> {
    let select = select.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = format!("\\copy ({select}) to '/dev/null' with (format csv, header)");
    let since = Instant::now();
    let output = Command::new("psql").args([url, "-X", "-q", "-c", &command]).output().await;
    let output = output.context("psql, which comes with Postgres")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(since.elapsed().as_secs_f64())
}

/// Latencies of queries at a constant rate, sorted.
async fn latencies(gateway: &Gateway) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(&gateway.address, None).await?;
    let mut interval = tokio::time::interval(QUERY_INTERVAL);
    let mut found = Vec::with_capacity(QUERY_COUNT);
    while found.len() < QUERY_COUNT {
        interval.tick().await;
        let since = Instant::now();
        connection.post("/graphql", QUERY).await?;
        found.push(since.elapsed());
    }
    found.sort_unstable();
    Ok(found)
}
