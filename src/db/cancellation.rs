//! Counts the statements of a request, and stops them when the request is cancelled.
//!
//! A future that is dropped while Postgres runs its statement leaves the statement running and its connection busy. So
//! a connection that returns to the pool right after a cancelled request is pinged with a short timeout. If the ping
//! fails, the connection is closed, and Postgres, which checks the client connection every second
//! (`client_connection_check_interval`), stops the statement. Unlike a cancel request, which names a process, this
//! can't hit the statement of another session, and it works through a pooler.

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

/// Maximum time between the cancellation of a request and the return of its connections.
const CANCELLATION_WINDOW_MS: u64 = 1000;
/// Time limit of that ping: about as long as opening a connection takes.
const IDLE_CHECK_TIMEOUT: Duration = Duration::from_millis(100);

/// Number of statements of a request so far. Counts the connections that are acquired, one for each statement, and the
/// statements that it shares. Tasks of their own, such as the recorder, are not included.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<AtomicU32>);

impl StatementCounter {
    /// Runs a request and counts its statements.
    pub async fn scope<T>(&self, request: impl Future<Output = T>) -> T {
        STATEMENT_COUNTER.scope(self.clone(), request).await
    }

    /// Number of statements so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `work`. If the future is dropped, its running statements are cancelled in Postgres.
pub async fn cancel_on_drop<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let unfinished = CancelGuard; // dropped before `work`, which returns its connections when dropped
    let outcome = work.as_mut().await;
    std::mem::forget(unfinished);
    outcome
}

/// Counts an acquired connection, or a shared statement, for the current request.
pub fn count_statement() {
    // outside a request nothing is counted
    _ = STATEMENT_COUNTER.try_with(|StatementCounter(count)| count.fetch_add(1, Ordering::Relaxed));
}

/// Whether a returned connection has no statement running.
pub(super) async fn is_idle(connection: &mut PgConnection) -> bool {
    if elapsed_ms() > LAST_CANCELLATION_MS.load(Ordering::Acquire).saturating_add(CANCELLATION_WINDOW_MS) {
        return true;
    }
    matches!(timeout(IDLE_CHECK_TIMEOUT, connection.ping()).await, Ok(Ok(())))
}

/// Time of the last cancelled request of the whole process. Connections of other requests pay one extra round trip.
static LAST_CANCELLATION_MS: AtomicU64 = AtomicU64::new(0);

static PROCESS_START: LazyLock<Instant> = LazyLock::new(|| {
    let now = Instant::now();
    // no cancellation before the start
    now.checked_sub(Duration::from_millis(2 * CANCELLATION_WINDOW_MS)).unwrap_or(now)
});

fn elapsed_ms() -> u64 {
    u64::try_from(PROCESS_START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Marks a cancellation when it is dropped.
struct CancelGuard;

impl Drop for CancelGuard {
    fn drop(&mut self) {
        LAST_CANCELLATION_MS.store(elapsed_ms(), Ordering::Release);
    }
}
