//! Where an archive is: a folder, or a bucket of object storage with the S3 API.
//!
//! Both have the same operations and the same guarantee: a file is complete before it has its name, and no file that the
//! manifest names is changed. A folder has one writer at a time, by a lock. A bucket has no locks: its manifest is written
//! only if it is still the one that was read, and names of files contain their hash, so that writers don't overwrite each
//! other's files.

mod bucket;
mod file_name;
mod folder;
mod transfer;

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
};

pub(super) use self::file_name::MonthFileName;
use self::{bucket::BucketStorage, folder::FolderStorage};
use super::{ArchiveError, ArchivedFile, Manifest, MonthState, month_file::blocking, verification::compare_file};

const MANIFEST_FILE: &str = "manifest.json";
const BUCKET_SCHEME: &str = "s3://";

/// Where an archive is.
pub enum ArchiveStorage {
    /// A folder.
    Folder(FolderStorage),
    /// A bucket, or the part of it below a prefix.
    Bucket(Box<BucketStorage>),
}

/// A file under construction.
pub struct StagedFile {
    pub file: File,
    /// For errors.
    pub path: PathBuf,
}

impl ArchiveStorage {
    /// The storage at `s3://bucket/prefix` or in a folder, which need not exist yet.
    ///
    /// # Errors
    /// When it is another URL, or settings of the bucket are invalid.
    pub fn open(location: &Path) -> Result<Self, ArchiveError> {
        match location.to_str() {
            Some(url) if url.starts_with(BUCKET_SCHEME) => Ok(Self::Bucket(Box::new(BucketStorage::open(url)?))),
            Some(url) if url.contains("://") => Err(ArchiveError::Storage {
                location: url.to_owned(),
                reason: "must be a folder or s3://bucket/prefix".to_owned(),
            }),
            _ => Ok(Self::Folder(FolderStorage::new(location.to_owned()))),
        }
    }

    /// Whether files are on this machine, so that they are opened without a copy.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// Reads the manifest; `None` without one. [`Self::write_manifest`] replaces only the one that was read last.
    ///
    /// # Errors
    /// When it can't be read, or has another format.
    pub async fn read_manifest(&mut self) -> Result<Option<Manifest>, ArchiveError> {
        let text = match self {
            Self::Folder(folder) => folder.read_manifest()?,
            Self::Bucket(bucket) => bucket.read_manifest().await?,
        };
        text.map(|text| Manifest::parse(&text, &format!("{self}/{MANIFEST_FILE}"))).transpose()
    }

    /// Replaces the manifest.
    pub(super) async fn write_manifest(&mut self, manifest: &Manifest) -> Result<(), ArchiveError> {
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| ArchiveError::Internal(error.to_string()))?;
        match self {
            Self::Folder(folder) => folder.write_manifest(&text),
            Self::Bucket(bucket) => bucket.write_manifest(text).await,
        }
    }

    /// Excludes other writers of a folder until it is dropped.
    pub(super) fn lock(&self) -> Result<Option<File>, ArchiveError> {
        match self {
            Self::Folder(folder) => folder.lock().map(Some),
            Self::Bucket(_) => Ok(None),
        }
    }

    /// An empty file, which is no part of the archive yet.
    pub(super) fn stage(&self, name: MonthFileName) -> Result<StagedFile, ArchiveError> {
        match self {
            Self::Folder(folder) => folder.stage(name),
            Self::Bucket(_) => transfer::temporary_file().map(|file| StagedFile { file, path: std::env::temp_dir() }),
        }
    }

    /// Gives a complete file its name, durably. Returns its path relative to the manifest.
    pub(super) async fn publish(
        &self,
        staged: StagedFile,
        name: MonthFileName,
        sha256: &str,
    ) -> Result<PathBuf, ArchiveError> {
        match self {
            Self::Folder(folder) => folder.publish(&staged, name),
            Self::Bucket(bucket) => bucket.publish(staged.file, name, sha256).await,
        }
    }

    /// Whether a file exists with its size.
    ///
    /// # Errors
    /// When the storage fails.
    pub(super) async fn has_file(&self, archived: &ArchivedFile) -> Result<bool, ArchiveError> {
        let size = match self {
            Self::Folder(folder) => folder.file_size(&archived.path)?,
            Self::Bucket(bucket) => bucket.file_size(&archived.path).await?,
        };
        Ok(size == Some(archived.bytes))
    }

    /// Compares a file with its entry in the manifest. `Err` in `Ok` is its state, if it is not [`MonthState::Correct`]. The file
    /// of a bucket is a copy in the folder for temporary files, which is removed when it is closed.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn open_file(&self, archived: &ArchivedFile) -> Result<Result<File, MonthState>, ArchiveError> {
        let file = match self {
            Self::Folder(folder) => folder.open_file(&archived.path)?,
            Self::Bucket(bucket) => bucket.download(&archived.path).await?,
        };
        let Some(file) = file else { return Ok(Err(MonthState::Missing)) };
        let archived = archived.clone();
        blocking(move || Ok(compare_file(file, &archived))).await
    }

    /// Removes files that interrupted runs left, and that this manifest and later ones don't name.
    pub(super) async fn remove_unfinished(&self, manifest: &Manifest) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => folder.remove_unfinished(),
            Self::Bucket(bucket) => bucket.remove_unfinished(manifest).await,
        }
    }

    /// A path of the manifest as the location of a file.
    #[must_use]
    pub fn file_location(&self, path: &Path) -> PathBuf {
        PathBuf::from(self.to_string()).join(path)
    }
}

impl fmt::Display for ArchiveStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.fmt(formatter),
            Self::Bucket(bucket) => bucket.fmt(formatter),
        }
    }
}
