//! `manifest.json`: the files of an archive, with their rows, hashes, devices and licences.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ArchiveError, storage::MonthFileName};
use crate::{db::archive::RowFingerprint, domain::month::Month};

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
    /// Reads the text of a manifest. `location` is for errors.
    ///
    /// # Errors
    /// When it has another format.
    pub(super) fn parse(text: &[u8], location: &str) -> Result<Self, ArchiveError> {
        let invalid = |reason: String| ArchiveError::Manifest { path: location.to_owned(), reason };
        let mut manifest: Self = serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?;
        if manifest.format != FORMAT || manifest.format_version > FORMAT_VERSION {
            let Self { format, format_version, .. } = &manifest;
            return Err(invalid(format!("format {format} {format_version} is not supported by this airgraph")));
        }
        if manifest.format_version < FIRST_VERSION_WITH_KEYS {
            manifest.table = super::month_file::describe_table();
            manifest.months.values_mut().for_each(|month| month.fingerprint.clear());
            manifest.format_version = FORMAT_VERSION;
        }
        Ok(manifest)
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

    /// Whether it has this version of a month, or a later one.
    pub(super) fn has_version(&self, name: MonthFileName) -> bool {
        self.month(name.month).is_some_and(|archived| archived.current.version >= name.version)
    }

    /// Whether it names a file of a month.
    pub(super) fn names_file(&self, month: Month, path: &str) -> bool {
        self.month(month).is_some_and(|archived| {
            let mut files = archived.superseded.iter().chain([&archived.current]);
            files.any(|file| file.path == Path::new(path))
        })
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

fn fingerprint_text(rows: RowFingerprint) -> String {
    format!("{}-{:016x}", rows.rows, rows.hash)
}
