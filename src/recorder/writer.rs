//! A writer: takes waiting submissions, stores them in one transaction, and answers them.

use std::{sync::Arc, time::Instant};

use sqlx::PgPool;
use tokio::{
    sync::mpsc,
    time::{Instant as Deadline, timeout, timeout_at},
};

use super::{
    RecordError, Submission,
    budgets::SenderBudgets,
    device_cache::DeviceCache,
    failing_senders::FailingSenders,
    isolation::IsolatedJob,
    limits::{BATCH_TIMEOUT, MAX_ATTEMPTS, PARTITION_LOOKUP_TIMEOUT, TimeLimits},
    queue::{Job, Queue, reply, reply_refused, sample_count},
    transaction::{self, NewDevices, StoreOutcome},
};
use crate::{
    clock::Clock,
    db::{
        DbError,
        partition::{PartitionCache, PartitionFamily},
    },
    domain::month::Month,
    observability::metrics::recorder::{IsolationReason, RecorderMetrics},
};

pub(super) struct Writer {
    pub pool: PgPool,
    pub clock: Clock,
    pub partitions: Arc<PartitionCache>,
    pub device_cache: DeviceCache,
    pub metrics: RecorderMetrics,
    pub failing_senders: FailingSenders,
    pub budgets: Arc<SenderBudgets>,
    /// Channel for submissions of unknown devices. `None` in tasks that add devices themselves.
    pub new_device_jobs: Option<mpsc::UnboundedSender<IsolatedJob>>,
    /// Submissions of unknown devices that may add them, to be stored next.
    pub admitted_jobs: Vec<Job>,
    /// Channel for submissions of failed batches, and of keys whose submissions failed repeatedly. `None` in the
    /// tasks that store these.
    pub isolated_jobs: Option<mpsc::UnboundedSender<IsolatedJob>>,
    /// Channel for submissions of devices whose submissions failed repeatedly. `None` in the task that stores these, and
    /// in those behind it.
    pub failing_device_jobs: Option<mpsc::UnboundedSender<IsolatedJob>>,
    /// Channel for slow submissions. `None` in the task that stores these.
    pub slow_jobs: Option<mpsc::UnboundedSender<IsolatedJob>>,
    /// How often the limits of a batch are doubled, because the database was too slow for them.
    pub limit_doublings: u32,
}

impl Writer {
    pub(super) async fn run(mut self, queue: Arc<Queue>) {
        loop {
            let mut batch = queue.take_batch().await;
            if batch.is_empty() {
                return; // the queue is closed and drained
            }
            let now = Instant::now();
            let failing: Vec<_> =
                batch.extract_if(.., |job| self.failing_senders.contains(&job.submission, now)).collect();
            for job in failing {
                if self.failing_senders.contains_device(&job.submission, now) {
                    self.send_to_failing_devices(job);
                } else {
                    self.send_to_isolated(job, IsolationReason::FailingSender);
                }
            }
            let of_new_months: Vec<_> = batch.extract_if(.., |job| self.needs_old_months(job)).collect();
            for job in of_new_months {
                if self.new_device_jobs.is_some() {
                    self.store_with_long_limits(job, IsolationReason::NewMonths);
                } else if let Err(error) = self.charge_new_months(&job).await {
                    reply(job, Err(error));
                } else {
                    batch.push(job);
                }
            }
            if !batch.is_empty() {
                self.record(batch).await;
            }
            for job in std::mem::take(&mut self.admitted_jobs) {
                self.record(vec![job]).await;
            }
        }
    }

    /// Months of a submission, except that of its arrival, that may have no partitions.
    fn unknown_old_months(&self, job: &Job) -> Vec<(PartitionFamily, Month)> {
        let present = Month::from_time(job.submission.received_at);
        let months = transaction::required_partitions(&[&job.submission]);
        self.partitions.filter_unknown(months.into_iter().filter(|&(_, month)| month != present)).into_iter().collect()
    }

    /// Whether partitions may be missing for months before that of its arrival: other submissions don't wait for their
    /// creation, which takes about 100 ms each.
    fn needs_old_months(&self, job: &Job) -> bool {
        !self.unknown_old_months(job).is_empty()
    }

