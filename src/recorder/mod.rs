//! Stores decoded submissions of every route as rows.
//!
//! ```text
//! record() ──▶ bounded queue, fair among keys ──▶ a writer ──▶ one transaction for all that waited ──▶ answers
//! ```
//!
//! While the writer commits, more requests gather; the next transaction takes them all. So batches grow with the load
//! and an idle gateway answers at once, without a timer. An answer is sent after the commit. Writers are tasks of their
//! own: a client that disconnects cancels nothing in the middle.

mod append_path;
mod batch_parts;
mod body_retention;
mod budgets;
mod compare;
mod dedup;
mod device_cache;
mod failing_senders;
mod insert;
mod isolation;
mod limits;
mod packet_continuity;
mod queue;
mod receipt;
mod replay;
mod round_robin;
mod submission;
mod transaction;
mod writer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{ConstantBuilder, Retryable as _};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use self::{
    body_retention::BodyRetention,
    budgets::SenderBudgets,
    device_cache::DeviceCache,
    failing_senders::FailingSenders,
    limits::{QUEUE_FULL_RETRY_TIMEOUT, RETRY_DELAY, SESSION_LIMITS, TimeLimits, UNAVAILABLE_RETRY_TIMEOUT},
    queue::Queue,
};
pub use self::{
    queue::QueueLoad,
    receipt::{Receipt, RecordError},
    submission::{Arrival, Source, Submission},
};
use crate::{
    clock::Clock,
    db::{DbError, connect::recorder_pool, partition::PartitionCache, pruned_month::PrunedMonthCache},
    limits::RecordingLimits,
    observability::metrics::recorder::RecorderMetrics,
};

/// Writer tasks, each with a queue: one for received requests, and one for files and replays, so that no request waits
/// behind their long transactions. More writers for requests were measured and stored no more: they share the waiting
/// submissions, and smaller batches cost more each.
const WRITER_COUNT: usize = 2;
/// Tasks that store submissions: the writers, and those for isolated, for failing devices', for slow and for new
/// devices' submissions.
const TASK_COUNT: usize = WRITER_COUNT + 4;
/// Connections of the recorder: one for each task.
const POOL_SIZE: u32 = 6;

/// Handle to the recorder. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queues: Queues,
    pool: PgPool,
    writer_pool: PgPool,
    clock: Clock,
    earliest_time: DateTime<Utc>,
    budgets: Arc<SenderBudgets>,
    bodies: Arc<BodyRetention>,
    /// Months of which no sample is recorded.
    pub pruned_months: PrunedMonthCache,
    /// Metrics of the recorder.
    pub metrics: RecorderMetrics,
}

/// The tasks behind a [`Recorder`].
pub struct Writers {
    tasks: [JoinHandle<()>; TASK_COUNT],
    queues: Queues,
    writer_pool: PgPool,
}

/// A queue for each writer.
#[derive(Clone, Default)]
struct Queues {
    arrivals: Arc<Queue>,
    bulk: Arc<Queue>,
}

impl Queues {
    fn queue_for(&self, source: &Source) -> &Arc<Queue> {
        match source {
            Source::Arrival(_) => &self.arrivals,
            Source::Replay { .. } | Source::File => &self.bulk,
        }
    }
}

impl Recorder {
    /// Starts the writers with the default limits. They have connections of their own, opened with the options of
    /// `pool`, which itself serves comparisons.
    #[must_use]
    pub fn start(pool: &PgPool, clock: &Clock) -> (Self, Writers) {
        Self::start_with(pool, clock, &RecordingLimits::default())
    }

