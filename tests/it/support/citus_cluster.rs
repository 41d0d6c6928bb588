//! A Citus cluster for the tests.
//!
//! With `CITUS_URL`, databases of tests are made on a Citus cluster and distributed. It is a superuser's URL of a database
//! of the coordinator that has the extension and the workers added. A database is copied from a template on every server,
//! so that a test doesn't wait for its tables to be distributed.

use airgraph::db::{connect, distribution};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions,
};

use super::skipped;

/// Shards of each table, of which each worker has some.
const SHARDS: u32 = 4;

/// The servers of the cluster.
pub struct Servers {
    coordinator: PgConnectOptions,
    workers: Vec<PgConnectOptions>,
}

/// The URL of the coordinator, if tests run on Citus.
pub fn url() -> Option<PgConnectOptions> {
    std::env::var("CITUS_URL").ok().map(|url| url.parse().expect("CITUS_URL is a URL"))
}

/// Tests, by the beginning of their paths, that use plain Postgres with `CITUS_URL` too, and why.
const ON_PLAIN_POSTGRES: [(&str, &str); 26] = [
    ("api::cases", "text of statements, last digits of sums; citus::comparison compares the answers"),
    ("api::documentation::every_command", "removes months after they are archived"),
    ("api::joined_readings::page_with_readings_reads_each_row_once", "plans"),
    ("api::list_plans", "plans"),
    ("api::totals::expensive_counts_are_estimated", "writes an estimate of Postgres"),
    ("auth::key_cache::cached_devices_need_no_lookup", "counts statements"),
    ("export::breaking_off", "locks a partition, which also blocks statements of other months"),
    ("export::bucket::month_that_is_only_in_a_bucket", "removes months after they are archived"),
    ("export::pacing::statement_of_another_caller", "locks a partition, which also blocks statements of other months"),
    ("export::prune", "removes months after they are archived"),
    ("ingest::isolation", "a trigger on `measurement`"),
    ("ingest::opensensemap::only_this_format_loads", "counts statements"),
    ("limits::fairness::request_uses_at_most_two_connections", "locks a table, which blocks Citus itself"),
    ("limits::overload::excess_requests_are_rejected", "locks a table, which blocks Citus itself"),
    ("limits::recording_limits::samples_of_many_years", "creates 312 months, of a second each"),
    ("limits::timeouts::slow_query", "locks a table, which blocks Citus itself"),
    ("limits::timeouts::timeout_applies_to_sockets", "locks a table, which blocks Citus itself"),
    ("ops::cli::unusable_database", "passwords of one server"),
    ("ops::distribute", "pretends to be Citus"),
    ("postgres::covering_index", "plans"),
    ("postgres::faults::full_disk", "a trigger on `measurement`"),
    ("postgres::device_deletion::large_device", "lock timeouts, which workers don't have"),
    ("postgres::pgbouncer", "the pooler is set up for one server"),
    ("postgres::plans", "plans"),
    ("postgres::rollups::migration_recomputes", "an old schema, which is not distributed"),
    ("postgres::tls", "certificates of one server"),
];

/// Whether databases of this test are made on Citus.
pub fn is_used() -> bool {
    let thread = std::thread::current(); // named like the test
    let test = thread.name().unwrap_or_default();
    url().is_some() && !ON_PLAIN_POSTGRES.iter().any(|(path, _)| test.starts_with(path))
}

/// Whether this test is left out, since it needs Citus. Reports it.
pub fn is_missing() -> bool {
    let is_missing = url().is_none();
    if is_missing {
        skipped("needs a Citus cluster: CITUS_URL is not set");
    }
    is_missing
}

/// Whether a test may crash a worker, which fails all other tests at that time: with `CITUS_MAY_CRASH`, and this test alone.
pub fn may_crash() -> bool {
    let may_crash = std::env::var_os("CITUS_MAY_CRASH").is_some();
    if !may_crash {
        skipped("crashes workers, and so runs alone: CITUS_MAY_CRASH is not set");
    }
    may_crash
}

