//! Keys of those who ask questions, looked up together.
//!
//! Every request with a key looks it up, so that a revoked one opens nothing from then on. Under load the look-ups would be
//! a good part of what Postgres has to do; so who comes while one is under way waits for the next, which is for all who
//! wait. No request is answered from a look-up that began before it came.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{KeyHash, PATIENCE};
use crate::{
    db::{self, DbError},
    domain::api_key::ApiKey,
};

/// Requests that one look-up is for at most.
const MOST: usize = 1000;

/// How long a request waits for its key, the look-up before its own included.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The way to have a key looked up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LookUps(mpsc::Sender<Wanted>);

/// The key with a hash, on its way to who asked for it.
type Found = Result<Option<ApiKey>, Arc<DbError>>;

#[derive(Debug)]
struct Wanted {
    hash: KeyHash,
    tell: oneshot::Sender<Found>,
}

impl LookUps {
    /// Starts looking keys up, until nobody can ask any more.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let (sender, wanted) = mpsc::channel(MOST);
        tokio::spawn(serve(pool, wanted));
        Self(sender)
    }

    /// The key with this hash, valid or not, as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find(&self, hash: KeyHash) -> Found {
        let (tell, told) = oneshot::channel();
        let asked = async {
            self.0.send(Wanted { hash, tell }).await.ok()?;
            told.await.ok()
        };
        // Nothing is told where the database hangs, or the gateway ends.
        timeout(LONGEST_WAIT, asked).await.ok().flatten().unwrap_or_else(|| Err(Arc::new(DbError::hangs())))
    }
}

async fn serve(pool: PgPool, mut wanted: mpsc::Receiver<Wanted>) {
    let mut waiting = Vec::new();
    while wanted.recv_many(&mut waiting, MOST).await > 0 {
        let hashes: HashSet<_> = waiting.iter().map(|wanted| wanted.hash).collect();
        let found = look_up(&pool, &hashes.into_iter().collect::<Vec<_>>()).await.map_err(Arc::new);
        for Wanted { hash, tell } in waiting.drain(..) {
            // Who hung up doesn't want to know.
            let _ = tell.send(found.as_ref().map(|keys| keys.get(&hash).cloned()).map_err(Arc::clone));
        }
    }
}

/// The keys with these hashes. Every request with a key begins with it, so it is where a database that hangs is noticed.
pub(super) async fn look_up(pool: &PgPool, hashes: &[KeyHash]) -> Result<HashMap<KeyHash, ApiKey>, DbError> {
    let mut connection = pool.acquire().await?;
    if let Ok(found) = timeout(PATIENCE, db::api_key::find_by_hashes(&mut *connection, hashes)).await {
        return found;
    }
    connection.close_on_drop(); // it waits for an answer that is for nobody else
    Err(DbError::hangs())
}
