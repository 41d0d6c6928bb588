//! One private Postgres for the whole run, a migrated template in it, and a copy of that for each test.
//!
//! With `AIRGRAPH_TEST_DATABASE`, the URL of a superuser, several test processes share a Postgres: see `.ci/nextest`.
//! With `CITUS_URL`, databases with the schema are distributed in a Citus cluster: see [`citus_cluster`](super::citus_cluster).

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use airgraph::db::connect;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, postgres::PgConnectOptions};

use super::citus_cluster::{self, Servers};

const TEMPLATE: &str = "template_airgraph";
/// The template before it is migrated.
const UNFINISHED: &str = "unfinished_airgraph";

struct Cluster {
    options: PgConnectOptions,
    /// Holds the standard input of `dev-db` open; when the test process ends, it closes and Postgres stops. None for a
    /// shared Postgres.
    _process: Option<Child>,
    /// The servers of the Citus cluster, on which databases with the schema are made.
    servers: Option<Servers>,
}

/// An empty database with the current schema.
pub async fn empty_database() -> PgConnectOptions {
    copy_of(TEMPLATE).await
}

/// A database without a schema.
pub async fn database_without_schema() -> PgConnectOptions {
    copy_of("template1").await
}

/// A copy of a database of [`empty_database`] that has no connections.
pub async fn copy_of_database(options: &PgConnectOptions) -> PgConnectOptions {
    copy_of(options.get_database().expect("a database")).await
}

async fn copy_of(template: &str) -> PgConnectOptions {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let on_citus = citus_cluster::is_used();
    let cluster = tokio::task::spawn_blocking(move || cluster(on_citus)).await.expect("a cluster");
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    if let Some(servers) = cluster.servers.as_ref().filter(|_| template != "template1") {
        servers.copy(template, &name, template == TEMPLATE).await;
        return cluster.options.clone().database(&name);
    }
    let mut connection = cluster.options.connect().await.expect("a connection");
    let statement = format!("create database {name} template {template}");
    connection.execute(AssertSqlSafe(statement)).await.expect("a database");
    connection.close().await.expect("closed");
    cluster.options.clone().database(&name)
}

fn cluster(on_citus: bool) -> &'static Cluster {
    static PLAIN: OnceLock<Cluster> = OnceLock::new();
    static CITUS: OnceLock<Cluster> = OnceLock::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if on_citus {
        CITUS.get_or_init(|| runtime().block_on(citus()))
    } else {
        PLAIN.get_or_init(|| {
            let cluster = start();
            runtime().block_on(prepare(&cluster.options));
            cluster
        })
    }
}

async fn citus() -> Cluster {
    let options = citus_cluster::url().expect("CITUS_URL");
    let servers = Servers::connect(&options).await;
    servers.prepare(TEMPLATE).await;
    Cluster { options, _process: None, servers: Some(servers) }
}

fn start() -> Cluster {
    if let Ok(url) = std::env::var("AIRGRAPH_TEST_DATABASE") {
        return Cluster { options: url.parse().expect("a URL"), _process: None, servers: None };
    }
    // Directly below the common temporary folder, where Postgres' account can make and delete it.
    let data_dir = std::env::temp_dir().join(format!("airgraph-test-{}", std::process::id()));
    let mut process = Command::new(env!("CARGO_BIN_EXE_airgraph"))
        .args(["dev-db", "--temporary", "--superuser"])
        .env("AIRGRAPH_DATA_DIR", &data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("airgraph dev-db starts");
    let mut url = String::new();
    let stdout = process.stdout.take().expect("its standard output");
    BufReader::new(stdout).read_line(&mut url).expect("a line");
    let options = url.trim_end().parse().expect("the URL of a database");
    Cluster { options, _process: Some(process), servers: None }
}

/// Creates the template, unless another process has.
async fn prepare(options: &PgConnectOptions) {
    let mut connection = options.connect().await.expect("a connection");
    // No data of a test run needs to survive a power cut.
    for statement in ["alter system set fsync = off", "select pg_reload_conf()", "select pg_advisory_lock(1)"] {
        connection.execute(statement).await.expect(statement);
    }
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(TEMPLATE)
        .fetch_one(&mut connection)
        .await
        .expect("an answer");
    if !exists {
        connection.execute(AssertSqlSafe(format!("create database {UNFINISHED}"))).await.expect("a database");
        let database = connect::open(&options.clone().database(UNFINISHED), 1, 1).await.expect("a database");
        connect::migrate(&database).await.expect("migrations");
        database.close().await;
        let rename = format!("alter database {UNFINISHED} rename to {TEMPLATE}");
        connection.execute(AssertSqlSafe(rename)).await.expect("a template");
    }
    connection.close().await.expect("closed");
}
