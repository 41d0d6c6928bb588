//! What one request takes of the database, and how its statements end with it.
//!
//! A future that is dropped while Postgres works for it leaves the statement running, and its connection busy. So a
//! connection that comes back to the pool right after a request was given up has a moment to be quiet; if it isn't, it is
//! closed, and Postgres, which looks every second whether the other end is still there, stops the statement
//! (`client_connection_check_interval`). Unlike a request to cancel, which names a process, this can't hit the statement
//! of somebody else, and it works through a pooler.

use std::{
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

tokio::task_local! {
    static STATEMENT_COUNTER: StatementCounter;
}

/// How long after a request was given up its connections come back at most.
const CANCELLATION_WINDOW_MS: u64 = 1000;
/// How long such a connection may take to be quiet: as long as it takes to make another, or a bit more.
const IDLE_CHECK_TIMEOUT: Duration = Duration::from_millis(100);

/// The statements of a request so far. Each question takes a connection for each of its statements, so it is connections
/// that are counted. What runs in a task of its own, such as the recorder, is not.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<AtomicU32>);

impl StatementCounter {
    /// Runs a request, and counts its statements.
    pub async fn scope<T>(&self, request: impl Future<Output = T>) -> T {
        STATEMENT_COUNTER.scope(self.clone(), request).await
    }

    /// How many there were so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Works for somebody who may go away: when this is dropped before the work is done, its statements end too.
pub async fn cancel_on_drop<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let unfinished = CancelGuard; // dropped before the work is, which gives its connections back
    let outcome = work.as_mut().await;
    std::mem::forget(unfinished);
    outcome
}

/// A connection was handed out, to whatever request this is.
pub(super) fn count_statement() {
    _ = STATEMENT_COUNTER.try_with(|StatementCounter(count)| count.fetch_add(1, Ordering::Relaxed)); // none: nobody counts
}

/// Whether a connection that is given back can be used again.
pub(super) async fn is_idle(connection: &mut PgConnection) -> bool {
    if elapsed_ms() > LAST_CANCELLATION_MS.load(Ordering::Acquire).saturating_add(CANCELLATION_WINDOW_MS) {
        return true;
    }
    matches!(timeout(IDLE_CHECK_TIMEOUT, connection.ping()).await, Ok(Ok(())))
}

/// When a request was given up last. One for the whole process: whom it doesn't concern loses a round trip.
static LAST_CANCELLATION_MS: AtomicU64 = AtomicU64::new(0);

static PROCESS_START: LazyLock<Instant> = LazyLock::new(|| {
    let now = Instant::now();
    now.checked_sub(Duration::from_millis(2 * CANCELLATION_WINDOW_MS)).unwrap_or(now) // nothing was given up before
});

fn elapsed_ms() -> u64 {
    u64::try_from(PROCESS_START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Work that is not done.
struct CancelGuard;

impl Drop for CancelGuard {
    fn drop(&mut self) {
        LAST_CANCELLATION_MS.store(elapsed_ms(), Ordering::Release);
    }
}
