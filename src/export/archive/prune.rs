//! Removal of archived months from the database, after each has been compared with its file.

use std::{fs::File, time::Duration};

use chrono::{DateTime, Utc};
use parquet::{
    file::reader::SerializedFileReader,
    record::{Field, reader::RowIter},
};
use sqlx::PgPool;
use tokio::time::sleep;

use super::{
    ArchiveError, ArchiveStorage, ArchivedFile, MonthState,
    month_file::{DevicePages, archive_columns, blocking, list_devices},
};
use crate::{
    db,
    db::{DbError, connect::Database, prune::PruneLock, pruned_month::PROPAGATION_TIME},
    domain::{month::Month, readings::to_decimal},
    export::{
        columns::{ExportColumn, measurement::projection},
        rows::{ExportValue, PageRows, Row},
    },
};

/// Attempts to lock a partition while statements use it, and the delay between them.
const MAX_LOCK_ATTEMPTS: u32 = 30;
const LOCK_RETRY_DELAY: Duration = Duration::from_secs(1);

/// What a run did with a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneOutcome {
    /// Its measurements were removed from the database.
    Removed,
    /// They stay.
    Kept(KeptReason),
}

/// Why the measurements of a month stay in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptReason {
    /// The month is too recent.
    Recent,
    /// Its file is not in this state.
    NotVerified(MonthState),
    /// Subscribers may still read measurements of it from the feed.
    InFeed,
    /// Statements used its partition, in every attempt.
    InUse,
}

