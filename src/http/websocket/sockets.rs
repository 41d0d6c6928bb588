//! All sockets of a gateway: how many there may be, at what pace they are looked after, and when the last one is gone.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Sockets at most. One takes less than 20 kB when nothing happens on it.
const MOST: u32 = 20_000;

/// The sockets of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sockets {
    places: Arc<Semaphore>,
    most: u32,
    pub(in crate::http) pace: Pace,
}

/// What a socket waits for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For `connection_init`.
    pub init: Duration,
    /// Between two pings. Who is silent for two of them is dead.
    pub ping: Duration,
    /// Before a key is looked at again.
    pub key: Duration,
    /// For a client to take what fills the buffers.
    pub write: Duration,
    /// For a client to take leave in turn, once it is told that the socket closes.
    pub farewell: Duration,
    /// For queries and mutations to end, once the gateway ends.
    pub finish: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(3),
            ping: Duration::from_secs(20),
            key: Duration::from_mins(1),
            write: Duration::from_secs(30),
            farewell: Duration::from_secs(2),
            finish: Duration::from_secs(10),
        }
    }
}

impl Default for Sockets {
    fn default() -> Self {
        Self::new(MOST, Pace::default())
    }
}

impl Sockets {
    /// So many at most, at that pace.
    #[must_use]
    pub fn new(most: u32, pace: Pace) -> Self {
        Self { places: Arc::new(Semaphore::new(most as usize)), most, pace }
    }

    /// A place for one more, given back when dropped; none where there are too many.
    pub(super) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// How many there are.
    #[must_use]
    pub fn open(&self) -> usize {
        self.most as usize - self.places.available_permits()
    }

    /// Comes back when there is no socket any more.
    pub async fn all_closed(&self) {
        let _ = self.places.acquire_many(self.most).await; // it is never closed
    }
}
