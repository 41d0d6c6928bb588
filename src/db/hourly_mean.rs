//! The means of whole hours, from what `device_hour` and `cell_hour` keep of them: what air-quality indices are told from.

use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, Utc};
use h3o::{CellIndex, Resolution};
use sqlx::PgExecutor;

use super::{DbError, device::numbers};
use crate::domain::{
    air_quality_index::HourlyMeans,
    cell::{ROLLUP_RESOLUTION, STORED_RESOLUTION, range, to_bigint},
    device::DeviceId,
};

/// What one hour comes to.
struct Hour {
    start: DateTime<Utc>,
    pm2_5: Option<f64>,
    pm10: Option<f64>,
}

/// The means of each of these devices in the hours from `from`, included, to `to`, not included; both are whole hours.
/// A device without any has no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.hourly_mean.of_devices", skip_all, fields(devices = ids.len()))]
pub async fn of_devices(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<HashMap<DeviceId, HourlyMeans>, DbError> {
    let ids = numbers(ids);
    let rows = sqlx::query!(
        r#"select device_id, hour, pm2_5_sum / nullif(pm2_5_count, 0) as pm2_5, pm10_sum / nullif(pm10_count, 0) as pm10
           from device_hour where device_id = any($1) and hour >= $2 and hour < $3"#,
        &ids,
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    let hours = rows
        .into_iter()
        .map(|row| (DeviceId(row.device_id), Hour { start: row.hour, pm2_5: row.pm2_5, pm10: row.pm10 }));
    Ok(newest_first(hours, from, to))
}

/// The means over all samples in each of these cells, of resolution 0 to 12, in the hours from `from`, included, to
/// `to`, not included; both are whole hours. A cell without any has no entry, nor has a finer one.
///
/// Cells that are no finer than those of `cell_hour` are read there; in finer ones there are few samples, and these are
/// read.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.hourly_mean.of_cells", skip_all, fields(cells = cells.len()))]
pub async fn of_cells(
    db: impl PgExecutor<'_>,
    cells: &[CellIndex],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<HashMap<CellIndex, HourlyMeans>, DbError> {
    let (coarse, fine): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.resolution() <= ROLLUP_RESOLUTION);
    let (coarse, fine) = (Ranges::of(coarse, ROLLUP_RESOLUTION), Ranges::of(fine, STORED_RESOLUTION));
    let rows = sqlx::query!(
        r#"select wanted.cell as "cell!", found.hour as "hour!", found.pm2_5, found.pm10
           from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as wanted (cell, first, last)
           cross join lateral (
               select h.hour, sum(h.pm2_5_sum) / nullif(sum(h.pm2_5_count), 0) as pm2_5,
                      sum(h.pm10_sum) / nullif(sum(h.pm10_count), 0) as pm10
               from cell_hour h
               where h.cell between wanted.first and wanted.last and h.hour >= $7 and h.hour < $8
               group by h.hour
           ) as found
           union all
           select wanted.cell, found.hour, found.pm2_5, found.pm10
           from unnest($4::bigint[], $5::bigint[], $6::bigint[]) as wanted (cell, first, last)
           cross join lateral (
               select date_trunc('hour', m.measured_at, 'UTC') as hour,
                      avg(m.pm2_5::float8) as pm2_5, avg(m.pm10::float8) as pm10
               from measurement m
               where m.cell between wanted.first and wanted.last and m.measured_at >= $7 and m.measured_at < $8
               group by 1
           ) as found"#,
        &coarse.cells,
        &coarse.first,
        &coarse.last,
        &fine.cells,
        &fine.first,
        &fine.last,
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    let by_bigint: HashMap<_, _> = cells.iter().map(|&cell| (to_bigint(cell), cell)).collect();
    let hours = rows.into_iter().filter_map(|row| {
        Some((*by_bigint.get(&row.cell)?, Hour { start: row.hour, pm2_5: row.pm2_5, pm10: row.pm10 }))
    });
    Ok(newest_first(hours, from, to))
}

/// Cells, and the spans of their descendants' indexes at one resolution.
#[derive(Default)]
struct Ranges {
    cells: Vec<i64>,
    first: Vec<i64>,
    last: Vec<i64>,
}

impl Ranges {
    /// Cells that are finer than the resolution are left out.
    fn of(cells: Vec<CellIndex>, resolution: Resolution) -> Self {
        let mut ranges = Self::default();
        for cell in cells.into_iter().filter(|cell| cell.resolution() <= resolution) {
            let (first, last) = range(cell, resolution);
            ranges.cells.push(to_bigint(cell));
            ranges.first.push(first);
            ranges.last.push(last);
        }
        ranges
    }
}

/// Hours, in whatever order, as the means of a span of them.
fn newest_first<K: Eq + Hash>(
    hours: impl Iterator<Item = (K, Hour)>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> HashMap<K, HourlyMeans> {
    let count = usize::try_from((to - from).num_hours()).unwrap_or(0);
    let mut means = HashMap::new();
    for (key, hour) in hours {
        let of = means.entry(key).or_insert_with(|| HourlyMeans { pm2_5: vec![None; count], pm10: vec![None; count] });
        let Ok(ago) = usize::try_from((to - hour.start).num_hours() - 1) else { continue };
        if ago < count {
            (of.pm2_5[ago], of.pm10[ago]) = (hour.pm2_5, hour.pm10);
        }
    }
    means
}
