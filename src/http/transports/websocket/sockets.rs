//! All sockets of a gateway: how many there may be, at what pace they are looked after, and when the last one is gone.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::limits::{Limit, Permit, Quota, WebSocketLimits, rate_limit::CallerId};

/// The sockets of a gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sockets {
    quota: Quota<CallerId>,
    open: Arc<watch::Sender<usize>>,
    pub(in crate::http) timeouts: SocketTimeouts,
}

/// What a socket waits for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct SocketTimeouts {
    /// For `connection_init`.
    pub init: Duration,
    /// Between two pings. Who is silent for two of them is dead.
    pub ping_interval: Duration,
    /// Before a key is looked at again.
    pub key_recheck: Duration,
    /// For a client to take what fills the buffers.
    pub write: Duration,
    /// For a client to take leave in turn, once it is told that the socket closes.
    pub close: Duration,
    /// For queries and mutations to end, once the gateway ends.
    pub drain: Duration,
}

impl Default for SocketTimeouts {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(3),
            ping_interval: Duration::from_secs(20),
            key_recheck: Duration::from_mins(1),
            write: Duration::from_secs(30),
            close: Duration::from_secs(2),
            drain: Duration::from_secs(10),
        }
    }
}

/// A place among the open sockets, given back when dropped.
pub(super) struct SocketPermit {
    permit: Permit<CallerId>,
    sockets: Sockets,
}

impl SocketPermit {
    /// Makes it the place of another caller: of the key that `connection_init` has.
    ///
    /// # Errors
    /// When that one has too many.
    pub fn transfer_to(&mut self, owner: CallerId) -> Result<(), Limit> {
        self.permit = self.sockets.acquire_permit(owner)?;
        Ok(())
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.sockets.open.send_modify(|open| *open -= 1);
    }
}

impl Sockets {
    /// So many, at that pace.
    #[must_use]
    pub fn new(limits: WebSocketLimits, pace: SocketTimeouts) -> Self {
        let open = Arc::new(watch::Sender::new(0));
        Self { quota: Quota::new(limits.max_per_caller, limits.max_total), open, timeouts: pace }
    }

    /// A place for one more.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn acquire(&self, owner: CallerId) -> Result<SocketPermit, Limit> {
        let permit = self.acquire_permit(owner)?;
        self.open.send_modify(|open| *open += 1);
        Ok(SocketPermit { permit, sockets: self.clone() })
    }

    fn acquire_permit(&self, owner: CallerId) -> Result<Permit<CallerId>, Limit> {
        let permit = self.quota.try_acquire(&owner);
        permit.map_err(|exceeded| exceeded.limit(Limit::WebSocketsPerCaller, Limit::WebSockets))
    }

    /// How many there are.
    #[must_use]
    pub fn open_count(&self) -> usize {
        *self.open.borrow()
    }

    /// Resolves when there is no socket any more.
    pub async fn all_closed(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // the sender is there
    }
}
