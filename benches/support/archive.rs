//! An archive of the year 2025: a station that measures every 150 seconds, and bicycles that ride for 15 minutes a
//! day, each in its own corner.

use std::borrow::Cow;

use airgraph::domain::{
    cell::{STORED_RESOLUTION, cell_at, to_bigint},
    position::Position,
};
use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, PgPool};

use super::lists;

/// The last migration without rollups: the gateway fills these at its first start, which is faster than row by row.
const BEFORE_ROLLUPS: i64 = 9;
/// Samples of the station in a year.
const STATION_ROWS: u32 = 365 * 576;
/// Samples of a bicycle's daily ride.
const SAMPLES_PER_RIDE: u32 = 27;
/// Bicycles in the town; all others ride elsewhere.
const BIKES_IN_TOWN: u32 = 80;

/// The town: south, west, north, east.
pub const TOWN_AREA: (f64, f64, f64, f64) = (52.18, 0.08, 52.24, 0.18);
/// A part of it, in which some of the bicycles ride.
pub const RIDE_AREA: (f64, f64, f64, f64) = (52.195, 0.115, 52.205, 0.135);

/// Fills a new database with about `rows` measurements.
pub async fn fill(url: &str, rows: u32) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    let mut migrator = sqlx::migrate!();
    migrator.migrations = Cow::Owned(migrator.iter().filter(|one| one.version <= BEFORE_ROLLUPS).cloned().collect());
    migrator.run(&pool).await?;
    let bikes = rows.saturating_sub(STATION_ROWS) / (SAMPLES_PER_RIDE * 365);
    places(&pool, bikes).await?;
    for month in 1..=12 {
        let partition = format!("measurement_2025_{month:02}");
        let start = format!("2025-{month:02}-01 00:00Z");
        let end = if month == 12 { "2026-01-01 00:00Z".to_owned() } else { format!("2025-{:02}-01 00:00Z", month + 1) };
        // Indexes are built when it is attached, for all rows at once.
        let statement = format!(
            "create table {partition} (like measurement including constraints including defaults);
             insert into {partition} (device_id, measured_at, recorded_at, seq, flags, latitude, longitude, cell, pm2_5, pm10)
             select device_id, day + start + n * interval '30 s', day + interval '1 d', 0, 0, latitude, longitude, cell,
                    (5 + device_id % 20 + n % 10 / 10.0)::real, (9 + device_id % 30 + n % 10 / 10.0)::real
             from generate_series(timestamptz '{start}', timestamptz '{end}' - interval '1 d', '1 d') day
             cross join place order by 2;
             insert into {partition} (device_id, measured_at, recorded_at, seq, flags, latitude, longitude, cell, pm2_5, pm10)
             select device_id, time, time, 0, 0, latitude, longitude, cell,
                    (12 + 10 * sin(extract(epoch from time) / 13000))::real, (20 + 15 * sin(extract(epoch from time) / 9000))::real
             from generate_series(timestamptz '{start}', timestamptz '{end}' - interval '150 s', '150 s') time
             cross join station;
             alter table measurement attach partition {partition} for values from ('{start}') to ('{end}')"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&pool).await?;
    }
    lists::fill_latest(&pool, "measured_at >= '2025-12-31 00:00Z'").await?;
    pool.close().await;
    Ok(())
}

/// Devices and the areas they measure in.
async fn places(pool: &PgPool, bikes: u32) -> Result<()> {
    sqlx::raw_sql(
        "create table place (device_id bigint, start interval, n integer, latitude float8, longitude float8, cell bigint);
         create table station (device_id bigint, latitude float8, longitude float8, cell bigint)",
    )
    .execute(pool)
    .await?;
    sqlx::query(
        "insert into device (key, kind, created_at)
         select 'bike-' || lpad(n::text, 5, '0'), 'mobile', now() from generate_series(0, $1 - 1) n
         union all select 'station', 'fixed', now()",
    )
    .bind(i32::try_from(bikes)?)
    .execute(pool)
    .await?;
    let (mut keys, mut steps) = (Vec::new(), Vec::new());
    let (mut latitudes, mut longitudes, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for bike in 0..bikes {
        let (latitude, longitude) = home(bike);
        for step in 0..SAMPLES_PER_RIDE {
            let place = Position::try_new(latitude, longitude + f64::from(step) * 0.0004)?;
            keys.push(format!("bike-{bike:05}"));
            steps.push(i32::try_from(step)?);
            latitudes.push(place.latitude());
            longitudes.push(place.longitude());
            cells.push(to_bigint(cell_at(place, STORED_RESOLUTION)));
        }
    }
    sqlx::query(
        "insert into place
         select device_id, make_interval(hours => (6 + device_id % 14)::int), step, place.latitude, place.longitude, cell
         from unnest($1::text[], $2::int[], $3::float8[], $4::float8[], $5::bigint[]) as place (key, step, latitude, longitude, cell)
         join device using (key)",
    )
    .bind(keys)
    .bind(steps)
    .bind(latitudes)
    .bind(longitudes)
    .bind(cells)
    .execute(pool)
    .await?;
    let station = Position::try_new(52.21, 0.1).context("a place")?;
    sqlx::query("insert into station select device_id, $1, $2, $3 from device where key = 'station'")
        .bind(station.latitude())
        .bind(station.longitude())
        .bind(to_bigint(cell_at(station, STORED_RESOLUTION)))
        .execute(pool)
        .await?;
    Ok(())
}

/// The start of a bicycle's ride.
fn home(bike: u32) -> (f64, f64) {
    if bike < BIKES_IN_TOWN {
        return (52.185 + f64::from(bike / 8) * 0.005, 0.085 + f64::from(bike % 8) * 0.01);
    }
    let elsewhere = bike - BIKES_IN_TOWN;
    (45.0 + f64::from(elsewhere / 100) * 0.05, -5.0 + f64::from(elsewhere % 100) * 0.05)
}
