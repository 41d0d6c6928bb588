//! Killed processes: none leaves Postgres running, and the next start repairs what they left.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use airgraph::db::embedded::{self, LockPolicy};
use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    CREATE_NOTE, DEADLINE, DevDb, PROGRAM, READ_NOTE, command, data_dir, eventually, execute, is_gone, postmaster,
    postmaster_parent, scalar,
};

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
async fn leftover_postgres_is_stopped_by_the_next_start() -> Result<()> {
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
async fn killed_postgres_is_restarted_at_the_same_url() -> Result<()> {
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
async fn process_with_the_pid_of_a_dead_postgres_is_not_killed() -> Result<()> {
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
