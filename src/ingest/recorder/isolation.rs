//! What becomes of a batch that failed: the submissions that it fails for are found and answered with an error, and the
//! others are stored.
//!
//! The batch is halved until each part is stored or is a single submission. One of 500 takes about 20 transactions, most of
//! them small. What fails alone because of its data is answered at once. What is too slow alone, or waits for a lock, goes to
//! a task that stores one submission at a time with more patience, while nothing else waits for it. What is left when time is
//! up goes to another such task, where the slow ones are not in its way.

use std::{collections::VecDeque, time::Instant};

use sqlx::{Executor as _, PgPool};
use tokio::{sync::mpsc, time::timeout};

use super::{
    RecordError,
    limits::{ISOLATED_WAIT_TIMEOUT, ISOLATION_TIMEOUT, Limits, MAX_SLOWNESS, PING_TIMEOUT, SLOW_ISOLATION_TIMEOUT},
    queue::{Job, answer, answer_all, sample_count},
    writer::Writer,
};
use crate::db::DbError;

/// The cause of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The connection broke or the database can't serve: it is away, or a submission ends its connections.
    Connection,
    /// It took too long, waited too long for a lock, or lost against other transactions: it may work later.
    Contention,
    /// What is to be stored can't be.
    Data,
}

impl Cause {
    fn of(error: &DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::Connection,
            DbError::Conflict(_) | DbError::Timeout(_) | DbError::Locked(_) | DbError::MissingPartition(_) => {
                Self::Contention
            }
            DbError::Violation { .. } | DbError::Other(_) => Self::Data,
        }
    }
}

/// A submission on its way to the task that stores one at a time.
pub(super) struct Isolated {
    job: Job,
    since: Instant,
}

impl Writer {
    /// Answers all submissions of a failed batch, and stores those that it does not fail for.
    pub(super) async fn isolate(&mut self, mut batch: Vec<Job>, error: DbError) {
        let (cause, submissions) = (Cause::of(&error), batch.len());
        tracing::warn!(error = &error as &dyn std::error::Error, ?cause, submissions, "batch failed");
        if cause == Cause::Connection && !is_up(&self.pool).await {
            return refuse_all(batch);
        }
        if submissions == 1 {
            if let Some(job) = batch.pop() {
                self.settle(job, error);
            }
            return;
        }
        let began = Instant::now();
        let mut parts = VecDeque::from(halves(batch));
        let mut is_database_slow = cause == Cause::Contention; // unless a part is stored, or fails because of its data
        let mut leniency = 0;
        while began.elapsed() < (if is_database_slow { SLOW_ISOLATION_TIMEOUT } else { ISOLATION_TIMEOUT })
            && let Some(mut part) = parts.pop_front()
        {
            match self.store(&part, Limits::of_part(sample_count(&part), leniency), 1).await {
                Ok(outcomes) => {
                    (is_database_slow, leniency) = (false, 0);
                    answer_all(part, outcomes);
                }
                Err(error) => {
                    is_database_slow &= Cause::of(&error) == Cause::Contention;
                    leniency += u32::from(is_database_slow);
                    match part.pop() {
                        Some(job) if part.is_empty() => self.settle(job, error),
                        last => {
                            part.extend(last);
                            parts.extend(halves(part));
                        }
                    }
                }
            }
        }
        let rest: Vec<_> = parts.into_iter().flatten().collect();
        if is_database_slow && !rest.is_empty() {
            self.store_slowly(rest).await;
        } else {
            for job in rest {
                hand_over(self.alone.as_ref(), job);
            }
        }
    }

    /// Stores what is left of a batch of which every part took too long: then it is the database that is slow, and smaller
    /// transactions would make it slower.
    async fn store_slowly(&mut self, batch: Vec<Job>) {
        match self.store(&batch, Limits::SLOW, 1).await {
            Ok(outcomes) => {
                self.slowness = (self.slowness + 1).min(MAX_SLOWNESS);
                answer_all(batch, outcomes);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "batch failed; database is slow");
                for job in batch {
                    hand_over(self.alone.as_ref(), job);
                }
            }
        }
    }

    /// Answers a submission that failed alone, or has it tried once more with more patience.
    fn settle(&self, job: Job, error: DbError) {
        if Cause::of(&error) == Cause::Contention && self.patient.is_some() {
            hand_over(self.patient.as_ref(), job);
        } else {
            reject(job, error);
        }
    }

    /// Stores submissions that were isolated, one at a time, until all who hand some over have ended.
    pub(super) async fn run_isolated(mut self, mut isolated: mpsc::UnboundedReceiver<Isolated>, limits: Limits) {
        while let Some(Isolated { job, since }) = isolated.recv().await {
            if since.elapsed() > ISOLATED_WAIT_TIMEOUT {
                answer(job, Err(RecordError::TimedOut));
                continue;
            }
            let alone = [job];
            let outcome = self.store(&alone, limits, 1).await;
            let [job] = alone;
            match outcome {
                Ok(mut outcomes) => answer(job, Ok(outcomes.pop().flatten())),
                Err(error) => self.settle(job, error),
            }
        }
    }
}

/// Leaves a submission to a task that stores one at a time.
pub(super) fn hand_over(task: Option<&mpsc::UnboundedSender<Isolated>>, job: Job) {
    let isolated = Isolated { job, since: Instant::now() };
    let refused = match task {
        Some(task) => task.send(isolated).err().map(|refused| refused.0),
        None => Some(isolated),
    };
    if let Some(Isolated { job, .. }) = refused {
        answer(job, Err(RecordError::ShuttingDown));
    }
}

/// Answers a submission that failed alone while the database is up. A client that can wait must not repeat it.
fn reject(job: Job, error: DbError) {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        format = job.submission.format,
        api_key = ?job.submission.api_key,
        "submission failed"
    );
    let error = match Cause::of(&error) {
        Cause::Contention => RecordError::TimedOut,
        Cause::Connection | Cause::Data => RecordError::Database(error),
    };
    answer(job, Err(error));
}

fn refuse_all(batch: Vec<Job>) {
    for job in batch {
        answer(job, Err(RecordError::Unavailable));
    }
}

/// Two halves of what is at least two.
fn halves(mut batch: Vec<Job>) -> [Vec<Job>; 2] {
    let second = batch.split_off(batch.len() / 2);
    [batch, second]
}

/// Whether the database accepts a connection and answers.
async fn is_up(pool: &PgPool) -> bool {
    let ping = async {
        let mut connection = pool.acquire().await?;
        let outcome = connection.execute("select 1").await;
        if outcome.is_err() {
            connection.close_on_drop();
        }
        outcome
    };
    matches!(timeout(PING_TIMEOUT, ping).await, Ok(Ok(_)))
}
