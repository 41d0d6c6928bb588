//! What can go wrong with the embedded Postgres, in one line each, for someone who has never run one.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use super::drop_privileges::PrivilegesError;

/// Why there is no embedded Postgres. The text says what was wrong, where, and what to do; it never holds the password.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Root could not be given up.
    #[error(transparent)]
    Privileges(#[from] PrivilegesError),
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A program could not be run.
    #[error("cannot run {}: {cause}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// `PG_BIN` is set to something unusable.
    #[error(
        "PG_BIN is {}, but {reason}: set it to the folder that holds the programs initdb and postgres of \
         PostgreSQL {minimum} or newer, or unset it",
        folder.display()
    )]
    PgBin {
        /// Its value.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The oldest version that works.
        minimum: u32,
    },
    /// No Postgres is installed, and none could be had.
    #[error(
        "no PostgreSQL {minimum} or newer is installed here, and downloading one from github.com failed ({cause}): install it (`apt \
         install postgresql`, `brew install postgresql`), set PG_BIN to the folder of its programs, or point \
         DATABASE_URL at a running server"
    )]
    NoInstallation {
        /// The oldest version that works.
        minimum: u32,
        /// Why the download failed.
        cause: String,
    },
    /// The cluster needs a version that isn't there.
    #[error(
        "the data in {} needs PostgreSQL {major}, which is not installed here, and downloading it from github.com failed ({cause}): \
         install PostgreSQL {major} or set PG_BIN to the folder of its programs; or choose another data folder with \
         AIRGRAPH_DATA_DIR to start with an empty one",
        cluster.display()
    )]
    DataVersion {
        /// The cluster.
        cluster: PathBuf,
        /// The version that made it.
        major: u32,
        /// Why the download failed.
        cause: String,
    },
    /// The cluster is of a version that the gateway doesn't work with.
    #[error(
        "the data in {} is of PostgreSQL {major}, and airgraph needs {minimum} or newer: upgrade it with pg_upgrade, \
         or choose another data folder with AIRGRAPH_DATA_DIR to start with an empty one",
        cluster.display()
    )]
    TooOld {
        /// The cluster.
        cluster: PathBuf,
        /// The version that made it.
        major: u32,
        /// The oldest version that works.
        minimum: u32,
    },
    /// The cluster's folder holds something else.
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
        /// Where.
        cluster: PathBuf,
        /// Its last line.
        cause: String,
    },
    /// There is a cluster, but its password is gone or not the right one.
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
    /// Postgres keeps dying.
    #[error("Postgres ended {times} times in a row and is given up (its log is {})", log.display())]
    RepeatedCrashes {
        /// How often.
        times: u32,
        /// The log.
        log: PathBuf,
    },
    /// A Postgres left behind by a killed airgraph ignores every signal.
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
    /// Another airgraph holds the folder.
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
    /// Another airgraph holds the folder and neither serves nor lets go.
    #[error(
        "another airgraph, pid {pid}, holds {} but its database has not answered for {seconds} s: stop that one, \
         then try again",
        data_dir.display()
    )]
    OwnerTimeout {
        /// The data folder.
        data_dir: PathBuf,
        /// Its process.
        pid: u32,
        /// How long it was waited for.
        seconds: u64,
    },
    /// `dev-db` said why it ended: its words are the error.
    #[error("{0}")]
    Child(String),
    /// `dev-db` ended without a word.
    #[error("the embedded database ended before it was ready ({status})")]
    ChildExited {
        /// How.
        status: ExitStatus,
    },
    /// `dev-db` did not end in time and was killed.
    #[error("the embedded database did not stop within {seconds} s and was killed; it recovers at the next start")]
    ChildStopTimeout {
        /// How long it was waited for.
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
