//! A writer: takes what waits, stores it in one transaction, answers.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc, watch};

use super::{Job, Receipt, RecordError, Submission, transaction};
use crate::{
    clock::Clock,
    db::{DbError, partition::Partitions},
};

/// Samples in one transaction at most; a single submission may have more.
const BATCH_SAMPLES: usize = 10_000;
/// How often a transaction is tried that lost against another.
const TRIES: usize = 5;

pub(super) struct Writer {
    pub pool: PgPool,
    pub clock: Clock,
    pub partitions: Arc<Partitions>,
}

impl Writer {
    pub(super) async fn run(self, jobs: Arc<Mutex<mpsc::Receiver<Job>>>, mut stopped: watch::Receiver<bool>) {
        loop {
            let batch = take(&mut *jobs.lock().await, &mut stopped).await;
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
            Ok(receipts) => {
                for (job, receipt) in batch.into_iter().zip(receipts) {
                    answer(job, Ok(receipt));
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
                    let receipt = self.store(&[&job.submission]).await;
                    answer(job, receipt.map(|mut receipts| receipts.pop().unwrap_or_default()).map_err(Into::into));
                }
            }
        }
    }

    /// Runs the transaction, again where that may help.
    async fn store(&self, submissions: &[&Submission]) -> Result<Vec<Receipt>, DbError> {
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

/// Waits for a job, then takes those that wait behind it. Once stopped, takes what was accepted until then.
async fn take(jobs: &mut mpsc::Receiver<Job>, stopped: &mut watch::Receiver<bool>) -> Vec<Job> {
    let mut batch = Vec::new();
    let mut samples = 0;
    let mut next = tokio::select! {
        job = jobs.recv() => job,
        () = until(stopped) => {
            jobs.close();
            jobs.recv().await
        }
    };
    while let Some(job) = next {
        samples += job.submission.observations().len();
        batch.push(job);
        if samples >= BATCH_SAMPLES {
            break;
        }
        next = jobs.try_recv().ok();
    }
    batch
}

async fn until(stopped: &mut watch::Receiver<bool>) {
    // An error means that the Writers are gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn answer(job: Job, receipt: Result<Receipt, RecordError>) {
    // A client that hung up doesn't hear it; its samples are stored all the same.
    let _ = job.answer.send(receipt);
}
