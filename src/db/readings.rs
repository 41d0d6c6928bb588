//! Tables `weather`, `ambient`, `motion` and `device_status`: four tables of one shape, whose columns are those of
//! `domain::quantity`.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor, Row as _};

use super::{
    DbError,
    copy::{MIN_COPY_ROWS, copy},
    dialect::Dialect,
    measurement::{NewMeasurement, fetch_by_keys},
    multi_insert::MultiInsert,
};
use crate::domain::{
    device::DeviceId,
    measurement::MeasurementKey,
    quantity::{Group, Quantity},
    readings::Readings,
};

/// The groups with a table of their own.
pub const SIDE_TABLE_GROUPS: [Group; 4] = [Group::Weather, Group::Ambient, Group::Motion, Group::Status];

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
    Quantity::in_group(group).map(|quantity| quantity.definition().name).collect::<Vec<_>>().join(", ")
}

/// Inserts the readings of these measurements other than particulates. The measurements are new, so their keys are
/// free.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.readings.insert", skip_all, fields(count = rows.len()))]
pub async fn insert(db: &mut PgConnection, rows: &[NewMeasurement<'_>], dialect: Dialect) -> Result<(), DbError> {
    let mut inserts = MultiInsert::new(dialect);
    for group in SIDE_TABLE_GROUPS {
        let rows = with_group(group, rows);
        if rows.len() >= MIN_COPY_ROWS {
            copy_group(db, group, &rows).await?;
        } else {
            add_insert(&mut inserts, group, &rows)?;
        }
    }
    inserts.execute(db).await?;
    Ok(())
}

/// The rows with readings of this group.
fn with_group<'r, 'a>(group: Group, rows: &'r [NewMeasurement<'a>]) -> Vec<&'r NewMeasurement<'a>> {
    rows.iter().filter(|row| row.sample.readings.has_group(group)).collect()
}

/// Adds the inserts of these rows' readings, for all groups.
pub(super) fn add_inserts(inserts: &mut MultiInsert, rows: &[NewMeasurement<'_>]) -> Result<(), DbError> {
    SIDE_TABLE_GROUPS.into_iter().try_for_each(|group| add_insert(inserts, group, &with_group(group, rows)))
}

fn add_insert(inserts: &mut MultiInsert, group: Group, rows: &[&NewMeasurement<'_>]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    inserts.add_columns(table(group), |columns| {
        columns.add_as("device_id", "bigint", rows.iter().map(|row| row.key.device_id.0).collect())?;
        columns.add_as("measured_at", "timestamptz", rows.iter().map(|row| row.key.measured_at).collect())?;
        columns.add_as("seq", "int", rows.iter().map(|row| row.key.seq).collect())?;
        Quantity::in_group(group).try_for_each(|quantity| {
            let values = rows.iter().map(|row| row.sample.readings.get(quantity)).collect();
            columns.put(quantity.definition().name, values)
        })
    })
}

async fn copy_group(db: &mut PgConnection, group: Group, rows: &[&NewMeasurement<'_>]) -> Result<(), DbError> {
    let columns = format!("device_id, measured_at, seq, {}", columns(group));
    copy(db, table(group), &columns, rows, |row, fields| {
        let fields = fields.put(row.key.device_id.0).put(row.key.measured_at).put(row.key.seq);
        Quantity::in_group(group).fold(fields, |fields, quantity| fields.put(row.sample.readings.get(quantity)))
    })
    .await
}

/// The readings of one group of these measurements. A measurement without any has no entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.readings.load_by_keys", skip_all, fields(count = keys.len()))]
pub async fn load_by_keys(
    db: impl PgExecutor<'_>,
    group: Group,
    keys: &[MeasurementKey],
) -> Result<HashMap<MeasurementKey, Readings>, DbError> {
    let columns = format!("device_id, measured_at, seq, {}", columns(group));
    let rows = fetch_by_keys(db, table(group), &columns, keys).await?;
    rows.iter()
        .map(|row| {
            let key = MeasurementKey {
                device_id: DeviceId(row.try_get(0)?),
                measured_at: row.try_get(1)?,
                seq: row.try_get(2)?,
            };
            let mut readings = Readings::default();
            for (quantity, column) in Quantity::in_group(group).zip(3..) {
                if let Some(value) = row.try_get::<Option<f64>, usize>(column)? {
                    // Inserted values were valid; an invalid one (written by hand) is skipped.
                    let _ = readings.set(quantity, value);
                }
            }
            Ok((key, readings))
        })
        .collect()
}
