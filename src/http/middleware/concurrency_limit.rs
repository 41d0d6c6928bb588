//! How much is worked on at a time, so that more requests than can be served don't slow down those that can.
//!
//! With as many requests in work as it takes to keep the database busy, more of them only wait for each other, each with
//! its memory. So a request waits for a place a moment, which evens out bursts, and is refused when there is none: at the
//! rate at which places are given back, so that connections that only come to be refused take little of the machine.
//! Callers take turns, and one alone gets half of the places: see [`crate::concurrency::fair_queue`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    api_error::ApiError,
    concurrency::fair_queue::{FairPermit, FairQueue, PermitShare},
    limits::rate_limit::CallerId,
    observability::logging::LogThrottle,
};

/// Requests in work for each connection that reads: while one is answered by Postgres, others are read, checked and
/// written.
const REQUESTS_PER_READER: u32 = 2;
/// Subscriptions that begin at the same time, for each connection that reads. They are not among the requests: when
/// thousands of sockets come back at once they wait for each other, and nobody else for them.
const SUBSCRIPTION_STARTS_PER_READER: u32 = 1;
/// How long a request waits for a place.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(500);
/// Requests of one caller that may wait for a place.
const MAX_WAITING_PER_CALLER: usize = 1000;

/// The places for GraphQL requests of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max_in_flight: u32,
    requests: FairQueue<CallerId>,
    subscription_starts: Arc<Semaphore>,
    shed: AtomicU64,
    logged: LogThrottle,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct ConcurrencyPermit(#[expect(dead_code, reason = "held, not read")] PermitKind);

#[derive(Debug)]
#[expect(dead_code, reason = "held, not read")]
enum PermitKind {
    Request(FairPermit<CallerId>),
    Subscription(OwnedSemaphorePermit),
}

/// How much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLoad {
    /// Requests that may be in work.
    pub max_in_flight: u32,
    /// Requests that are.
    pub in_flight: u32,
    /// Requests that were refused since the start.
    pub shed: u64,
}

impl ConcurrencyLimit {
    /// As much as keeps so many connections to the database busy.
    #[must_use]
    pub fn for_readers(readers: u32) -> Self {
        let most = readers.saturating_mul(REQUESTS_PER_READER).max(1);
        let beginning = readers.saturating_mul(SUBSCRIPTION_STARTS_PER_READER).max(1);
        Self(Arc::new(Inner {
            max_in_flight: most,
            requests: FairQueue::new(most as usize, PermitShare::UpToFree, MAX_WAITING_PER_CALLER),
            subscription_starts: Arc::new(Semaphore::new(beginning as usize)),
            shed: AtomicU64::new(0),
            logged: LogThrottle::default(),
        }))
    }

    /// A place for a request of a caller.
    ///
    /// # Errors
    /// When none becomes free in a moment.
    pub async fn acquire(&self, caller: CallerId) -> Result<ConcurrencyPermit, ApiError> {
        match timeout(ACQUIRE_TIMEOUT, self.0.requests.acquire(caller)).await {
            Ok(Ok(permit)) => Ok(ConcurrencyPermit(PermitKind::Request(permit))),
            Ok(Err(_)) | Err(_) => Err(self.shed()),
        }
    }

    /// A place for a subscription to begin, however long that takes: a socket that got an error would not come again.
    pub async fn acquire_for_subscription(&self) -> ConcurrencyPermit {
        let permit = self.0.subscription_starts.clone().acquire_owned().await;
        ConcurrencyPermit(PermitKind::Subscription(permit.unwrap_or_else(|_| unreachable!("it is never closed"))))
    }

    /// How much of it is used.
    #[must_use]
    pub fn load(&self) -> ConcurrencyLoad {
        let (_, held) = self.0.requests.load();
        let in_work = u32::try_from(held).unwrap_or(u32::MAX);
        ConcurrencyLoad {
            max_in_flight: self.0.max_in_flight,
            in_flight: in_work,
            shed: self.0.shed.load(Ordering::Relaxed),
        }
    }

    fn shed(&self) -> ApiError {
        let refused = self.0.shed.fetch_add(1, Ordering::Relaxed) + 1;
        // One line for thousands: writing each would take what the refusal saves.
        if self.0.logged.is_due() {
            tracing::warn!(
                most = self.0.max_in_flight,
                refused,
                "more is asked than can be answered: requests are refused"
            );
        }
        ApiError::Overloaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::ApiKeyId;

    fn caller(number: i64) -> CallerId {
        CallerId::Key(ApiKeyId(number))
    }

    #[tokio::test]
    async fn permits_are_bounded_and_returned() {
        let capacity = ConcurrencyLimit::for_readers(4);
        let mut places = Vec::new();
        for (in_flight, number) in (1..=8).zip([1, 1, 1, 1, 2, 2, 3, 4]) {
            places.push(capacity.acquire(caller(number)).await.expect("a place"));
            assert_eq!(capacity.load(), ConcurrencyLoad { max_in_flight: 8, in_flight, shed: 0 });
        }
        let refused = capacity.acquire(caller(5)).await.expect_err("there is none");
        assert!(matches!(refused, ApiError::Overloaded));
        assert_eq!(capacity.load(), ConcurrencyLoad { max_in_flight: 8, in_flight: 8, shed: 1 });
        let _subscribing = capacity.acquire_for_subscription().await; // has places of its own

        let (entered, ()) = tokio::join!(capacity.acquire(caller(5)), async {
            tokio::task::yield_now().await;
            places.pop();
        });
        assert!(entered.is_ok(), "it waits a moment");
        drop((entered, places));
        assert_eq!(capacity.load(), ConcurrencyLoad { max_in_flight: 8, in_flight: 0, shed: 1 });
    }

    #[tokio::test]
    async fn single_caller_gets_half_of_the_permits() {
        let capacity = ConcurrencyLimit::for_readers(4);
        let places = futures_util::future::join_all([(); 6].map(|()| capacity.acquire(caller(1)))).await;
        assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 4);
        assert!(capacity.acquire(caller(2)).await.is_ok(), "another caller's place is free");
    }

    #[tokio::test]
    async fn dropped_request_takes_no_permit() {
        let capacity = ConcurrencyLimit::for_readers(2);
        let places = [1, 1, 2, 3].map(|number| capacity.acquire(caller(number)));
        let places = futures_util::future::join_all(places).await;
        assert!(timeout(Duration::ZERO, capacity.acquire(caller(4))).await.is_err());
        drop(places);
        assert_eq!(capacity.load().in_flight, 0);
    }
}
