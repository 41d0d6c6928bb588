//! The embedded Postgres: it starts by itself, also for root, and no killed process leaves it running or broken.

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use airgraph::db::embedded::{self, LockPolicy};
use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::crash::KEY;
use crate::support::gateway::{Gateway, airgraph};

const PROGRAM: &str = env!("CARGO_BIN_EXE_airgraph");

/// Generous, for a busy machine: only a failure waits this long.
const DEADLINE: Duration = Duration::from_mins(1);

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

async fn is_gone(pid: Pid) -> Result<()> {
    let zombie = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    eventually("Postgres to end", async || (kill(pid, None).is_err() || zombie()).then_some(())).await
}

#[tokio::test]
async fn serves_until_its_standard_input_ends_and_keeps_the_data() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let first = DevDb::start(&data_dir, &[])?;
    assert!(first.url.starts_with("postgresql://airgraph:"), "{}", first.url);
    assert!(first.url.ends_with("/airgraph") && first.url.contains("@127.0.0.1:"), "{}", first.url);

    let locale =
        "select concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype, current_setting('TimeZone'))
                  from pg_database where datname = current_database()";
    assert_eq!(scalar(&first.url, locale).await?, "UTF8 C C UTC");
    assert_eq!(scalar(&first.url, "select current_setting('fsync')").await?, "on");
    let wrong = first.url.replacen('@', "x@", 1);
    assert!(PgConnection::connect(&wrong).await.is_err(), "any password will do");
    execute(&first.url, CREATE_NOTE).await?;

    let pid = postmaster(&data_dir)?;
    let url = first.url.clone();
    let (status, rest) = first.close_stdin()?;
    assert!(status.success(), "{status}");
    assert_eq!(rest, "", "more than one line on standard output");
    assert!(kill(pid, None).is_err(), "Postgres outlived dev-db");
    assert!(PgConnection::connect(&url).await.is_err());

    let second = DevDb::start(&data_dir, &[])?;
    assert_eq!(scalar(&second.url, READ_NOTE).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn a_terminating_signal_stops_it_although_standard_input_stays_open() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let dev_db = DevDb::start(&data_dir, &[])?;
    let pid = postmaster(&data_dir)?;
    dev_db.signal(Signal::SIGTERM)?;
    assert!(dev_db.end()?.0.success());
    assert!(kill(pid, None).is_err(), "Postgres outlived dev-db");
    Ok(())
}

#[tokio::test]
async fn embedded_postgres_ends_with_the_gateway() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let database = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await?;
    assert_eq!(scalar(database.url(), "select 'hello'").await?, "hello");
    assert!(!format!("{database:?}").contains("postgresql://"), "the password is in the debug output");
    let pid = postmaster(&data_dir)?;
    database.stop().await?;
    assert!(kill(pid, None).is_err(), "Postgres outlived stop()");

    // The kernel does this for a gateway that is killed.
    let database = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await?;
    let pid = postmaster(&data_dir)?;
    drop(database);
    is_gone(pid).await
}

#[tokio::test]
async fn gateway_detects_the_end_of_dev_db() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let mut database = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await?;
    let waited = tokio::time::timeout(Duration::from_millis(500), database.wait()).await;
    assert!(waited.is_err(), "it ended by being watched: {waited:?}");
    assert_eq!(scalar(database.url(), "select 'hello'").await?, "hello");
    kill(postmaster_parent(&data_dir)?, Signal::SIGKILL)?;
    tokio::time::timeout(DEADLINE, database.wait()).await?;
    is_gone(postmaster(&data_dir).unwrap_or(Pid::from_raw(i32::MAX))).await
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

#[tokio::test]
async fn postgres_does_not_outlive_a_killed_dev_db() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let killed = DevDb::start(&data_dir, &[])?;
    execute(&killed.url, CREATE_NOTE).await?;
    let pid = postmaster(&data_dir)?;
    killed.signal(Signal::SIGKILL)?;
    is_gone(pid).await?;

    let next = DevDb::start(&data_dir, &[])?;
    assert_eq!(scalar(&next.url, READ_NOTE).await?, "kept");
    Ok(())
}

/// Both processes that guard Postgres are killed at once: it is left behind.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_postgres_left_behind_is_stopped_by_the_next_start() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let killed = DevDb::start(&data_dir, &[])?;
    execute(&killed.url, CREATE_NOTE).await?;
    let left_behind = postmaster(&data_dir)?;
    for entry in fs::read_dir("/proc")?.flatten() {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // pid (name) state parent …
        if stat.contains("(sh) ") && stat.split(' ').nth(3) == Some(&killed.process.id().to_string()) {
            let pid = stat.split(' ').next().unwrap_or_default().parse()?;
            kill(Pid::from_raw(pid), Signal::SIGKILL)?;
        }
    }
    killed.signal(Signal::SIGKILL)?;
    killed.end()?;
    kill(left_behind, None).context("Postgres is already gone: this test tests nothing")?;

    let next = DevDb::start(&data_dir, &[])?;
    is_gone(left_behind).await?;
    assert_eq!(scalar(&next.url, READ_NOTE).await?, "kept");
    Ok(())
}

