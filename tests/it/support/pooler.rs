//! A pgbouncer of one test's own.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{free_port, gateway::DEADLINE, postgres::OwnPostgres, skipped};

/// A pgbouncer between a gateway and Postgres.
pub struct Pooler {
    pub options: PgConnectOptions,
    process: Child,
    _folder: TempDir,
}

/// The installed version; without one, prints that the test is skipped.
pub fn version() -> Option<(u32, u32)> {
    let output = Command::new("pgbouncer").arg("--version").output().ok();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = output.as_deref().and_then(|output| {
        let mut numbers = output.split_whitespace().nth(1)?.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    });
    if version.is_none() {
        skipped("pgbouncer is missing; it is Debian's package of that name");
    }
    version
}

impl Pooler {
    /// Starts pgbouncer with that `pool_mode`, and with fewer connections than a gateway would have, so that they are shared.
    pub async fn start(postgres: &OwnPostgres, mode: &str, connections: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("a folder for every account");
        let port = free_port();
        let url = postgres.options.to_url_lossy();
        let password = postgres.url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
        let password = password.and_then(|user| user.split_once(':')).expect("a password").1;
        let database = postgres.options.get_database().expect("a database");
        let settings = format!(
            "[databases]\n\
             {database} = host=127.0.0.1 port={} dbname={database} user={} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = {mode}\n\
             default_pool_size = {connections}\n\
             ignore_startup_parameters = extra_float_digits,options\n\
             {}",
            postgres.options.get_port(),
            url.username(),
            if mode == "transaction" { "max_prepared_statements = 200\n" } else { "" },
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).expect("written");
        let process = Command::new("pgbouncer")
            .arg("-q")
            .arg(&file)
            .uid(postgres.owner.0)
            .gid(postgres.owner.1)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer starts");
        let pooler = Self { options: postgres.options.clone().port(port), process, _folder: folder };
        pooler.until_ready().await;
        pooler
    }

    async fn until_ready(&self) {
        let since = Instant::now();
        let options = self.options.clone();
        loop {
            match options.connect().await {
                Ok(connection) => return connection.close().await.expect("closed"),
                Err(error) => assert!(since.elapsed() < DEADLINE, "pgbouncer doesn't answer: {error}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
