//! How the gateway compares: recording against bare Postgres, lists against a handler written by hand for the purpose.
//!
//! ```sh
//! cargo bench --bench gateway        # seconds per measurement: AIRGRAPH_BENCH_SECONDS, 5 unless told
//! ```
//!
//! Everything runs on this machine at the same time, the load included, so only the ratios say something. Needs
//! `pgbench`, which comes with Postgres.

#![expect(clippy::print_stdout, reason = "the outcome")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use serde_json::json;
use sqlx::PgPool;
use support::{Gateway, by_hand, database, load::Load, pgbench};

/// Connections that ask at the same time.
const CLIENTS: usize = 16;
/// Samples of the device that lists are read from.
const SAMPLES: i64 = 200_000;

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::var("AIRGRAPH_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let database = database().await?;
    let gateway = Gateway::start(&database.url).await?;
    let load = Load { clients: CLIENTS, seconds };
    println!("{:44} {:>12} {:>12} {:>7}", "", "airgraph/s", "reference/s", "ratio");
    recording(&gateway, &load, &database.url).await?;
    lists(&gateway, &load, &database.url).await?;
    gateway.stop().await?;
    database.stop().await
}

/// Packets of eight samples: posted, decoded, kept verbatim, stored and answered; against `pgbench` inserting the same
/// eight rows in a transaction, with prepared statements and nothing else.
async fn recording(gateway: &Gateway, load: &Load, url: &str) -> Result<()> {
    let number = AtomicU32::new(0);
    let base = chrono::DateTime::from_timestamp(1_700_000_000, 0).context("a time")?;
    let posted = load
        .run(&gateway.address, "/insertSensorData", || {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let time = base + chrono::TimeDelta::seconds(24 * i64::from(number / 64));
            json!({ "dev_id": format!("bike-{}", number % 64), "counter": number / 64, "metadata": { "time": time },
                    "payload_raw": "dBitCKpGqAmB23FyAmB25FcAmB24E8AwCDDDsAvCDEDiAvCDKDgAuCLSDcAuCIAAAAAA" })
            .to_string()
        })
        .await?;
    let inserted = pgbench(url, load).await?;
    report("packets of 8 samples, against pgbench", posted.per_second, inserted);
    Ok(())
}

/// The newest measurements of a device, seven fields each; against axum, sqlx and `Json` written for just that.
async fn lists(gateway: &Gateway, load: &Load, url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    sqlx::query("insert into device (key, kind, created_at) values ('listed', 'fixed', now())").execute(&pool).await?;
    // As the gateway makes it.
    let partition = "create table measurement_2026_01 (like measurement including all);
                     alter table measurement attach partition measurement_2026_01
                     for values from ('2026-01-01 00:00Z') to ('2026-02-01 00:00Z')";
    sqlx::raw_sql(partition).execute(&pool).await?;
    sqlx::query(
        "insert into measurement (device_id, measured_at, recorded_at, seq, flags, latitude, longitude, pm2_5, pm10)
         select device_id, timestamptz '2026-01-01 00:00Z' + n * interval '10 s', now(), 0, 0, 52.2 + n * 1e-7, 0.12, n % 50, n % 90
         from device, generate_series(1, $1) n where key = 'listed'",
    )
    .bind(SAMPLES)
    .execute(&pool)
    .await?;
    sqlx::query("vacuum analyze measurement").execute(&pool).await?;
    let reference = by_hand::serve(pool).await?;
    for count in [1, 100, 1000, 10_000] {
        let query = format!(
            "{{ device(key: \"listed\") {{ measurements(first: {count}) {{ nodes {{
                measuredAt recordedAt latitude longitude pm25 pm10 timeUncertainty }} }} }} }}"
        );
        let body = json!({ "query": query }).to_string();
        let asked = load.run(&gateway.address, "/graphql", || body.clone()).await?;
        let answered = load.run(&reference, &format!("/listed/{count}"), String::new).await?;
        report(&format!("latest {count} of a device, against a handler"), asked.per_second, answered.per_second);
    }
    Ok(())
}

fn report(what: &str, airgraph: f64, reference: f64) {
    println!("{what:44} {airgraph:12.0} {reference:12.0} {:6.2}×", airgraph / reference);
}
