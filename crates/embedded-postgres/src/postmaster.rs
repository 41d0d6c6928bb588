//! An already running Postgres: reads and verifies `postmaster.pid`, and stops an orphaned server.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::Instant;

use super::{EmbeddedError, print_status};

const ORPHAN_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The relevant lines of `postmaster.pid` (`src/include/utils/pidfile.h`): the first and the fourth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostmasterPid {
    /// The process that wrote it.
    pub pid: i32,
    /// The port it listens on; Postgres writes it a little later than the rest.
    pub port: Option<u16>,
}

/// Parses a `postmaster.pid`.
#[must_use]
pub fn parse(text: &str) -> Option<PostmasterPid> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    Some(PostmasterPid { pid, port })
}

/// The `postmaster.pid` of a cluster, if there is one.
#[must_use]
pub fn read(cluster: &Path) -> Option<PostmasterPid> {
    parse(&fs::read_to_string(pid_file(cluster)).ok()?)
}

/// Makes sure that no orphaned Postgres runs on `cluster`: its `dev-db` was killed, so no process stops or restarts it.
/// It is stopped and not adopted, because only a child process can be watched without a gap.
///
/// A `postmaster.pid` whose process id now belongs to another process would keep Postgres from starting, so the id is
/// overwritten.
///
/// # Errors
///
/// It doesn't stop.
pub async fn stop_orphan(cluster: &Path) -> Result<(), EmbeddedError> {
    let Some(found) = read(cluster) else {
        return Ok(());
    };
    if !is_postmaster(found.pid, cluster) {
        return overwrite_pid(cluster).map_err(|cause| EmbeddedError::file("repair", &pid_file(cluster), cause));
    }
    print_status(format_args!("stopping the Postgres that an earlier airgraph left behind, pid {}", found.pid));
    for (signal, max_wait) in [
        (Signal::SIGINT, Duration::from_mins(1)), // "fast": clients are cut off, data is written
        (Signal::SIGQUIT, Duration::from_secs(10)), // "immediate": recovers from its log at the next start
        (Signal::SIGKILL, Duration::from_secs(5)),
    ] {
        let _ = kill(Pid::from_raw(found.pid), signal);
        let deadline = Instant::now() + max_wait;
        while Instant::now() < deadline {
            if !is_postmaster(found.pid, cluster) {
                return overwrite_pid(cluster)
                    .map_err(|cause| EmbeddedError::file("repair", &pid_file(cluster), cause));
            }
            tokio::time::sleep(ORPHAN_POLL_INTERVAL).await;
        }
    }
    Err(EmbeddedError::Orphan { pid: found.pid, cluster: cluster.to_owned() })
}

/// Whether process `pid` is a Postgres on this cluster. The working directory of a postmaster is its cluster. A zombie
/// process has none.
fn is_postmaster(pid: i32, cluster: &Path) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        // Compared by device and inode, since one folder may have several paths.
        let identity = |path: &Path| path.metadata().map(|folder| (folder.dev(), folder.ino()));
        let works_in = identity(Path::new(&format!("/proc/{pid}/cwd")));
        return works_in.is_ok_and(|folder| identity(cluster).is_ok_and(|cluster| cluster == folder));
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        line.contains("postgres") && line.contains(&*cluster.to_string_lossy())
    })
}

/// Replaces the process id of a dead postmaster by that of this process. Postgres treats a file with its parent's id as
/// stale, and, unlike after removing the file, still checks that no orphaned backend uses the shared memory named in it
/// (`CreateLockFile` in `miscinit.c`).
fn overwrite_pid(cluster: &Path) -> io::Result<()> {
    let text = match fs::read_to_string(pid_file(cluster)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    fs::write(pid_file(cluster), format!("{}\n{rest}", std::process::id()))
}

fn pid_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const PID_FILE_TEXT: &str = "4711\n/data/postgres\n1759000000\n40123\n\n127.0.0.1\n  1234567    98304\nready   \n";

    #[test]
    fn process_and_port_are_parsed() {
        assert_eq!(parse(PID_FILE_TEXT), Some(PostmasterPid { pid: 4711, port: Some(40123) }));
        assert_eq!(parse("4711\n/data/postgres\n"), Some(PostmasterPid { pid: 4711, port: None }));
        assert_eq!(parse("4711\n/data\n1759000000\n99999\n"), Some(PostmasterPid { pid: 4711, port: None }));
        for broken in ["", "\n", "-4711\n", "0\n", "postgres\n"] {
            assert_eq!(parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn postmaster_is_identified_by_its_folder() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let cluster = folder.path().join("a postgres");
        fs::create_dir(&cluster)?;
        // `ps` shows the arguments, `/proc` the working directory: this process passes for a postmaster with either.
        let mut process = Command::new("sh")
            .args(["-c", "read -r line", "postgres"])
            .arg(&cluster)
            .current_dir(&cluster)
            .stdin(std::process::Stdio::piped())
            .spawn()?;
        let pid = i32::try_from(process.id())?;
        assert!(is_postmaster(pid, &cluster));
        assert!(!is_postmaster(pid, folder.path().join("another").as_path()));

        process.kill()?;
        process.wait()?;
        assert!(!is_postmaster(pid, &cluster));
        Ok(())
    }

    #[test]
    fn overwriting_the_pid_keeps_the_other_lines() -> Result<(), Box<dyn Error>> {
        let cluster = tempfile::tempdir()?;
        overwrite_pid(cluster.path())?;
        fs::write(pid_file(cluster.path()), PID_FILE_TEXT)?;
        overwrite_pid(cluster.path())?;
        let expected = PID_FILE_TEXT.replacen("4711", &std::process::id().to_string(), 1);
        assert_eq!(fs::read_to_string(pid_file(cluster.path()))?, expected);
        Ok(())
    }
}