#[tokio::test]
async fn a_killed_postgres_comes_back_at_the_same_url() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let dev_db = DevDb::start(&data_dir, &[])?;
    execute(&dev_db.url, CREATE_NOTE).await?;
    for _ in 0..2 {
        let killed = postmaster(&data_dir)?;
        kill(killed, Signal::SIGKILL)?;
        let note = eventually("Postgres to come back", async || {
            let is_new = postmaster(&data_dir).is_ok_and(|pid| pid != killed);
            if is_new { scalar(&dev_db.url, READ_NOTE).await.ok() } else { None }
        });
        assert_eq!(note.await?, "kept");
    }
    let pid = postmaster(&data_dir)?;
    assert!(dev_db.close_stdin()?.0.success());
    assert!(kill(pid, None).is_err(), "the new Postgres outlived dev-db");
    Ok(())
}

#[tokio::test]
async fn a_second_one_is_refused_or_attaches() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let first = DevDb::start(&data_dir, &[])?;

    let message = startup_error(&data_dir)?;
    let expected =
        format!("another airgraph is running on {}, pid {}", data_dir.canonicalize()?.display(), first.process.id());
    assert!(message.contains(&expected), "{message}");
    let refused = embedded::start_with(Path::new(PROGRAM), &data_dir, LockPolicy::Refuse).await;
    assert!(refused.is_err_and(|error| error.to_string().contains(&expected)));

    let second = DevDb::start(&data_dir, &["--attach"])?;
    assert_eq!(second.url, first.url);
    assert!(second.close_stdin()?.0.success());
    assert_eq!(scalar(&first.url, "select 'still here'").await?, "still here");
    Ok(())
}

#[tokio::test]
async fn a_successor_waits_for_one_that_is_stopping() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let mut stopping = Vec::new();
    for _ in 0..3 {
        let mut dev_db = DevDb::start(&data_dir, &[])?;
        drop(dev_db.process.stdin.take()); // and the next one starts at once
        stopping.push(dev_db);
    }
    Ok(())
}

#[tokio::test]
async fn interrupted_initialisation_is_repaired_at_the_next_start() -> Result<()> {
    // On a busy machine the kill may come too late; then once more.
    for _ in 0..5 {
        let (_parent, data_dir) = data_dir()?;
        let unfinished = || -> Option<PathBuf> {
            let mut entries = fs::read_dir(&data_dir).ok()?.flatten().map(|entry| entry.path());
            entries.find(|path| path.to_string_lossy().contains("postgres.new-"))
        };
        let mut killed = command(&data_dir, &[]).spawn()?;
        eventually("initdb to begin", async || unfinished()).await?;
        killed.kill()?;
        killed.wait()?;
        if data_dir.join("postgres").exists() {
            continue;
        }
        let next = DevDb::start(&data_dir, &[])?;
        assert_eq!(scalar(&next.url, "select 'whole'").await?, "whole");
        return Ok(());
    }
    anyhow::bail!("always too late to test anything")
}

#[tokio::test]
async fn the_number_of_a_dead_postgres_may_belong_to_another_process() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    DevDb::start(&data_dir, &[])?.close_stdin()?;

    // Postgres itself takes any live process of its own account for its predecessor.
    let owner = data_dir.metadata()?.uid();
    let mut other =
        Command::new("sh").args(["-c", "read -r line"]).current_dir("/").uid(owner).stdin(Stdio::piped()).spawn()?;
    let stale = data_dir.join("postgres/postmaster.pid");
    let cluster = data_dir.join("postgres").canonicalize()?;
    fs::write(&stale, format!("{}\n{}\n1759000000\n5432\n\n127.0.0.1\n\n", other.id(), cluster.display()))?;
    chown(&stale, Some(owner), None)?;
    fs::set_permissions(&stale, Permissions::from_mode(0o600))?;

    let dev_db = DevDb::start(&data_dir, &[])?;
    assert_eq!(scalar(&dev_db.url, "select 'started'").await?, "started");
    assert!(other.try_wait()?.is_none(), "the other process was killed");
    other.kill()?;
    other.wait()?;
    Ok(())
}

