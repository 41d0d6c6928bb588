//! The running Postgres: a child of this process, with a watchdog process.

use std::{
    fs::{self, File, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::OpenOptionsExt, process::ExitStatusExt},
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

use super::{EmbeddedError, buffers, cluster::Cluster, command, installation::Installation, print_status};

/// Maximum size of the log; a larger one is truncated: it is for finding the cause of a recent failure.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// Last log message of Postgres when the port is taken.
const PORT_IN_USE_MESSAGE: &str = "could not create any TCP/IP sockets";

/// Its log message when backends of a dead postmaster have not ended yet: they end after their current statement.
const SHARED_MEMORY_IN_USE_MESSAGE: &str = "pre-existing shared memory block";

/// A Postgres started by this process. Dropping it without [`Self::stop`] stops Postgres too, by the watchdog, but
/// without waiting.
#[derive(Debug)]
pub struct PostgresProcess {
    postgres: Child,
    watchdog: Watchdog,
    log: File,
    port: u16,
}

impl PostgresProcess {
    /// Starts Postgres. It accepts connections later: see [`Self::wait_until_ready`].
    ///
    /// # Errors
    ///
    /// The log can't be written or the program can't be run.
    pub fn spawn(installation: &Installation, cluster: &Cluster, port: u16) -> Result<Self, EmbeddedError> {
        let log_file = cluster.log();
        let cannot_log = |cause| EmbeddedError::file("write the log", &log_file, cause);
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&log_file).map_err(cannot_log)?;
        log.set_len(0).map_err(cannot_log)?;

        let program = installation.program("postgres");
        let mut command = command(&program, cluster.data_dir());
        command.arg("-D").arg(cluster.folder());
        for setting in [
            "listen_addresses=127.0.0.1",
            // Some tests have several gateways at the same time, each with two dozen connections.
            "max_connections=200",
            &format!("port={port}"),
            &format!("shared_buffers={}MB", buffers::megabytes()),
            // The compiled-in socket folder of distributions belongs to their own service.
            "unix_socket_directories=",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_destination=stderr",
            "logging_collector=off",
        ] {
            command.args(["-c", setting]);
        }
        let postgres = command
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(cannot_log)?)
            .process_group(0) // Ctrl-C in a terminal is handled by this process
            .spawn()
            .map_err(|cause| EmbeddedError::program(&program, cause))?;
        let watchdog = Watchdog::spawn(&postgres, cluster.data_dir())?;
        Ok(Self { postgres, watchdog, log, port })
    }

    /// Waits until Postgres answers, without a time limit: recovery after a crash can take long.
    ///
    /// # Errors
    ///
    /// It ended instead, or the password is wrong.
    pub async fn wait_until_ready(&mut self, cluster: &Cluster) -> Result<(), EmbeddedError> {
        let mut pause = Duration::from_millis(10);
        let mut patient_until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Ok(Some(status)) = self.postgres.try_wait() {
                self.watchdog.kill_and_reap();
                let words = if status.signal().is_some() { None } else { last_log_line(&cluster.log()) };
                let cause = words.unwrap_or_else(|| status.to_string());
                return Err(EmbeddedError::Start { cause, log: cluster.log() });
            }
            if cluster.accepts_connections(self.port).await? {
                return Ok(());
            }
            if Instant::now() > patient_until {
                print_status(format_args!("Postgres is still starting; its log is {}", cluster.log().display()));
                patient_until += Duration::from_mins(1);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Waits for Postgres to end by itself.
    pub async fn wait(&mut self) -> Option<ExitStatus> {
        loop {
            match timeout(Duration::from_secs(10), self.postgres.wait()).await {
                Ok(status) => {
                    self.watchdog.kill_and_reap();
                    return status.ok();
                }
                Err(_) => self.truncate_log(),
            }
        }
    }

    /// Stops Postgres: first disconnects clients and writes all data; after a timeout, stops without writing.
    pub async fn stop(mut self) {
        for (signal, max_wait) in [
            (Signal::SIGINT, Duration::from_mins(1)),
            (Signal::SIGQUIT, Duration::from_secs(5)),
            (Signal::SIGKILL, Duration::from_secs(5)),
        ] {
            if let Some(pid) = pid(&self.postgres) {
                let _ = kill(pid, signal);
            }
            if timeout(max_wait, self.postgres.wait()).await.is_ok() {
                break;
            }
            print_status(format_args!("Postgres did not stop at {signal} within {} s", max_wait.as_secs()));
        }
        self.watchdog.kill_and_reap();
    }

    /// Postgres opens its log for appending, so it continues at the start of a truncated file.
    fn truncate_log(&self) {
        if self.log.metadata().is_ok_and(|log| log.len() > LOG_LIMIT_BYTES) {
            let _ = self.log.set_len(0);
        }
    }
}

/// Stops Postgres when this process is killed: a shell that reads from a pipe held by this process, and sends the
/// signal when the pipe closes. Its different name and its own process group protect it from `killall` and Ctrl-C.
#[derive(Debug)]
struct Watchdog(std::process::Child);

impl Watchdog {
    fn spawn(postgres: &Child, data_dir: &Path) -> Result<Self, EmbeddedError> {
        let shell = Path::new("/bin/sh");
        let pid = pid(postgres).map_or_else(String::new, |pid| pid.to_string());
        let mut command = command(shell, data_dir).into_std();
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
            .args(["-c", "read -r line; kill -INT \"$1\"", "airgraph-watchdog", &pid])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|cause| EmbeddedError::program(shell, cause))
    }

    /// Called after Postgres has ended, when its process id may be reused. The pipe is still open, so the shell has not
    /// sent its signal yet and never will.
    fn kill_and_reap(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of 127.0.0.1 that is free right now.
///
/// # Errors
///
/// There is none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether Postgres failed because another program took the port first.
#[must_use]
pub fn is_port_in_use(error: &EmbeddedError) -> bool {
    matches!(error, EmbeddedError::Start { cause, .. } if cause.contains(PORT_IN_USE_MESSAGE))
}

/// Whether Postgres failed because backends of an earlier one have not ended yet.
#[must_use]
pub fn is_shared_memory_in_use(error: &EmbeddedError) -> bool {
    matches!(error, EmbeddedError::Start { cause, .. } if cause.contains(SHARED_MEMORY_IN_USE_MESSAGE))
}

fn pid(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
}

/// The last fatal line of a log without its time stamp, or its last line. Fatal lines for connections that came too
/// early are skipped.
fn last_log_line(log: &Path) -> Option<String> {
    let bytes = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let messages = text.lines().rev().filter_map(|line| line.split_once("FATAL:"));
    let mut fatal = messages.map(|(_, message)| message.trim());
    let fatal = fatal.find(|message| !message.starts_with("the database system is"));
    let last = fatal.or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))?;
    Some(last.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn last_log_line_says_why_postgres_exited() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("postgres.log");
        assert_eq!(last_log_line(&log), None);
        fs::write(&log, "postgres: could not find the file\n\n")?;
        assert_eq!(last_log_line(&log).as_deref(), Some("postgres: could not find the file"));
        fs::write(
            &log,
            "2026-01-01 00:00:00.000 UTC [7] LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n\
             2026-01-01 00:00:00.000 UTC [7] FATAL:  could not create any TCP/IP sockets\n\
             2026-01-01 00:00:00.000 UTC [9] FATAL:  the database system is starting up\n\
             2026-01-01 00:00:00.000 UTC [7] LOG:  database system is shut down\n",
        )?;
        let cause = last_log_line(&log).ok_or("no words")?;
        assert_eq!(cause, PORT_IN_USE_MESSAGE);
        assert!(is_port_in_use(&EmbeddedError::Start { cause, log }));
        Ok(())
    }
}
