//! A writer: takes what waits, stores it in one transaction, answers.

use std::sync::Arc;

use sqlx::PgPool;

use super::{
    RecordError, Submission,
    queue::{Job, Queue},
    transaction::{self, Outcome},
};
use crate::{
    clock::Clock,
    db::{DbError, partition::Partitions},
};

/// How often a transaction is tried that lost against another.
const TRIES: usize = 5;

pub(super) struct Writer {
    pub pool: PgPool,
    pub clock: Clock,
    pub partitions: Arc<Partitions>,
}

impl Writer {
    pub(super) async fn run(self, queue: Arc<Queue>) {
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
    async fn record(&self, batch: Vec<Job>) {
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
                for job in batch {
                    let outcome = self.store(&[&job.submission]).await.map(|mut outcomes| outcomes.pop().flatten());
                    answer(job, outcome.map_err(Into::into));
                }
            }
        }
    }

    /// Runs the transaction, again where that may help.
    async fn store(&self, submissions: &[&Submission]) -> Result<Vec<Outcome>, DbError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut connection = self.pool.acquire().await?;
            match transaction::store(&mut connection, &self.partitions, submissions, self.clock.now()).await {
                Err(DbError::MissingPartition(_)) if tries < TRIES => self.partitions.forget(),
                Err(DbError::Conflict(_)) if tries < TRIES => {}
                // A connection that went stale while it was idle: the next one is new.
                Err(DbError::Unavailable(_)) if tries == 1 => {}
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
