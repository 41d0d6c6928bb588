//! What those share who subscribe to the same: each event is told once, and the newest are held for all of them.

use std::sync::{Arc, OnceLock};

use async_graphql::{Response, ServerError};
use bytes::Bytes;
use tokio::{sync::Semaphore, task::AbortHandle};

use super::{
    channels::{Channels, Key},
    events::{self, Portion},
    members::Members,
    patience::Patience,
    statistics,
};
use crate::{
    domain::feed::Place,
    error::ApiError,
    feed::{
        Broken, Feed, Reader,
        batch::Batch,
        ring::{Bound, Item, Ring},
    },
    graphql::subscription::{
        answers::{Answers, Away, Events},
        refuse,
        topic::Topic,
    },
    limits::Permit,
    metrics,
};

/// What one channel holds at most: a subscriber that is slower than this much is too slow.
const MOST: Bound = Bound { items: 32_768, bytes: 16 << 20 };
/// What all channels together hold at most, in bytes of their events.
const MOST_OF_ALL: usize = 256 << 20;
/// What an event takes beside its text.
const OVERHEAD: usize = 64;

/// What is subscribed to, with all that it takes to tell it.
#[derive(Clone)]
pub(super) struct Source {
    pub topic: Topic,
    pub answers: Answers,
    pub feed: Feed,
    pub limits: Limits,
    pub metrics: metrics::feed::Feed,
}

/// Who may do what at the same time.
#[derive(Clone)]
pub(super) struct Limits {
    pub telling: Arc<Semaphore>,
    pub catching_up: Arc<Semaphore>,
}

/// What those share who subscribe to the same. It ends with the last of them.
pub(super) struct Channel {
    /// What it tells.
    pub outlet: Arc<Outlet>,
    /// The callers that subscribe to it.
    pub members: Members,
    key: Arc<Key>,
    channels: Channels,
    task: AbortHandle,
    _permit: Permit<()>,
}

/// What a channel tells.
pub(super) struct Outlet {
    pub source: Source,
    /// The newest events.
    pub ring: Ring<Bytes>,
    /// Why there will be no more.
    closed: OnceLock<Vec<ServerError>>,
}

impl Channel {
    /// Begins after a batch that was the newest a moment ago.
    pub(super) fn start(
        key: Arc<Key>,
        channels: Channels,
        source: Source,
        newest: i64,
        members: Members,
        permit: Permit<()>,
    ) -> Arc<Self> {
        let reader = source.feed.follow(newest);
        let begin = if source.topic.is_resumable() { Place::after(newest) } else { Place::after(0) };
        let outlet = Arc::new(Outlet { source, ring: Ring::new(begin), closed: OnceLock::new() });
        let task = tokio::spawn(run(Running(outlet.clone()), reader, newest, channels.clone())).abort_handle();
        Arc::new(Self { outlet, members, key, channels, task, _permit: permit })
    }

    /// The key it is found by.
    pub(super) fn key(&self) -> &Arc<Key> {
        &self.key
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
        self.channels.leave(self);
    }
}

impl Outlet {
    /// Why there will be no more, once there will not.
    pub(super) fn closed(&self) -> Option<Box<Response>> {
        self.closed.get().map(|errors| Box::new(Response::from_errors(errors.clone())))
    }

    fn close(&self, errors: Vec<ServerError>) {
        _ = self.closed.set(errors); // the first reason counts
        self.ring.wake();
    }

    /// Tells events, trying again while the database is away.
    ///
    /// # Errors
    /// When it is for long.
    pub(super) async fn tell(&self, events: &Events) -> Result<Vec<Bytes>, Stop> {
        let mut patience = Patience::new();
        loop {
            let permit = self.source.limits.telling.acquire().await;
            let told = self.source.answers.tell(events).await;
            drop(permit);
            match told {
                Ok(payloads) => return Ok(payloads),
                Err(Away(errors)) => {
                    if !patience.lasts().await {
                        return Err(Stop(errors));
                    }
                }
            }
        }
    }

    /// The events of batches that belong to the topic, trying again when they can't be read.
    ///
    /// # Errors
    /// When that fails for long.
    pub(super) async fn events(&self, batches: &[Arc<Batch>]) -> Result<Vec<Portion>, Stop> {
        let db = &self.source.feed.database().reads;
        let mut patience = Patience::new();
        loop {
            match events::of(&self.source.topic, batches, db, self.source.answers.at_once()).await {
                Ok(portions) => return Ok(portions),
                Err(error) => {
                    if !patience.lasts().await {
                        return Err(error.into());
                    }
                }
            }
        }
    }
}

/// Why a channel, or one of its subscribers, can't go on.
pub(super) struct Stop(pub Vec<ServerError>);

impl<E: Into<ApiError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self(refuse(error.into()).errors)
    }
}

impl From<Broken> for ApiError {
    fn from(broken: Broken) -> Self {
        Self::CursorExpired(match broken {
            Broken::Forgotten => Self::CURSOR_TOO_OLD,
            Broken::Restored => Self::RESTORED,
        })
    }
}

/// The outlet of a running task. Should it panic, subscribers are told.
struct Running(Arc<Outlet>);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.source.answers.panicked();
            self.0.close(Stop::from(ApiError::Internal(anyhow::anyhow!("a channel panicked"))).0);
        }
    }
}

async fn run(running: Running, reader: Reader, newest: i64, channels: Channels) {
    let outlet = &*running.0;
    let ended = match &outlet.source.topic {
        Topic::Statistics(wanted) => statistics::run(outlet, reader, wanted).await,
        Topic::Measurements(_) | Topic::Devices(_) => follow(outlet, reader, newest, &channels).await,
    };
    let Err(Stop(errors)) = ended;
    outlet.close(errors);
}

/// Tells the events of all batches after this one.
async fn follow(
    outlet: &Outlet,
    mut reader: Reader,
    mut seen: i64,
    channels: &Channels,
) -> Result<std::convert::Infallible, Stop> {
    loop {
        let batches = reader.next(seen).await?;
        for Portion { events, places } in outlet.events(&batches).await? {
            let payloads = outlet.tell(&events).await?;
            let until = places.last().copied().unwrap_or(Place::after(seen));
            let items = places.into_iter().zip(payloads);
            let items = items.map(|(place, value)| Item { place, bytes: value.len() + OVERHEAD, value });
            outlet.ring.push(items, until, bound(channels));
            // Those who wait for it may be next on this very thread, and what comes now could overrun them.
            tokio::task::yield_now().await;
        }
        seen = batches.last().map_or(seen, |batch| batch.number);
        outlet.ring.push([], Place::after(seen), bound(channels));
        for batch in batches {
            outlet.source.metrics.told(batch.committed.elapsed());
        }
    }
}

/// What a channel holds, when there are so many.
fn bound(channels: &Channels) -> Bound {
    Bound { bytes: MOST.bytes.min(MOST_OF_ALL / channels.count().max(1)), ..MOST }
}
