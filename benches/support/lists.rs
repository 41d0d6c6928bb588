//! The rows that lists are read from: one device with many samples, and fifty with some.

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgPool};

use super::setting;

/// Number of samples of the listed device.
const SAMPLE_COUNT: i64 = 200_000;
/// Number of devices of the nested query, and of samples of each.
const DEVICE_COUNT: i64 = 50;
const SAMPLES_EACH: i64 = 500;

/// One device with many samples, in `AIRGRAPH_BENCH_MONTHS` monthly partitions, of which the newest contains
/// all of them.
pub async fn listed_device(pool: &PgPool) -> Result<()> {
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
    let device = "insert into device (key, kind, created_at) values ('listed', 'fixed', now())";
    sqlx::raw_sql(device).execute(pool).await?;
    samples(pool, "listed", SAMPLE_COUNT).await
}

/// The devices of the nested query. Added after the lists were read: without parameter values, Postgres would estimate
/// the average number of samples for a device with many, and choose a bad plan for queries that look up the device in
/// the same statement.
pub async fn nested_devices(pool: &PgPool) -> Result<()> {
    sqlx::query(
        "insert into device (key, kind, created_at) select 'a-' || n, 'fixed', now() from generate_series(1, $1) n",
    )
    .bind(DEVICE_COUNT)
    .execute(pool)
    .await?;
    samples(pool, "a-%", SAMPLES_EACH).await?;
    fill_latest(pool, "true").await
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

/// This many samples of each device with such a key.
async fn samples(pool: &PgPool, keys: &str, count: i64) -> Result<()> {
    sqlx::query(
        "insert into measurement (device_id, measured_at, recorded_at, seq, flags, latitude, longitude, pm2_5, pm10)
         select device_id, timestamptz '2026-01-01 00:00Z' + n * interval '10 s', now(), 0, 0, 52.2 + n * 1e-7, 0.12,
                n % 500 / 10.0, n % 900 / 10.0
         from device, generate_series(1, $1) n where key like $2",
    )
    .bind(count)
    .bind(keys)
    .execute(pool)
    .await?;
    sqlx::raw_sql("vacuum analyze").execute(pool).await?;
    Ok(())
}
