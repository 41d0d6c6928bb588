//! How long storing may take, and how often it is tried. Every loop of the recorder is bounded by one of these.

use std::time::Duration;

/// Attempts of one transaction: a conflict, a missing partition or a stale connection may be gone the next time.
pub(super) const MAX_ATTEMPTS: u32 = 3;
/// All attempts of one transaction together. A database that hangs would otherwise hold the writers for as long as it
/// does. Long, because cutting off one that is merely slow makes its clients repeat it, and the load greater.
pub(super) const BATCH_TIMEOUT: Duration = Duration::from_secs(20);
/// Rounds of inserting and comparing in one transaction. Each further one needs another writer that committed in between.
pub(super) const MAX_INSERT_ROUNDS: usize = 10;

/// How long a failed batch is searched for the submissions that it fails for, while the others wait.
pub(super) const ISOLATION_TIMEOUT: Duration = Duration::from_millis(300);
/// The same while no part of it could be stored in time: the others can't be told from it then, or the database is slow.
pub(super) const SLOW_ISOLATION_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a database may take to answer whether it is there.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a submission that is to be stored alone may wait for its turn.
pub(super) const ISOLATED_WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Failed submissions of one device after which its next ones are stored alone: each costs the others of its batch up to a
/// second.
pub(super) const MAX_FAILURES_PER_DEVICE: u32 = 2;
/// The same of all devices of a key together. Higher, since a network server sends for many devices with one key.
pub(super) const MAX_FAILURES_PER_KEY: u32 = 8;
/// The window in which these failures are counted, and the time since the last one after which they are forgotten.
pub(super) const FAILURE_WINDOW: Duration = Duration::from_mins(10);
/// Devices and keys of which failures are remembered.
pub(super) const MAX_FAILING_SENDERS: usize = 10_000;

/// How long the look-up of a submission's partitions may take.
pub(super) const PARTITION_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long clients that can wait (files, replays) wait for room in the queue, or for a database that is away.
pub(super) const UNAVAILABLE_RETRY_TIMEOUT: Duration = Duration::from_secs(30);
pub(super) const QUEUE_FULL_RETRY_TIMEOUT: Duration = Duration::from_mins(5);
/// Time between two of their attempts.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(200);

/// What each statement of a batch may take, and each wait for a lock. Sessions of the recorder have these limits from
/// their start, so that an ordinary batch costs no statement to set them.
pub(super) const SESSION_LIMITS: TimeLimits =
    TimeLimits { lock: Duration::from_millis(200), statement: Duration::from_millis(500), is_session_default: true };
/// What a statement may take longer for each sample beyond [`MAX_SESSION_SAMPLES`].
const STATEMENT_TIMEOUT_PER_SAMPLE: Duration = Duration::from_micros(100);
/// Samples of a batch that the session's limits do for.
const MAX_SESSION_SAMPLES: usize = 1000;
/// Doubling the limits more often than this changes nothing: the batch's timeout comes first.
pub(super) const MAX_BATCH_DOUBLINGS: u32 = 6;
/// The same of the limits of a part.
const MAX_PART_DOUBLINGS: u32 = 4;

/// Time limits of a transaction's statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeLimits {
    /// For each lock that is waited for.
    pub lock: Duration,
    /// For each statement.
    pub statement: Duration,
    /// Whether the session has them already.
    pub is_session_default: bool,
}

impl TimeLimits {
    /// For a submission that is stored alone while no other waits for it.
    pub(super) const LONG: Self =
        Self { lock: Duration::from_secs(5), statement: Duration::from_secs(10), is_session_default: false };

    /// For a submission of unknown devices, while only such wait for it.
    pub(super) const NEW_DEVICES: Self = Self::SLOW;

    /// For what is left of a batch when the database seems to be slow.
    pub(super) const SLOW: Self =
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

    /// For a part of a batch that failed: short, since every other part waits for it. Doubled as often as told.
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
