//! Permits granted to callers in turn, so that a caller that waits for many permits delays each permit of another
//! caller by at most one of its own.

use super::members::ChannelMembers;
use crate::{
    concurrency::fair_queue::{FairPermit, FairQueue, PermitShare, QueueFull},
    limits::rate_limit::CallerId,
};

/// Permits for one kind of work. Cheap to clone.
#[derive(Clone)]
pub(super) struct FairPermits(FairQueue<CallerId>);

/// A permit, returned when dropped.
pub(super) type TurnPermit = FairPermit<CallerId>;

/// The callers that a permit is charged to.
#[derive(Clone, Copy)]
pub(super) enum PermitOwner<'a> {
    /// A given caller.
    Caller(CallerId),
    /// The caller with the fewest held and awaited permits.
    OneOf(&'a ChannelMembers),
}

impl FairPermits {
    /// Creates `permits` permits, of which one caller may hold `max_per_caller`.
    pub(super) fn new(permits: usize, max_per_caller: usize) -> Self {
        // The waiting channels and subscriptions are limited elsewhere.
        Self(FairQueue::new(permits, PermitShare::AtMost(max_per_caller), usize::MAX))
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, of: PermitOwner<'_>) -> TurnPermit {
        let caller = match of {
            PermitOwner::Caller(caller) => caller,
            PermitOwner::OneOf(members) => members.least_loaded(|caller| self.0.caller_load(&caller)),
        };
        match self.0.acquire(caller).await {
            Ok(permit) => permit,
            Err(QueueFull) => unreachable!("any number may wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{domain::api_key::ApiKeyId, limits::Quota};

    fn key(number: i64) -> PermitOwner<'static> {
        PermitOwner::Caller(CallerId::Key(ApiKeyId(number)))
    }

    /// The caller of an immediately granted permit.
    fn now(waiting: &mut std::pin::Pin<Box<impl Future<Output = TurnPermit>>>) -> Option<TurnPermit> {
        waiting.as_mut().now_or_never()
    }

    #[tokio::test]
    async fn caller_with_many_waiting_delays_another_by_one_permit() {
        let permits = FairPermits::new(1, 1);
        let first = permits.acquire(key(1)).await;
        let mut many: Vec<_> = (0..100).map(|_| Box::pin(permits.acquire(key(1)))).collect(); // within one poll of tokio
        assert!(many.iter_mut().all(|waiting| now(waiting).is_none()));
        let mut other = Box::pin(permits.acquire(key(2)));
        assert!(now(&mut other).is_none());
        drop(first);
        let permit = now(&mut many[0]).expect("it waited first");
        assert!(now(&mut other).is_none());
        drop(permit);
        drop(now(&mut other).expect("the other caller is next"));
        for mut waiting in many.into_iter().skip(1) {
            drop(now(&mut waiting).expect("the remaining ones follow"));
        }
        assert_eq!((permits.0.load(), permits.0.is_idle()), ((1, 0), true));
    }

    #[tokio::test]
    async fn a_caller_never_holds_all_permits() {
        let permits = FairPermits::new(4, 2);
        let held = [permits.acquire(key(1)).await, permits.acquire(key(1)).await];
        let mut third = Box::pin(permits.acquire(key(1)));
        assert!(now(&mut third).is_none());
        let other = permits.acquire(key(2)).await;
        assert!(now(&mut third).is_none());
        drop(held);
        assert!(now(&mut third).is_some());
        drop(other);
    }

    #[tokio::test]
    async fn a_permit_of_a_cancelled_wait_goes_to_the_next() {
        let permits = FairPermits::new(1, 1);
        let held = permits.acquire(key(1)).await;
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(permits.acquire(key(1)))).collect();
        assert!(waiting.iter_mut().all(|waiting| now(waiting).is_none()));
        let mut last = waiting.pop().expect("three");
        waiting.pop();
        drop(held); // grants the first
        drop(waiting); // which is not taken
        assert!(now(&mut last).is_some());
        assert!(permits.0.is_idle());
    }

    #[tokio::test]
    async fn shared_permit_is_charged_to_the_caller_with_the_fewest() {
        let permits = FairPermits::new(1, 1);
        let (members, quota) = (ChannelMembers::default(), Quota::new(1, 9));
        for number in [1, 2] {
            let caller = CallerId::Key(ApiKeyId(number));
            members.add(caller, || quota.try_acquire(&caller)).expect("a permit");
        }
        let held = permits.acquire(key(1)).await;
        let mut waiting = Box::pin(permits.acquire(key(1)));
        assert!(now(&mut waiting).is_none());
        let mut shared = Box::pin(permits.acquire(PermitOwner::OneOf(&members)));
        assert!(now(&mut shared).is_none());
        assert_eq!(permits.0.caller_load(&CallerId::Key(ApiKeyId(2))), 1);
        drop(held);
    }
}
