//! All sockets of a gateway: how many there may be, at what pace they are looked after, and when the last one is gone.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::limits::{Limit, Permit, Quota, WebSocketLimits, rate_limit::Payer};

/// The sockets of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sockets {
    quota: Quota<Payer>,
    open: Arc<watch::Sender<usize>>,
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

/// A place among the open sockets, given back when dropped.
pub(super) struct SocketPlace {
    permit: Permit<Payer>,
    sockets: Sockets,
}

impl SocketPlace {
    /// Makes it the place of another caller: of the key that `connection_init` has.
    ///
    /// # Errors
    /// When that one has too many.
    pub fn move_to(&mut self, owner: Payer) -> Result<(), Limit> {
        self.permit = self.sockets.acquire(owner)?;
        Ok(())
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        self.sockets.open.send_modify(|open| *open -= 1);
    }
}

impl Sockets {
    /// So many, at that pace.
    #[must_use]
    pub fn new(limits: WebSocketLimits, pace: Pace) -> Self {
        let open = Arc::new(watch::Sender::new(0));
        Self { quota: Quota::new(limits.max_per_caller, limits.max_total), open, pace }
    }

    /// A place for one more.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn enter(&self, owner: Payer) -> Result<SocketPlace, Limit> {
        let permit = self.acquire(owner)?;
        self.open.send_modify(|open| *open += 1);
        Ok(SocketPlace { permit, sockets: self.clone() })
    }

    fn acquire(&self, owner: Payer) -> Result<Permit<Payer>, Limit> {
        let permit = self.quota.try_acquire(&owner);
        permit.map_err(|exceeded| exceeded.limit(Limit::WebSocketsPerCaller, Limit::WebSockets))
    }

    /// How many there are.
    #[must_use]
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Resolves when there is no socket any more.
    pub async fn all_closed(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // the sender is there
    }
}
