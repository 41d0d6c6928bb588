//! `weather`, `ambient`, `motion` and `device_status`: four tables of one shape, whose columns are those of `domain::quantity`.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, Row as _};

use super::{
    DbError,
    copy::{COPY_FROM, copy},
    measurement::{NewMeasurement, columns_of},
};
use crate::domain::{
    device::DeviceId,
    measurement::MeasurementKey,
    quantity::{Group, Quantity},
    readings::Readings,
};

/// The groups that have a table of their own.
pub const GROUPS: [Group; 4] = [Group::Weather, Group::Ambient, Group::Motion, Group::Status];

/// The table that holds a group.
pub(super) fn table(group: Group) -> &'static str {
    match group {
        Group::Air => "measurement",
        Group::Weather => "weather",
        Group::Ambient => "ambient",
        Group::Motion => "motion",
        Group::Status => "device_status",
    }
}

/// `temperature, humidity, …`: the columns of a group, in the order of [`Quantity::of`].
fn columns(group: Group) -> String {
    names(group).collect::<Vec<_>>().join(", ")
}

fn names(group: Group) -> impl Iterator<Item = &'static str> {
    Quantity::of(group).map(|quantity| quantity.definition().name)
}

/// Stores what these measurements tell beside particulates. They are new, so their keys are free.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.readings.add", skip_all, fields(count = rows.len()))]
pub async fn add(db: &mut PgConnection, rows: &[NewMeasurement<'_>]) -> Result<(), DbError> {
    for group in GROUPS {
        let rows: Vec<_> = rows.iter().filter(|row| row.sample.readings.any_of(group)).collect();
        if rows.is_empty() {
            continue;
        }
        if rows.len() >= COPY_FROM {
            let columns: Vec<_> = ["device_id", "measured_at", "seq"].into_iter().chain(names(group)).collect();
            copy(db, table(group), &columns, &rows, |row, fields| {
                fields.put(row.key.device_id.0).put(row.key.measured_at).put(row.key.seq);
                for quantity in Quantity::of(group) {
                    fields.put(row.sample.readings.get(quantity));
                }
            })
            .await?;
            continue;
        }
        let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
        let (devices, times, seqs) = columns_of(&keys);
        let (table, columns) = (table(group), columns(group));
        let arrays: Vec<_> = Quantity::of(group).zip(4..).map(|(_, number)| format!("${number}::float8[]")).collect();
        let arrays = arrays.join(", ");
        // Safe to put together: table and columns are names of ours; the values are binds.
        let statement = format!(
            "insert into {table} (device_id, measured_at, seq, {columns})
             select * from unnest($1::bigint[], $2::timestamptz[], $3::int[], {arrays})"
        );
        let mut query = sqlx::query(AssertSqlSafe(statement)).bind(devices).bind(times).bind(seqs);
        for quantity in Quantity::of(group) {
            query = query.bind(rows.iter().map(|row| row.sample.readings.get(quantity)).collect::<Vec<_>>());
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

/// What these measurements tell of one group, where they tell anything.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.readings.by_keys", skip_all, fields(count = keys.len()))]
pub async fn by_keys(
    db: impl PgExecutor<'_>,
    group: Group,
    keys: &[MeasurementKey],
) -> Result<HashMap<MeasurementKey, Readings>, DbError> {
    let (devices, times, seqs) = columns_of(keys);
    // Safe to put together: table and columns are names of ours; the values are binds.
    let statement = format!(
        "select device_id, measured_at, seq, {columns}
         from unnest($1::bigint[], $2::timestamptz[], $3::int[]) as wanted (device_id, measured_at, seq)
         join {table} using (device_id, measured_at, seq)",
        columns = columns(group),
        table = table(group),
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(devices).bind(times).bind(seqs).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let key = MeasurementKey {
                device_id: DeviceId(row.try_get(0)?),
                measured_at: row.try_get(1)?,
                seq: row.try_get(2)?,
            };
            let mut readings = Readings::default();
            for (quantity, column) in Quantity::of(group).zip(3..) {
                if let Some(value) = row.try_get::<Option<f64>, usize>(column)? {
                    // What was stored was usable; a number that is not (written by hand) is left out.
                    let _ = readings.set(quantity, value);
                }
            }
            Ok((key, readings))
        })
        .collect()
}
