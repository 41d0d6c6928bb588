//! The program itself, as a process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

/// Generous, for a busy machine: only a failure waits this long.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// The program, with settings of the test only.
pub fn airgraph(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airgraph"));
    // Only the test's own settings count, not the environment of the test run, except for the Postgres programs.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        let is_setting =
            ["AIRGRAPH_", "POSTGRES_", "PG", "DATABASE_"].iter().any(|prefix| name_text.starts_with(prefix));
        if is_setting && name_text != "PG_BIN" {
            command.env_remove(&name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The program on that database.
pub fn on(options: &PgConnectOptions, arguments: &[&str]) -> Command {
    let mut command = airgraph(arguments);
    command.env("DATABASE_URL", options.to_url_lossy().as_str());
    command
}

/// A gateway that serves. Killed when dropped.
pub struct Gateway {
    /// Its process.
    pub process: Child,
    stdout: BufReader<ChildStdout>,
    /// Its output until it began to serve.
    pub welcome: String,
    /// Its URL, without a path.
    pub address: String,
}

impl Gateway {
    /// Starts `serve` on a free port and waits until it serves.
    pub async fn start(mut command: Command) -> Self {
        command.env("AIRGRAPH_LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
        tokio::task::spawn_blocking(move || {
            let mut process = command.spawn().expect("airgraph starts");
            let mut stdout = BufReader::new(process.stdout.take().expect("its standard output"));
            let mut welcome = String::new();
            while !welcome.ends_with("\n\n") || !welcome.contains("read it back") {
                assert_ne!(stdout.read_line(&mut welcome).expect("a line"), 0, "it ended: {welcome}");
            }
            let address = between(&welcome, "GraphQL ", "/graphql").trim().to_owned();
            Self { process, stdout, welcome, address }
        })
        .await
        .expect("no panic")
    }

    /// Sends SIGTERM; returns the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).expect("a pid"));
        kill(pid, Signal::SIGTERM).expect("a signal");
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        let since = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a status") {
                return status.code();
            }
            assert!(since.elapsed() < DEADLINE, "it doesn't end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The text between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map_or("", |(between, _)| between)
}
