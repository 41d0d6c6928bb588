//! The servers that are compared.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    List,
    support::{Gateway, by_hand, lists::ListedKeys, process::memory_kb},
};

/// Connections of each peer to Postgres.
const CONNECTION_COUNT: &str = "10";

/// What a server understands.
enum Kind {
    Airgraph,
    PostGraphile,
    Handlers,
}

/// A running server. It ends with the benchmark.
pub struct Server {
    pub name: &'static str,
    pub address: String,
    pub pid: u32,
    kind: Kind,
    _process: Option<Child>,
}

impl Server {
    /// The gateway and its peers.
    pub async fn start_all(url: &str, gateway: &Gateway) -> Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let node = folder.join("node_modules/node/bin/node");
        ensure!(node.exists(), "the peers are not installed: (cd benches/peers && npm ci)");
        let script = |name: &str| {
            let mut command = Command::new(&node);
            command.arg(folder.join(name)).args([url, CONNECTION_COUNT]).env("GRAPHILE_ENV", "production");
            command
        };
        let mut by_hand = Command::new(std::env::current_exe()?);
        by_hand.args([by_hand::SERVE, url]);
        Ok(vec![
            Self {
                name: "airgraph",
                address: gateway.address.clone(),
                pid: gateway.pid()?,
                kind: Kind::Airgraph,
                _process: None,
            },
            Self::start("axum and sqlx by hand", Kind::Handlers, by_hand).await?,
            Self::start("node:http and pg by hand", Kind::Handlers, script("handlers.js")).await?,
            Self::start("PostGraphile 5", Kind::PostGraphile, script("postgraphile.js")).await?,
        ])
    }

    async fn start(name: &'static str, kind: Kind, mut command: Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().context("its standard output")?).read_line(&mut address).await?;
        ensure!(address.starts_with("http"), "{name} did not start");
        let pid = process.id().context("its process id")?;
        Ok(Self { name, address: address.trim().to_owned(), pid, kind, _process: Some(process) })
    }

    /// The path of the requests for a list, and their bodies.
    pub fn requests<'l>(&self, list: &'l List) -> (&'l str, impl Fn() -> String + Sync + use<'l>) {
        let (path, query) = match self.kind {
            Kind::Airgraph => ("/graphql", Some(&list.airgraph)),
            Kind::PostGraphile => ("/graphql", Some(&list.postgraphile)),
            Kind::Handlers => (&*list.handler_path, None),
        };
        let body = move || {
            let key = list.keys.as_ref().map(ListedKeys::next);
            match query {
                Some(query) => json!({ "query": query, "variables": { "key": key } }).to_string(),
                None => key.unwrap_or_default(),
            }
        };
        (path, body)
    }

    /// The largest amount of memory so far.
    pub fn peak_memory_mb(&self) -> Result<u64> {
        Ok(memory_kb(self.pid, "VmHWM")? / 1024)
    }
}
