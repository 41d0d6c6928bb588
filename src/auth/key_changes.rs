//! Listens for keys that were revoked or changed, by any gateway: caches drop them, and connections that use them
//! authenticate again. The same notifications report deleted devices, which are dropped from the device cache.
//!
//! Each request authenticates in the database, also on an open WebSocket. This module serves what continues without
//! requests: cached keys of sensors, subscriptions and sockets. If a notification is lost, cached keys and open
//! connections are checked again after a minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::KeyCache;
use crate::{
    concurrency::{retry::Backoff, ttl_cache::TtlCache},
    db::{
        DbError,
        cache_invalidation::{Invalidation, InvalidationListener},
        connect::Database,
    },
    domain::{
        api_key::ApiKeyId,
        device::{DeviceId, DeviceKey},
    },
};

/// Changes that a slow receiver may lag behind. Beyond it, the receiver checks its key.
const CHANNEL_CAPACITY: usize = 1024;
/// The connection is checked after this time without a notification.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// A change of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyChange {
    Key(ApiKeyId),
    /// Notifications may have been missed.
    AnyKey,
}

/// The number of changes before some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyGeneration(u64);

/// Reports changes of keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyChanges(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    generation: AtomicU64,
    sender: broadcast::Sender<KeyChange>,
}

impl Default for KeyChanges {
    fn default() -> Self {
        Self(Arc::new(Inner { generation: AtomicU64::new(0), sender: broadcast::Sender::new(CHANNEL_CAPACITY) }))
    }
}

impl KeyChanges {
    /// The current generation. Read it before the key is looked up.
    #[must_use]
    pub fn generation(&self) -> KeyGeneration {
        KeyGeneration(self.0.generation.load(Ordering::SeqCst))
    }

    /// Resolves when a key that was looked up after `since` was read must be looked up again.
    pub fn changed_since(&self, key: ApiKeyId, since: KeyGeneration) -> impl Future<Output = ()> + Send + use<> {
        let mut receiver = self.0.sender.subscribe();
        let is_missed = self.generation() != since; // after `subscribe`, so that no change is missed
        async move {
            if is_missed {
                return;
            }
            loop {
                match receiver.recv().await {
                    Ok(KeyChange::Key(other)) if other != key => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        }
    }

    fn report(&self, change: KeyChange) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        _ = self.0.sender.send(change); // fails when there is no receiver
    }
}

/// Listens until shutdown, and reconnects after failures.
pub async fn run(
    database: Database,
    cache: KeyCache,
    known_devices: TtlCache<DeviceKey, DeviceId>,
    changes: KeyChanges,
    shutdown: CancellationToken,
) {
    let listening = async {
        let mut backoff = Backoff::new();
        loop {
            let mut is_connected = false;
            let Err(error) = listen(&database, &cache, &known_devices, &changes, &mut is_connected).await;
            if is_connected {
                tracing::warn!(error = &error as &dyn std::error::Error, "key change listener disconnected");
                backoff.reset();
            }
            backoff.wait().await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = shutdown.cancelled() => {}
    }
}

async fn listen(
    database: &Database,
    cache: &KeyCache,
    known_devices: &TtlCache<DeviceKey, DeviceId>,
    changes: &KeyChanges,
    is_connected: &mut bool,
) -> Result<std::convert::Infallible, DbError> {
    let mut listener = InvalidationListener::connect(database).await?;
    *is_connected = true;
    cache.clear();
    known_devices.clear();
    changes.report(KeyChange::AnyKey);
    loop {
        match listener.changed_within(HEARTBEAT_INTERVAL).await? {
            Some(Invalidation::ApiKey(key)) => {
                cache.remove_if(|cached| cached.id == key);
                changes.report(KeyChange::Key(key));
            }
            Some(Invalidation::Device(device)) => known_devices.remove_if(|known| *known == device),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn key_change_notifies_only_its_connections() {
        let changes = KeyChanges::default();
        let since = changes.generation();
        let mut first = Box::pin(changes.changed_since(ApiKeyId(1), since));
        let mut second = Box::pin(changes.changed_since(ApiKeyId(2), since));
        changes.report(KeyChange::Key(ApiKeyId(1)));
        assert_eq!((first.as_mut().now_or_never(), second.as_mut().now_or_never()), (Some(()), None));
        changes.report(KeyChange::AnyKey);
        assert_eq!(second.now_or_never(), Some(()));
        // A change between the lookup and the wait is not missed.
        assert_eq!(changes.changed_since(ApiKeyId(2), since).now_or_never(), Some(()));
        let mut slow = Box::pin(changes.changed_since(ApiKeyId(3), changes.generation()));
        (0..=CHANNEL_CAPACITY).for_each(|_| changes.report(KeyChange::Key(ApiKeyId(4))));
        assert_eq!(slow.as_mut().now_or_never(), Some(()));
    }
}
