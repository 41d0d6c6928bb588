//! The recorder's queue: bounded in samples and bytes, and fair among keys.
//!
//! Each key has a queue of its own. A writer takes one submission of each key in turn, and the queue of a key may grow
//! only while it is shorter than the free capacity. So a sensor that floods the gateway is rejected when it fills half
//! of the queue, and every other one still finds capacity and waits for one round at most.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use super::{Receipt, RecordError, Submission, round_robin::RoundRobin};
use crate::domain::api_key::ApiKeyId;

/// Maximum number of samples and bytes that wait or are in progress.
const QUEUE_CAPACITY: QueueUsage = QueueUsage { samples: 200_000, bytes: 64 << 20 };
/// Approximate memory of a sample, in bytes, beside the body; a submission takes as much by itself.
const BYTES_PER_SAMPLE: usize = 512;
/// Maximum number of samples in a batch; a single submission may have more.
const MAX_BATCH_SAMPLES: usize = 10_000;

/// Key of a queue: the API key of the submissions, or none.
type LineKey = Option<ApiKeyId>;

/// A submission in the queue.
pub(super) struct Job {
    pub submission: Submission,
    pub reply_to: oneshot::Sender<Result<Receipt, RecordError>>,
    /// Whether the new devices of the submission are charged already.
    pub may_add_devices: bool,
    /// Its share of the capacity, released when the job is dropped.
    _permit: CapacityPermit,
}

/// Answers a submission.
pub(super) fn reply(job: Job, outcome: Result<Receipt, RecordError>) {
    // A client that disconnected doesn't receive it; its samples are stored all the same.
    let _ = job.reply_to.send(outcome);
}

/// Answers a submission of which nothing is stored, because its key is no longer valid or its uplink no longer exists.
pub(super) fn reply_refused(job: Job) {
    let replayed = job.submission.replayed_uplink().is_some();
    reply(job, Err(if replayed { RecordError::UplinkDeleted } else { RecordError::InvalidKey }));
}

/// Number of samples of a batch.
pub(super) fn sample_count(batch: &[Job]) -> usize {
    batch.iter().map(|job| job.submission.observations().len()).sum()
}

/// The queue. Shared by the recorder and its writers.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<QueueState>,
    changed: Notify,
}

#[derive(Default)]
struct QueueState {
    jobs: RoundRobin<LineKey, Job>,
    /// Waiting or in progress, by key; and the total.
    loads: HashMap<LineKey, QueueUsage>,
    total: QueueUsage,
    /// Number of these submissions.
    submissions: usize,
    closed: bool,
}

/// A share of the capacity.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct QueueUsage {
    samples: usize,
    bytes: usize,
}

impl QueueUsage {
    fn from_submission(submission: &Submission) -> Self {
        let samples = submission.observations().len();
        let body = submission.arrival().map_or(0, |arrival| arrival.body.len());
        Self { samples, bytes: body + BYTES_PER_SAMPLE * (1 + samples) }
    }

    fn plus(self, other: Self) -> Self {
        Self { samples: self.samples + other.samples, bytes: self.bytes + other.bytes }
    }

    fn minus(self, other: Self) -> Self {
        Self { samples: self.samples.saturating_sub(other.samples), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    fn fits(self, room: Self) -> bool {
        self.samples <= room.samples && self.bytes <= room.bytes
    }
}

/// Submissions that wait or are in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLoad {
    /// Number of submissions.
    pub submissions: usize,
    /// Number of samples.
    pub samples: usize,
    /// Approximate memory, in bytes.
    pub bytes: usize,
}

struct CapacityPermit {
    queue: Arc<Queue>,
    line: LineKey,
    load: QueueUsage,
}

impl Drop for CapacityPermit {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.total = waiting.total.minus(self.load);
        waiting.submissions = waiting.submissions.saturating_sub(1);
        if let Some(load) = waiting.loads.get_mut(&self.line) {
            *load = load.minus(self.load);
            if *load == QueueUsage::default() {
                waiting.loads.remove(&self.line);
            }
        }
    }
}

