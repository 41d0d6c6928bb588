//! The gateway's side: `airgraph dev-db` as a child process that ends with the gateway.
//!
//! Protocol: the child writes one line to its standard output, the URL or an error, and ends when its standard input is
//! closed. It inherits standard error, for progress during a first start.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{DATA_DIR_VARIABLE, EmbeddedError, LockPolicy, inherit_only};

/// Prefix of the line with the URL.
const URL_SCHEME: &str = "postgresql://";

/// Environment variables that `dev-db` inherits: to find Postgres, its data and, for a download, the network. All
/// others are cleared, as they include secrets.
const CHILD_ENV_VARIABLES: [&str; 18] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PG_BIN",
    "XDG_DATA_HOME",
    "GITHUB_TOKEN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A little longer than the maximum time `dev-db` takes to stop Postgres.
const STOP_TIMEOUT: Duration = Duration::from_secs(75);

/// A Postgres that runs as long as this value, and no longer than this process.
///
/// Dropping it stops Postgres without waiting.
pub struct EmbeddedDatabase {
    url: String,
    child: Child,
}

/// Starts the embedded Postgres by running this executable as `dev-db`. See [`Self::start_with`].
///
/// # Errors
///
/// As [`start_with`].
pub async fn start(data_dir: &Path, share: LockPolicy) -> Result<EmbeddedDatabase, EmbeddedError> {
    let program = std::env::current_exe()
        .map_err(|cause| EmbeddedError::file("find the running program", Path::new("airgraph"), cause))?;
    start_with(&program, data_dir, share).await
}

/// Starts the embedded Postgres with `program`, an airgraph executable, and waits until it answers. The first start may
/// take minutes; the child reports progress on standard error.
///
/// If started as root, call it while still root: the child drops its privileges itself.
///
/// # Errors
///
/// The child can't be run, or its one-line error message.
pub async fn start_with(program: &Path, data_dir: &Path, share: LockPolicy) -> Result<EmbeddedDatabase, EmbeddedError> {
    let cannot_run = |cause| EmbeddedError::program(program, cause);
    let mut command = std::process::Command::new(program);
    inherit_only(&mut command, &CHILD_ENV_VARIABLES);
    let mut command = Command::from(command);
    command.args(["dev-db", "--gateway", &std::process::id().to_string()]);
    if share == LockPolicy::Attach {
        command.arg("--attach");
    }
    let mut child = command
        .env(DATA_DIR_VARIABLE, data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C in a terminal is handled by the gateway, which drains before it stops its database.
        .process_group(0)
        .spawn()
        .map_err(cannot_run)?;

    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).await.map_err(cannot_run)?;
    }
    let line = line.trim_end();
    if line.starts_with(URL_SCHEME) {
        return Ok(EmbeddedDatabase { url: line.to_owned(), child });
    }
    let status = child.wait().await.map_err(cannot_run)?;
    Err(if line.is_empty() { EmbeddedError::ChildExited { status } } else { EmbeddedError::Child(line.to_owned()) })
}

impl EmbeddedDatabase {
    /// URL of the database. Contains the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the child to end by itself, which happens only when `dev-db` was killed or stopped restarting
    /// Postgres; the gateway can't continue then. Cancel-safe.
    pub async fn wait(&mut self) -> Option<ExitStatus> {
        // `Child::wait` would close the pipe first and so end the child.
        loop {
            match self.child.try_wait() {
                Ok(None) => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    /// Stops Postgres and waits until it has stopped. Close all connections first.
    ///
    /// # Errors
    ///
    /// The child did not stop in time and was killed.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        drop(self.child.stdin.take());
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
            return Err(EmbeddedError::ChildStopTimeout { seconds: STOP_TIMEOUT.as_secs() });
        }
        Ok(())
    }
}

impl std::fmt::Debug for EmbeddedDatabase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EmbeddedDatabase").field("child", &self.child).finish_non_exhaustive()
    }
}
