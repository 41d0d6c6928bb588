//! Comparison of an archive with its manifest and with the database.

use std::{fs::File, io, path::Path};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::{ArchiveError, ArchivedFile, Manifest};
use crate::{db, domain::month::Month};

/// The state of a month in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthState {
    /// Its file is whole and has the rows of the database.
    Correct,
    /// Its file is whole; rows changed in the database since it was written.
    Changed,
    /// Its file is not the one that was written.
    Damaged,
    /// It has no file.
    Missing,
}

/// Compares each month of an archive: the hash of its file, the rows in it, and the fingerprint of the rows in the database.
///
/// # Errors
/// When there is no archive, or the database fails.
pub async fn verify(
    db: &PgPool,
    folder: &Path,
    mut report: impl FnMut(Month, MonthState, u64),
) -> Result<(), ArchiveError> {
    let manifest = Manifest::read(folder)?.ok_or_else(|| ArchiveError::Manifest {
        path: folder.display().to_string(),
        reason: "no archive: there is no manifest.json".to_owned(),
    })?;
    let pruned = db::pruned_month::list(db).await?;
    for month in manifest.months() {
        let Some(archived) = manifest.month(month) else { continue };
        let state = match check_file(folder, &archived.current) {
            // Its rows are no longer in the database.
            MonthState::Correct
                if pruned
                    .iter()
                    .any(|it| it.month == month && it.pruned_at.is_some() && it.sha256 == archived.current.sha256) =>
            {
                MonthState::Correct
            }
            MonthState::Correct => {
                let rows = db::archive::fingerprint(db, month.start(), month.next().start()).await?;
                if archived.has_rows(rows) { MonthState::Correct } else { MonthState::Changed }
            }
            state => state,
        };
        report(month, state, archived.current.rows);
    }
    Ok(())
}

/// Compares a file with its entry in the manifest.
#[must_use]
pub fn check_file(folder: &Path, archived: &ArchivedFile) -> MonthState {
    let Ok(mut file) = File::open(folder.join(&archived.path)) else { return MonthState::Missing };
    let mut hash = HashWriter(Sha256::new());
    let is_equal = io::copy(&mut file, &mut hash).is_ok_and(|bytes| bytes == archived.bytes)
        && hex::encode(hash.0.finalize()) == archived.sha256;
    let rows = SerializedFileReader::new(file).ok().map(|reader| reader.metadata().file_metadata().num_rows());
    if is_equal && rows.is_some_and(|rows| rows.unsigned_abs() == archived.rows) {
        MonthState::Correct
    } else {
        MonthState::Damaged
    }
}

struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
