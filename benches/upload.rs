//! Compares uploads: CSV over HTTP with `COPY` of the same rows into a table with the same keys; and measures the
//! memory of the gateway for a long file.
//!
//! ```sh
//! cargo bench --bench upload         # lines of the long file: AIRGRAPH_BENCH_LINES, default 5 million
//! ```
//!
//! Everything runs on this machine at the same time, including the load, so only the ratio is meaningful.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::{fmt::Write as _, time::Instant};

use anyhow::{Result, ensure};
use axum::body::{Body, Bytes};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use serde_json::Value;
use sqlx::Connection as _;
use support::{Gateway, database, process::memory_kb, upload};

/// Lines of the compared file, and number of rounds; the fastest of each counts.
const SHORT_FILE_LINES: u32 = 500_000;
const ROUND_COUNT: u32 = 3;
/// Devices in a file, one after the other.
const DEVICE_COUNT: u32 = 10;
/// Lines in one chunk of the body.
const LINES_PER_CHUNK: u32 = 1000;

#[tokio::main]
async fn main() -> Result<()> {
    let long = std::env::var("AIRGRAPH_BENCH_LINES").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    let database = database().await?;
    let gateway = Gateway::start(&database.url).await?;
    let (mut uploaded, mut copied) = (0.0_f64, 0.0_f64);
    for round in 0..ROUND_COUNT {
        // Alternating, so that a slower machine affects both.
        uploaded = uploaded.max(csv(&gateway, round).await?);
        copied = copied.max(copy(&database.url, round).await?);
    }
    println!("{:44} {:>12} {:>12} {:>7}", "", "airgraph/s", "reference/s", "ratio");
    println!("{:44} {uploaded:12.0} {copied:12.0} {:6.2}×", "rows of CSV, against COPY", uploaded / copied);

    let before = memory_kb(gateway.pid()?, "VmHWM")? / 1024;
    let chunks = (0..long)
        .step_by(LINES_PER_CHUNK as usize)
        .map(move |first| lines(9, first..(first + LINES_PER_CHUNK).min(long), true));
    let since = Instant::now();
    send(
        &gateway,
        Body::from_stream(stream::iter(std::iter::once(header(true)).chain(chunks).map(Ok::<_, anyhow::Error>))),
        long,
    )
    .await?;
    let seconds = since.elapsed().as_secs_f64();
    let after = memory_kb(gateway.pid()?, "VmHWM")? / 1024;
    println!(
        "{long} lines in one file: {:.0} rows/s, the gateway's peak memory {after} MB ({before} MB before)",
        f64::from(long) / seconds
    );
    gateway.stop().await?;
    database.stop().await
}

/// Uploads a file of new rows and returns rows per second.
async fn csv(gateway: &Gateway, round: u32) -> Result<f64> {
    let chunks: Vec<_> = file(round, true).into_iter().map(Ok::<_, anyhow::Error>).collect();
    let since = Instant::now();
    send(gateway, Body::from_stream(stream::iter(chunks)), SHORT_FILE_LINES).await?;
    Ok(f64::from(SHORT_FILE_LINES) / since.elapsed().as_secs_f64())
}

async fn send(gateway: &Gateway, file: Body, lines: u32) -> Result<()> {
    let report: Value = serde_json::from_slice(&upload(&gateway.address, file).await?)?;
    ensure!(report["recorded"] == lines, "{report}");
    Ok(())
}

/// Copies the same rows, also as CSV, and returns rows per second. No cells, no flags, no devices by name.
async fn copy(url: &str, round: u32) -> Result<f64> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let table = "create table if not exists plain (like measurement including all); truncate plain;
                 alter table plain alter recorded_at set default now(), alter flags set default 0, alter seq set default 0";
    sqlx::raw_sql(table).execute(&mut connection).await?;
    let chunks = file(round, false);
    let since = Instant::now();
    let statement =
        "copy plain (device_id, measured_at, latitude, longitude, pm10, pm2_5) from stdin (format csv, header)";
    let mut copy = connection.copy_in_raw(statement).await?;
    for chunk in chunks {
        copy.send(chunk).await?;
    }
    let copied = copy.finish().await?;
    ensure!(copied == u64::from(SHORT_FILE_LINES), "{copied}");
    let took = since.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(f64::from(SHORT_FILE_LINES) / took)
}

fn file(round: u32, named: bool) -> Vec<Bytes> {
    let chunks = (0..SHORT_FILE_LINES)
        .step_by(LINES_PER_CHUNK as usize)
        .map(|first| lines(round, first..first + LINES_PER_CHUNK, named));
    std::iter::once(header(named)).chain(chunks).collect()
}

fn header(named: bool) -> Bytes {
    let device = if named { "device" } else { "device_id" };
    format!("{device},time,latitude,longitude,pm10,pm2_5\n").into()
}

/// Lines of a file, with the devices by name or by number: each round's devices have a month of their own.
fn lines(round: u32, numbers: std::ops::Range<u32>, named: bool) -> Bytes {
    let mut text = String::new();
    for number in numbers {
        let (device, sample) = (number * DEVICE_COUNT / SHORT_FILE_LINES, number % (SHORT_FILE_LINES / DEVICE_COUNT));
        let device = round * 1000 + device;
        let start: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(18_628 + 31 * i64::from(round));
        let time = start + TimeDelta::seconds(3 * i64::from(sample));
        let place = f64::from(sample) * 1e-6;
        let name = if named { "bike-" } else { "" };
        let (whole, tenth) = (sample % 60, sample % 10);
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{name}{device},{},{:.6},{:.6},{whole}.{tenth},{}.{tenth}",
            time.format("%Y-%m-%dT%H:%M:%SZ"),
            52.2 + place,
            0.12 + place,
            whole / 2,
        );
    }
    text.into()
}