/// Removes the measurements of each archived month that ended before `first_kept` from the database. `report` is called after
/// each month.
///
/// # Errors
/// When there is no archive, or the database fails. Months removed before stay removed.
pub async fn prune(
    database: &Database,
    storage: &mut ArchiveStorage,
    first_kept: Month,
    now: DateTime<Utc>,
    mut report: impl FnMut(Month, PruneOutcome, u64),
) -> Result<(), ArchiveError> {
    if database.dialect.is_citus {
        return Err(ArchiveError::Distributed);
    }
    let (db, _lock) = (&database.reads, storage.lock()?);
    let _prune_lock = PruneLock::acquire(database).await?.ok_or(ArchiveError::Pruning)?;
    db::pruned_month::delete_unfinished(db).await?; // of a run that was interrupted
    let manifest = storage.read_manifest().await?.unwrap_or_default();
    let mut frozen = Vec::new();
    let known = db::pruned_month::list(db).await?;
    for month in manifest.months() {
        let Some(archived) = manifest.month(month).filter(|archived| archived.current.rows > 0) else { continue };
        match known.iter().find(|known| known.month == month) {
            Some(_) => {}
            None if month >= first_kept => {
                report(month, PruneOutcome::Kept(KeptReason::Recent), archived.current.rows);
            }
            None if freeze(db, month, &archived.current).await? => frozen.push((month, archived.clone())),
            None => report(month, PruneOutcome::Kept(KeptReason::InUse), archived.current.rows),
        }
    }
    if !frozen.is_empty() {
        sleep(PROPAGATION_TIME).await; // until every gateway names these months in its responses
    }
    let mut failure = None;
    for (month, archived) in frozen {
        let outcome = match failure {
            None => verify_and_remove(db, storage, month, &archived, now).await,
            Some(_) => Ok(PruneOutcome::Kept(KeptReason::InUse)),
        };
        if !matches!(outcome, Ok(PruneOutcome::Removed)) {
            db::pruned_month::delete(db, month).await?;
        }
        match outcome {
            Ok(outcome) => report(month, outcome, archived.current.rows),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Ends the protection of months whose removal was interrupted, unless a run removes months now.
///
/// # Errors
/// When the database fails.
pub async fn release_unfinished(database: &Database) -> Result<(), ArchiveError> {
    if let Some(_lock) = PruneLock::acquire(database).await? {
        db::pruned_month::delete_unfinished(&database.reads).await?;
    }
    Ok(())
}

/// Protects a month from changes. False while transactions write to it.
async fn freeze(db: &PgPool, month: Month, file: &ArchivedFile) -> Result<bool, ArchiveError> {
    let rows = i64::try_from(file.rows).unwrap_or(i64::MAX);
    for _ in 0..MAX_LOCK_ATTEMPTS {
        match db::prune::freeze(&mut *acquire(db).await?, month, rows, &file.sha256).await {
            Err(DbError::Locked(_)) => sleep(LOCK_RETRY_DELAY).await,
            outcome => return Ok(outcome?),
        }
    }
    Ok(false)
}

async fn verify_and_remove(
    db: &PgPool,
    storage: &ArchiveStorage,
    month: Month,
    archived: &super::ArchivedMonth,
    now: DateTime<Utc>,
) -> Result<PruneOutcome, ArchiveError> {
    let (from, to) = (month.start(), month.next().start());
    if db::feed::has_measurements_in(db, from, to).await? {
        return Ok(PruneOutcome::Kept(KeptReason::InFeed));
    }
    let rollups = db::prune::rollup_fingerprint(db, month).await?;
    let not_verified = |state| Ok(PruneOutcome::Kept(KeptReason::NotVerified(state)));
    let file = match storage.open_file(&archived.current).await? {
        Ok(file) => file,
        Err(state) => return not_verified(state),
    };
    if !archived.has_rows(db::archive::fingerprint(db, from, to).await?) {
        return not_verified(MonthState::Changed);
    }
    if !has_values_of_database(db, open_rows(file)?, month).await? {
        return not_verified(MonthState::Damaged);
    }
    for _ in 0..MAX_LOCK_ATTEMPTS {
        match db::prune::remove(&mut *acquire(db).await?, month, rollups, now).await {
            Ok(true) => {
                if let Err(error) = db::prune::analyze(&mut *acquire(db).await?, month).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "planner statistics not refreshed");
                }
                return Ok(PruneOutcome::Removed);
            }
            Ok(false) => return not_verified(MonthState::Changed),
            Err(DbError::Locked(_) | DbError::Conflict(_)) => sleep(LOCK_RETRY_DELAY).await,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(PruneOutcome::Kept(KeptReason::InUse))
}

async fn acquire(db: &PgPool) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, ArchiveError> {
    Ok(db.acquire().await.map_err(DbError::from)?)
}

/// Whether a file has the rows of the database: in the same order, with equal values in all columns.
async fn has_values_of_database(db: &PgPool, mut rows: ArchivedRows, month: Month) -> Result<bool, ArchiveError> {
    let columns = archive_columns();
    let projection = projection(&columns);
    for device in list_devices(db, month).await? {
        let mut pages = DevicePages::new(month, &device, projection);
        while let Some(page) = pages.next(db).await? {
            let columns = columns.clone();
            let (rest, is_equal) = blocking(move || {
                let is_equal = next_rows_are(&mut rows, &page, &columns)?;
                Ok((rows, is_equal))
            })
            .await?;
            rows = rest;
            if !is_equal {
                return Ok(false);
            }
        }
    }
    Ok(rows.next().is_none())
}

/// The rows of a file of an archive, one after the other.
pub type ArchivedRows = RowIter<'static>;

/// The rows of a file.
///
/// # Errors
/// When it can't be read.
pub fn open_rows(file: File) -> Result<ArchivedRows, ArchiveError> {
    let reader = SerializedFileReader::new(file).map_err(|error| ArchiveError::Internal(error.to_string()))?;
    Ok(RowIter::from_file_into(Box::new(reader)))
}

/// Whether the next rows of a file are those of a page.
fn next_rows_are(rows: &mut ArchivedRows, page: &PageRows, columns: &[ExportColumn]) -> Result<bool, ArchiveError> {
    let mut is_equal = true;
    page.try_for_each(|row| {
        if is_equal {
            is_equal = matches!(rows.next(), Some(Ok(read)) if has_values(&read, row, columns));
        }
        Ok(())
    })?;
    Ok(is_equal)
}

fn has_values(read: &parquet::record::Row, row: Row<'_>, columns: &[ExportColumn]) -> bool {
    let mut fields = read.get_column_iter();
    let mut next_is = |column: &ExportColumn| {
        fields.next().is_some_and(|(name, field)| *name == column.name && is_value(field, &row.value(column)))
    };
    columns.iter().all(&mut next_is) && fields.next().is_none()
}

/// Whether a field of a file has a value, as the encoder writes it.
fn is_value(field: &Field, value: &ExportValue<'_>) -> bool {
    match (field, value) {
        (Field::Null, ExportValue::Null) => true,
        (Field::Str(read), ExportValue::Text(text)) => read == text,
        (Field::Str(read), ExportValue::Names(names)) => *read == names.join(" "),
        (Field::TimestampMicros(read), ExportValue::Timestamp(time)) => *read == time.timestamp_micros(),
        (Field::Long(read), ExportValue::Integer(value)) => read == value,
        (Field::Double(read), ExportValue::Float(value)) => read.to_bits() == value.to_bits(),
        (Field::Double(read), ExportValue::Float32(value)) => read.to_bits() == to_decimal(*value).to_bits(),
        (Field::Bool(read), ExportValue::Boolean(value)) => read == value,
        _ => false,
    }
}