#[test]
fn inaccessible_directory_is_named_to_root() -> Result<()> {
    if !Uid::effective().is_root() {
        eprintln!("skipped: only root drops its privileges");
        return Ok(());
    }
    let parent = tempfile::tempdir()?;
    fs::set_permissions(parent.path(), Permissions::from_mode(0o700))?;
    let data_dir = parent.path().join("data");
    let message = startup_error(&data_dir)?;
    let folder = parent.path().canonicalize()?;
    assert!(message.contains(&format!("may not enter {}", folder.display())), "{message}");
    assert!(message.contains(&format!("chmod o+x {}", folder.display())), "{message}");
    assert!(!data_dir.exists(), "the data folder was created");
    Ok(())
}

#[test]
fn foreign_files_in_the_data_folder_are_left_alone() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    DevDb::start(&data_dir, &[])?.close_stdin()?;
    fs::remove_file(data_dir.join("postgres/PG_VERSION"))?;

    let message = startup_error(&data_dir)?;
    assert!(message.contains("is not a PostgreSQL cluster"), "{message}");
    assert!(data_dir.join("postgres/base").exists(), "it was deleted");
    Ok(())
}

/// A superuser could run programs and read files, and so read the secrets of the gateway.
#[tokio::test]
async fn the_role_of_the_gateway_is_no_superuser() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let dev_db = DevDb::start(&data_dir, &[])?;
    let privileges =
        "select concat_ws(' ', current_user, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls)
                      from pg_roles where rolname = current_user";
    assert_eq!(scalar(&dev_db.url, privileges).await?, "airgraph f f f f f");
    for statement in [
        "copy (select 1) to program 'cat'",
        "create table stolen (line text); copy stolen from program 'env'",
        "select pg_read_file('PG_VERSION')",
        "alter role airgraph superuser",
        "create role other superuser",
    ] {
        let mut connection = PgConnection::connect(&dev_db.url).await?;
        let refused = sqlx::raw_sql(statement).execute(&mut connection).await;
        let code = refused.as_ref().err().and_then(|error| error.as_database_error()?.code());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cluster_from_before_there_was_that_role_is_upgraded() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let before = DevDb::start(&data_dir, &["--superuser"])?;
    assert!(before.url.starts_with("postgresql://postgres:"), "{}", before.url);
    let mut connection = PgConnection::connect(&before.url).await?;
    let make = "create table note (id bigint generated always as identity primary key, number bigserial, text text);
                insert into note (text) values ('kept');
                create table parts (id int) partition by list (id);
                create table part partition of parts for values in (1);
                create sequence numbers;
                create view notes as select text from note;
                create type kind as (a int);
                create function one() returns int language sql as 'select 1';
                alter database airgraph owner to postgres";
    sqlx::raw_sql(make).execute(&mut connection).await?;
    sqlx::raw_sql("alter role airgraph superuser").execute(&mut connection).await?;
    connection.close().await?;
    before.close_stdin()?;
    fs::remove_file(data_dir.join("gateway-password"))?;

    let after = DevDb::start(&data_dir, &[])?;
    let mut connection = PgConnection::connect(&after.url).await?;
    let change = "insert into note (text) values ('new');
                  alter table note add column more int;
                  create index concurrently note_text on note (text)";
    for statement in change.split(';') {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    let change = "alter table parts add column more int; alter sequence numbers restart; drop view notes;
                  alter type kind add attribute b int; drop function one(); drop table part";
    sqlx::raw_sql(change).execute(&mut connection).await?;
    connection.close().await?;
    assert_eq!(scalar(&after.url, "select rolsuper::text from pg_roles where rolname = current_user").await?, "false");
    Ok(())
}

/// No process that serves the gateway has the secrets, whatever its own environment holds.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_child_process_has_the_secrets_of_the_gateway() -> Result<()> {
    let (_parent, data_dir) = data_dir()?;
    let mut command = airgraph(&["serve"]);
    command.env("AIRGRAPH_ADMIN_KEY", KEY).env("AIRGRAPH_DATA_DIR", &data_dir);
    let _gateway = Gateway::start(command).await;
    let (dev_db, postgres) = (postmaster_parent(&data_dir)?, postmaster(&data_dir)?);
    let mut checked = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        let related = [dev_db.to_string(), postgres.to_string()];
        if !related.contains(&field("Pid:")) && !related.contains(&field("PPid:")) {
            continue;
        }
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue }; // it has ended
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains("ADMIN_KEY") && !environment.contains(KEY), "{}", field("Name:"));
        checked += 1;
    }
    assert!(checked >= 4, "dev-db, its shell, Postgres and its processes: {checked}");
    Ok(())
}
