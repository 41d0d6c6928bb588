//! An archive in a folder. A file is written under another name, synced and renamed, as is the manifest.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{MANIFEST_FILE, MonthFileName, StagedFile};
use crate::export::archive::ArchiveError;

/// Added to the name of a file that is not complete yet.
const PART_EXTENSION: &str = "part";
/// File that one run holds a lock of.
const LOCK_FILE: &str = "archive.lock";

/// The folder of an archive.
pub struct FolderStorage {
    folder: PathBuf,
}

impl FolderStorage {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn read_manifest(&self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let path = self.folder.join(MANIFEST_FILE);
        if_found(fs::read(&path), &path)
    }

    pub fn write_manifest(&self, text: &[u8]) -> Result<(), ArchiveError> {
        let path = self.folder.join(MANIFEST_FILE);
        let part = path.with_added_extension(PART_EXTENSION);
        let replace = || {
            let mut file = File::create(&part)?;
            file.write_all(text)?;
            complete(&file, &part, &path)
        };
        replace().map_err(|error| ArchiveError::io(&path, error))
    }

    /// A lock that is held until it is dropped.
    pub fn lock(&self) -> Result<File, ArchiveError> {
        fs::create_dir_all(&self.folder).map_err(|error| ArchiveError::io(&self.folder, error))?;
        let path = self.folder.join(LOCK_FILE);
        let file = File::create(&path).map_err(|error| ArchiveError::io(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::Locked(self.to_string())),
            Err(TryLockError::Error(error)) => Err(ArchiveError::io(&path, error)),
        }
    }

    pub fn stage(&self, name: MonthFileName) -> Result<StagedFile, ArchiveError> {
        let path = self.folder.join(name.path()).with_added_extension(PART_EXTENSION);
        let failed = |error| ArchiveError::io(&path, error);
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        Ok(StagedFile { file, path })
    }

    pub fn publish(&self, staged: &StagedFile, name: MonthFileName) -> Result<PathBuf, ArchiveError> {
        let path = self.folder.join(name.path());
        complete(&staged.file, &staged.path, &path).map_err(|error| ArchiveError::io(&path, error))?;
        Ok(name.path().into())
    }

    pub fn file_size(&self, path: &Path) -> Result<Option<u64>, ArchiveError> {
        let path = self.folder.join(path);
        Ok(if_found(fs::metadata(&path), &path)?.map(|metadata| metadata.len()))
    }

    pub fn open_file(&self, path: &Path) -> Result<Option<File>, ArchiveError> {
        let path = self.folder.join(path);
        if_found(File::open(&path), &path)
    }

    pub fn remove_unfinished(&self) -> Result<(), ArchiveError> {
        remove_parts(&self.folder)
    }
}

impl fmt::Display for FolderStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.display().fmt(formatter)
    }
}

fn if_found<T>(outcome: io::Result<T>, path: &Path) -> Result<Option<T>, ArchiveError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ArchiveError::io(path, error)),
    }
}

/// Gives a complete file its name, durably: a process that is killed leaves the old file or the new one.
fn complete(file: &File, part: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(part, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn remove_parts(folder: &Path) -> Result<(), ArchiveError> {
    for entry in fs::read_dir(folder).map_err(|error| ArchiveError::io(folder, error))? {
        let path = entry.map_err(|error| ArchiveError::io(folder, error))?.path();
        if path.is_dir() {
            remove_parts(&path)?;
        } else if path.extension().is_some_and(|extension| extension == PART_EXTENSION) {
            fs::remove_file(&path).map_err(|error| ArchiveError::io(&path, error))?;
        }
    }
    Ok(())
}
