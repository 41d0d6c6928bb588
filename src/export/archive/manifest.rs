//! `manifest.json`: the files of an archive, with their rows, hashes, devices and licences.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ArchiveError;
use crate::{db::archive::RowFingerprint, domain::month::Month};

const MANIFEST_FILE: &str = "manifest.json";
/// Name and version of the format.
const FORMAT: &str = "airgraph-archive";
const FORMAT_VERSION: u32 = 2;
/// The first version whose files have all columns of a key. Months of earlier ones are written again.
const FIRST_VERSION_WITH_KEYS: u32 = 2;

/// The manifest.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: String,
    format_version: u32,
    /// Description of the columns, as CSV on the Web has it.
    table: Value,
    /// By name, such as `2026-05`.
    months: BTreeMap<String, ArchivedMonth>,
}

/// A month.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedMonth {
    /// Its file.
    #[serde(flatten)]
    pub current: ArchivedFile,
    /// Fingerprint of its rows in the database that they were read from.
    fingerprint: String,
    /// Its files before rows changed, the oldest first.
    #[serde(default)]
    superseded: Vec<ArchivedFile>,
}

/// A file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedFile {
    /// Path relative to the manifest.
    pub path: PathBuf,
    /// Version of the month, from 1.
    pub version: u32,
    /// Number of measurements.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Devices with rows in it.
    pub devices: Vec<ArchivedDevice>,
}

/// A device, with the terms of use of its data.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ArchivedDevice {
    /// Its key.
    pub device: String,
    /// Licence of its data.
    pub licence: Option<String>,
    /// Attribution that the licence requires.
    pub attribution: Option<String>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            table: super::month_file::describe_table(),
            months: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// Reads the manifest of an archive; `None` without one.
    ///
    /// # Errors
    /// When it can't be read, or has another format.
    pub fn read(folder: &Path) -> Result<Option<Self>, ArchiveError> {
        let path = folder.join(MANIFEST_FILE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| ArchiveError::io(&path, error))?,
        };
        let invalid = |reason: String| ArchiveError::Manifest { path: path.display().to_string(), reason };
        let mut manifest: Self = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
        if manifest.format != FORMAT || manifest.format_version > FORMAT_VERSION {
            let Self { format, format_version, .. } = &manifest;
            return Err(invalid(format!("format {format} {format_version} is not supported by this airgraph")));
        }
        if manifest.format_version < FIRST_VERSION_WITH_KEYS {
            manifest.table = super::month_file::describe_table();
            manifest.months.values_mut().for_each(|month| month.fingerprint.clear());
            manifest.format_version = FORMAT_VERSION;
        }
        Ok(Some(manifest))
    }

    /// Replaces the manifest of an archive.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ArchiveError> {
        let path = folder.join(MANIFEST_FILE);
        let text = serde_json::to_vec_pretty(self).map_err(|error| ArchiveError::Internal(error.to_string()))?;
        replace(&path, |file| file.write_all(&text)).map_err(|error| ArchiveError::io(&path, error))
    }

    /// A month.
    #[must_use]
    pub fn month(&self, month: Month) -> Option<&ArchivedMonth> {
        self.months.get(&month.to_string())
    }

    /// The months in order.
    pub fn months(&self) -> impl Iterator<Item = Month> {
        self.months.keys().filter_map(|name| Month::from_suffix(&name.replace('-', "_")))
    }

    /// Adds a file of a month. A file before becomes superseded.
    pub(super) fn add(&mut self, month: Month, rows: RowFingerprint, file: ArchivedFile) {
        let mut superseded = Vec::new();
        if let Some(before) = self.months.remove(&month.to_string()) {
            superseded = before.superseded;
            superseded.push(before.current);
        }
        let month_entry = ArchivedMonth { current: file, fingerprint: fingerprint_text(rows), superseded };
        self.months.insert(month.to_string(), month_entry);
    }
}

impl ArchivedMonth {
    /// Whether its rows are those of the database.
    #[must_use]
    pub fn has_rows(&self, rows: RowFingerprint) -> bool {
        self.fingerprint == fingerprint_text(rows)
    }
}

impl ArchivedFile {
    /// Whether the file exists with its size.
    #[must_use]
    pub fn is_whole(&self, folder: &Path) -> bool {
        fs::metadata(folder.join(&self.path)).is_ok_and(|metadata| metadata.len() == self.bytes)
    }
}

fn fingerprint_text(rows: RowFingerprint) -> String {
    format!("{}-{:016x}", rows.rows, rows.hash)
}

/// Replaces a file: a process that is killed leaves the old one or the new one.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let part = path.with_added_extension(super::month_file::PART_EXTENSION);
    let mut file = File::create(&part)?;
    write(&mut file)?;
    complete(&file, &part, path)
}

/// Gives a complete file its name, durably.
pub(super) fn complete(file: &File, part: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(part, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
