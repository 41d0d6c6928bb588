//! All sockets of a gateway: their limits and timeouts, and the end of the last one.

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

/// Timeouts and intervals of a socket.
#[derive(Clone, Copy, Debug)]
pub struct SocketTimeouts {
    /// Timeout for `connection_init`.
    pub init: Duration,
    /// Interval of pings. A client without an answer to two of them is disconnected.
    pub ping_interval: Duration,
    /// Interval of key lookups.
    pub key_recheck: Duration,
    /// Timeout for a client to read what fills the buffers.
    pub write: Duration,
    /// Timeout for a client to answer a close frame.
    pub close: Duration,
    /// Timeout for queries and mutations to end during shutdown.
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

/// A permit for an open socket, returned when dropped.
pub(super) struct SocketPermit {
    permit: Permit<CallerId>,
    sockets: Sockets,
}

impl SocketPermit {
    /// Transfers the permit to another caller: the key of `connection_init`.
    ///
    /// # Errors
    /// When that caller has too many sockets.
    pub fn transfer_to(&mut self, caller: CallerId) -> Result<(), Limit> {
        self.permit = self.sockets.acquire_permit(caller)?;
        Ok(())
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.sockets.open.send_modify(|open| *open -= 1);
    }
}

impl Sockets {
    /// Sockets with these limits and timeouts.
    #[must_use]
    pub fn new(limits: WebSocketLimits, timeouts: SocketTimeouts) -> Self {
        let open = Arc::new(watch::Sender::new(0));
        Self { quota: Quota::new(limits.max_per_caller, limits.max_total), open, timeouts }
    }

    /// A permit for one more socket.
    ///
    /// # Errors
    /// When too many are open.
    pub(super) fn acquire(&self, caller: CallerId) -> Result<SocketPermit, Limit> {
        let permit = self.acquire_permit(caller)?;
        self.open.send_modify(|open| *open += 1);
        Ok(SocketPermit { permit, sockets: self.clone() })
    }

    fn acquire_permit(&self, caller: CallerId) -> Result<Permit<CallerId>, Limit> {
        let permit = self.quota.try_acquire(&caller);
        permit.map_err(|exceeded| exceeded.limit(Limit::WebSocketsPerCaller, Limit::WebSockets))
    }

    /// Number of open sockets.
    #[must_use]
    pub fn open_count(&self) -> usize {
        *self.open.borrow()
    }

    /// Resolves when no socket is open.
    pub async fn all_closed(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // can't fail: `self` holds the sender
    }
}
