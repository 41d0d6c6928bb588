//! Finds the programs of an installed Postgres.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{EmbeddedError, POSTGRES_ENV_VARIABLES, entries_with_prefix, inherit_only};

/// The oldest supported major version.
pub const MINIMUM_MAJOR: u32 = 15;

/// The programs of one Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder of `initdb` and `postgres`.
    pub bin: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
}

impl Installation {
    /// The path of one of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Runs the programs in `bin` to get their version. The error completes "…, but".
    fn inspect(bin: &Path) -> Result<Self, String> {
        if !bin.join("initdb").is_file() {
            return Err("there is no initdb in it".into());
        }
        let mut command = Command::new(bin.join("postgres"));
        inherit_only(&mut command, &POSTGRES_ENV_VARIABLES);
        let output = command
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("its postgres does not run: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = parse_version(&text).ok_or_else(|| format!("its `postgres --version` says `{}`", text.trim()))?;
        Ok(Self { bin: bin.to_owned(), major })
    }
}

/// The major version in a line such as `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` or `… 18beta2`.
fn parse_version(line: &str) -> Option<u32> {
    parse_leading_number(line.strip_prefix("postgres (PostgreSQL) ")?)
}

/// The number at the start of `text`, whatever follows.
pub(super) fn parse_leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Folders to search.
#[derive(Debug, Default)]
pub struct SearchPaths {
    /// The folder set by the user; if it is unusable, the search fails.
    pub pg_bin: Option<PathBuf>,
    /// Folders in groups, the preferred group first. Within a group the highest version wins.
    pub groups: Vec<Vec<PathBuf>>,
}

impl SearchPaths {
    /// `PG_BIN`, the `PATH`, the folders of Linux distributions and Homebrew, earlier downloads.
    #[must_use]
    pub fn from_env(data_dir: &Path) -> Self {
        Self {
            // Absolute, since the programs run in the data folder; the empty value has no absolute form.
            pg_bin: std::env::var_os("PG_BIN").and_then(|value| std::path::absolute(value).ok()),
            groups: search_groups(std::env::var_os("PATH").as_deref(), Path::new("/"), data_dir),
        }
    }

    /// The best installation: of exactly major version `required` if there is data of that version, else the first that
    /// is new enough.
    ///
    /// # Errors
    ///
    /// `PG_BIN` is set and unusable.
    pub fn find(&self, required: Option<u32>) -> Result<Option<Installation>, EmbeddedError> {
        let fits = |found: &Installation| match required {
            Some(major) => found.major == major,
            None => found.major >= MINIMUM_MAJOR,
        };
        if let Some(bin) = &self.pg_bin {
            let unusable = |reason| EmbeddedError::PgBin { folder: bin.clone(), reason, minimum: MINIMUM_MAJOR };
            let found = Installation::inspect(bin).map_err(unusable)?;
            if found.major < MINIMUM_MAJOR {
                return Err(unusable(format!("that is version {}", found.major)));
            }
            if fits(&found) {
                return Ok(Some(found));
            }
        }
        let best = |group: &Vec<PathBuf>| {
            let found = group.iter().filter_map(|bin| Installation::inspect(bin).ok());
            found.filter(fits).max_by_key(|found| found.major)
        };
        Ok(self.groups.iter().find_map(best))
    }
}

fn search_groups(path: Option<&OsStr>, root: &Path, data_dir: &Path) -> Vec<Vec<PathBuf>> {
    // Programs find their libraries relative to their canonical path, and initdb is next to postgres only there: a
    // `postgres` in the PATH may be a lone symbolic link.
    let real = |folder: PathBuf| folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned);
    let in_path = path.iter().flat_map(std::env::split_paths).filter_map(real).map(|bin| vec![bin]);