impl Servers {
    /// Looks up the workers.
    pub async fn connect(coordinator: &PgConnectOptions) -> Self {
        let mut connection = coordinator.connect().await.expect("a coordinator");
        let nodes: Vec<(String, i32)> = sqlx::query_as(
            "select nodename, nodeport from pg_dist_node where groupid > 0 and isactive order by groupid",
        )
        .fetch_all(&mut connection)
        .await
        .expect("CITUS_URL is a database with the extension citus");
        connection.close().await.expect("closed");
        assert!(!nodes.is_empty(), "the coordinator has no workers");
        let worker =
            |(host, port): (String, i32)| coordinator.clone().host(&host).port(u16::try_from(port).expect("a port"));
        Self { coordinator: coordinator.clone(), workers: nodes.into_iter().map(worker).collect() }
    }

    /// The workers, connected to this database.
    pub fn workers(&self, database: &str) -> Vec<PgConnectOptions> {
        self.workers.iter().map(|worker| worker.clone().database(database)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &PgConnectOptions> {
        self.workers.iter().chain([&self.coordinator])
    }

    async fn execute(&self, statements: &[String]) {
        for server in self.all() {
            let mut connection = server.connect().await.expect("a connection");
            for statement in statements {
                connection.execute(AssertSqlSafe(statement.clone())).await.expect(statement);
            }
            connection.close().await.expect("closed");
        }
    }

    /// Creates the template unless it exists; drops the databases of test processes that have ended.
    pub async fn prepare(&self, template: &str) {
        let mut connection = self.coordinator.connect().await.expect("a connection");
        connection.execute("select pg_advisory_lock(1)").await.expect("a lock");
        self.drop_leftovers(&mut connection).await;
        let is_ready: Option<bool> = sqlx::query_scalar("select not datallowconn from pg_database where datname = $1")
            .bind(template)
            .fetch_optional(&mut connection)
            .await
            .expect("an answer");
        if is_ready != Some(true) {
            self.execute(&[
                format!("drop database if exists {template} with (force)"),
                format!("create database {template}"),
            ])
            .await;
            self.distribute(template).await;
            self.execute(&without_sessions(template)).await;
        }
        connection.close().await.expect("closed");
    }

    async fn distribute(&self, template: &str) {
        for server in self.all() {
            let mut connection = server.clone().database(template).connect().await.expect("a connection");
            connection.execute("create extension citus").await.expect("the extension");
            connection.close().await.expect("closed");
        }
        let options = self.coordinator.clone().database(template);
        let mut connection = options.connect().await.expect("a connection");
        let add = |function: &str, server: &PgConnectOptions| {
            AssertSqlSafe(format!("select {function}('{}', {})", server.get_host(), server.get_port()))
        };
        connection.execute(add("citus_set_coordinator_host", &self.coordinator)).await.expect("a coordinator");
        for worker in &self.workers {
            connection.execute(add("citus_add_node", worker)).await.expect("a worker");
        }
        let database = connect::open(&options, 1, 1).await.expect("a database");
        connect::migrate(&database).await.expect("migrations");
        database.close().await;
        for statement in distribution::missing_statements(&mut connection, SHARDS).await.expect("statements") {
            distribution::run(&mut connection, &statement).await.expect(&statement);
        }
        let missing = distribution::missing_statements(&mut connection, SHARDS).await.expect("statements");
        assert!(missing.is_empty(), "statements without effect: {missing:?}");
        connection.close().await.expect("closed");
    }

    /// Copies a database on all servers.
    pub async fn copy(&self, template: &str, name: &str, keeps_template: bool) {
        let mut statements = Vec::new();
        if !keeps_template {
            statements.extend(without_sessions(template));
        }
        statements.push(format!("create database {name} template {template}"));
        if !keeps_template {
            statements.push(format!("alter database {template} allow_connections true"));
        }
        self.execute(&statements).await;
    }

    async fn drop_leftovers(&self, connection: &mut PgConnection) {
        let names: Vec<String> = sqlx::query_scalar("select datname from pg_database where datname like 'test\\_%'")
            .fetch_all(&mut *connection)
            .await
            .expect("names");
        let has_ended = |name: &String| {
            let pid = name.split('_').nth(1).and_then(|pid| pid.parse().ok());
            pid.is_some_and(|pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_err())
        };
        let leftovers: Vec<_> = names.into_iter().filter(has_ended).collect();
        let drop = leftovers.iter().map(|name| format!("drop database if exists {name} with (force)"));
        self.execute(&drop.collect::<Vec<_>>()).await;
    }
}

/// Ends all sessions of a database, those of Citus itself too, so that it can be copied.
fn without_sessions(database: &str) -> Vec<String> {
    vec![
        format!("alter database {database} allow_connections false"),
        format!("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{database}'"),
    ]
}
