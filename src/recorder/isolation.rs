//! Handling of a failed batch: finds the submissions that cause the failure, answers them with an error, and stores the
//! others.
//!
//! The batch is halved until each part is stored or is a single submission. One of 500 takes about 20 transactions,
//! most of them small. Parts are divided between keys, then between devices, and those of several senders come first:
//! however many submissions of one key or device fail, those of the others are stored after a few transactions. A
//! submission that fails alone because of its data is answered at once. One that is too slow alone, or waits for a lock,
//! goes to a task that stores one submission at a time with longer limits. The rest, after the time limit, goes to
//! another such task. Both take turns between keys and between the devices of a key, and no other submission waits for
//! them. Senders of repeated failures are remembered
//! ([`FailingSenders`](super::failing_senders::FailingSenders)): the submissions of a failing key go to the second of
//! these tasks, those of a failing device to a third one, so that the other devices of its key do not wait for them.
//!
//! So a submission waits for at most two failures of another device, and for the failing submissions of its own device
//! that came before it.

use std::time::Instant;

use sqlx::{Executor as _, PgPool};
use tokio::{sync::mpsc, time::timeout};

use super::{
    RecordError,
    batch_parts::BatchParts,
    limits::{
        ISOLATED_WAIT_TIMEOUT, ISOLATION_TIMEOUT, MAX_BATCH_DOUBLINGS, PING_TIMEOUT, SLOW_ISOLATION_TIMEOUT, TimeLimits,
    },
    queue::{Job, reply, sample_count},
    round_robin::NestedRoundRobin,
    writer::Writer,
};
use crate::{db::DbError, observability::metrics::recorder::IsolationReason};

/// The cause of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureCause {
    /// The connection broke or the database can't serve: it is unavailable, or a submission ends its connections.
    Connection,
    /// Timeout, lock timeout, or a conflict with other transactions: a retry may succeed.
    Contention,
    /// The data can't be stored.
    Data,
}

impl FailureCause {
    fn from_error(error: &DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::Connection,
            DbError::Busy(_)
            | DbError::Conflict(_)
            | DbError::Timeout(_)
            | DbError::Locked(_)
            | DbError::MissingPartition(_) => Self::Contention,
            DbError::Violation { .. } | DbError::Other(_) => Self::Data,
        }
    }
}

/// A submission for the task that stores one at a time.
pub(super) struct IsolatedJob {
    job: Job,
    reason: IsolationReason,
    since: Instant,
}

impl IsolatedJob {
    fn new(job: Job, reason: IsolationReason) -> Self {
        Self { job, reason, since: Instant::now() }
    }
}

impl Writer {
    /// Answers all submissions of a failed batch, and stores those that don't cause the failure.
    pub(super) async fn isolate(&mut self, mut batch: Vec<Job>, error: DbError) {
        let (cause, submissions) = (FailureCause::from_error(&error), batch.len());
        tracing::warn!(error = &error as &dyn std::error::Error, ?cause, submissions, "batch failed");
        if cause == FailureCause::Connection && !is_database_up(&self.pool).await {
            return reject_all_unavailable(batch);
        }
        if submissions == 1 {
            if let Some(job) = batch.pop() {
                if cause != FailureCause::Contention {
                    self.failing_senders.record_batch_failure(&job.submission, Instant::now());
                }
                self.finish_failed(job, error);
            }
            return;
        }
        let began = Instant::now();
        let mut parts = BatchParts::from_batch(batch);
        let mut failed = Vec::new();
        // unless a part is stored, or fails because of its data
        let mut is_database_slow = cause == FailureCause::Contention;
        let mut leniency = 0;
        while began.elapsed() < (if is_database_slow { SLOW_ISOLATION_TIMEOUT } else { ISOLATION_TIMEOUT })
            && let Some(mut part) = parts.pop()
        {
            match self.store(&part, TimeLimits::for_part(sample_count(&part), leniency), 1).await {
                Ok(outcomes) => {
                    (is_database_slow, leniency) = (false, 0);
                    self.finish_all(part, outcomes);
                }
                Err(error) => {
                    is_database_slow &= FailureCause::from_error(&error) == FailureCause::Contention;
                    leniency += u32::from(is_database_slow);
                    match part.pop() {
                        Some(job) if part.is_empty() => failed.push((job, error)),
                        last => {
                            part.extend(last);
                            parts.push_halves(part);
                        }
                    }
                }
            }
        }
        for (job, error) in failed {
            if !is_database_slow {
                self.failing_senders.record_batch_failure(&job.submission, Instant::now());
            }
            self.finish_failed(job, error);
        }
        let rest = parts.into_jobs();
        if is_database_slow && !rest.is_empty() {
            self.store_with_slow_limits(rest).await;
        } else {
            for job in rest {
                self.send_to_isolated(job, IsolationReason::FailedBatch);
            }
        }
    }