    /// Starts the writers with these limits.
    #[must_use]
    pub fn start_with(pool: &PgPool, clock: &Clock, limits: &RecordingLimits) -> (Self, Writers) {
        let queues = Queues::default();
        let partitions = Arc::new(PartitionCache::default());
        let recording = RecorderMetrics::default();
        let failing_senders = FailingSenders::default();
        let connections = recorder_pool(pool, POOL_SIZE, SESSION_LIMITS.lock, SESSION_LIMITS.statement);
        // Bounded by the queues: a job keeps its share of their capacity.
        let (isolated_jobs, isolated) = mpsc::unbounded_channel();
        let (failing_device_jobs, failing_devices) = mpsc::unbounded_channel();
        let (slow_jobs, slow) = mpsc::unbounded_channel();
        let (new_device_jobs, new_devices) = mpsc::unbounded_channel();
        let budgets = Arc::new(SenderBudgets::new(limits));
        // Without channels to other tasks.
        let last_writer = || writer::Writer {
            pool: connections.clone(),
            clock: clock.clone(),
            partitions: partitions.clone(),
            device_cache: DeviceCache::default(),
            metrics: recording.clone(),
            failing_senders: failing_senders.clone(),
            budgets: budgets.clone(),
            new_device_jobs: None,
            admitted_jobs: Vec::new(),
            isolated_jobs: None,
            failing_device_jobs: None,
            slow_jobs: None,
            limit_doublings: 0,
        };
        // Each task has channels only to those behind it, so that they end one after the other.
        let new_device_writer = || writer::Writer { slow_jobs: Some(slow_jobs.clone()), ..last_writer() };
        let failing_device_writer =
            || writer::Writer { new_device_jobs: Some(new_device_jobs.clone()), ..new_device_writer() };
        let isolated_writer =
            || writer::Writer { failing_device_jobs: Some(failing_device_jobs.clone()), ..failing_device_writer() };
        let arrival_writer = || writer::Writer { isolated_jobs: Some(isolated_jobs.clone()), ..isolated_writer() };
        let bulk_writer = || writer::Writer { new_device_jobs: None, ..arrival_writer() };
        let tasks = [
            tokio::spawn(arrival_writer().run(queues.arrivals.clone())),
            tokio::spawn(bulk_writer().run(queues.bulk.clone())),
            tokio::spawn(isolated_writer().run_isolated(isolated, SESSION_LIMITS)),
            tokio::spawn(failing_device_writer().run_isolated(failing_devices, SESSION_LIMITS)),
            tokio::spawn(new_device_writer().run_isolated(new_devices, SESSION_LIMITS)),
            tokio::spawn(last_writer().run_isolated(slow, TimeLimits::SINGLE_SUBMISSION)),
        ];
        let writers = Writers { tasks, queues: queues.clone(), writer_pool: connections.clone() };
        let recorder = Self {
            queues,
            pool: pool.clone(),
            writer_pool: connections,
            clock: clock.clone(),
            earliest_time: limits.earliest_time,
            budgets,
            bodies: Arc::new(BodyRetention::new(limits)),
            pruned_months: PrunedMonthCache::start(pool.clone()),
            metrics: recording,
        };
        (recorder, writers)
    }

    /// Stores a submission, and waits until it is committed.
    ///
    /// # Errors
    /// When the queue is full, the gateway shuts down, or the database fails. After an error the same submission can be
    /// repeated: the stored part is then a duplicate.
    #[tracing::instrument(name = "ingest.record", skip_all, fields(format = submission.format))]
    pub async fn record(&self, submission: Submission) -> Result<Receipt, RecordError> {
        let (format, understood) = (submission.format, submission.decoded.is_ok());
        let submission = self.validate(submission);
        let kept = self.bodies.truncate(submission, &self.budgets, &self.metrics, self.clock.now());
        let outcome = match kept {
            Ok(submission) => self.submit(submission).await,
            Err(error) => Err(error),
        };
        self.count(format, understood, &outcome);
        outcome
    }

    /// Rejects samples that can't be recorded because of their time.
    fn validate(&self, submission: Submission) -> Submission {
        submission.with_validated_times(self.earliest_time).without_months(&self.pruned_months.known())
    }

    async fn submit(&self, submission: Submission) -> Result<Receipt, RecordError> {
        let (answer, receipt) = oneshot::channel();
        self.queues.queue_for(&submission.source).push(submission, answer)?;
        receipt.await.unwrap_or(Err(RecordError::ShuttingDown))
    }

    fn count(&self, format: &'static str, understood: bool, outcome: &Result<Receipt, RecordError>) {
        self.metrics.count_submission(
            format,
            match outcome {
                Ok(receipt) if receipt.failure().is_some() => "rejected",
                Ok(_) if understood => "recorded",
                Ok(_) => "undecodable",
                Err(error) => error.name(),
            },
        );
        if let Err(RecordError::LimitReached(limit, _)) = outcome {
            self.metrics.refusals.count(*limit);
        }
        if let Ok(receipt) = outcome {
            self.metrics.count_samples(format, "recorded", receipt.recorded);
            self.metrics.count_samples(format, "duplicate", receipt.duplicates);
            self.metrics.count_samples(format, "rejected", receipt.rejected.len());
        }
    }

