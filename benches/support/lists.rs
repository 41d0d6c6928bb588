//! The rows that lists are read from: twenty devices with many samples, and fifty with some.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgPool};

use super::setting;

/// Number of listed devices, and of samples of each.
const LISTED_COUNT: u32 = 20;
const SAMPLE_COUNT: i64 = 10_000;
/// Number of devices of the nested query, and of samples of each.
const DEVICE_COUNT: i64 = 50;
const SAMPLES_EACH: i64 = 500;

/// The keys of the listed devices in turn, so that concurrent requests are of different devices.
#[derive(Default)]
pub struct ListedKeys {
    asked: AtomicU32,
}

impl ListedKeys {
    /// The key of the next device.
    pub fn next(&self) -> String {
        format!("listed-{}", self.asked.fetch_add(1, Ordering::Relaxed) % LISTED_COUNT)
    }
}

/// The listed devices, with many samples in `AIRGRAPH_BENCH_MONTHS` monthly partitions, of which the newest contains
/// all of them.
pub async fn listed_devices(pool: &PgPool) -> Result<()> {
    // With the same definition as the gateway's.
    sqlx::raw_sql(AssertSqlSafe(format!(
        "do $$ begin for back in 0..{} loop
             execute format('create table measurement_back_%s (like measurement including all)', back);
             execute format('alter table measurement attach partition measurement_back_%s for values from (%L) to (%L)',
                 back, timestamptz '2026-01-01 00:00Z' - back * interval '1 month',
                 timestamptz '2026-01-01 00:00Z' - (back - 1) * interval '1 month');
         end loop; end $$",
        setting("AIRGRAPH_BENCH_MONTHS", 1)? - 1
    )))
    .execute(pool)
    .await?;
    add_devices(pool, "listed-", i64::from(LISTED_COUNT), SAMPLE_COUNT).await
}

/// The devices of the nested query.
pub async fn nested_devices(pool: &PgPool) -> Result<()> {
    add_devices(pool, "a-", DEVICE_COUNT, SAMPLES_EACH).await
}

/// The rows of `latest`; the newest measurement of each device fulfils the condition.
pub async fn fill_latest(pool: &PgPool, condition: &str) -> Result<()> {
    let statement = format!(
        "insert into latest (device_id, measured_at, seq, latitude, longitude, pm2_5, pm10, exact_time, steady_since)
         select distinct on (device_id) device_id, measured_at, seq, latitude, longitude, pm2_5, pm10, true, measured_at
         from measurement where {condition} order by device_id, measured_at desc, seq desc
         on conflict do nothing"
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await?;
    Ok(())
}

/// Devices with numbered keys from 0, and this many samples of each.
async fn add_devices(pool: &PgPool, prefix: &str, count: i64, samples: i64) -> Result<()> {
    sqlx::query(
        "insert into device (key, kind, created_at) select $1 || n, 'fixed', now() from generate_series(0, $2 - 1) n",
    )
    .bind(prefix)
    .bind(count)
    .execute(pool)
    .await?;
    sqlx::query(
        "insert into measurement (device_id, measured_at, recorded_at, seq, flags, latitude, longitude, pm2_5, pm10)
         select device_id, timestamptz '2026-01-01 00:00Z' + n * interval '10 s', now(), 0, 0, 52.2 + n * 1e-7, 0.12,
                n % 500 / 10.0, n % 900 / 10.0
         from device, generate_series(1, $1) n where starts_with(key, $2)",
    )
    .bind(samples)
    .bind(prefix)
    .execute(pool)
    .await?;
    fill_latest(pool, "true").await?;
    sqlx::raw_sql("vacuum analyze").execute(pool).await?;
    Ok(())
}
