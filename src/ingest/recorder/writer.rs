//! A writer: takes what waits, stores it in one transaction, answers.

use std::{sync::Arc, time::Instant};

use sqlx::PgPool;
use tokio::{
    sync::mpsc,
    time::{Instant as Deadline, timeout_at},
};

use super::{
    Submission,
    failing_senders::FailingSenders,
    isolation::Isolated,
    limits::{BATCH_TIMEOUT, Limits, MAX_ATTEMPTS, MAX_NEW_MONTHS},
    memory::Memory,
    queue::{Job, Queue, answer_all, sample_count},
    transaction::{self, Outcome},
};
use crate::{
    clock::Clock,
    db::{DbError, partition::Partitions},
    metrics::recording::{Isolation, Recording},
};

pub(super) struct Writer {
    pub pool: PgPool,
    pub clock: Clock,
    pub partitions: Arc<Partitions>,
    pub memory: Memory,
    pub recording: Recording,
    pub failing_senders: FailingSenders,
    /// Takes submissions of failed batches, and of senders whose submissions failed repeatedly. None in the tasks that store
    /// these.
    pub alone: Option<mpsc::UnboundedSender<Isolated>>,
    /// Takes submissions that are known to be slow. None in the task that stores these.
    pub patient: Option<mpsc::UnboundedSender<Isolated>>,
    /// How often the limits of a batch are doubled, because the database was too slow for them.
    pub slowness: u32,
}

impl Writer {
    pub(super) async fn run(mut self, queue: Arc<Queue>) {
        loop {
            let mut batch = queue.take().await;
            if batch.is_empty() {
                return; // the queue is closed and drained
            }
            let many_months: Vec<_> = batch.extract_if(.., |job| self.needs_many_months(job)).collect();
            for job in many_months {
                self.store_patiently(job, Isolation::ManyMonths);
            }
            let now = Instant::now();
            let failing: Vec<_> =
                batch.extract_if(.., |job| self.failing_senders.contain(&job.submission, now)).collect();
            for job in failing {
                self.store_alone(job, Isolation::FailingSender);
            }
            if !batch.is_empty() {
                self.record(batch).await;
            }
        }
    }

    /// Whether partitions are missing for so many months that other submissions would wait for their creation.
    fn needs_many_months(&self, job: &Job) -> bool {
        self.partitions.count_unknown(transaction::months(&[&job.submission])) > MAX_NEW_MONTHS
    }

    /// Stores a batch. When that fails, finds out which submissions it fails for, and stores the others.
    #[tracing::instrument(name = "ingest.batch", skip_all, fields(submissions = batch.len()))]
    async fn record(&mut self, batch: Vec<Job>) {
        let began = Instant::now();
        let limits = Limits::of_batch(sample_count(&batch), self.slowness);
        match self.store(&batch, limits, MAX_ATTEMPTS).await {
            Ok(outcomes) => {
                if began.elapsed() < limits.statement / 4 {
                    self.slowness = self.slowness.saturating_sub(1);
                }
                answer_all(batch, outcomes);
            }
            Err(error) => self.isolate(batch, error).await,
        }
    }

    /// Runs the transaction, and counts it.
    pub(super) async fn store(
        &mut self,
        batch: &[Job],
        limits: Limits,
        max_attempts: u32,
    ) -> Result<Vec<Outcome>, DbError> {
        let began = Instant::now();
        let submissions: Vec<_> = batch.iter().map(|job| &job.submission).collect();
        let outcome = self.run_transaction(&submissions, limits, max_attempts).await;
        self.recording.batch(batch.len(), sample_count(batch), began.elapsed(), outcome.is_ok());
        outcome
    }

    /// Runs the transaction, again where that may help.
    async fn run_transaction(
        &mut self,
        submissions: &[&Submission],
        limits: Limits,
        max_attempts: u32,
    ) -> Result<Vec<Outcome>, DbError> {
        let deadline = Deadline::now() + BATCH_TIMEOUT;
        let connections = self.pool.options().get_max_connections();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = self.pool.acquire().await?;
            let (partitions, now) = (&self.partitions, self.clock.now());
            let transaction =
                transaction::store(&mut connection, partitions, &mut self.memory, submissions, limits, now);
            let Ok(result) = timeout_at(deadline, transaction).await else {
                // Whether it is committed is unknown; if so, a repetition finds its samples. The connection is in the
                // middle of something, and of no use to others.
                connection.close_on_drop();
                self.memory.forget_all();
                return Err(DbError::hangs());
            };
            if result.is_err() {
                self.memory.forget_all();
            }
            match result {
                Err(DbError::MissingPartition(_)) if attempts < max_attempts => self.partitions.forget(),
                Err(DbError::Conflict(_)) if attempts < max_attempts => {}
                // A database that was restarted leaves the pool full of stale connections, each of which fails once.
                Err(DbError::Unavailable(_)) if attempts <= connections && max_attempts > 1 => {}
                result => return result,
            }
        }
    }
}
