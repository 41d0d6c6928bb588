//! The embedded Postgres: it starts by itself, also for root, and no killed process leaves it running or broken.

mod killed;
mod roles;
mod start_and_stop;

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::support::gateway::DEADLINE;

const PROGRAM: &str = env!("CARGO_BIN_EXE_airgraph");

/// A data folder that doesn't exist yet, below one that every account may enter.
fn data_dir() -> Result<(TempDir, PathBuf)> {
    let parent = tempfile::tempdir()?;
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755))?;
    let data_dir = parent.path().join("data");
    Ok((parent, data_dir))
}

/// A running `airgraph dev-db`. Dropping it closes its standard input and waits for its end.
struct DevDb {
    process: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("dev-db").args(arguments).env("AIRGRAPH_DATA_DIR", data_dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl DevDb {
    fn start(data_dir: &Path, arguments: &[&str]) -> Result<Self> {
        let mut process = command(data_dir, arguments).stderr(Stdio::inherit()).spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().context("no stdout")?);
        let mut url = String::new();
        stdout.read_line(&mut url)?;
        ensure!(url.ends_with('\n'), "dev-db printed no URL");
        Ok(Self { process, stdout, url: url.trim_end().to_owned() })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.process.id())?), signal)?)
    }

    /// Waits for the end; returns the remaining output.
    fn end(mut self) -> Result<(ExitStatus, String)> {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest)?;
        Ok((self.process.wait()?, rest))
    }

    fn close_stdin(mut self) -> Result<(ExitStatus, String)> {
        drop(self.process.stdin.take());
        self.end()
    }
}

impl Drop for DevDb {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The one line that a `dev-db` that fails to start writes to standard error.
fn startup_error(data_dir: &Path) -> Result<String> {
    let mut process = command(data_dir, &[]).spawn()?;
    // Held open until the process has ended: closing it would be a reason to end too, without an error.
    let stdin = process.stdin.take();
    let output = process.wait_with_output()?;
    drop(stdin);
    ensure!(!output.status.success(), "it started");
    ensure!(output.stdout.is_empty(), "it printed a URL");
    let message = String::from_utf8(output.stderr)?;
    ensure!(message.lines().count() == 1, "not one line: {message}");
    Ok(message)
}

async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = attempt().await {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "still waiting: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn scalar(url: &str, query: &'static str) -> Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    let value = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(value)
}

async fn execute(url: &str, statement: &'static str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(statement).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

const CREATE_NOTE: &str = "create table note as select 'kept' as text";
const READ_NOTE: &str = "select text from note";

fn postmaster(data_dir: &Path) -> Result<Pid> {
    let text = fs::read_to_string(data_dir.join("postgres/postmaster.pid"))?;
    Ok(Pid::from_raw(text.lines().next().context("empty postmaster.pid")?.trim().parse()?))
}

/// The pid of `dev-db`; the lock file names the gateway's instead.
fn postmaster_parent(data_dir: &Path) -> Result<Pid> {
    let pid = postmaster(data_dir)?;
    let parent = if let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) {
        let mut lines = status.lines();
        lines.find_map(|line| line.strip_prefix("PPid:")).map(str::to_owned)
    } else {
        let ps = Command::new("ps").args(["-o", "ppid=", "-p", &pid.to_string()]).output()?;
        Some(String::from_utf8(ps.stdout)?)
    };
    Ok(Pid::from_raw(parent.context("no parent")?.trim().parse()?))
}

async fn is_gone(pid: Pid) -> Result<()> {
    let zombie = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    eventually("Postgres to end", async || (kill(pid, None).is_err() || zombie()).then_some(())).await
}
