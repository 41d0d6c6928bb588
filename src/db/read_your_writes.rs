//! Read-your-writes: how far each caller has written, so that it reads its own changes from any server.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::replicas::lsn::Lsn;
use crate::{concurrency::generational_map::GenerationalMap, domain::api_key::ApiKeyId};

/// Minimum number of tracked callers. Beyond it, those without a write for the longest time are evicted.
const MIN_TRACKED_CALLERS: usize = 10_000;
/// How long a caller reads from the primary when the position of its write is unknown. No statement that had started is
/// still running after that.
const UNKNOWN_LSN_TTL: Duration = Duration::from_mins(1);

/// The state of the database that a caller has to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MinLsn {
    /// Minimum position in the log.
    lsn: Lsn,
    /// Until then, only the primary is current enough.
    primary_until: Option<Instant>,
}

impl MinLsn {
    fn max(self, other: Self) -> Self {
        Self { lsn: self.lsn.max(other.lsn), primary_until: self.primary_until.max(other.primary_until) }
    }
}

/// How far each caller has written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WriteTracker(Arc<Mutex<Positions>>);

#[derive(Debug)]
struct Positions {
    callers: GenerationalMap<ApiKeyId, MinLsn>,
    /// The maximum position of callers that are no longer tracked. It applies to all callers.
    global: MinLsn,
}

impl Default for WriteTracker {
    fn default() -> Self {
        let callers = GenerationalMap::new(MIN_TRACKED_CALLERS);
        Self(Arc::new(Mutex::new(Positions { callers, global: MinLsn::default() })))
    }
}

impl WriteTracker {
    /// The position in the log that the caller has to see; `None` when it has to read from the primary.
    #[must_use]
    pub fn min_lsn(&self, caller: Option<ApiKeyId>, now: Instant) -> Option<Lsn> {
        let positions = self.lock();
        let seen = caller.map_or(positions.global, |caller| positions.min_lsn(caller));
        let everything = seen.primary_until.is_some_and(|until| now < until);
        (!everything).then_some(seen.lsn)
    }

    /// Registers the start of a write of a caller.
    #[must_use]
    pub fn start_write(&self, caller: ApiKeyId) -> WriteGuard {
        WriteGuard { tracker: self.clone(), caller, is_finished: false }
    }

    fn record(&self, caller: ApiKeyId, seen: MinLsn) {
        let mut positions = self.lock();
        let seen = positions.min_lsn(caller).max(seen);
        let dropped = positions.callers.insert(caller, seen);
        positions.global = dropped.into_values().fold(positions.global, MinLsn::max);
    }

    fn lock(&self) -> MutexGuard<'_, Positions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves each entry intact
    }
}

impl Positions {
    fn min_lsn(&self, caller: ApiKeyId) -> MinLsn {
        self.callers.get(&caller).copied().unwrap_or_default().max(self.global)
    }
}

/// A write in progress. If it is dropped unfinished, its position is unknown: the client may have disconnected while
/// its statement still runs.
#[derive(Debug)]
pub struct WriteGuard {
    tracker: WriteTracker,
    caller: ApiKeyId,
    is_finished: bool,
}

impl WriteGuard {
    /// Completes the write, which lies before this position of the log.
    pub fn finish(mut self, at: Lsn) {
        self.is_finished = true;
        self.tracker.record(self.caller, MinLsn { lsn: at, primary_until: None });
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if !self.is_finished {
            let everything_until = Some(Instant::now() + UNKNOWN_LSN_TTL);
            self.tracker.record(self.caller, MinLsn { primary_until: everything_until, ..MinLsn::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> ApiKeyId {
        ApiKeyId(n.try_into().expect("a number"))
    }

    fn lsn(n: usize) -> Lsn {
        format!("0/{n:X}").parse().expect("a place")
    }

    #[test]
    fn min_lsn_is_the_callers_latest_write_and_others_are_unaffected() {
        let (written, now) = (WriteTracker::default(), Instant::now());
        written.start_write(key(1)).finish(lsn(7));
        written.start_write(key(1)).finish(lsn(5));
        assert_eq!(written.min_lsn(Some(key(1)), now), Some(lsn(7)));
        assert_eq!(written.min_lsn(Some(key(2)), now), Some(lsn(0)));
        assert_eq!(written.min_lsn(None, now), Some(lsn(0)));
    }

    #[test]
    fn write_with_unknown_lsn_reads_the_primary_for_a_minute() {
        let written = WriteTracker::default();
        drop(written.start_write(key(1)));
        let now = Instant::now();
        assert_eq!(written.min_lsn(Some(key(1)), now), None);
        written.start_write(key(1)).finish(lsn(7));
        assert_eq!(written.min_lsn(Some(key(1)), now), None, "the other may still be on its way");
        assert_eq!(written.min_lsn(Some(key(1)), now + UNKNOWN_LSN_TTL), Some(lsn(7)));
        assert_eq!(written.min_lsn(None, now), Some(lsn(0)));
    }

    #[test]
    fn evicted_callers_raise_the_global_min_lsn() {
        let (written, now) = (WriteTracker::default(), Instant::now());
        for n in 1..=2 * MIN_TRACKED_CALLERS {
            written.start_write(key(n)).finish(lsn(n));
        }
        assert_eq!(written.min_lsn(None, now), Some(lsn(0)));
        for n in 2 * MIN_TRACKED_CALLERS + 1..5 * MIN_TRACKED_CALLERS {
            written.start_write(key(n)).finish(lsn(n));
        }
        for n in [1, MIN_TRACKED_CALLERS, 2 * MIN_TRACKED_CALLERS, 3 * MIN_TRACKED_CALLERS, 5 * MIN_TRACKED_CALLERS - 1]
        {
            assert!(written.min_lsn(Some(key(n)), now) >= Some(lsn(n)), "{n}");
        }
        assert_eq!(written.min_lsn(None, now), Some(lsn(3 * MIN_TRACKED_CALLERS)));
        drop(written.start_write(key(1)));
        for n in 0..=2 * MIN_TRACKED_CALLERS {
            written.start_write(key(10 * MIN_TRACKED_CALLERS + n)).finish(lsn(1));
        }
        assert_eq!(written.min_lsn(None, now), None);
    }
}
