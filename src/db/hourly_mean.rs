//! Hourly means from `device_hour` and `cell_hour`, from which air quality indices are computed.

use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, Utc};
use h3o::{CellIndex, Resolution};
use sqlx::{AssertSqlSafe, PgExecutor};

use super::{DbError, device::to_bigints, fence::FENCE, validity};
use crate::domain::{
    air_quality_index::HourlyMeans,
    cell::{ROLLUP_RESOLUTION, STORED_RESOLUTION, child_range, to_bigint},
    device::DeviceId,
    quantity::Quantity,
    validity::CountedValues,
};

/// Device or cell, hour, and the means of PM2.5 and PM10 in it.
type HourRow = (i64, DateTime<Utc>, Option<f64>, Option<f64>);

/// Hourly means of these devices from `from` (inclusive) to `to` (exclusive); both are whole hours. A device without
/// samples has no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.hourly_mean.list_by_devices", skip_all, fields(devices = ids.len()))]
pub async fn list_by_devices(
    db: impl PgExecutor<'_>,
    ids: &[DeviceId],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    counted: CountedValues,
) -> Result<HashMap<DeviceId, HourlyMeans>, DbError> {
    let statement = match counted {
        CountedValues::Valid => {
            "select device_id, hour, pm2_5_sum / nullif(pm2_5_count, 0), pm10_sum / nullif(pm10_count, 0)
             from device_hour where device_id = any($1) and hour >= $2 and hour < $3"
        }
        // The rollups hold valid values only.
        CountedValues::All => {
            "select m.device_id, date_trunc('hour', m.measured_at, 'UTC'), avg(m.pm2_5::float8), avg(m.pm10::float8)
             from measurement m where m.device_id = any($1) and m.measured_at >= $2 and m.measured_at < $3
             group by 1, 2"
        }
    };
    let hours = sqlx::query_as(statement).bind(to_bigints(ids)).bind(from).bind(to).fetch_all(db).await?;
    Ok(group_newest_first(hours, |device| Some(DeviceId(device)), from, to))
}

/// Hourly means over all samples in each of these cells, of resolution 0 to 12, from `from` (inclusive) to `to`
/// (exclusive); both are whole hours. A cell without samples has no entry, nor has a finer cell.
///
/// Cells that are no finer than those of `cell_hour` are read from there, with valid values only; finer cells hold few
/// samples, which are read from `measurement`.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.hourly_mean.list_by_cells", skip_all, fields(cells = cells.len()))]
pub async fn list_by_cells(
    db: impl PgExecutor<'_>,
    cells: &[CellIndex],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    counted: CountedValues,
) -> Result<HashMap<CellIndex, HourlyMeans>, DbError> {
    let (coarse, fine): (Vec<_>, Vec<_>) = cells.iter().partition(|&&cell| is_in_rollup(cell, counted));
    let (coarse, fine) =
        (RangeColumns::from_cells(coarse, ROLLUP_RESOLUTION), RangeColumns::from_cells(fine, STORED_RESOLUTION));
    // All interpolated text is constant names and numbers; the values are binds.
    let statement = AssertSqlSafe(cells_statement(counted));
    let query = sqlx::query_as(statement).bind(coarse.cells).bind(coarse.first).bind(coarse.last);
    let query = query.bind(fine.cells).bind(fine.first).bind(fine.last).bind(from).bind(to);
    let hours = query.fetch_all(db).await?;
    let by_bigint: HashMap<_, _> = cells.iter().map(|&cell| (to_bigint(cell), cell)).collect();
    Ok(group_newest_first(hours, |cell| by_bigint.get(&cell).copied(), from, to))
}

/// Whether the means of a cell are read from `cell_hour`.
#[must_use]
pub fn is_in_rollup(cell: CellIndex, counted: CountedValues) -> bool {
    counted == CountedValues::Valid && cell.resolution() <= ROLLUP_RESOLUTION
}

/// Grouped outside the subqueries: Citus can't group within one that reads from every shard.
fn cells_statement(counted: CountedValues) -> String {
    let mean = |quantity: Quantity| {
        let column = format!("m.{}", quantity.definition().name);
        match counted {
            CountedValues::Valid => {
                format!("avg({column}::float8) filter (where {})", validity::is_valid(&column, quantity))
            }
            CountedValues::All => format!("avg({column}::float8)"),
        }
    };
    let position = match counted {
        CountedValues::Valid => validity::has_valid_position(),
        CountedValues::All => "true".to_owned(),
    };
    format!(
        "select wanted.cell, h.hour, sum(h.pm2_5_sum) / nullif(sum(h.pm2_5_count), 0),
                sum(h.pm10_sum) / nullif(sum(h.pm10_count), 0)
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as wanted (cell, first, last)
         cross join lateral (
             select h.hour, h.pm2_5_sum, h.pm2_5_count, h.pm10_sum, h.pm10_count{FENCE} from cell_hour h
             where h.cell between wanted.first and wanted.last and h.hour >= $7 and h.hour < $8
         ) as h
         group by wanted.cell, h.hour
         union all
         select wanted.cell, date_trunc('hour', m.measured_at, 'UTC'), {pm2_5}, {pm10}
         from unnest($4::bigint[], $5::bigint[], $6::bigint[]) as wanted (cell, first, last)
         cross join lateral (
             select m.measured_at, m.pm2_5, m.pm10{FENCE} from measurement m
             where m.cell between wanted.first and wanted.last and m.measured_at >= $7 and m.measured_at < $8
               and {position}
         ) as m
         group by 1, 2",
        pm2_5 = mean(Quantity::Pm2_5),
        pm10 = mean(Quantity::Pm10),
    )
}

/// Cells, and the ranges of their descendants' indexes at one resolution.
#[derive(Default)]
struct RangeColumns {
    cells: Vec<i64>,
    first: Vec<i64>,
    last: Vec<i64>,
}

impl RangeColumns {
    /// Omits cells that are finer than the resolution.
    fn from_cells(cells: Vec<CellIndex>, resolution: Resolution) -> Self {
        let mut ranges = Self::default();
        for cell in cells.into_iter().filter(|cell| cell.resolution() <= resolution) {
            let (first, last) = child_range(cell, resolution);
            ranges.cells.push(to_bigint(cell));
            ranges.first.push(first);
            ranges.last.push(last);
        }
        ranges
    }
}

/// Groups hours, in any order, into the means of a span.
fn group_newest_first<K: Eq + Hash>(
    hours: Vec<HourRow>,
    key: impl Fn(i64) -> Option<K>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> HashMap<K, HourlyMeans> {
    let count = usize::try_from((to - from).num_hours()).unwrap_or(0);
    let mut means = HashMap::new();
    for (id, start, pm2_5, pm10) in hours {
        let Some(key) = key(id) else { continue };
        let of = means.entry(key).or_insert_with(|| HourlyMeans { pm2_5: vec![None; count], pm10: vec![None; count] });
        let Ok(ago) = usize::try_from((to - start).num_hours() - 1) else { continue };
        if ago < count {
            (of.pm2_5[ago], of.pm10[ago]) = (pm2_5, pm10);
        }
    }
    means
}
