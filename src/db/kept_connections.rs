//! Connections kept between two statements.
//!
//! A connection that returns to its pool is checked by a round trip, in a task of its own. That costs as much as a
//! small statement. So under load a connection whose statement succeeded goes to the next statement directly. Every
//! other connection returns to the pool: after an error or a cancelled statement, after 100 ms without use, and after a
//! minute.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use sqlx::{Error, PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::{runtime::Handle, time::sleep};

use super::cancellation;

/// How long an unused connection is kept, and how often that is checked.
const MAX_IDLE: Duration = Duration::from_millis(100);
/// How long a connection stays out of its pool, which enforces a maximum lifetime.
const MAX_AGE: Duration = Duration::from_mins(1);

/// The kept connections of one pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeptConnections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The most recently used connection is the last one.
    connections: Vec<(KeptConnection, Instant)>,
    is_swept: bool,
}

/// A connection in use. Returns to its pool when dropped.
#[derive(Debug)]
pub struct KeptConnection {
    connection: PoolConnection<Postgres>,
    /// When it left its pool.
    since: Instant,
}

impl KeptConnections {
    /// Keeps at most `max` connections. None is kept at first.
    #[must_use]
    pub fn new(pool: PgPool, max: usize) -> Self {
        Self(Arc::new(Shared { pool, max, kept: Mutex::default() }))
    }

    /// Keeps none: each connection returns to its pool.
    #[must_use]
    pub fn none(pool: &PgPool) -> Self {
        Self::new(pool.clone(), 0)
    }

    /// The underlying pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// A connection for one statement.
    ///
    /// # Errors
    /// When the pool has none in time.
    pub async fn acquire(&self) -> Result<KeptConnection, Error> {
        let kept = self.0.kept().connections.pop();
        if let Some((connection, _)) = kept {
            cancellation::count_statement();
            return Ok(connection);
        }
        let connection = Box::pin(self.0.pool.acquire()).await?; // a future of 4 kB that is rarely needed
        Ok(KeptConnection { connection, since: Instant::now() })
    }

    /// Keeps a connection for the next statement. Only for one whose statement succeeded and was read to its end.
    pub fn keep(&self, connection: KeptConnection) {
        if connection.since.elapsed() > MAX_AGE || self.0.pool.is_closed() {
            return;
        }
        let mut kept = self.0.kept();
        if kept.connections.len() >= self.0.max {
            drop(kept); // the connection is dropped after the lock
            return;
        }
        kept.connections.push((connection, Instant::now()));
        if !kept.is_swept {
            kept.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves no partial change
    }

    /// Takes connections that are idle, or all once the pool is closed.
    fn idle(&self) -> Vec<(KeptConnection, Instant)> {
        let (mut kept, is_closed) = (self.kept(), self.pool.is_closed());
        let used = kept.connections.iter().position(|(_, since)| !is_closed && since.elapsed() < MAX_IDLE);
        let idle = used.unwrap_or(kept.connections.len());
        kept.connections.drain(..idle).collect()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if Handle::try_current().is_ok() {
            return; // their drop returns them to the pool, in a task
        }
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (KeptConnection { connection, .. }, _) in kept.connections.drain(..) {
            drop(connection.detach()); // closed here, since there is no runtime for a task
        }
    }
}

/// Returns idle connections to their pool until none is kept.
async fn sweep(shared: Weak<Shared>) {
    loop {
        sleep(MAX_IDLE).await;
        let Some(shared) = shared.upgrade() else { return };
        drop(shared.idle());
        let mut kept = shared.kept();
        if kept.connections.is_empty() {
            kept.is_swept = false;
            return;
        }
    }
}

impl KeptConnection {
    /// Closes the connection on drop instead of returning it to its pool.
    pub fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }
}

impl Deref for KeptConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for KeptConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
