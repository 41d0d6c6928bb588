//! Tables `device_hour` and `cell_hour`: hourly rollups. A transaction that stores rows of `measurement` adds them
//! here; a transaction that removes rows has their hours recomputed ([`row_removal`](super::row_removal)).

use std::{collections::BTreeSet, fmt::Write as _, sync::LazyLock};

use chrono::{DateTime, Utc};
use h3o::CellIndex;
use sqlx::{
    AssertSqlSafe, Encode, PgConnection, Postgres,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, types::PgRecordEncoder},
};

use super::{
    DbError,
    measurement::{NewMeasurement, as_decimal},
    multi_insert::{MultiInsert, record},
    validity,
};
use crate::domain::{
    cell::{STORED_RESOLUTION, child_range, rollup_cell, to_bigint},
    device::DeviceId,
    measurement::MeasurementKey,
    rollup::{PARTICULATES, Rollup, by_hour, hour_of},
    validity::has_valid_position,
};

/// Sums of rows by hour; sorted, so that concurrent writers wait for each other in one order.
#[derive(Debug, Default)]
pub struct HourlyRollups {
    devices: Vec<(DeviceId, DateTime<Utc>, Rollup)>,
    cells: Vec<(CellIndex, DateTime<Utc>, Rollup)>,
}

impl HourlyRollups {
    /// Sums up these rows.
    #[must_use]
    pub fn from_rows(rows: &[NewMeasurement<'_>]) -> Self {
        let device = |row: &NewMeasurement<'_>| row.key.device_id;
        let cell = |row: &NewMeasurement<'_>| Some(rollup_cell(row.cell.filter(|_| has_valid_position(row.flags))?));
        let at = |row: &NewMeasurement<'_>| row.key.measured_at;
        Self {
            devices: by_hour(rows.iter().map(|row| (device(row), at(row), &row.sample.readings, row.flags))),
            cells: by_hour(rows.iter().filter_map(|row| Some((cell(row)?, at(row), &row.sample.readings, row.flags)))),
        }
    }
}

/// A row of either table: key, hour, and the columns of [`SUMS`].
struct RollupRow<'a>(i64, DateTime<Utc>, &'a Rollup);

/// A row as type `new_device_hour`.
struct DeviceHour<'a>(RollupRow<'a>);

/// A row as type `new_cell_hour`.
struct CellHour<'a>(RollupRow<'a>);

impl RollupRow<'_> {
    fn encode(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let &Self(key, hour, rollup) = self;
        let mut fields = PgRecordEncoder::new(buffer);
        fields.encode(key)?.encode(hour)?.encode(rollup.count)?;
        for summary in rollup.particulates {
            fields.encode(summary.count)?.encode(summary.sum)?.encode(summary.sum_of_squares)?;
            fields.encode(summary.min)?.encode(summary.max)?;
        }
        fields.encode(rollup.invalid_count)?;
        fields.finish();
        Ok(IsNull::No)
    }
}

impl Encode<'_, Postgres> for DeviceHour<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.encode(buffer)
    }
}

impl Encode<'_, Postgres> for CellHour<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.encode(buffer)
    }
}

macro_rules! sums {
    () => {
        "count, pm1_count, pm1_sum, pm1_sum_of_squares, pm1_min, pm1_max, \
         pm2_5_count, pm2_5_sum, pm2_5_sum_of_squares, pm2_5_min, pm2_5_max, \
         pm4_count, pm4_sum, pm4_sum_of_squares, pm4_min, pm4_max, \
         pm10_count, pm10_sum, pm10_sum_of_squares, pm10_min, pm10_max, invalid_count"
    };
}

/// The columns beside the key, in the order of the types.
pub(super) const ROLLUP_COLUMNS: &str = sums!();