impl Queue {
    /// Adds a submission to the queue of its key.
    ///
    /// # Errors
    /// When there is no capacity, or the queue is closed.
    pub fn push(
        self: &Arc<Self>,
        submission: Submission,
        answer: oneshot::Sender<Result<Receipt, RecordError>>,
    ) -> Result<(), RecordError> {
        let (line, load) = (submission.api_key, QueueUsage::from_submission(&submission));
        let mut guard = self.lock();
        let waiting = &mut *guard;
        if waiting.closed {
            return Err(RecordError::ShuttingDown);
        }
        let mine = waiting.loads.get(&line).copied().unwrap_or_default();
        // An empty queue accepts one submission of any size: formats limit the size of a body.
        let first = mine == QueueUsage::default() && waiting.total == QueueUsage::default();
        if !first && !mine.plus(load).fits(QUEUE_CAPACITY.minus(waiting.total)) {
            return Err(RecordError::QueueFull);
        }
        waiting.loads.insert(line, mine.plus(load));
        waiting.total = waiting.total.plus(load);
        waiting.submissions += 1;
        waiting.jobs.push(
            line,
            Job {
                submission,
                reply_to: answer,
                may_add_devices: false,
                _permit: CapacityPermit { queue: self.clone(), line, load },
            },
        );
        drop(guard);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for submissions and takes a batch, one of each key in turn. Empty once the queue is closed and drained.
    pub async fn take_batch(&self) -> Vec<Job> {
        loop {
            let changed = self.changed.notified();
            {
                let mut waiting = self.lock();
                let batch = waiting.next_batch();
                if !batch.is_empty() || waiting.closed {
                    if !waiting.jobs.is_empty() {
                        self.changed.notify_one(); // for another writer
                    }
                    return batch;
                }
            }
            changed.await;
        }
    }

    /// Current load.
    pub fn load(&self) -> QueueLoad {
        let waiting = self.lock();
        QueueLoad { submissions: waiting.submissions, samples: waiting.total.samples, bytes: waiting.total.bytes }
    }

    /// Rejects further submissions. Accepted ones can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
        self.changed.notify_one(); // for a writer that is just about to wait
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // no code in here panics between two updates
    }
}

impl QueueState {
    fn next_batch(&mut self) -> Vec<Job> {
        let mut batch = Vec::new();
        let mut samples = 0;
        while samples < MAX_BATCH_SAMPLES
            && let Some(job) = self.jobs.pop()
        {
            samples += job.submission.observations().len();
            batch.push(job);
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        domain::device::DeviceKind,
        ingest::Decoded,
        recorder::{Arrival, Source},
    };

    /// A body of a key, of about this size in bytes.
    fn submission(key: i64, bytes: usize) -> Submission {
        Submission {
            format: "test",
            received_at: DateTime::UNIX_EPOCH,
            api_key: Some(ApiKeyId(key)),
            is_admin: false,
            source: Source::Arrival(Arrival { body: vec![0; bytes].into(), ..Arrival::default() }),
            decoded: Ok(Decoded::empty(DeviceKind::Mobile)),
        }
    }

    /// Number of accepted bodies of a key, at most 1000.
    fn accepted(queue: &Arc<Queue>, key: i64, bytes: usize) -> usize {
        (0..1000).take_while(|_| queue.push(submission(key, bytes), oneshot::channel().0).is_ok()).count()
    }

    fn keys(batch: &[Job]) -> Vec<i64> {
        batch.iter().filter_map(|job| job.submission.api_key).map(|key| key.0).collect()
    }

    #[test]
    fn flooding_key_leaves_capacity_for_others() {
        let queue = Arc::new(Queue::default());
        let flood = accepted(&queue, 1, 1 << 20);
        assert!((30..=32).contains(&flood), "about half of 64 MiB: {flood}");
        let second = accepted(&queue, 2, 1 << 20);
        assert!((14..=16).contains(&second), "about half of the rest: {second}");
        assert!(accepted(&queue, 3, 1 << 10) > 100);
    }

    #[test]
    fn keys_are_served_round_robin() {
        let queue = Arc::new(Queue::default());
        for key in [1, 1, 1, 1, 2, 3, 3] {
            assert!(queue.push(submission(key, 1), oneshot::channel().0).is_ok());
        }
        let batch = queue.lock().next_batch();
        assert_eq!(keys(&batch), [1, 2, 3, 1, 3, 1, 1]);
    }

    #[test]
    fn capacity_is_released_when_jobs_are_dropped() {
        let queue = Arc::new(Queue::default());
        for _ in 0..10 {
            assert!(accepted(&queue, 1, 10 << 20) >= 3);
            let batch = queue.lock().next_batch();
            drop(batch); // outside the lock, as a writer does
        }
        assert!(queue.lock().total == QueueUsage::default() && queue.lock().loads.is_empty());
        assert_eq!(queue.load(), QueueLoad { submissions: 0, samples: 0, bytes: 0 });
    }

    #[tokio::test]
    async fn closing_drains_the_queue_and_wakes_all_writers() {
        let queue = Arc::new(Queue::default());
        assert!(queue.push(submission(1, 1), oneshot::channel().0).is_ok());
        queue.close();
        assert!(matches!(queue.push(submission(1, 1), oneshot::channel().0), Err(RecordError::ShuttingDown)));
        assert_eq!(queue.take_batch().await.len(), 1);
        let takers = (0..3).map(|_| queue.take_batch());
        assert!(futures_util::future::join_all(takers).await.iter().all(Vec::is_empty));
    }
}