    let bins = |folder: &Path, prefix: &str| -> Vec<PathBuf> {
        entries_with_prefix(folder, prefix).iter().map(|version| version.join("bin")).collect()
    };
    let known = [
        bins(&root.join("usr/lib/postgresql"), ""),
        bins(&root.join("usr"), "pgsql-"), // packages of postgresql.org for Red Hat's family
        bins(&root.join("opt/homebrew/opt"), "postgresql"),
        bins(&root.join("usr/local/opt"), "postgresql"),
        bins(&data_dir.join(super::download::DOWNLOAD_FOLDER), ""),
    ];
    in_path.chain(known).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        fs::{Permissions, create_dir_all, set_permissions},
        io,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    /// Creates a folder with programs that print `version`.
    fn write_fake_installation(bin: &Path, version: &str) -> io::Result<()> {
        create_dir_all(bin)?;
        for program in ["initdb", "postgres"] {
            let file = bin.join(program);
            write_elsewhere(&file, &format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n"))?;
            set_permissions(&file, Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Writes a program from another process: while this process has it open for writing, a fork on another thread
    /// inherits the descriptor, and the program can't be run (ETXTBSY).
    fn write_elsewhere(file: &Path, text: &str) -> io::Result<()> {
        let script = "printf %s \"$1\" > \"$2\"";
        let status = std::process::Command::new("sh").args(["-c", script, "sh", text]).arg(file).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("sh can't write")) }
    }

    fn find(root: &Path, path: &Path, required: Option<u32>) -> Result<Option<PathBuf>, Box<dyn Error>> {
        let search_paths =
            SearchPaths { pg_bin: None, groups: search_groups(Some(path.as_os_str()), root, &root.join("data")) };
        Ok(search_paths.find(required)?.map(|found| found.bin))
    }

    #[test]
    fn major_version_is_parsed() {
        let line = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(parse_version(line), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(parse_version("initdb (PostgreSQL) 15.1"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn path_is_preferred_and_symlinks_are_resolved() -> Result<(), Box<dyn Error>> {
        let temp = tempfile::tempdir()?;
        let root = temp.path().canonicalize()?;
        write_fake_installation(&root.join("usr/lib/postgresql/17/bin"), "17.2")?;
        write_fake_installation(&root.join("usr/lib/postgresql/16/bin"), "16.1")?;
        let path = root.join("shims");
        create_dir_all(&path)?;
        symlink(root.join("usr/lib/postgresql/16/bin/postgres"), path.join("postgres"))?;
        assert_eq!(find(&root, &path, None)?, Some(root.join("usr/lib/postgresql/16/bin")));
        Ok(())
    }

    #[test]
    fn highest_version_wins_and_old_or_broken_installations_are_skipped() -> Result<(), Box<dyn Error>> {
        let temp = tempfile::tempdir()?;
        let root = temp.path();
        let nowhere = root.join("nowhere");
        write_fake_installation(&root.join("usr/lib/postgresql/9.6/bin"), "9.6.24")?;
        write_fake_installation(&root.join("usr/lib/postgresql/14/bin"), "14.9")?;
        create_dir_all(root.join("usr/lib/postgresql/19/bin"))?;
        assert_eq!(find(root, &nowhere, None)?, None);

        write_fake_installation(&root.join("opt/homebrew/opt/postgresql@16/bin"), "16.0 (Homebrew)")?;
        assert_eq!(find(root, &nowhere, None)?, Some(root.join("opt/homebrew/opt/postgresql@16/bin")));

        write_fake_installation(&root.join("usr/lib/postgresql/15/bin"), "15.3")?;
        write_fake_installation(&root.join("usr/lib/postgresql/17/bin"), "17.0")?;
        assert_eq!(find(root, &nowhere, None)?, Some(root.join("usr/lib/postgresql/17/bin")));
        Ok(())
    }

    #[test]
    fn data_directory_decides_the_version() -> Result<(), Box<dyn Error>> {
        let temp = tempfile::tempdir()?;
        let root = temp.path();
        let nowhere = root.join("nowhere");
        write_fake_installation(&root.join("usr/lib/postgresql/17/bin"), "17.0")?;
        write_fake_installation(&root.join("data/postgresql/16.9.0/bin"), "16.9")?;
        assert_eq!(find(root, &nowhere, Some(16))?, Some(root.join("data/postgresql/16.9.0/bin")));
        assert_eq!(find(root, &nowhere, Some(15))?, None);
        Ok(())
    }

    #[test]
    fn pg_bin_is_used_or_rejected_never_ignored() -> Result<(), Box<dyn Error>> {
        let temp = tempfile::tempdir()?;
        let with = |bin: &Path| SearchPaths { pg_bin: Some(bin.to_owned()), groups: Vec::new() };
        let (good, old) = (temp.path().join("good"), temp.path().join("old"));
        write_fake_installation(&good, "16.0")?;
        write_fake_installation(&old, "14.0")?;

        assert_eq!(with(&good).find(None)?, Some(Installation { bin: good.clone(), major: 16 }));
        assert_eq!(with(&good).find(Some(15))?, None);
        for bin in [&old, &temp.path().join("missing")] {
            let result = with(bin).find(None);
            assert!(matches!(result, Err(EmbeddedError::PgBin { .. })), "{result:?}");
        }
        Ok(())
    }
}
