//! Comparison of an archive with its manifest and with the database.

use std::{
    fs::File,
    io::{self, Seek as _},
};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::{ArchiveError, ArchivedFile, storage::ArchiveStorage};
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
    storage: &mut ArchiveStorage,
    mut report: impl FnMut(Month, MonthState, u64),
) -> Result<(), ArchiveError> {
    let Some(manifest) = storage.read_manifest().await? else {
        return Err(ArchiveError::no_archive(storage));
    };
    let pruned = db::pruned_month::list(db).await?;
    for month in manifest.months() {
        let Some(archived) = manifest.month(month) else { continue };
        let state = match storage.open_file(&archived.current).await? {
            // Its rows are no longer in the database.
            Ok(_)
                if pruned
                    .iter()
                    .any(|it| it.month == month && it.pruned_at.is_some() && it.sha256 == archived.current.sha256) =>
            {
                MonthState::Correct
            }
            Ok(_) => {
                let rows = db::archive::fingerprint(db, month.start(), month.next().start()).await?;
                if archived.has_rows(rows) { MonthState::Correct } else { MonthState::Changed }
            }
            Err(state) => state,
        };
        report(month, state, archived.current.rows);
    }
    Ok(())
}

/// Compares a file with its entry in the manifest: its size, its SHA-256 and its number of rows.
pub(super) fn compare_file(mut file: File, archived: &ArchivedFile) -> Result<File, MonthState> {
    let is_equal = |file: &mut File| -> io::Result<bool> {
        file.rewind()?;
        let mut hash = HashWriter(Sha256::new());
        let bytes = io::copy(file, &mut hash)?;
        file.rewind()?;
        let reader = SerializedFileReader::new(file.try_clone()?)?;
        let rows = reader.metadata().file_metadata().num_rows().unsigned_abs();
        let sha256 = hex::encode(hash.0.finalize());
        Ok(bytes == archived.bytes && sha256 == archived.sha256 && rows == archived.rows)
    };
    if is_equal(&mut file).unwrap_or(false) { Ok(file) } else { Err(MonthState::Damaged) }
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
