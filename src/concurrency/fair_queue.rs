//! Permits that are granted fairly between callers.
//!
//! Callers take turns (round robin over callers, not over requests): a request is granted after at most one request of
//! each other caller, however many requests another caller has waiting. [`PermitShare`] limits the permits of one
//! caller.

mod schedule;

use std::{
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use schedule::Schedule;
use tokio::sync::oneshot;

/// How many permits one caller may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitShare {
    /// One more only while more permits are free than the caller holds. A single caller uses up to half of the permits,
    /// and n callers leave one permit in n + 1 free, so the next caller does not wait for running requests of others.
    UpToFree,
    /// A fixed number.
    AtMost(usize),
}

impl PermitShare {
    fn allows(self, held: usize, free: usize) -> bool {
        held < match self {
            Self::UpToFree => free,
            Self::AtMost(max) => max,
        }
    }
}

/// The permits of one resource. Cheap to clone.
#[derive(Debug)]
pub struct FairQueue<K: Eq + Hash + Clone>(Arc<Mutex<Schedule<K, oneshot::Sender<FairPermit<K>>>>>);

impl<K: Eq + Hash + Clone> Clone for FairQueue<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A permit, returned when dropped.
#[derive(Debug)]
pub struct FairPermit<K: Eq + Hash + Clone> {
    queue: FairQueue<K>,
    /// `None` once returned.
    caller: Option<K>,
}

/// The caller has the maximum number of requests waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of this caller are waiting")]
pub struct QueueFull;

impl<K: Eq + Hash + Clone> FairQueue<K> {
    /// A resource with this number of permits, for which each caller may have `max_waiting_per_caller` requests
    /// waiting.
    #[must_use]
    pub fn new(permits: usize, share: PermitShare, max_waiting_per_caller: usize) -> Self {
        Self(Arc::new(Mutex::new(Schedule::new(permits, share, max_waiting_per_caller))))
    }

    /// Waits for a permit. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// When the caller has too many requests waiting.
    pub async fn acquire(&self, caller: K) -> Result<FairPermit<K>, QueueFull> {
        let granted = {
            let mut schedule = self.lock();
            if schedule.try_take(&caller) {
                return Ok(FairPermit { queue: self.clone(), caller: Some(caller) });
            }
            if schedule.is_full(&caller) {
                schedule.remove_gone(&caller, oneshot::Sender::is_closed);
            }
            let (sender, granted) = oneshot::channel();
            schedule.enqueue(caller, sender)?;
            granted
        };
        self.grant();
        // A queue grants every request in the end: it lives as long as a request waits or a permit is held.
        granted.await.map_err(|_| QueueFull)
    }

    /// The number of permits, and how many are held.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let schedule = self.lock();
        (schedule.permits(), schedule.held())
    }

    /// Permits that a caller holds, and its waiting requests.
    #[must_use]
    pub fn caller_load(&self, caller: &K) -> usize {
        self.lock().caller_load(caller)
    }

    /// Whether there is no state of any caller.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// Number of waiting requests.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// Grants all permits that may be granted now.
    fn grant(&self) {
        loop {
            let next = self.lock().next(oneshot::Sender::is_closed);
            let Some((caller, sender)) = next else { return };
            // Outside the lock: a permit for a cancelled request is returned when it is dropped here.
            drop(sender.send(FairPermit { queue: self.clone(), caller: Some(caller) }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule<K, oneshot::Sender<FairPermit<K>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves it consistent
    }
}

impl<K: Eq + Hash + Clone> Drop for FairPermit<K> {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.queue.lock().release(&caller);
            self.queue.grant();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn dropped_request_takes_no_permit_and_no_turn() {
        let queue = FairQueue::new(1, PermitShare::UpToFree, 2);
        let held = queue.acquire('a').await.expect("a permit");
        for _ in 0..10 {
            assert!(queue.acquire('a').now_or_never().is_none(), "it waits, and is dropped");
        }
        let mut waiting = Box::pin(queue.acquire('b'));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        let permit = waiting.await.expect("a permit");
        assert_eq!((queue.load(), queue.waiting()), ((1, 1), 0));
        drop(permit);
        assert_eq!(queue.load(), (1, 0));
    }

    #[tokio::test]
    async fn granted_but_dropped_permit_is_returned() {
        let queue = FairQueue::new(1, PermitShare::UpToFree, 2);
        let held = queue.acquire('a').await.expect("a permit");
        let mut waiting = Box::pin(queue.acquire('b'));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        assert_eq!(queue.load(), (1, 1), "granted");
        drop(waiting);
        assert_eq!(queue.load(), (1, 0));
    }

    #[tokio::test]
    async fn waiting_requests_per_caller_are_bounded() {
        let queue = FairQueue::new(1, PermitShare::UpToFree, 2);
        let _held = queue.acquire('a').await.expect("a permit");
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(queue.acquire('a'))).collect();
        assert!(waiting.iter_mut().all(|waits| waits.as_mut().now_or_never().is_none()));
        assert_eq!(queue.acquire('a').await.err(), Some(QueueFull));
        assert!(queue.acquire('b').now_or_never().is_none(), "another caller waits");
        waiting.pop();
        assert!(queue.acquire('a').now_or_never().is_none(), "a slot in the queue is free again");
    }
}
