//! The private Postgres that serves when no database is at hand.
//!
//! Its life, from the top:
//!
//! 1. The gateway runs its own program once more as `airgraph dev-db` ([`child`]) and keeps the write end of a pipe to
//!    that child's standard input. However the gateway dies, also by `kill -9`, the kernel closes the pipe.
//! 2. `dev-db` gives up root ([`self::drop_privileges`]) and takes the lock of the data folder ([`lock`]), so that one
//!    Postgres has one master.
//! 3. It finds the programs of an installed Postgres ([`installation`]) or downloads them ([`download`]), makes the
//!    cluster the first time ([`cluster`]), ends a Postgres that an earlier `dev-db` left behind ([`postmaster`]), and
//!    starts Postgres as its own child on a free port of 127.0.0.1 ([`server`]).
//! 4. It prints the URL, then watches Postgres and starts it again, on the same port, if it dies ([`supervisor`]).
//! 5. When the pipe closes, or at SIGTERM, SIGINT or SIGHUP, it stops Postgres, then ends.
//! 6. Should `dev-db` itself be killed, a `sh` that holds a pipe of its own stops Postgres (the watchdog in
//!    [`server`]), so `killall -9 airgraph` leaves nothing behind either.
//!
//! The data folder:
//!
//! | path | |
//! |---|---|
//! | `airgraph.lock` | who owns the folder, see [`lock`] |
//! | `password` | of the bootstrap superuser `postgres`, which only sets the cluster up; mode 0600 |
//! | `gateway-password` | of the role `airgraph`, which owns the database and is no superuser; mode 0600 |
//! | `postgres/` | the cluster |
//! | `postgres.new-*/` | a cluster in the making; becomes `postgres/` by a rename when it is whole |
//! | `postgres.log` | what Postgres said since its last start, bounded |
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

/// Name of the environment variable that chooses the data folder.
pub const DATA_DIR_VARIABLE: &str = "AIRGRAPH_DATA_DIR";

/// Where the data lives unless [`DATA_DIR_VARIABLE`] says otherwise: `/var/lib/airgraph` for root, `airgraph` in the
/// user's data folder for anybody else. `None` when the user has no home. Ask before giving up root.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    if self::drop_privileges::is_root() {
        return Some("/var/lib/airgraph".into());
    }
    if cfg!(target_os = "macos") {
        return Some(std::env::home_dir()?.join("Library/Application Support/airgraph"));
    }
    // XDG Base Directory Specification: a relative path is invalid and to be ignored.
    let named = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = match named {
        Some(data) => data,
        None => std::env::home_dir()?.join(".local/share"),
    };
    Some(data.join("airgraph"))
}

/// Makes the data folder if it is missing and returns its real path.
///
/// # Errors
///
/// The folder can't be made or reached.
pub fn open_data_dir(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|cause| EmbeddedError::file("create the data folder", data_dir, cause))?;
    data_dir.canonicalize().map_err(|cause| EmbeddedError::file("reach the data folder", data_dir, cause))
}

/// A line on standard error.
///
/// Not through `tracing`, and errors are ignored on purpose: `dev-db` outlives the reader of its standard error when
/// the gateway is killed, and must go on to stop Postgres instead of dying of a broken pipe.
pub fn print_status(message: impl Display) {
    let _ = writeln!(std::io::stderr(), "airgraph dev-db: {message}");
}

/// What a program of Postgres gets of our environment. Not the rest: it has secrets, such as `AIRGRAPH_ADMIN_KEY`, and SQL of
/// a superuser can read the environment.
const POSTGRES_ENV_VARIABLES: [&str; 4] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// A program of Postgres, shielded from the caller's surroundings: the working directory and HOME may be closed to the
/// account, and `PG*` or a locale would change what the program does and the language of its messages.
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

/// The names in a folder that start with `prefix`; none if the folder can't be read.
fn entries_with_prefix(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let starts = |path: &PathBuf| {
        path.file_name().map(OsStr::as_encoded_bytes).is_some_and(|name| name.starts_with(prefix.as_bytes()))
    };
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).filter(starts).collect()
}
