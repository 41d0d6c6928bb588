//! Limits concurrent GraphQL requests, so that overload does not slow down the requests that can be served.
//!
//! Once enough requests are in flight to keep the database busy, further ones would only wait for each other, each with
//! its memory. So a request waits a short time for a permit, which evens out bursts, and is refused if there is none: a
//! refusal costs little. Permits are granted fairly between callers, and a single caller gets half of them: see
//! [`crate::concurrency::fair_queue`].

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

/// Requests in flight per read connection: while Postgres answers one, others are parsed, validated and serialised.
const REQUESTS_PER_READER: u32 = 2;
/// Concurrent subscription starts per read connection. They are separate from the requests: when thousands of sockets
/// reconnect at once, they delay only each other.
const SUBSCRIPTION_STARTS_PER_READER: u32 = 1;
/// How long a request waits for a permit.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(500);
/// Requests of one caller that may wait for a permit.
const MAX_WAITING_PER_CALLER: usize = 1000;

/// The permits for GraphQL requests of one gateway. Cheap to clone.
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

/// A permit, returned when dropped.
#[derive(Debug)]
pub struct ConcurrencyPermit(#[expect(dead_code, reason = "held, not read")] PermitKind);

#[derive(Debug)]
#[expect(dead_code, reason = "held, not read")]
enum PermitKind {
    Request(FairPermit<CallerId>),
    Subscription(OwnedSemaphorePermit),
}

/// The current load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLoad {
    /// Maximum requests in flight.
    pub max_in_flight: u32,
    /// Requests in flight.
    pub in_flight: u32,
    /// Requests refused since the start.
    pub shed: u64,
}

impl ConcurrencyLimit {
    /// A limit that keeps this number of database connections busy.
    #[must_use]
    pub fn for_readers(readers: u32) -> Self {
        let max_in_flight = readers.saturating_mul(REQUESTS_PER_READER).max(1);
        let subscription_starts = readers.saturating_mul(SUBSCRIPTION_STARTS_PER_READER).max(1);
        Self(Arc::new(Inner {
            max_in_flight,
            requests: FairQueue::new(max_in_flight as usize, PermitShare::UpToFree, MAX_WAITING_PER_CALLER),
            subscription_starts: Arc::new(Semaphore::new(subscription_starts as usize)),
            shed: AtomicU64::new(0),
            logged: LogThrottle::default(),
        }))
    }

    /// A permit for a request of a caller.
    ///
    /// # Errors
    /// When none becomes free within [`ACQUIRE_TIMEOUT`].
    pub async fn acquire(&self, caller: CallerId) -> Result<ConcurrencyPermit, ApiError> {
        match timeout(ACQUIRE_TIMEOUT, self.0.requests.acquire(caller)).await {
            Ok(Ok(permit)) => Ok(ConcurrencyPermit(PermitKind::Request(permit))),
            Ok(Err(_)) | Err(_) => Err(self.shed()),
        }
    }

    /// A permit to start a subscription. Waits without limit: a socket that got an error would not retry.
    pub async fn acquire_for_subscription(&self) -> ConcurrencyPermit {
        let permit = self.0.subscription_starts.clone().acquire_owned().await;
        ConcurrencyPermit(PermitKind::Subscription(permit.unwrap_or_else(|_| unreachable!("it is never closed"))))
    }

    /// The current load.
    #[must_use]
    pub fn load(&self) -> ConcurrencyLoad {
        let (_, held) = self.0.requests.load();
        let in_flight = u32::try_from(held).unwrap_or(u32::MAX);
        ConcurrencyLoad { max_in_flight: self.0.max_in_flight, in_flight, shed: self.0.shed.load(Ordering::Relaxed) }
    }

    fn shed(&self) -> ApiError {
        let refused = self.0.shed.fetch_add(1, Ordering::Relaxed) + 1;
        // Throttled: a line for each refusal would cost more than the refusal saves.
        if self.0.logged.is_due() {
            tracing::warn!(most = self.0.max_in_flight, refused, "overloaded: requests are refused");
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
        let limit = ConcurrencyLimit::for_readers(4);
        let mut permits = Vec::new();
        for (in_flight, number) in (1..=8).zip([1, 1, 1, 1, 2, 2, 3, 4]) {
            permits.push(limit.acquire(caller(number)).await.expect("a permit"));
            assert_eq!(limit.load(), ConcurrencyLoad { max_in_flight: 8, in_flight, shed: 0 });
        }
        let refused = limit.acquire(caller(5)).await.expect_err("there is none");
        assert!(matches!(refused, ApiError::Overloaded));
        assert_eq!(limit.load(), ConcurrencyLoad { max_in_flight: 8, in_flight: 8, shed: 1 });
        let _subscribing = limit.acquire_for_subscription().await; // has permits of its own

        let (entered, ()) = tokio::join!(limit.acquire(caller(5)), async {
            tokio::task::yield_now().await;
            permits.pop();
        });
        assert!(entered.is_ok(), "it waits a moment");
        drop((entered, permits));
        assert_eq!(limit.load(), ConcurrencyLoad { max_in_flight: 8, in_flight: 0, shed: 1 });
    }

    #[tokio::test]
    async fn single_caller_gets_half_of_the_permits() {
        let limit = ConcurrencyLimit::for_readers(4);
        let permits = futures_util::future::join_all([(); 6].map(|()| limit.acquire(caller(1)))).await;
        assert_eq!(permits.iter().filter(|permit| permit.is_ok()).count(), 4);
        assert!(limit.acquire(caller(2)).await.is_ok(), "another caller's permit is free");
    }

    #[tokio::test]
    async fn dropped_request_takes_no_permit() {
        let limit = ConcurrencyLimit::for_readers(2);
        let permits = [1, 1, 2, 3].map(|number| limit.acquire(caller(number)));
        let permits = futures_util::future::join_all(permits).await;
        assert!(timeout(Duration::ZERO, limit.acquire(caller(4))).await.is_err());
        drop(permits);
        assert_eq!(limit.load().in_flight, 0);
    }
}
