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
    concurrency::fair_queue::{FairPermit, FairQueue, Share},
    limits::rate_limit::Payer,
    observability::logging::LogThrottle,
};

/// Requests in work for each connection that reads: while one is answered by Postgres, others are read, checked and
/// written.
const PER_READER: u32 = 2;
/// Subscriptions that begin at the same time, for each connection that reads. They are not among the requests: when
/// thousands of sockets come back at once they wait for each other, and nobody else for them.
const BEGINNING_PER_READER: u32 = 1;
/// How long a request waits for a place.
const PLACE_TIMEOUT: Duration = Duration::from_millis(500);
/// Requests of one caller that may wait for a place.
const MAX_WAITING_PER_CALLER: usize = 1000;

/// The places for GraphQL requests of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Capacity(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: u32,
    places: FairQueue<Payer>,
    beginning: Arc<Semaphore>,
    refused: AtomicU64,
    logged: LogThrottle,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, not read")] Held);

#[derive(Debug)]
#[expect(dead_code, reason = "held, not read")]
enum Held {
    Request(FairPermit<Payer>),
    Subscription(OwnedSemaphorePermit),
}

/// How much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Requests that may be in work.
    pub most: u32,
    /// Requests that are.
    pub in_work: u32,
    /// Requests that were refused since the start.
    pub refused: u64,
}

impl Capacity {
    /// As much as keeps so many connections to the database busy.
    #[must_use]
    pub fn for_readers(readers: u32) -> Self {
        let most = readers.saturating_mul(PER_READER).max(1);
        let beginning = readers.saturating_mul(BEGINNING_PER_READER).max(1);
        Self(Arc::new(Shared {
            most,
            places: FairQueue::new(most as usize, Share::OfFree, MAX_WAITING_PER_CALLER),
            beginning: Arc::new(Semaphore::new(beginning as usize)),
            refused: AtomicU64::new(0),
            logged: LogThrottle::default(),
        }))
    }

    /// A place for a request of a caller.
    ///
    /// # Errors
    /// When none becomes free in a moment.
    pub async fn enter(&self, caller: Payer) -> Result<Place, ApiError> {
        match timeout(PLACE_TIMEOUT, self.0.places.acquire(caller)).await {
            Ok(Ok(permit)) => Ok(Place(Held::Request(permit))),
            Ok(Err(_)) | Err(_) => Err(self.refuse()),
        }
    }

    /// A place for a subscription to begin, however long that takes: a socket that got an error would not come again.
    pub async fn enter_to_subscribe(&self) -> Place {
        let permit = self.0.beginning.clone().acquire_owned().await;
        Place(Held::Subscription(permit.unwrap_or_else(|_| unreachable!("it is never closed"))))
    }

    /// How much of it is used.
    #[must_use]
    pub fn load(&self) -> Load {
        let (_, held) = self.0.places.load();
        let in_work = u32::try_from(held).unwrap_or(u32::MAX);
        Load { most: self.0.most, in_work, refused: self.0.refused.load(Ordering::Relaxed) }
    }

    fn refuse(&self) -> ApiError {
        let refused = self.0.refused.fetch_add(1, Ordering::Relaxed) + 1;
        // One line for thousands: writing each would take what the refusal saves.
        if self.0.logged.is_due() {
            tracing::warn!(most = self.0.most, refused, "more is asked than can be answered: requests are refused");
        }
        ApiError::Overloaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::api_key::ApiKeyId;

    fn caller(number: i64) -> Payer {
        Payer::Key(ApiKeyId(number))
    }

    #[tokio::test]
    async fn there_are_so_many_places_and_each_is_given_back() {
        let capacity = Capacity::for_readers(4);
        let mut places = Vec::new();
        for (in_work, number) in (1..=8).zip([1, 1, 1, 1, 2, 2, 3, 4]) {
            places.push(capacity.enter(caller(number)).await.expect("a place"));
            assert_eq!(capacity.load(), Load { most: 8, in_work, refused: 0 });
        }
        let refused = capacity.enter(caller(5)).await.expect_err("there is none");
        assert!(matches!(refused, ApiError::Overloaded));
        assert_eq!(capacity.load(), Load { most: 8, in_work: 8, refused: 1 });
        let _subscribing = capacity.enter_to_subscribe().await; // has places of its own

        let (entered, ()) = tokio::join!(capacity.enter(caller(5)), async {
            tokio::task::yield_now().await;
            places.pop();
        });
        assert!(entered.is_ok(), "it waits a moment");
        drop((entered, places));
        assert_eq!(capacity.load(), Load { most: 8, in_work: 0, refused: 1 });
    }

    #[tokio::test]
    async fn a_caller_alone_gets_half_of_the_places() {
        let capacity = Capacity::for_readers(4);
        let places = futures_util::future::join_all([(); 6].map(|()| capacity.enter(caller(1)))).await;
        assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 4);
        assert!(capacity.enter(caller(2)).await.is_ok(), "another caller's place is free");
    }

    #[tokio::test]
    async fn a_request_that_is_gone_takes_no_place() {
        let capacity = Capacity::for_readers(2);
        let places = [1, 1, 2, 3].map(|number| capacity.enter(caller(number)));
        let places = futures_util::future::join_all(places).await;
        assert!(timeout(Duration::ZERO, capacity.enter(caller(4))).await.is_err());
        drop(places);
        assert_eq!(capacity.load().in_work, 0);
    }
}