record!(DeviceHour<'_>, "device_hour", "new_device_hour", concat!("device_id, hour, ", sums!()));
record!(CellHour<'_>, "cell_hour", "new_cell_hour", concat!("cell, hour, ", sums!()));

static ADD_TO_DEVICE_HOUR: LazyLock<String> = LazyLock::new(|| add_clause("device_hour", "device_id"));
static ADD_TO_CELL_HOUR: LazyLock<String> = LazyLock::new(|| add_clause("cell_hour", "cell"));

/// The `on conflict` clause that adds a row to the existing one.
fn add_clause(table: &str, key: &str) -> String {
    let mut add = format!("on conflict ({key}, hour) do update set ");
    for count in ["count", "invalid_count"] {
        // Writing to a String can't fail.
        let _ = write!(add, "{count} = {table}.{count} + excluded.{count}, ");
    }
    for pm in PARTICULATES.map(|quantity| quantity.definition().name) {
        for sum in ["count", "sum", "sum_of_squares"] {
            let _ = write!(add, "{pm}_{sum} = {table}.{pm}_{sum} + excluded.{pm}_{sum}, ");
        }
        for (end, choose) in [("min", "least"), ("max", "greatest")] {
            // `least` and `greatest` ignore null
            let _ = write!(add, "{pm}_{end} = {choose}({table}.{pm}_{end}, excluded.{pm}_{end}), ");
        }
    }
    add.truncate(add.trim_end_matches(", ").len());
    add
}

/// Adds the inserts that add to these hours.
pub(super) fn add_inserts(inserts: &mut MultiInsert, hours: &HourlyRollups) -> Result<(), DbError> {
    if !hours.devices.is_empty() {
        let rows = hours.devices.iter().map(|(device, hour, sums)| DeviceHour(RollupRow(device.0, *hour, sums)));
        inserts.add_records(&ADD_TO_DEVICE_HOUR, rows.collect())?;
    }
    if !hours.cells.is_empty() {
        let rows = hours.cells.iter().map(|(cell, hour, sums)| CellHour(RollupRow(to_bigint(*cell), *hour, sums)));
        inserts.add_records(&ADD_TO_CELL_HOUR, rows.collect())?;
    }
    Ok(())
}

/// Hours from which rows were removed.
#[derive(Debug, Default)]
pub struct AffectedHours {
    devices: BTreeSet<(i64, DateTime<Utc>)>,
    cells: BTreeSet<(CellIndex, DateTime<Utc>)>,
}

impl AffectedHours {
    /// The hours of rows with these keys and stored cells.
    #[must_use]
    pub fn from_keys(rows: &[(MeasurementKey, Option<CellIndex>)]) -> Self {
        let hour = |key: &MeasurementKey| hour_of(key.measured_at);
        let cell = |(key, cell): &(MeasurementKey, Option<CellIndex>)| Some((rollup_cell((*cell)?), hour(key)));
        Self {
            devices: rows.iter().map(|(key, _)| (key.device_id.0, hour(key))).collect(),
            cells: rows.iter().filter_map(cell).collect(),
        }
    }

    /// Adds the hours of another set.
    pub fn extend(&mut self, other: Self) {
        self.devices.extend(other.devices);
        self.cells.extend(other.cells);
    }

    fn devices(&self) -> (Vec<i64>, Vec<DateTime<Utc>>) {
        self.devices.iter().copied().unzip()
    }

    fn cells(&self) -> (Vec<i64>, Vec<DateTime<Utc>>) {
        self.cells.iter().map(|&(cell, hour)| (to_bigint(cell), hour)).unzip()
    }
}

/// Locks hours until the end of the transaction: recorders that add to them wait.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rollup.lock_hours", skip_all, fields(count = touched.devices.len()))]
pub(super) async fn lock_hours(db: &mut PgConnection, touched: &AffectedHours, is_citus: bool) -> Result<(), DbError> {
    if is_citus {
        // Citus locks rows of one shard only.
        let touched: Vec<_> = touched.devices.iter().copied().collect();
        for same_device in touched.chunk_by(|one, other| one.0 == other.0) {
            let (devices, hours): (Vec<_>, Vec<_>) = same_device.iter().copied().unzip();
            let lock = sqlx::query_scalar!(
                "select 1 as locked from device_hour h
                 where h.device_id = $1 and h.hour = any($2) order by h.hour for update of h",
                devices[0],
                &hours,
            );
            lock.fetch_all(&mut *db).await?;
        }
    } else {
        let (devices, hours) = touched.devices();
        let lock = sqlx::query_scalar!(
            "select 1 as locked
             from unnest($1::bigint[], $2::timestamptz[]) as touched (device_id, hour)
             join device_hour h using (device_id, hour)
             order by h.device_id, h.hour for update of h",
            &devices,
            &hours,
        );
        lock.fetch_all(&mut *db).await?;
    }
    let (cells, hours) = touched.cells();
    sqlx::query_scalar!(
        "select 1 as locked
         from unnest($1::bigint[], $2::timestamptz[]) as touched (cell, hour)
         join cell_hour h using (cell, hour)
         order by h.cell, h.hour for update of h",
        &cells,
        &hours,
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Recomputes locked hours from the stored rows. Deletes hours without rows. Updates the others in place, so that a
/// transaction waiting for the lock still finds the row.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rollup.recompute", skip_all, fields(count = touched.devices.len()))]
pub(super) async fn recompute(db: &mut PgConnection, touched: &AffectedHours) -> Result<(), DbError> {
    let (devices, hours) = touched.devices();
    // All interpolated text is constant names; the values are binds.
    let statement = format!(
        "insert into device_hour (device_id, hour, {ROLLUP_COLUMNS})
         select touched.device_id, touched.hour, recomputed.*
         from (select k.device_id, k.hour from device_hour k
               join unnest($1::bigint[], $2::timestamptz[]) as t (device_id, hour)
                   on t.device_id = k.device_id and t.hour = k.hour
               where k.device_id = any($1)) as touched
         cross join lateral (
             select {aggregates} from measurement m
             where m.device_id = touched.device_id and m.measured_at >= touched.hour
               and m.measured_at < touched.hour + interval '1 hour'
         ) as recomputed
         {replace_clause}",
        aggregates = aggregates("count(*)", &validity::is_invalid()),
        replace_clause = replace_clause("device_id"),
    );
    sqlx::query(AssertSqlSafe(statement)).bind(&devices).bind(&hours).execute(&mut *db).await?;
    sqlx::query!(
        "delete from device_hour h using unnest($1::bigint[], $2::timestamptz[]) as touched (device_id, hour)
         where h.device_id = touched.device_id and h.hour = touched.hour and h.count = 0",
        &devices,
        &hours,
    )
    .execute(&mut *db)
    .await?;
    if touched.cells.is_empty() {
        return Ok(());
    }

    let (cells, hours) = touched.cells();
    let (least, greatest): (Vec<_>, Vec<_>) =
        touched.cells.iter().map(|&(cell, _)| child_range(cell, STORED_RESOLUTION)).unzip();
    // The rows of a cell are stored by cell, not by time: they are read once for all of its hours in a month. Invalid rows
    // are found beside them, since Citus has the side tables on the same shard.
    let statement = format!(
        "with touched as materialized (
             select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[])
                           as touched (cell, hour, least, greatest)
         ), there as (
             select span.cell, date_trunc('hour', m.measured_at, 'UTC') as hour, m.device_id, m.measured_at, m.seq, m.flags,
                    m.pm1, m.pm2_5, m.pm4, m.pm10, {is_invalid} as is_invalid
             from (select cell, least, greatest, min(hour) as first_hour, max(hour) as last_hour
                   from touched group by cell, least, greatest, date_trunc('month', hour, 'UTC')) as span
             cross join lateral (
                 select * from measurement m
                 where m.cell between span.least and span.greatest and m.measured_at >= span.first_hour
                   and m.measured_at < span.last_hour + interval '1 hour' and {has_valid_position}
             ) as m
         )
         insert into cell_hour (cell, hour, {ROLLUP_COLUMNS})
         select cell, hour, {aggregates} from touched left join (select true as there, * from there) as m using (cell, hour)
         group by cell, hour
         {replace_clause}",
        aggregates = aggregates("count(m.there)", "m.is_invalid"),
        is_invalid = validity::is_invalid(),
        has_valid_position = validity::has_valid_position(),
        replace_clause = replace_clause("cell"),
    );
    let query = sqlx::query(AssertSqlSafe(statement)).bind(&cells).bind(&hours).bind(least).bind(greatest);
    query.execute(&mut *db).await?;
    sqlx::query!(
        "delete from cell_hour h using unnest($1::bigint[], $2::timestamptz[]) as touched (cell, hour)
         where h.cell = touched.cell and h.hour = touched.hour and h.count = 0",
        &cells,
        &hours,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The `on conflict` clause that replaces the existing row.
fn replace_clause(key: &str) -> String {
    let excluded = ROLLUP_COLUMNS.split(", ").map(|column| format!("excluded.{column}")).collect::<Vec<_>>().join(", ");
    format!("on conflict ({key}, hour) do update set ({ROLLUP_COLUMNS}) = ({excluded})")
}

/// The aggregates over rows of `m`, as [`SUMS`], from the expressions for the number of rows and for an invalid row.
fn aggregates(count: &str, is_invalid: &str) -> String {
    let mut aggregates = count.to_owned();
    for quantity in PARTICULATES {
        let column = format!("m.{}", quantity.definition().name);
        let (wide, valid) = (as_decimal(&column), validity::is_valid(&column, quantity));
        // Writing to a String can't fail.
        let _ = write!(
            aggregates,
            ", count({column}) filter (where {valid}), coalesce(sum({wide}) filter (where {valid}), 0),
             coalesce(sum({wide} * {wide}) filter (where {valid}), 0),
             min({column}) filter (where {valid}), max({column}) filter (where {valid})"
        );
    }
    let _ = write!(aggregates, ", count(*) filter (where {is_invalid})");
    aggregates
}
