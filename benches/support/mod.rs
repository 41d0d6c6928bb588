#![allow(dead_code, reason = "each benchmark uses its part")]
//! Shared parts of the benchmarks: a database, a gateway, load, and the references.

pub mod archive;
pub mod archive_by_hand;
pub mod by_hand;
pub mod lists;
pub mod load;
pub mod packets;
pub mod pgbench;
pub mod process;
pub mod statements;
pub mod subscriber;
pub mod wrk;

use std::{path::PathBuf, process::Stdio};

use airgraph::db::embedded::{self, EmbeddedDatabase, LockPolicy};
use anyhow::{Context as _, Result, ensure};
use axum::{
    body::{Body, Bytes},
    http::Request,
};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdout, Command},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_airgraph");
/// The admin's key of the gateway under load.
pub const KEY: &str = "7d41c9e85a0b4f1396d2e8b7f05c3a64";

/// A private Postgres.
pub struct Database {
    pub url: String,
    data_dir: PathBuf,
    embedded: EmbeddedDatabase,
}

/// Starts it in a temporary folder, with all durability settings.
pub async fn database() -> Result<Database> {
    let data_dir = std::env::temp_dir().join(format!("airgraph-bench-{}", std::process::id()));
    let embedded = embedded::start_with(PROGRAM.as_ref(), &data_dir, LockPolicy::Refuse).await?;
    Ok(Database { url: embedded.url().to_owned(), data_dir, embedded })
}

impl Database {
    /// The URL of the same database for the superuser.
    pub fn superuser_url(&self) -> Result<String> {
        let password = std::fs::read_to_string(self.data_dir.join("password"))?;
        let (_, at) = self.url.split_once('@').context("a URL with a password")?;
        Ok(format!("postgresql://postgres:{}@{at}", password.trim()))
    }

    /// Process id of the postmaster.
    pub fn postmaster(&self) -> Result<u32> {
        let file = std::fs::read_to_string(self.data_dir.join("postgres/postmaster.pid"))?;
        Ok(file.lines().next().context("its first line")?.trim().parse()?)
    }

    pub async fn stop(self) -> Result<()> {
        self.embedded.stop().await?;
        Ok(std::fs::remove_dir_all(self.data_dir)?)
    }
}

/// A running gateway. Stops with the benchmark.
pub struct Gateway {
    pub address: String,
    process: Child,
    _stdout: BufReader<ChildStdout>,
}

impl Gateway {
    pub async fn start(url: &str) -> Result<Self> {
        Self::start_with(url, &[]).await
    }

    /// With settings from the environment, and without rate limits.
    pub async fn start_with(url: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let unlimited = [
            ("AIRGRAPH_CONNECTIONS_PER_ADDRESS", "30000"), // all clients are on this machine
            ("AIRGRAPH_RATE_LIMIT_COST_PER_MINUTE", "unlimited"),
            ("AIRGRAPH_ANONYMOUS_DATABASE_SECONDS_PER_MINUTE", "unlimited"),
            ("AIRGRAPH_KEY_DATABASE_SECONDS_PER_MINUTE", "unlimited"),
        ];
        Self::spawn(url, unlimited.iter().chain(environment).copied()).await
    }

    /// With the default limits.
    pub async fn start_as_shipped(url: &str) -> Result<Self> {
        Self::spawn(url, []).await
    }

    async fn spawn<'a>(url: &str, environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut process = Command::new(PROGRAM)
            .args(["--log", "warn", "serve", "--listen", "127.0.0.1:0"])
            .env("DATABASE_URL", url)
            .env("AIRGRAPH_ADMIN_KEY", KEY)
            .envs(environment)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().context("its standard output")?);
        let mut line = String::new();
        while !line.contains("/graphql") {
            line.clear();
            ensure!(stdout.read_line(&mut line).await? > 0, "the gateway ended");
        }
        let address = line.split_whitespace().last().and_then(|url| url.strip_suffix("/graphql"));
        Ok(Self { address: address.context("an address")?.to_owned(), process, _stdout: stdout })
    }

    /// Process id.
    pub fn pid(&self) -> Result<u32> {
        self.process.id().context("the gateway ended")
    }

    pub async fn stop(mut self) -> Result<()> {
        self.process.kill().await?;
        Ok(())
    }
}

/// Uploads a file and returns the report.
pub async fn upload(address: &str, file: Body) -> Result<Bytes> {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("{address}/ingest/csv")).header("x-api-key", KEY).body(file)?;
    let response = client.request(request).await?;
    let status = response.status();
    let report = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await?;
    ensure!(status.is_success(), "{status}: {report:?}");
    Ok(report)
}

/// Whether a line is selected: `cargo bench --bench gateway -- nested` measures lines with that word.
pub fn is_wanted(line: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).peekable();
    words.peek().is_none() || words.any(|word| line.contains(&word))
}

/// A number from the environment, with a default.
pub fn setting(name: &str, default: u64) -> Result<u64> {
    std::env::var(name).ok().map_or(Ok(default), |text| text.parse().with_context(|| format!("{name}: a number")))
}
