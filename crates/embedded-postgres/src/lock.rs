//! The lock of a data folder.
//!
//! The owner holds an exclusive `flock` on `airgraph.lock`, which the kernel releases when the owner ends, so no stale
//! lock exists. The content of the file, the owner's process id and phase, is only a hint; it may lag behind the lock,
//! so it is read twice before use.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use tokio::time::Instant;

use super::EmbeddedError;

/// Behaviour when another airgraph already owns the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockPolicy {
    /// Use its Postgres too, and leave it running: for commands next to a running server.
    Attach,
    /// Fail: for the server itself.
    Refuse,
}

const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a server waits for a healthy owner to vanish: the gateway of that owner may just have been killed, and its
/// `dev-db` not have noticed yet.
const STALE_OWNER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for an owner that is stopping, or whose Postgres doesn't answer.
const OWNER_TIMEOUT: Duration = Duration::from_mins(1);

/// How long to wait for an owner that is starting: it may be downloading Postgres.
const OWNER_START_TIMEOUT: Duration = Duration::from_mins(15);

/// Phase of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerPhase {
    /// Postgres is being found, created or started.
    Starting,
    /// Postgres answers.
    Running,
    /// Postgres is being stopped.
    Stopping,
}

/// The held lock. Dropping it releases it.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
    /// Process id shown to others: the gateway's, if there is one.
    pid: u32,
}

impl DataDirLock {
    /// Publishes the owner's phase.
    pub fn set_phase(&self, phase: OwnerPhase) {
        // Only a hint: a full disk must not prevent starting or stopping Postgres.
        let _ = self.file.write_all_at(format_entry(self.pid, phase).as_bytes(), 0);
    }
}

/// Outcome of acquiring the lock.
#[derive(Debug)]
pub enum LockOutcome {
    /// This process owns the lock.
    Owned(DataDirLock),
    /// Another process owns it; its Postgres answers at this URL.
    Attached(String),
}

/// Acquires the lock for `pid`, and waits for an owner that is about to end. With [`LockPolicy::Attach`], waits for an
/// owner that is starting, and calls `find_url` until it finds the Postgres; with [`LockPolicy::Refuse`], a live owner
/// is an error.
///
/// # Errors
///
/// The file can't be opened, another airgraph is running, or its Postgres never answers.
pub async fn acquire(
    data_dir: &Path,
    share: LockPolicy,
    pid: u32,
    find_url: impl AsyncFn() -> Option<String>,
) -> Result<LockOutcome, EmbeddedError> {
    let path = data_dir.join("airgraph.lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|cause| EmbeddedError::file("open the lock", &path, cause))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => {
                let ownership = DataDirLock { file, pid };
                ownership.set_phase(OwnerPhase::Starting);
                return Ok(LockOutcome::Owned(ownership));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => {
                return Err(EmbeddedError::file("lock", &path, cause));
            }
        }
        let (owner_pid, phase) = read_entry(&file).unwrap_or((0, OwnerPhase::Starting));
        if (share, phase) == (LockPolicy::Attach, OwnerPhase::Running)
            && let Some(url) = find_url().await
        {
            return Ok(LockOutcome::Attached(url));
        }
        let max_wait = match (share, phase) {
            (LockPolicy::Refuse, OwnerPhase::Starting | OwnerPhase::Running) => STALE_OWNER_TIMEOUT,
            (LockPolicy::Attach, OwnerPhase::Starting) => OWNER_START_TIMEOUT,
            (LockPolicy::Attach, OwnerPhase::Running) | (_, OwnerPhase::Stopping) => OWNER_TIMEOUT,
        };
        if started.elapsed() > max_wait {
            let data_dir = data_dir.to_owned();
            return Err(match share {
                LockPolicy::Refuse => EmbeddedError::AlreadyRunning { data_dir, pid: owner_pid },
                LockPolicy::Attach => {
                    EmbeddedError::OwnerTimeout { data_dir, pid: owner_pid, seconds: max_wait.as_secs() }
                }
            });
        }
        tokio::time::sleep(LOCK_POLL_INTERVAL).await;
    }
}

/// Has a constant length, so that one write replaces it completely.
fn format_entry(pid: u32, phase: OwnerPhase) -> String {
    let phase = match phase {
        OwnerPhase::Starting => "starting",
        OwnerPhase::Running => "running",
        OwnerPhase::Stopping => "stopping",
    };
    format!("{pid:>10} {phase:<8}\n")
}

fn read_entry(file: &File) -> Option<(u32, OwnerPhase)> {
    let mut buffer = [0; 20];
    file.read_exact_at(&mut buffer, 0).ok()?;
    let mut words = std::str::from_utf8(&buffer).ok()?.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    let phase = match words.next()? {
        "starting" => OwnerPhase::Starting,
        "running" => OwnerPhase::Running,
        "stopping" => OwnerPhase::Stopping,
        _ => return None,
    };
    Some((pid, phase))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    async fn acquire_owned(folder: &Path, pid: u32) -> Result<DataDirLock, Box<dyn Error>> {
        match acquire(folder, LockPolicy::Refuse, pid, async || None).await? {
            LockOutcome::Owned(ownership) => Ok(ownership),
            LockOutcome::Attached(url) => Err(url.into()),
        }
    }

    #[tokio::test]
    async fn data_dir_has_one_owner() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let first = acquire_owned(folder.path(), 17).await?;
        first.set_phase(OwnerPhase::Running);
        let refused = acquire(folder.path(), LockPolicy::Refuse, 18, async || None).await;
        assert!(matches!(refused, Err(EmbeddedError::AlreadyRunning { pid: 17, .. })), "{refused:?}");
        let attached = acquire(folder.path(), LockPolicy::Attach, 18, async || Some("url".into())).await?;
        assert!(matches!(&attached, LockOutcome::Attached(url) if url == "url"), "{attached:?}");

        drop(first);
        acquire_owned(folder.path(), 18).await?;
        Ok(())
    }

    #[tokio::test]
    async fn lock_waits_for_a_stopping_owner() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let first = acquire_owned(folder.path(), 17).await?;
        first.set_phase(OwnerPhase::Stopping);
        let (second, ()) = tokio::join!(acquire_owned(folder.path(), 18), async {
            tokio::time::sleep(STALE_OWNER_TIMEOUT + LOCK_POLL_INTERVAL * 4).await;
            drop(first);
        });
        second?;
        Ok(())
    }

    #[test]
    fn entries_have_constant_length() {
        let length = format_entry(1, OwnerPhase::Starting).len();
        assert_eq!(length, 20);
        assert_eq!(format_entry(u32::MAX, OwnerPhase::Running).len(), length);
    }
}
