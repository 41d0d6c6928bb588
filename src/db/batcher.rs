//! Questions to the database that are asked together.
//!
//! Who comes while a statement is under way waits for the next one, which is for all who wait. So under load there are as
//! many statements as Postgres has time for and not as there are requests, and who waits holds no connection and hardly any
//! memory. Nobody is answered from a statement that began before he came.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{DbError, kept_connections::KeptConnections};

/// Who is answered by one statement at most.
const MAX_BATCH_SIZE: usize = 1000;
/// What one statement may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long broken connections of a pool are tried.
const STALE_RETRY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long somebody waits, the statement before his own included.
const LOAD_TIMEOUT: Duration = Duration::from_secs(8);

/// What everybody is told who asked together.
type SharedResult<A> = Result<Arc<A>, Arc<DbError>>;

/// The way to ask. Cheap to clone.
pub struct Batcher<Q, A>(mpsc::Sender<PendingRequest<Q, A>>);

struct PendingRequest<Q, A> {
    request: Q,
    reply: oneshot::Sender<SharedResult<A>>,
}

impl<Q: Send + 'static, A: Send + Sync + 'static> Batcher<Q, A> {
    /// Starts answering, until nobody can ask any more.
    pub fn start<F>(answer: impl Fn(Vec<Q>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<A, DbError>> + Send,
    {
        let (sender, mut asked) = mpsc::channel::<PendingRequest<Q, A>>(MAX_BATCH_SIZE);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while asked.recv_many(&mut waiting, MAX_BATCH_SIZE).await > 0 {
                let (questions, tells): (_, Vec<_>) =
                    waiting.drain(..).map(|PendingRequest { request: question, reply: tell }| (question, tell)).unzip();
                let told = answer(questions).await.map(Arc::new).map_err(Arc::new);
                for tell in tells {
                    _ = tell.send(told.clone()); // who hung up doesn't want to know
                }
            }
        });
        Self(sender)
    }

    /// What the answer is now, together with that to the others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(&self, question: Q) -> SharedResult<A> {
        let (tell, told) = oneshot::channel();
        let asked = async {
            self.0.send(PendingRequest { request: question, reply: tell }).await.ok()?;
            told.await.ok()
        };
        // Nothing is told where the database hangs, or the gateway ends.
        timeout(LOAD_TIMEOUT, asked).await.ok().flatten().unwrap_or_else(|| Err(Arc::new(DbError::timed_out())))
    }
}

/// Runs a statement over a connection, and gives it up with its connection when Postgres hangs.
///
/// # Errors
/// Those of the statement; [`DbError::hangs`].
pub async fn with_timeout<T>(
    connections: &KeptConnections,
    statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let mut connection = connections.acquire().await?;
    let Ok(outcome) = timeout(QUERY_TIMEOUT, statement(&mut connection)).await else {
        connection.close_on_drop(); // it waits for an answer that is for nobody else
        return Err(DbError::timed_out());
    };
    if outcome.is_ok() {
        connections.keep(connection);
    }
    outcome
}

/// Decides whether a statement that only reads is run again. A Postgres that was restarted leaves a pool full of broken
/// connections, each of which fails once and at once.
#[derive(Debug)]
pub struct StaleConnections {
    retries_left: u32,
    deadline: Instant,
}

impl StaleConnections {
    /// Of a pool.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { retries_left: pool.options().get_max_connections(), deadline: Instant::now() + STALE_RETRY_TIMEOUT }
    }

    /// Whether this failure may have been a broken connection, and another one is worth a try.
    pub fn should_retry<T>(&mut self, outcome: &Result<T, DbError>) -> bool {
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
        f.write_str("Together(…)")
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
        let together = Batcher::start({
            let (begun, may_answer) = (begun.clone(), may_answer.clone());
            move |questions: Vec<usize>| {
                let (begun, may_answer) = (begun.clone(), may_answer.clone());
                async move {
                    begun.add_permits(1);
                    may_answer.acquire().await.expect("open").forget();
                    Ok(questions)
                }
            }
        });
        let ask = |question| {
            let together = together.clone();
            tokio::spawn(async move { together.load(question).await.expect("an answer") })
        };
        let first = ask(0);
        begun.acquire().await.expect("open").forget();
        let others: Vec<_> = (1..=50).map(ask).collect();
        while together.0.capacity() > MAX_BATCH_SIZE - 50 {
            tokio::task::yield_now().await; // until all of them wait
        }
        may_answer.add_permits(2);
        assert_eq!(*first.await.expect("no panic"), [0]);
        for told in join_all(others).await {
            let mut asked = told.expect("no panic").to_vec();
            asked.sort_unstable();
            assert_eq!(asked, (1..=50).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn all_callers_receive_the_error() {
        let together = Batcher::<(), ()>::start(|_| async { Err(DbError::timed_out()) });
        for told in join_all([together.load(()), together.load(())]).await {
            assert!(matches!(&*told.expect_err("it fails"), DbError::Unavailable(_)));
        }
    }
}
