//! The archive: every finished month of measurements as a Parquet file, with a manifest.
//!
//! ```text
//! manifest.json
//! year=2026/month=05/measurements-v1.parquet
//! ```
//!
//! A file is complete before it has its name ([`storage`]). Then the manifest, which is replaced as a whole, names it. So an
//! archive that was interrupted at any moment is valid, and the next run completes it. A month whose rows changed since is
//! written again under the next version; the file of the one before stays, and the manifest lists it.

mod error;
mod manifest;
mod month_file;
mod prune;
mod restore;
mod storage;
mod verification;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use self::storage::MonthFileName;
pub use self::{
    error::ArchiveError,
    manifest::{ArchivedDevice, ArchivedFile, ArchivedMonth, Manifest},
    prune::{ArchivedRows, KeptReason, PruneOutcome, open_rows, prune, release_unfinished},
    restore::restore,
    storage::ArchiveStorage,
    verification::{MonthState, verify},
};
use crate::{db, domain::month::Month};

/// Attempts to write a month while its rows change.
const MAX_ATTEMPTS: u32 = 3;

/// What a run did with a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthOutcome {
    /// Its file was written, with this version.
    Written(u32),
    /// Its rows are those of the archive.
    Unchanged,
    /// Its rows were removed from the database, and its file is whole.
    Pruned,
    /// Its rows were removed from the database, and this archive does not have its file.
    PrunedElsewhere,
}

/// Writes each finished month that the archive lacks, or has with other rows. `report` is called after each
/// month.
///
/// # Errors
/// When the database fails, or a file can't be written. Months written before stay.
pub async fn write(
    db: &PgPool,
    storage: &mut ArchiveStorage,
    now: DateTime<Utc>,
    mut report: impl FnMut(Month, MonthOutcome, u64),
) -> Result<(), ArchiveError> {
    let _lock = storage.lock()?;
    let mut manifest = storage.read_manifest().await?.unwrap_or_default();
    let pruned: HashMap<_, _> =
        db::pruned_month::list(db).await?.into_iter().map(|pruned| (pruned.month, pruned)).collect();
    for month in finished_months(db, &manifest, now).await? {
        if let Some(pruned) = pruned.get(&month).filter(|pruned| pruned.pruned_at.is_some()) {
            let archived = manifest.month(month).filter(|archived| archived.current.sha256 == pruned.sha256);
            let has_file = has_file(storage, archived).await?;
            let outcome = if has_file { MonthOutcome::Pruned } else { MonthOutcome::PrunedElsewhere };
            report(month, outcome, pruned.measurements.unsigned_abs());
            continue;
        }
        let (from, to) = (month.start(), month.next().start());
        let mut attempts = 0;
        loop {
            let before = db::archive::fingerprint(db, from, to).await?;
            let known = manifest.month(month);
            if has_file(storage, known.filter(|known| known.has_rows(before))).await? {
                report(month, MonthOutcome::Unchanged, before.rows.unsigned_abs());
                break;
            }
            if known.is_none() && before.rows == 0 {
                break;
            }
            let version = known.map_or(0, |known| known.current.version) + 1;
            let written = month_file::write(db, storage, MonthFileName { month, version }, now).await?;
            if db::archive::fingerprint(db, from, to).await? != before {
                attempts += 1;
                if attempts >= MAX_ATTEMPTS {
                    return Err(ArchiveError::Changing(month.to_string()));
                }
                continue;
            }
            manifest.add(month, before, written);
            storage.write_manifest(&manifest).await?;
            report(month, MonthOutcome::Written(version), before.rows.unsigned_abs());
            break;
        }
    }
    storage.remove_unfinished(&manifest).await
}

/// Whether the archive has the file of a month with its size.
async fn has_file(storage: &ArchiveStorage, archived: Option<&ArchivedMonth>) -> Result<bool, ArchiveError> {
    match archived {
        Some(archived) => storage.has_file(&archived.current).await,
        None => Ok(false),
    }
}

/// The months that are over, from the first to the last one with rows, and those of the archive.
async fn finished_months(
    db: &PgPool,
    manifest: &Manifest,
    now: DateTime<Utc>,
) -> Result<impl Iterator<Item = Month> + use<>, ArchiveError> {
    let span = db::archive::find_time_span(db).await?;
    let stored = span.map(|(first, last)| (Month::from_time(first), Month::from_time(last)));
    let archived = manifest.months().next().zip(manifest.months().last());
    let ends = [stored, archived].into_iter().flatten().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let mut next = ends.map(|(first, _)| first);
    Ok(std::iter::from_fn(move || {
        let month = next.filter(|month| ends.is_some_and(|(_, last)| *month <= last) && month.next().start() <= now)?;
        next = Some(month.next());
        Some(month)
    }))
}
