//! Errors of the embedded Postgres, in one line each, for readers without Postgres experience.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use super::drop_privileges::PrivilegesError;

/// Why there is no embedded Postgres. The text says what is wrong, where, and what to do; it never contains the
/// password.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Root privileges could not be dropped.
    #[error(transparent)]
    Privileges(#[from] PrivilegesError),
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// The failed action, as in "cannot read".
        action: &'static str,
        /// Path of the action.
        path: PathBuf,
        /// Error of the system.
        cause: io::Error,
    },
    /// A program could not be run.
    #[error("cannot run {}: {cause}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Error of the system.
        cause: io::Error,
    },
    /// `PG_BIN` is unusable.
    #[error(
        "PG_BIN is {}, but {reason}: set it to the folder that holds the programs initdb and postgres of \
         PostgreSQL {minimum} or newer, or unset it",
        folder.display()
    )]
    PgBin {
        /// Value of `PG_BIN`.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The oldest supported version.
        minimum: u32,
    },
    /// No Postgres is installed, and the download failed.
    #[error(
        "no PostgreSQL {minimum} or newer is installed here, and downloading one from github.com failed ({cause}): install it (`apt \
         install postgresql`, `brew install postgresql`), set PG_BIN to the folder of its programs, or point \
         DATABASE_URL at a running server"
    )]
    NoInstallation {
        /// The oldest supported version.
        minimum: u32,
        /// Why the download failed.
        cause: String,
    },
    /// The cluster needs a version that isn't installed, and the download failed.
    #[error(
        "the data in {} needs PostgreSQL {major}, which is not installed here, and downloading it from github.com failed ({cause}): \
         install PostgreSQL {major} or set PG_BIN to the folder of its programs; or choose another data folder with \
         AIRGRAPH_DATA_DIR to start with an empty one",
        cluster.display()
    )]
    DataVersion {
        /// The cluster.
        cluster: PathBuf,
        /// The version that created it.
        major: u32,
        /// Why the download failed.
        cause: String,
    },
    /// The gateway doesn't support the version of the cluster.
    #[error(
        "the data in {} is of PostgreSQL {major}, and airgraph needs {minimum} or newer: upgrade it with pg_upgrade, \
         or choose another data folder with AIRGRAPH_DATA_DIR to start with an empty one",
        cluster.display()
    )]
    TooOld {
        /// The cluster.
        cluster: PathBuf,
        /// The version that created it.
        major: u32,
        /// The oldest supported version.
        minimum: u32,
    },
    /// The cluster's folder contains something else.
    #[error(
        "{} is not a PostgreSQL cluster (its file PG_VERSION is missing or unreadable), and is not empty: move it \
         away, or choose another data folder with AIRGRAPH_DATA_DIR",
        cluster.display()
    )]
    NotACluster {
        /// The folder.
        cluster: PathBuf,
    },
    /// `initdb` failed.
    #[error("cannot create the database cluster {}: {cause}", cluster.display())]
    Init {
        /// Path of the cluster.
        cluster: PathBuf,
        /// Last output line of `initdb`.
        cause: String,
    },
    /// The password of an existing cluster is missing or wrong.
    #[error(
        "the password in {} is missing or is not that of the cluster beside it: put the right file back, or choose \
         another data folder with AIRGRAPH_DATA_DIR",
        path.display()
    )]
    Password {
        /// The password file.
        path: PathBuf,
    },
    /// Postgres ended instead of starting.
    #[error("Postgres does not start: {cause} (its log is {})", log.display())]
    Start {
        /// The last fatal line of its log.
        cause: String,
        /// The log.
        log: PathBuf,
    },
    /// Postgres crashed repeatedly.
    #[error("Postgres ended {times} times in a row and is not restarted (its log is {})", log.display())]
    RepeatedCrashes {
        /// Number of crashes in a row.
        times: usize,
        /// The log.
        log: PathBuf,
    },
    /// A Postgres of a killed airgraph ignores every signal.
    #[error("a Postgres of an earlier airgraph, pid {pid}, still runs on {} and does not stop: end it by hand", cluster.display())]
    Orphan {
        /// The process.
        pid: i32,
        /// Its cluster.
        cluster: PathBuf,
    },
    /// The database could not be created.
    #[error("cannot create the database: {0}")]
    CreateDatabase(String),
    /// Another airgraph owns the data folder.
    #[error(
        "another airgraph is running on {}, pid {pid}: stop that one first, or give this one its own data folder with \
         AIRGRAPH_DATA_DIR",
        data_dir.display()
    )]
    AlreadyRunning {
        /// The data folder.
        data_dir: PathBuf,
        /// The gateway's process, or that of `dev-db` run by hand.
        pid: u32,
    },
    /// Another airgraph owns the data folder, and its Postgres did not answer in time.
    #[error(
        "another airgraph, pid {pid}, holds {} but its database has not answered for {seconds} s: stop that one, \
         then try again",
        data_dir.display()
    )]
    OwnerTimeout {
        /// The data folder.
        data_dir: PathBuf,
        /// Process id of the owner.
        pid: u32,
        /// How long this process waited.
        seconds: u64,
    },
    /// The error message of `dev-db`.
    #[error("{0}")]
    Child(String),
    /// `dev-db` ended without an error message.
    #[error("the embedded database ended before it was ready ({status})")]
    ChildExited {
        /// Exit status.
        status: ExitStatus,
    },
    /// `dev-db` did not end in time and was killed.
    #[error("the embedded database did not stop within {seconds} s and was killed; it recovers at the next start")]
    ChildStopTimeout {
        /// How long this process waited.
        seconds: u64,
    },
}

impl EmbeddedError {
    /// An error about `path`; `action` continues "cannot".
    #[must_use]
    pub fn file(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }

    /// A program that could not be run.
    #[must_use]
    pub fn program(program: &Path, cause: io::Error) -> Self {
        Self::Program { program: program.to_owned(), cause }
    }
}