    /// Charges the months of a submission without partitions to its key.
    pub(super) async fn charge_new_months(&self, job: &Job) -> Result<(), RecordError> {
        let unknown = self.unknown_old_months(job);
        if unknown.is_empty() {
            return Ok(());
        }
        let missing = async {
            let mut connection = self.pool.acquire().await?;
            self.partitions.count_missing(&mut connection, &unknown, self.clock.now()).await
        };
        let Ok(missing) = timeout(PARTITION_LOOKUP_TIMEOUT, missing).await else { return Err(RecordError::TimedOut) };
        match missing? {
            0 => Ok(()),
            count => self.budgets.spend_new_months(&job.submission, count, self.clock.now()),
        }
    }

    /// Answers the submissions of a committed transaction, and forwards those that add devices.
    pub(super) fn finish_all(&mut self, batch: Vec<Job>, outcomes: Vec<StoreOutcome>) {
        for (job, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                StoreOutcome::Stored(receipt) => reply(job, Ok(receipt)),
                StoreOutcome::Refused => reply_refused(job),
                StoreOutcome::NewDevices(count) => self.store_with_new_devices(job, count),
            }
        }
    }

    /// Stores a batch. If that fails, finds the failing submissions and stores the others.
    #[tracing::instrument(name = "ingest.batch", skip_all, fields(submissions = batch.len()))]
    async fn record(&mut self, batch: Vec<Job>) {
        let began = Instant::now();
        let limits = TimeLimits::for_batch(sample_count(&batch), self.limit_doublings);
        match self.store(&batch, limits, MAX_ATTEMPTS).await {
            Ok(outcomes) => {
                if began.elapsed() < limits.statement / 4 {
                    self.limit_doublings = self.limit_doublings.saturating_sub(1);
                }
                self.finish_all(batch, outcomes);
            }
            Err(error) => self.isolate(batch, error).await,
        }
    }

    /// Runs the transaction and updates the metrics.
    pub(super) async fn store(
        &mut self,
        batch: &[Job],
        limits: TimeLimits,
        max_attempts: u32,
    ) -> Result<Vec<StoreOutcome>, DbError> {
        let began = Instant::now();
        let submissions: Vec<_> = batch.iter().map(|job| &job.submission).collect();
        let may_add_devices = batch.iter().all(|job| job.may_add_devices);
        let new_devices = if may_add_devices { NewDevices::Add } else { NewDevices::Defer };
        let outcome = self.run_transaction(&submissions, limits, new_devices, max_attempts).await;
        match &outcome {
            Ok(outcomes) => {
                let is_deferred = |outcome: &StoreOutcome| matches!(outcome, StoreOutcome::NewDevices(_));
                let stored = batch.iter().zip(outcomes).filter(|(_, outcome)| !is_deferred(outcome));
                let stored: Vec<_> = stored.map(|(job, _)| job.submission.observations().len()).collect();
                if !stored.is_empty() {
                    self.metrics.record_batch(stored.len(), stored.iter().sum(), began.elapsed(), true);
                }
            }
            Err(_) => self.metrics.record_batch(batch.len(), sample_count(batch), began.elapsed(), false),
        }
        outcome
    }

    /// Runs the transaction; retries where that may help.
    async fn run_transaction(
        &mut self,
        submissions: &[&Submission],
        limits: TimeLimits,
        new_devices: NewDevices,
        max_attempts: u32,
    ) -> Result<Vec<StoreOutcome>, DbError> {
        let deadline = Deadline::now() + BATCH_TIMEOUT;
        let connections = self.pool.options().get_max_connections();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = self.pool.acquire().await?;
            let (partitions, now) = (&self.partitions, self.clock.now());
            let cache = &mut self.device_cache;
            let transaction =
                transaction::store(&mut connection, partitions, cache, submissions, limits, new_devices, now);
            let Ok(result) = timeout_at(deadline, transaction).await else {
                // Whether it is committed is unknown; if so, a repetition finds duplicates. The connection is in the
                // middle of a statement and can't be reused.
                connection.close_on_drop();
                self.device_cache.clear();
                return Err(DbError::timed_out());
            };
            if result.is_err() {
                self.device_cache.clear();
            }
            match result {
                Err(DbError::MissingPartition(_)) if attempts < max_attempts => self.partitions.clear(),
                Err(DbError::Conflict(_)) if attempts < max_attempts => {}
                // After a restart of the database the pool is full of stale connections, each of which fails once.
                Err(DbError::Unavailable(_)) if attempts <= connections && max_attempts > 1 => {}
                result => return result,
            }
        }
    }
}
