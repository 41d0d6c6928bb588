//! Restores a pruned month from its file.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use parquet::record::{Field, Row};
use sqlx::PgPool;
use tokio::time::sleep;

use super::{ArchiveError, ArchivedMonth, ArchivedRows, month_file::blocking};
use crate::{
    db,
    db::{DbError, measurement::NewMeasurement, prune::ArchivedMeasurement, pruned_month::PROPAGATION_TIME},
    domain::{
        cell::{STORED_RESOLUTION, cell_at},
        device::DeviceId,
        measurement::MeasurementKey,
        month::Month,
        position::Position,
        quality::{QualityFlag, QualityFlags},
        quantity::Quantity,
        sample::Sample,
        sample_history::SampleHistory,
    },
    export::columns::measurement::SEQ,
    graphql::types::{enum_name, quality_flag},
};

/// Rows that one transaction inserts.
const BATCH_ROWS: usize = 5000;

/// A row of the file.
struct RestoredRow {
    device: String,
    seq: i32,
    recorded_at: DateTime<Utc>,
    sample: Sample,
}

/// Inserts the measurements of a pruned month that the database does not have, and ends the protection of the month when it
/// has exactly those that were removed. An interrupted restoration is continued by the same call. Returns the number of
/// inserted rows.
///
/// # Errors
/// When the database fails, or its rows are not those that were removed.
pub async fn restore(
    db: &PgPool,
    mut rows: ArchivedRows,
    month: Month,
    archived: &ArchivedMonth,
) -> Result<u64, ArchiveError> {
    let failed = |reason: &str| ArchiveError::Manifest {
        path: archived.current.path.display().to_string(),
        reason: reason.to_owned(),
    };
    let pruned = db::pruned_month::list(db).await?.into_iter().find(|pruned| pruned.month == month);
    if pruned.is_none_or(|pruned| pruned.sha256 != archived.current.sha256) {
        return Err(failed("is not the file from which this month was removed from the database"));
    }
    let mut inserted = 0;
    loop {
        let (rest, batch) = blocking(move || {
            let batch = rows.by_ref().take(BATCH_ROWS).map(read_row).collect::<Result<Vec<_>, _>>()?;
            Ok((rows, batch))
        })
        .await?;
        rows = rest;
        if batch.is_empty() {
            break;
        }
        inserted += insert(db, &batch).await?;
    }
    let rows = db::archive::fingerprint(db, month.start(), month.next().start()).await?;
    if !archived.has_rows(rows) {
        return Err(failed("its rows were stored, and differ from those that were removed from the database"));
    }
    let mut connection = db.acquire().await.map_err(DbError::from)?;
    db::prune::analyze(&mut connection, month).await?;
    db::pruned_month::delete(&mut *connection, month).await?;
    drop(connection);
    sleep(PROPAGATION_TIME).await; // until no gateway names the month as archived
    Ok(inserted)
}

async fn insert(db: &PgPool, batch: &[RestoredRow]) -> Result<u64, ArchiveError> {
    let mut keys: Vec<_> = batch.iter().map(|row| row.device.as_str()).collect();
    keys.dedup();
    let ids: HashMap<String, DeviceId> = db::device::load_ids_by_keys(db, &keys).await?;
    let mut rows = Vec::with_capacity(batch.len());
    for row in batch {
        let device_id = ids.get(&row.device).copied();
        let device_id =
            device_id.ok_or_else(|| ArchiveError::Internal(format!("device {} does not exist", row.device)))?;
        let sample = &row.sample;
        let new = NewMeasurement {
            key: MeasurementKey { device_id, measured_at: sample.measured_at, seq: row.seq },
            sample,
            cell: sample.position.map(|position| cell_at(position, STORED_RESOLUTION)),
            flags: sample.flags,
            history: SampleHistory::from_sample(sample, None),
            uplink_id: None,
        };
        rows.push(ArchivedMeasurement { row: new, recorded_at: row.recorded_at });
    }
    rows.sort_unstable_by_key(|archived| archived.row.key);
    let mut connection = db.acquire().await.map_err(DbError::from)?;
    Ok(db::prune::restore(&mut connection, &rows).await? as u64)
}

fn read_row(row: parquet::errors::Result<Row>) -> Result<RestoredRow, ArchiveError> {
    let row = row.map_err(|error| ArchiveError::Internal(error.to_string()))?;
    let fields: HashMap<&str, &Field> = row.get_column_iter().map(|(name, field)| (name.as_str(), field)).collect();
    let missing = |name: &str| ArchiveError::Internal(format!("a row of the archive has no {name}"));
    let time = |name: &str| match fields.get(name) {
        Some(Field::TimestampMicros(micros)) => DateTime::from_timestamp_micros(*micros).ok_or_else(|| missing(name)),
        _ => Err(missing(name)),
    };
    let integer = |name: &str| match fields.get(name) {
        Some(Field::Long(value)) => i32::try_from(*value).ok(),
        _ => None,
    };
    let Some(Field::Str(device)) = fields.get("device") else { return Err(missing("device")) };
    let mut sample = Sample::new(time("measured_at")?);
    if let (Some(Field::Double(latitude)), Some(Field::Double(longitude))) =
        (fields.get("latitude"), fields.get("longitude"))
    {
        sample.position = Position::try_new(*latitude, *longitude).ok();
    }
    sample.time_uncertainty_s = integer("time_uncertainty");
    if let Some(Field::Str(names)) = fields.get("flags") {
        sample.flags = parse_flags(names);
    }
    for &quantity in Quantity::ALL {
        let value = match fields.get(quantity.definition().name) {
            Some(Field::Double(value)) => *value,
            Some(Field::Bool(value)) => f64::from(u8::from(*value)),
            _ => continue,
        };
        let _ = sample.readings.set(quantity, value); // stored values are valid
    }
    Ok(RestoredRow {
        device: device.clone(),
        seq: integer(SEQ).ok_or_else(|| missing(SEQ))?,
        recorded_at: time("recorded_at")?,
        sample,
    })
}

fn parse_flags(names: &str) -> QualityFlags {
    let mut flags = QualityFlags::default();
    for &flag in QualityFlag::ALL {
        let name = enum_name(quality_flag::QualityFlag::from(flag));
        if names.split(' ').any(|listed| listed == name) {
            flags.insert(flag);
        }
    }
    flags
}