    /// Stores the rest of a batch of which every part was too slow: the database itself is slow then, and smaller
    /// transactions would make it slower.
    async fn store_with_slow_limits(&mut self, batch: Vec<Job>) {
        match self.store(&batch, TimeLimits::SLOW_DATABASE, 1).await {
            Ok(outcomes) => {
                self.limit_doublings = (self.limit_doublings + 1).min(MAX_BATCH_DOUBLINGS);
                self.finish_all(batch, outcomes);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "batch failed; database is slow");
                for job in batch {
                    self.send_to_isolated(job, IsolationReason::FailedBatch);
                }
            }
        }
    }

    /// Answers a submission that failed alone, or retries it once with longer limits.
    fn finish_failed(&self, job: Job, error: DbError) {
        if FailureCause::from_error(&error) == FailureCause::Contention && self.slow_jobs.is_some() {
            self.store_with_long_limits(job, IsolationReason::Slow);
        } else {
            reject(job, error);
        }
    }

    /// Stores isolated submissions, one of each key in turn, until all tasks that send them have ended.
    pub(super) async fn run_isolated(mut self, mut isolated: mpsc::UnboundedReceiver<IsolatedJob>, limits: TimeLimits) {
        let mut waiting = NestedRoundRobin::default();
        let push = |waiting: &mut NestedRoundRobin<_, _, _>, next: IsolatedJob| {
            let submission = &next.job.submission;
            waiting.push(submission.api_key, submission.only_device().cloned(), next);
        };
        loop {
            while let Ok(next) = isolated.try_recv() {
                push(&mut waiting, next);
            }
            let Some(IsolatedJob { job, reason, since }) = (match waiting.pop() {
                Some(next) => Some(next),
                None => isolated.recv().await,
            }) else {
                return;
            };
            if since.elapsed() > ISOLATED_WAIT_TIMEOUT {
                reply(job, Err(RecordError::TimedOut));
                continue;
            }
            if self.failing_device_jobs.is_some()
                && self.failing_senders.contains_device(&job.submission, Instant::now())
            {
                hand_over(self.failing_device_jobs.as_ref(), IsolatedJob { job, reason, since });
                continue;
            }
            if let Err(error) = self.charge_new_months(&job).await {
                reply(job, Err(error));
                continue;
            }
            let alone = [job];
            let outcome = self.store(&alone, limits, 1).await;
            let [job] = alone;
            match outcome {
                Ok(outcomes) => {
                    if limits.is_session_default {
                        self.failing_senders.record_success(&job.submission);
                    }
                    self.finish_all(vec![job], outcomes);
                    for job in std::mem::take(&mut self.admitted_jobs) {
                        push(&mut waiting, IsolatedJob { job, reason, since });
                    }
                }
                Err(error) => {
                    // Found only now that its batch failed because of it. A slow one may be due to a slow database.
                    if matches!(reason, IsolationReason::FailedBatch)
                        && FailureCause::from_error(&error) != FailureCause::Contention
                    {
                        self.failing_senders.record_batch_failure(&job.submission, Instant::now());
                    } else {
                        self.failing_senders.record_isolated_failure(&job.submission, Instant::now());
                    }
                    self.finish_failed(job, error);
                }
            }
        }
    }

    /// Sends a submission to the task that stores one at a time those without a failure of their own.
    pub(super) fn send_to_isolated(&self, job: Job, reason: IsolationReason) {
        self.metrics.count_isolated(reason);
        hand_over(self.isolated_jobs.as_ref(), IsolatedJob::new(job, reason));
    }

    /// Sends a submission to the task that stores those of devices with repeated failures.
    pub(super) fn send_to_failing_devices(&self, job: Job) {
        self.metrics.count_isolated(IsolationReason::FailingSender);
        hand_over(self.failing_device_jobs.as_ref(), IsolatedJob::new(job, IsolationReason::FailingSender));
    }

    /// Sends a submission to the task that stores those of unknown devices, or admits it in that task.
    pub(super) fn store_with_new_devices(&mut self, mut job: Job, count: usize) {
        if self.new_device_jobs.is_some() {
            self.metrics.count_isolated(IsolationReason::NewDevices);
            hand_over(self.new_device_jobs.as_ref(), IsolatedJob::new(job, IsolationReason::NewDevices));
            return;
        }
        match self.budgets.spend_new_devices(&job.submission, count, self.clock.now()) {
            Ok(()) => {
                job.may_add_devices = true;
                self.admitted_jobs.push(job);
            }
            Err(error) => {
                // It was looked up together with others, and may be sent again.
                self.failing_senders.record_batch_failure(&job.submission, Instant::now());
                reply(job, Err(error));
            }
        }
    }

    /// Sends a submission to the task that stores slow ones one at a time.
    pub(super) fn store_with_long_limits(&self, job: Job, reason: IsolationReason) {
        self.metrics.count_isolated(reason);
        hand_over(self.slow_jobs.as_ref(), IsolatedJob::new(job, reason));
    }
}

fn hand_over(task: Option<&mpsc::UnboundedSender<IsolatedJob>>, isolated: IsolatedJob) {
    let refused = match task {
        Some(task) => task.send(isolated).err().map(|refused| refused.0),
        None => Some(isolated),
    };
    if let Some(IsolatedJob { job, .. }) = refused {
        reply(job, Err(RecordError::ShuttingDown));
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
    let error = match FailureCause::from_error(&error) {
        FailureCause::Contention => RecordError::TimedOut,
        FailureCause::Connection | FailureCause::Data => RecordError::Database(error),
    };
    reply(job, Err(error));
}

fn reject_all_unavailable(batch: Vec<Job>) {
    for job in batch {
        reply(job, Err(RecordError::Unavailable));
    }
}

/// Whether the database accepts a connection and answers.
async fn is_database_up(pool: &PgPool) -> bool {
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
