//! One owner for a data folder.
//!
//! The owner holds an exclusive `flock` on `airgraph.lock`, which the kernel frees whenever the owner ends, so no stale
//! lock exists. What the file says, who the owner is and how far it has come, is a hint for the others; it may lag
//! behind the lock for a moment, so nobody trusts it without looking twice.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use tokio::time::Instant;

use super::EmbeddedError;

/// What to do when another airgraph already runs on the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockPolicy {
    /// Use its Postgres too, and leave it running: for commands beside a running server.
    Attach,
    /// Refuse: for the server itself.
    Refuse,
}

const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a server that looks healthy may take to vanish, before it is taken for a rival: its gateway may just have
/// been killed, and its `dev-db` not have noticed yet.
const STALE_OWNER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for an owner that is stopping, or whose Postgres doesn't answer.
const OWNER_TIMEOUT: Duration = Duration::from_mins(1);

/// How long to wait for an owner that is starting: it may be downloading Postgres.
const OWNER_START_TIMEOUT: Duration = Duration::from_mins(15);

/// How far the owner has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerPhase {
    /// Postgres is being found, made or started.
    Starting,
    /// Postgres answers.
    Running,
    /// Postgres is being stopped.
    Stopping,
}

/// The lock, held. Dropping it lets go.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
    /// The process to name to others: the gateway's, if there is one.
    pid: u32,
}

impl DataDirLock {
    /// Tells the others how far we are.
    pub fn set_phase(&self, phase: OwnerPhase) {
        // A hint only: a full disk must not keep Postgres from starting, still less from stopping.
        let _ = self.file.write_all_at(format_entry(self.pid, phase).as_bytes(), 0);
    }
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum LockOutcome {
    /// It is ours.
    Owned(DataDirLock),
    /// It is another's, whose Postgres answers at this URL.
    Attached(String),
}

/// Takes the lock for `pid`, waiting for an owner that is about to go. With [`Share::Attach`] an owner that is starting
/// is waited for, and `find_url` asked until it finds the Postgres; with [`Share::Refuse`] a live owner is an error.
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
    let asked = Instant::now();
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
        let (holder, phase) = read_entry(&file).unwrap_or((0, OwnerPhase::Starting));
        if (share, phase) == (LockPolicy::Attach, OwnerPhase::Running)
            && let Some(url) = find_url().await
        {
            return Ok(LockOutcome::Attached(url));
        }
        let patience = match (share, phase) {
            (LockPolicy::Refuse, OwnerPhase::Starting | OwnerPhase::Running) => STALE_OWNER_TIMEOUT,
            (LockPolicy::Attach, OwnerPhase::Starting) => OWNER_START_TIMEOUT,
            (LockPolicy::Attach, OwnerPhase::Running) | (_, OwnerPhase::Stopping) => OWNER_TIMEOUT,
        };
        if asked.elapsed() > patience {
            let data_dir = data_dir.to_owned();
            return Err(match share {
                LockPolicy::Refuse => EmbeddedError::AlreadyRunning { data_dir, pid: holder },
                LockPolicy::Attach => {
                    EmbeddedError::OwnerTimeout { data_dir, pid: holder, seconds: patience.as_secs() }
                }
            });
        }
        tokio::time::sleep(LOCK_POLL_INTERVAL).await;
    }
}

/// Always of the same length, so that one write replaces it whole.
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