    /// The earliest valid time of a sample.
    #[must_use]
    pub fn earliest_time(&self) -> DateTime<Utc> {
        self.earliest_time
    }

    /// Free bytes on the disk of the embedded Postgres; `None` without one.
    #[must_use]
    pub fn free_disk_bytes(&self) -> Option<u64> {
        self.bodies.free_disk_bytes()
    }

    /// The connections of its writers.
    #[must_use]
    pub fn writer_pool(&self) -> &PgPool {
        &self.writer_pool
    }

    /// Current load of each queue, by name.
    #[must_use]
    pub fn queue_loads(&self) -> [(&'static str, QueueLoad); WRITER_COUNT] {
        [("arrivals", self.queues.arrivals.load()), ("bulk", self.queues.bulk.load())]
    }
}

impl Recorder {
    /// Stores a submission of a client that can wait: a file, a replay. Waits up to five minutes for capacity in the
    /// queue, and up to half a minute for an unavailable database. A submission that fails for a reason of its own is
    /// not repeated.
    ///
    /// # Errors
    /// As [`record`](Self::record), after the last retry.
    pub async fn record_with_retry(&self, submission: Submission) -> Result<Receipt, RecordError> {
        with_retry(|| self.record(submission.clone())).await
    }

    /// The receipt of a submission if it were recorded now. Stores nothing.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "ingest.compare", skip_all, fields(format = submission.format))]
    pub async fn compare(&self, submission: Submission) -> Result<Receipt, RecordError> {
        let submission = self.validate(submission);
        with_retry(|| async {
            let mut connection = self.pool.acquire().await.map_err(DbError::from)?;
            Ok(compare::compare(&mut connection, &submission).await?)
        })
        .await
    }
}

/// Repeats an attempt while the queue is full or the database is unavailable, for a bounded time.
async fn with_retry<F>(attempt: impl FnMut() -> F) -> Result<Receipt, RecordError>
where
    F: Future<Output = Result<Receipt, RecordError>>,
{
    retry(attempt, QUEUE_FULL_RETRY_TIMEOUT, UNAVAILABLE_RETRY_TIMEOUT).await
}

async fn retry<F>(
    attempt: impl FnMut() -> F,
    while_full: Duration,
    while_unavailable: Duration,
) -> Result<Receipt, RecordError>
where
    F: Future<Output = Result<Receipt, RecordError>>,
{
    let since = Instant::now();
    let is_transient = |error: &RecordError| match error {
        RecordError::QueueFull => since.elapsed() < while_full,
        RecordError::Unavailable => since.elapsed() < while_unavailable,
        _ => false,
    };
    attempt.retry(ConstantBuilder::new().with_delay(RETRY_DELAY).without_max_times()).when(is_transient).await
}

impl Writers {
    /// Accepts no more submissions, and waits until every accepted one is answered.
    pub async fn drain(self) {
        self.queues.arrivals.close();
        self.queues.bulk.close();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "writer task failed");
            }
        }
        self.writer_pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempts(error: fn() -> RecordError, while_full: Duration, while_unavailable: Duration) -> usize {
        let mut attempts = 0;
        let attempt = || {
            attempts += 1;
            async { Err(error()) }
        };
        assert!(retry(attempt, while_full, while_unavailable).await.is_err());
        attempts
    }

    #[tokio::test]
    async fn retries_are_bounded_and_only_for_transient_errors() {
        let (never, long) = (Duration::ZERO, Duration::from_hours(1));
        assert_eq!(attempts(|| RecordError::QueueFull, never, long).await, 1);
        assert_eq!(attempts(|| RecordError::Unavailable, long, never).await, 1);
        assert_eq!(attempts(|| RecordError::QueueFull, RETRY_DELAY, never).await, 2);
        assert_eq!(attempts(|| RecordError::TimedOut, long, long).await, 1);
        let refused = || RecordError::Database(DbError::timed_out()); // a submission that ends its connections
        assert_eq!(attempts(refused, long, long).await, 1);
    }
}
