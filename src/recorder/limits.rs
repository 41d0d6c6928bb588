//! Time limits and numbers of attempts of the recorder. Every loop of the recorder is bounded by one of these.

use std::time::Duration;

/// Attempts per transaction: a conflict, a missing partition or a stale connection may be gone at the next attempt.
pub(super) const MAX_ATTEMPTS: u32 = 3;
/// Time limit of all attempts of one transaction. A database that hangs would otherwise block the writers. Long,
/// because aborting a slow transaction makes its clients repeat it, and the load greater.
pub(super) const BATCH_TIMEOUT: Duration = Duration::from_secs(20);
/// Rounds of inserting and comparing in one transaction. Each further one requires another writer that committed in
/// between.
pub(super) const MAX_INSERT_ROUNDS: usize = 10;

/// How long a failed batch is searched for the failing submissions, while the others wait.
pub(super) const ISOLATION_TIMEOUT: Duration = Duration::from_millis(300);
/// The same while no part was stored in time: either they are not found yet, or the database is slow.
pub(super) const SLOW_ISOLATION_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit of a ping.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum wait of an isolated submission.
pub(super) const ISOLATED_WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Failed submissions of one device after which its next ones are isolated: each delays the others of its batch by up
/// to a second.
pub(super) const MAX_FAILURES_PER_DEVICE: u32 = 2;
/// The same for all devices of a key together. Higher, since a network server sends for many devices with one key.
pub(super) const MAX_FAILURES_PER_KEY: u32 = 8;
/// Window in which failures are counted, and time after the last failure until they expire.
pub(super) const FAILURE_WINDOW: Duration = Duration::from_mins(10);
/// Maximum number of devices and keys whose failures are counted.
pub(super) const MAX_FAILING_SENDERS: usize = 10_000;

/// Time limit of the partition lookup of a submission.
pub(super) const PARTITION_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long clients that can wait (files, replays) wait for capacity in the queue, or for an unavailable database.
pub(super) const UNAVAILABLE_RETRY_TIMEOUT: Duration = Duration::from_secs(30);
pub(super) const QUEUE_FULL_RETRY_TIMEOUT: Duration = Duration::from_mins(5);
/// Delay between two of their attempts.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Time limits of each statement of a batch and each wait for a lock. Sessions of the recorder start with these limits,
/// so that an ordinary batch needs no statement to set them.
pub(super) const SESSION_LIMITS: TimeLimits =
    TimeLimits { lock: Duration::from_millis(200), statement: Duration::from_millis(500), is_session_default: true };
/// Additional statement time for each sample beyond [`MAX_SESSION_SAMPLES`].
const STATEMENT_TIMEOUT_PER_SAMPLE: Duration = Duration::from_micros(100);
/// Maximum number of samples in a batch with the session's limits.
const MAX_SESSION_SAMPLES: usize = 1000;
/// More doublings have no effect: the batch's timeout comes first.
pub(super) const MAX_BATCH_DOUBLINGS: u32 = 6;
/// Maximum number of doublings of the limits of a part.
const MAX_PART_DOUBLINGS: u32 = 4;

/// Time limits of a transaction's statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeLimits {
    /// Lock timeout.
    pub lock: Duration,
    /// Statement timeout.
    pub statement: Duration,
    /// Whether these are the limits of the session.
    pub is_session_default: bool,
}

impl TimeLimits {
    /// For a submission that is stored alone, while no other waits for it.
    pub(super) const SINGLE_SUBMISSION: Self =
        Self { lock: Duration::from_secs(5), statement: Duration::from_secs(10), is_session_default: false };

    /// For the rest of a batch when the database seems to be slow.
    pub(super) const SLOW_DATABASE: Self =
        Self { lock: Duration::from_secs(2), statement: Duration::from_secs(3), is_session_default: false };

    /// For the first attempt of a batch.
    pub(super) fn for_batch(samples: usize, limit_doublings: u32) -> Self {
        if samples <= MAX_SESSION_SAMPLES && limit_doublings == 0 {
            return SESSION_LIMITS;
        }
        let factor = 1 << limit_doublings.min(MAX_BATCH_DOUBLINGS);
        Self {
            lock: SESSION_LIMITS.lock * factor,
            statement: (SESSION_LIMITS.statement + per_sample(samples)) * factor,
            is_session_default: false,
        }
    }

    /// For a part of a failed batch: short, since every other part waits for it. Doubled `leniency` times.
    pub(super) fn for_part(samples: usize, leniency: u32) -> Self {
        let factor = 1 << leniency.min(MAX_PART_DOUBLINGS);
        let statement = (Duration::from_millis(30) + per_sample(samples)) * factor;
        Self { lock: Duration::from_millis(10) * factor, statement, is_session_default: false }
    }
}

fn per_sample(samples: usize) -> Duration {
    STATEMENT_TIMEOUT_PER_SAMPLE * u32::try_from(samples).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_batches_use_session_limits_and_large_or_slow_ones_longer_limits() {
        assert_eq!(TimeLimits::for_batch(1000, 0), SESSION_LIMITS);
        let large = TimeLimits::for_batch(10_000, 0);
        assert!(!large.is_session_default && large.statement == Duration::from_millis(1500), "{large:?}");
        assert_eq!(TimeLimits::for_batch(1, 1).statement, (SESSION_LIMITS.statement + Duration::from_micros(100)) * 2);
        assert_eq!(TimeLimits::for_batch(1, u32::MAX), TimeLimits::for_batch(1, MAX_BATCH_DOUBLINGS));
    }

    /// First attempt, search, and one part that began just before the end of the search.
    #[test]
    fn isolation_delays_other_submissions_by_less_than_a_second() {
        for samples in [1, 500, MAX_SESSION_SAMPLES] {
            let part = TimeLimits::for_part(samples, 0).statement;
            let total = TimeLimits::for_batch(samples, 0).statement + ISOLATION_TIMEOUT + part;
            assert!(total < Duration::from_secs(1), "{samples} samples: {total:?}");
        }
    }
}
