//! A writer: takes what waits, stores it in one transaction, answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tokio::time::timeout;

use super::{
    RecordError, Submission,
    memory::Memory,
    queue::{Job, Queue},
    transaction::{self, Outcome},
};
use crate::{
    clock::Clock,
    db::{DbError, partition::Partitions},
    metrics::recording::Recording,
};

/// How often a transaction is tried that lost against another.
const TRIES: u32 = 5;
/// What a transaction may take. A database that hangs would otherwise hold the writers, and all who wait for them, for as
/// long as it does. Long, because cutting off one that is merely slow makes its client repeat it, and the load greater.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Writer {
    pub pool: PgPool,
    pub clock: Clock,
    pub partitions: Arc<Partitions>,
    pub memory: Memory,
    pub recording: Recording,
}

impl Writer {
    pub(super) async fn run(mut self, queue: Arc<Queue>) {
        loop {
            let batch = queue.take().await;
            if batch.is_empty() {
                return; // the queue is closed and drained
            }
            self.record(batch).await;
        }
    }

    /// Stores a batch. When the batch fails for a reason that lies in the data, each submission is stored by itself, so
    /// that a poisoned one can't fail its neighbours.
    #[tracing::instrument(name = "ingest.batch", skip_all, fields(submissions = batch.len()))]
    async fn record(&mut self, batch: Vec<Job>) {
        let submissions: Vec<_> = batch.iter().map(|job| &job.submission).collect();
        match self.store(&submissions).await {
            Ok(outcomes) => {
                for (job, outcome) in batch.into_iter().zip(outcomes) {
                    answer(job, Ok(outcome));
                }
            }
            Err(error @ DbError::Unavailable(_)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the database is away");
                for job in batch {
                    answer(job, Err(RecordError::Unavailable));
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a batch failed; storing one by one");
                let mut away = false; // then the others needn't wait for it one after the other
                for job in batch {
                    if away {
                        answer(job, Err(RecordError::Unavailable));
                        continue;
                    }
                    let outcome = self.store(&[&job.submission]).await.map(|mut outcomes| outcomes.pop().flatten());
                    away = matches!(outcome, Err(DbError::Unavailable(_)));
                    answer(job, outcome.map_err(Into::into));
                }
            }
        }
    }

    /// Runs the transaction, and counts it.
    async fn store(&mut self, submissions: &[&Submission]) -> Result<Vec<Outcome>, DbError> {
        let began = Instant::now();
        let outcome = self.run_transaction(submissions).await;
        let samples = submissions.iter().map(|submission| submission.observations().len()).sum();
        self.recording.batch(submissions.len(), samples, began.elapsed(), outcome.is_ok());
        outcome
    }

    /// Runs the transaction, again where that may help.
    async fn run_transaction(&mut self, submissions: &[&Submission]) -> Result<Vec<Outcome>, DbError> {
        let connections = self.pool.options().get_max_connections();
        let mut tries = 0;
        loop {
            tries += 1;
            let mut connection = self.pool.acquire().await?;
            let now = self.clock.now();
            let transaction = transaction::store(&mut connection, &self.partitions, &mut self.memory, submissions, now);
            let Ok(result) = timeout(PATIENCE, transaction).await else {
                // Whether it is committed nobody knows; if so, a repetition finds its samples. The connection is in the
                // middle of something, and for nobody else.
                connection.close_on_drop();
                self.memory.forget_all();
                return Err(DbError::hangs());
            };
            if result.is_err() {
                self.memory.forget_all();
            }
            match result {
                Err(DbError::MissingPartition(_)) if tries < TRIES => self.partitions.forget(),
                Err(DbError::Conflict(_)) if tries < TRIES => {}
                // A database that was restarted leaves the pool full of stale connections, each of which fails once.
                Err(DbError::Unavailable(_)) if tries <= connections => {}
                result => return result,
            }
        }
    }
}

fn answer(job: Job, outcome: Result<Outcome, RecordError>) {
    let replayed = job.submission.replayed().is_some();
    let refusal = || if replayed { RecordError::UplinkGone } else { RecordError::KeyNotValid };
    let receipt = outcome.and_then(|receipt| receipt.ok_or_else(refusal));
    // A client that hung up doesn't hear it; its samples are stored all the same.
    let _ = job.answer.send(receipt);
}
