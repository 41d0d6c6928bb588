//! Batches concurrent queries into one statement.
//!
//! Callers that arrive while a query is in flight share the next query. Under load the number of statements follows the
//! capacity of Postgres instead of the number of requests, and a waiting caller holds no connection and hardly any
//! memory. A result never comes from a statement that started before the caller arrived.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{DbError, kept_connections::KeptConnections};

/// Maximum number of requests in one statement.
const MAX_BATCH_SIZE: usize = 1000;
/// Time limit of one statement.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long stale connections of a pool are retried.
const STALE_RETRY_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum wait of a caller, including the statement that is running when it arrives.
const LOAD_TIMEOUT: Duration = Duration::from_secs(8);

/// The result that all callers of a batch share.
type SharedResult<A> = Result<Arc<A>, Arc<DbError>>;

/// Handle to the batching task. Cheap to clone.
pub struct Batcher<Q, A>(mpsc::Sender<PendingRequest<Q, A>>);

struct PendingRequest<Q, A> {
    request: Q,
    reply: oneshot::Sender<SharedResult<A>>,
}

impl<Q: Send + 'static, A: Send + Sync + 'static> Batcher<Q, A> {
    /// Starts the task. It ends when the last handle is dropped.
    pub fn start<F>(answer: impl Fn(Vec<Q>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<A, DbError>> + Send,
    {
        let (sender, mut requests) = mpsc::channel::<PendingRequest<Q, A>>(MAX_BATCH_SIZE);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while requests.recv_many(&mut waiting, MAX_BATCH_SIZE).await > 0 {
                let (batch, replies): (_, Vec<_>) =
                    waiting.drain(..).map(|PendingRequest { request, reply }| (request, reply)).unzip();
                let result = answer(batch).await.map(Arc::new).map_err(Arc::new);
                for reply in replies {
                    _ = reply.send(result.clone()); // fails when the caller is gone
                }
            }
        });
        Self(sender)
    }

    /// Adds a request to the next batch and returns the result of that batch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self, request: Q) -> SharedResult<A> {
        let (reply, result) = oneshot::channel();
        let answered = async {
            self.0.send(PendingRequest { request, reply }).await.ok()?;
            result.await.ok()
        };
        // No reply arrives when the database hangs or the gateway shuts down.
        timeout(LOAD_TIMEOUT, answered).await.ok().flatten().unwrap_or_else(|| Err(Arc::new(DbError::timed_out())))
    }
}

/// Runs a statement on a kept connection. On a timeout the connection is closed.
///
/// # Errors
/// Those of the statement; [`DbError::timed_out`].
pub async fn with_timeout<T>(
    connections: &KeptConnections,
    statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let mut connection = connections.acquire().await?;
    let Ok(outcome) = timeout(QUERY_TIMEOUT, statement(&mut connection)).await else {
        connection.close_on_drop(); // its pending answer belongs to the cancelled statement
        return Err(DbError::timed_out());
    };
    if outcome.is_ok() {
        connections.keep(connection);
    }
    outcome
}

/// Like [`with_timeout`], for a read-only statement, which is repeated where a stale connection may have failed it.
///
/// # Errors
/// Those of [`with_timeout`].
pub async fn with_retries<Q: Sync + ?Sized, T>(
    connections: &KeptConnections,
    request: &Q,
    statement: ReadStatement<Q, T>,
) -> Result<T, DbError> {
    let mut stale = StaleConnections::new(connections.pool());
    loop {
        let outcome = with_timeout(connections, async |connection| statement(connection, request).await).await;
        if !stale.should_retry(&outcome) {
            return outcome;
        }
    }
}

/// A read-only statement for a request. A function without captures, so that its future can be sent between threads.
pub type ReadStatement<Q, T> = for<'a> fn(&'a mut PgConnection, &'a Q) -> BoxFuture<'a, Result<T, DbError>>;

/// Decides whether a read-only statement is retried. After a restart of Postgres a pool is full of stale connections,
/// each of which fails once and immediately.
#[derive(Debug)]
struct StaleConnections {
    retries_left: u32,
    deadline: Instant,
}

impl StaleConnections {
    /// Retry budget for the connections of a pool.
    fn new(pool: &PgPool) -> Self {
        Self { retries_left: pool.options().get_max_connections(), deadline: Instant::now() + STALE_RETRY_TIMEOUT }
    }

    /// Whether the failure may be due to a stale connection, so that a retry on another one may succeed.
    fn should_retry<T>(&mut self, outcome: &Result<T, DbError>) -> bool {
        let is_explained =
            matches!(outcome, Err(DbError::Unavailable(_))) && self.retries_left > 0 && Instant::now() < self.deadline;
        self.retries_left = self.retries_left.saturating_sub(1);
        is_explained
    }
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> fmt::Debug for Batcher<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher(…)")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn requests_during_a_query_share_the_next_batch() {
        let (begun, may_answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let batcher = Batcher::start({
            let (begun, may_answer) = (begun.clone(), may_answer.clone());
            move |requests: Vec<usize>| {
                let (begun, may_answer) = (begun.clone(), may_answer.clone());
                async move {
                    begun.add_permits(1);
                    may_answer.acquire().await.expect("open").forget();
                    Ok(requests)
                }
            }
        });
        let load = |request| {
            let batcher = batcher.clone();
            tokio::spawn(async move { batcher.load(request).await.expect("an answer") })
        };
        let first = load(0);
        begun.acquire().await.expect("open").forget();
        let others: Vec<_> = (1..=50).map(load).collect();
        while batcher.0.capacity() > MAX_BATCH_SIZE - 50 {
            tokio::task::yield_now().await; // until all of them wait
        }
        may_answer.add_permits(2);
        assert_eq!(*first.await.expect("no panic"), [0]);
        for result in join_all(others).await {
            let mut batch = result.expect("no panic").to_vec();
            batch.sort_unstable();
            assert_eq!(batch, (1..=50).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn all_callers_receive_the_error() {
        let batcher = Batcher::<(), ()>::start(|_| async { Err(DbError::timed_out()) });
        for result in join_all([batcher.load(()), batcher.load(())]).await {
            assert!(matches!(&*result.expect_err("it fails"), DbError::Unavailable(_)));
        }
    }
}
