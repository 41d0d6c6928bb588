//! The embedded Postgres, for a gateway without a configured database.
//!
//! Lifecycle:
//!
//! 1. The gateway runs its own executable as `airgraph dev-db` ([`child`]) and keeps the write end of a pipe to that
//!    child's standard input. However the gateway ends, even by `kill -9`, the kernel closes the pipe.
//! 2. `dev-db` drops root privileges ([`self::drop_privileges`]) and takes the lock of the data folder ([`lock`]), so
//!    that each Postgres has one supervisor.
//! 3. It finds the programs of an installed Postgres ([`installation`]) or downloads them ([`download`]), creates the
//!    cluster at the first start ([`cluster`]), stops an orphaned Postgres of an earlier `dev-db` ([`postmaster`]), and
//!    starts Postgres as its own child on a free port of 127.0.0.1 ([`server`]).
//! 4. It prints the URL, then watches Postgres and restarts it, on the same port, after a crash ([`supervisor`]).
//! 5. When the pipe closes, or at SIGTERM, SIGINT or SIGHUP, it stops Postgres, then ends.
//! 6. If `dev-db` itself is killed, a `sh` that holds a pipe of its own stops Postgres (the watchdog in [`server`]), so
//!    no process remains after `killall -9 airgraph` either.
//!
//! The data folder:
//!
//! | path | |
//! |---|---|
//! | `airgraph.lock` | owner of the folder, see [`lock`] |
//! | `password` | of the bootstrap superuser `postgres`, used only to set up the cluster; mode 0600 |
//! | `gateway-password` | of the role `airgraph`, which owns the database and is no superuser; mode 0600 |
//! | `postgres/` | the cluster |
//! | `postgres.new-*/` | an unfinished cluster; renamed to `postgres/` when it is complete |
//! | `postgres.log` | log of Postgres since its last start, limited in size |
//! | `postgresql/<version>/` | downloaded programs |

use std::{
    ffi::OsStr,
    fmt::Display,
    fs::DirBuilder,
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

pub mod buffers;
pub mod child;
pub mod cluster;
pub mod download;
pub mod drop_privileges;
pub mod error;
pub mod installation;
pub mod lock;
pub mod postmaster;
pub mod server;
pub mod supervisor;

pub use child::{EmbeddedDatabase, start, start_with};
pub use error::EmbeddedError;
pub use lock::LockPolicy;

/// Environment variable with the path of the data folder.
pub const DATA_DIR_VARIABLE: &str = "AIRGRAPH_DATA_DIR";

/// Default data folder, unless [`DATA_DIR_VARIABLE`] is set: `/var/lib/airgraph` for root, `airgraph` in the user's
/// data folder otherwise. `None` when the user has no home. Call it before dropping root privileges.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    if self::drop_privileges::is_root() {
        return Some("/var/lib/airgraph".into());
    }
    if cfg!(target_os = "macos") {
        return Some(std::env::home_dir()?.join("Library/Application Support/airgraph"));
    }
    // XDG Base Directory Specification: a relative path is invalid and must be ignored.
    let named = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = match named {
        Some(data) => data,
        None => std::env::home_dir()?.join(".local/share"),
    };
    Some(data.join("airgraph"))
}

/// Creates the data folder if it is missing and returns its canonical path.
///
/// # Errors
///
/// The folder can't be created or reached.
pub fn open_data_dir(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|cause| EmbeddedError::file("create the data folder", data_dir, cause))?;
    data_dir.canonicalize().map_err(|cause| EmbeddedError::file("reach the data folder", data_dir, cause))
}

/// Prints a line to standard error.
///
/// Not through `tracing`, and errors are ignored on purpose: `dev-db` outlives the reader of its standard error when
/// the gateway is killed, and must continue to stop Postgres instead of ending with a broken pipe.
pub fn print_status(message: impl Display) {
    let _ = writeln!(std::io::stderr(), "airgraph dev-db: {message}");
}

/// Environment variables that a Postgres program inherits. All others are cleared: they include secrets, such as
/// `AIRGRAPH_ADMIN_KEY`, and SQL of a superuser can read the environment.
const POSTGRES_ENV_VARIABLES: [&str; 4] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// A command for a Postgres program, isolated from the caller's environment: the working directory and HOME may be
/// inaccessible to the account, and `PG*` or a locale would change the behaviour of the program and the language of its
/// messages.
fn command(program: &Path, data_dir: &Path) -> tokio::process::Command {
    let mut command = std::process::Command::new(program);
    inherit_only(&mut command, &POSTGRES_ENV_VARIABLES);
    command.env("HOME", data_dir).env("LC_ALL", "C").env("TZ", "UTC").current_dir(data_dir);
    command.stdin(std::process::Stdio::null());
    command.into()
}

/// Clears the environment of a program except for these variables.
fn inherit_only(command: &mut std::process::Command, names: &[&str]) {
    command.env_clear();
    command.envs(names.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
}

/// The names in a folder that start with `prefix`; empty if the folder can't be read.
fn entries_with_prefix(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let starts = |path: &PathBuf| {
        path.file_name().map(OsStr::as_encoded_bytes).is_some_and(|name| name.starts_with(prefix.as_bytes()))
    };
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).filter(starts).collect()
}
