//! A Postgres of one test's own, to be killed, frozen and started again at its place.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{free_port, gateway::DEADLINE, skipped};

/// The processes that serve a gateway's connections.
const BACKENDS: &str = "select pid from pg_stat_activity where application_name in ('airgraph', 'airgraph replicas')
                        order by random()";

/// A Postgres with default settings, so with fsync, and additional ones. `dev-db` creates it; the test runs it, since
/// `dev-db` would restart a killed one at its own pace, and stop after the tenth time.
pub struct OwnPostgres {
    pub options: PgConnectOptions,
    /// The command line that started it, as Postgres itself stores it in shell syntax.
    command: String,
    data_dir: PathBuf,
    pub url: String,
    /// Its account; Postgres does not run as root.
    pub(super) owner: (u32, u32),
    running: Option<Running>,
    _folder: TempDir,
}

struct Running {
    postmaster: Child,
    /// Stops Postgres when the test's process is killed: a shell whose standard input ends then.
    watchdog: Child,
}

impl OwnPostgres {
    pub async fn start(settings: &[&str]) -> Self {
        let mut postgres = tokio::task::spawn_blocking(Self::make).await.expect("no panic");
        for setting in settings {
            postgres.command += " -c ";
            postgres.command += setting;
        }
        postgres.launch().await;
        postgres
    }

    /// With TLS: this certificate and key, as PEM. The options connect without.
    pub async fn with_tls(certificate: &[u8], key: &[u8]) -> Self {
        let mut postgres = tokio::task::spawn_blocking(Self::make).await.expect("no panic");
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let path = postgres.data_dir.join(name);
            fs::write(&path, pem).expect("a file");
            chown(&path, Some(postgres.owner.0), Some(postgres.owner.1)).expect("its own file");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a private file");
        }
        postgres.command += " -c ssl=on";
        postgres.options = postgres.options.clone().ssl_mode(PgSslMode::Disable);
        postgres.launch().await;
        postgres
    }

    fn make() -> Self {
        let parent = tempfile::tempdir().expect("a folder");
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).expect("a folder for every account");
        let data_dir = parent.path().join("data");
        let mut dev_db = Command::new(env!("CARGO_BIN_EXE_airgraph"))
            .args(["dev-db", "--superuser"])
            .env("AIRGRAPH_DATA_DIR", &data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("airgraph dev-db starts");
        let mut url = String::new();
        BufReader::new(dev_db.stdout.take().expect("its standard output")).read_line(&mut url).expect("a line");
        let cluster: PathBuf = data_dir.join("postgres");
        let command = fs::read_to_string(cluster.join("postmaster.opts")).expect("the command").trim_end().to_owned();
        let folder = cluster.metadata().expect("a folder");
        drop(dev_db.stdin.take());
        assert!(dev_db.wait().expect("a status").success());
        Self {
            options: url.trim_end().parse().expect("a URL"),
            command,
            data_dir: cluster,
            url: url.trim_end().to_owned(),
            owner: (folder.uid(), folder.gid()),
            running: None,
            _folder: parent,
        }
    }

    /// A streaming standby of it; none where `pg_basebackup` is missing.
    pub async fn standby(&self) -> Option<Self> {
        let postgres = PathBuf::from(self.command.split(' ').next().expect("a program"));
        let backup = postgres.with_file_name("pg_basebackup");
        if !backup.exists() {
            skipped(&format!("{} is missing; it comes with Postgres' client programs", backup.display()));
            return None;
        }
        let parent = tempfile::tempdir().expect("a folder");
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).expect("a folder for every account");
        chown(parent.path(), Some(self.owner.0), Some(self.owner.1)).expect("its own folder");
        let cluster = parent.path().join("postgres");
        let port = free_port();
        let mut made = Command::new(backup);
        made.args(["-R", "-X", "stream", "-c", "fast", "-D"]).arg(&cluster).arg("-d").arg(&self.url);
        let made = made.uid(self.owner.0).gid(self.owner.1).current_dir("/").status();
        assert!(made.expect("pg_basebackup starts").success());
        let command = self.command.replace(&self.data_dir.display().to_string(), &cluster.display().to_string());
        let command = command.replace(&format!("port={}", self.options.get_port()), &format!("port={port}"));
        let options = self.options.clone().port(port);
        let mut standby = Self {
            url: self.url.replace(&format!(":{}/", self.options.get_port()), &format!(":{port}/")),
            options,
            command,
            data_dir: cluster,
            owner: self.owner,
            running: None,
            _folder: parent,
        };
        standby.launch().await;
        Some(standby)
    }

    /// Starts it, also after a kill, and waits until it accepts connections.
    pub async fn launch(&mut self) {
        let since = Instant::now();
        self.running = Some(self.spawn());
        while self.connect().await.is_none() {
            assert!(since.elapsed() < DEADLINE, "Postgres doesn't start");
            // Processes of a killed postmaster may still be ending.
            let running = self.running.as_mut().expect("started");
            if running.postmaster.try_wait().expect("a status").is_some() {
                self.running = Some(self.spawn());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn spawn(&mut self) -> Running {
        self.end(Signal::SIGKILL);
        let postmaster = Command::new("sh")
            .args(["-c", &format!("exec {}", self.command)])
            .uid(self.owner.0)
            .gid(self.owner.1)
            .current_dir("/")
            .process_group(0) // Ctrl-C is for the test, and so for the watchdog
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Postgres starts");
        let watchdog = Command::new("sh")
            .args(["-c", "read -r line; kill -INT \"$1\"", "watchdog", &postmaster.id().to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        Running { postmaster, watchdog }
    }

    async fn connect(&self) -> Option<PgConnection> {
        tokio::time::timeout(DEADLINE, self.options.connect()).await.expect("a sign of life").ok()
    }

    fn postmaster(&self) -> Pid {
        let id = self.running.as_ref().expect("it runs").postmaster.id();
        Pid::from_raw(i32::try_from(id).expect("a pid"))
    }

    /// Kills the postmaster, which ends the other processes. It is not restarted.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Kills the backend of one of the gateway's connections: Postgres takes its shared memory for damaged, ends all other
    /// backends and recovers by itself.
    pub async fn kill_a_backend(&self) {
        if let Some(&backend) = self.backends().await.first() {
            let _ = kill(backend, Signal::SIGKILL); // it may have ended just now
        }
    }

    /// Freezes all processes that serve the gateway; returns them for `thaw`.
    pub async fn freeze(&self) -> Vec<Pid> {
        let mut frozen = self.backends().await;
        frozen.push(self.postmaster());
        for &process in &frozen {
            kill(process, Signal::SIGSTOP).expect("a signal");
        }
        frozen
    }

    pub fn thaw(frozen: Vec<Pid>) {
        for process in frozen {
            let _ = kill(process, Signal::SIGCONT);
        }
    }

    async fn backends(&self) -> Vec<Pid> {
        let mut connection = self.connect().await.expect("a connection");
        let pids: Vec<i32> = sqlx::query_scalar(BACKENDS).fetch_all(&mut connection).await.expect("processes");
        connection.close().await.expect("closed");
        pids.into_iter().map(Pid::from_raw).collect()
    }

    fn end(&mut self, signal: Signal) {
        if self.running.is_none() {
            return;
        }
        let _ = kill(self.postmaster(), signal);
        let mut running = self.running.take().expect("it runs");
        let since = Instant::now();
        while running.postmaster.try_wait().expect("a status").is_none() {
            if since.elapsed() > DEADLINE {
                let _ = running.postmaster.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = running.watchdog.kill();
        let _ = running.watchdog.wait();
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.end(Signal::SIGINT);
    }
}
