//! Reads each batch of the feed once and passes it to the channels that it may concern.
//!
//! Other channels do no work for the batch. Their end is the dispatcher's position ([`DispatchPosition`]), so that the
//! cursors of a quiet subscription advance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::yield_now,
    time::{MissedTickBehavior, interval_at},
};

use super::{
    channel::ChannelState,
    channel_error::ChannelError,
    feed::{Feed, FeedReader, batch::Batch},
    inbox::{DispatchPosition, Inbox, RowSelection},
    matcher::{ChannelId, IndexKey, IndexKeys, Matcher},
};
use crate::{api_error::ApiError, graphql::subscriptions::topic::Topic};

/// Time after which channels remove events, so that an idle channel holds none.
const CLEANUP_INTERVAL: Duration = Duration::from_mins(1);
/// Maximum number of filter evaluations and passed batches between two yields.
const MAX_EVALUATIONS_PER_STEP: usize = 20_000;
const MAX_ROWS_PER_STEP: usize = 256;
const CHANNELS_PER_YIELD: usize = 256;

/// The dispatcher of a gateway. Cheap to clone. Runs while there are channels.
#[derive(Clone)]
pub(super) struct Dispatcher(Arc<Inner>);

struct Inner {
    feed: Feed,
    position: DispatchPosition,
    state: Mutex<DispatcherState>,
    /// Notified when the last channel is removed.
    is_empty: Notify,
}

#[derive(Default)]
struct DispatcherState {
    matcher: Matcher,
    channels: HashMap<ChannelId, Arc<ChannelState>>,
    last_id: ChannelId,
    is_running: bool,
}

impl Dispatcher {
    pub(super) fn new(feed: Feed) -> Self {
        let (position, state) = (DispatchPosition::default(), Mutex::default());
        Self(Arc::new(Inner { feed, position, state, is_empty: Notify::new() }))
    }

    /// Adds the channel created from an inbox. It receives the batches after one that was the newest a moment ago.
    pub(super) fn add(
        &self,
        newest: i64,
        keys: IndexKeys,
        make: impl FnOnce(Inbox, FeedReader) -> Arc<ChannelState>,
    ) -> (ChannelId, Arc<ChannelState>) {
        let reader = self.0.feed.follow(newest);
        let mut state = self.lock();
        if !state.is_running {
            self.0.position.started.store(newest, Ordering::SeqCst);
            self.0.position.dispatched.store(newest, Ordering::SeqCst);
            state.is_running = true;
            tokio::spawn(self.clone().run(reader.clone(), newest));
        }
        let channel = make(Inbox::new(newest, &self.0.position), reader);
        state.last_id += 1;
        let id = state.last_id;
        state.matcher.insert(id, keys);
        state.channels.insert(id, channel.clone());
        (id, channel)
    }

    /// Removes a channel.
    pub(super) fn remove(&self, id: ChannelId) {
        let removed; // dropped after the lock is released
        let mut state = self.lock();
        state.matcher.remove(id);
        removed = state.channels.remove(&id);
        if state.channels.is_empty() {
            self.0.is_empty.notify_one();
        }
        drop(state);
        drop(removed);
    }

    /// Its position in the feed.
    pub(super) fn position(&self) -> &DispatchPosition {
        &self.0.position
    }

    /// All batches up to this one have been passed on.
    pub(super) fn dispatched(&self) -> i64 {
        self.0.position.dispatched.load(Ordering::SeqCst)
    }

    async fn run(self, mut reader: FeedReader, mut seen: i64) {
        let running = DispatcherGuard(&self);
        let mut forgetting = interval_at(tokio::time::Instant::now() + CLEANUP_INTERVAL, CLEANUP_INTERVAL);
        forgetting.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batches = reader.next(seen) => match batches {
                    Ok(batches) => for batch in batches {
                        self.dispatch(&batch).await;
                        seen = batch.number;
                    },
                    Err(broken) => return running.end(broken.into()),
                },
                () = self.0.is_empty.notified() => {
                    let mut state = self.lock();
                    if state.channels.is_empty() {
                        state.is_running = false;
                        return;
                    }
                }
                _ = forgetting.tick() => self.drop_old_events().await,
            }
        }
    }

    /// Passes a batch to the channels that it may concern.
    async fn dispatch(&self, batch: &Batch) {
        self.0.position.started.store(batch.number, Ordering::SeqCst);
        let mut found = HashMap::new();
        let mut evaluated = 0;
        while evaluated < batch.recorded.len() {
            evaluated += self.evaluate_step(batch, evaluated, &mut found);
            if evaluated < batch.recorded.len() {
                yield_now().await;
            }
        }
        for (at, (channel, rows)) in self.matching_channels(batch, found).into_iter().enumerate() {
            channel.receive(batch.number, rows);
            if at % CHANNELS_PER_YIELD == CHANNELS_PER_YIELD - 1 {
                yield_now().await;
            }
        }
        self.0.position.dispatched.store(batch.number, Ordering::SeqCst);
    }

    /// Finds the channels for some of the rows of a batch, and returns the number of rows. Omits channels that every
    /// batch concerns and whose filter is too expensive to evaluate here.
    fn evaluate_step(&self, batch: &Batch, from: usize, found: &mut HashMap<ChannelId, Vec<u32>>) -> usize {
        let state = self.lock();
        let channel = |id: ChannelId| state.channels.get(&id).map(|channel| (id, channel));
        let unindexed = state
            .matcher
            .channels_with_key(IndexKey::Unindexed)
            .filter_map(channel)
            .filter(|(_, channel)| channel.is_cheap());
        let unindexed: Vec<_> = unindexed.collect();
        let mut evaluations = 0;
        for (at, (_, measurement)) in batch.recorded.iter().enumerate().skip(from) {
            let Ok(row) = u32::try_from(at) else { break };
            let mut add = |(id, channel): (ChannelId, &Arc<ChannelState>)| {
                evaluations += 1;
                let is_new = found.get(&id).and_then(|rows| rows.last()) != Some(&row);
                if is_new && channel.may_match(measurement) {
                    found.entry(id).or_default().push(row);
                }
            };
            unindexed.iter().copied().for_each(&mut add);
            state.matcher.channels_of(measurement, |id| channel(id).into_iter().for_each(&mut add));
            if evaluations >= MAX_EVALUATIONS_PER_STEP || at - from + 1 >= MAX_ROWS_PER_STEP {
                return at - from + 1;
            }
        }
        batch.recorded.len() - from
    }

    /// The channels that a batch concerns, each with its rows.
    fn matching_channels(
        &self,
        batch: &Batch,
        found: HashMap<ChannelId, Vec<u32>>,
    ) -> Vec<(Arc<ChannelState>, RowSelection)> {
        let state = self.lock();
        let mut matching_channels = Vec::with_capacity(found.len());
        for (id, rows) in found {
            if let Some(channel) = state.channels.get(&id) {
                let rows =
                    if channel.is_cheap() { RowSelection::Matching(rows) } else { RowSelection::Candidates(rows) };
                matching_channels.push((channel.clone(), rows));
            }
        }
        let unindexed = state.matcher.channels_with_key(IndexKey::Unindexed).filter(|id| {
            state.channels.get(id).is_some_and(|channel| match channel.topic() {
                Topic::Measurements(_) => !channel.is_cheap() && !batch.recorded.is_empty(),
                Topic::Devices(_) | Topic::Statistics(_) => !batch.devices.is_empty(),
            })
        });
        let changed =
            batch.devices.iter().flat_map(|&(_, device)| state.matcher.channels_with_key(IndexKey::ChangeOf(device)));
        let mut whole: Vec<_> = unindexed.chain(changed).collect();
        whole.sort_unstable();
        whole.dedup();
        let channel = |id: ChannelId| state.channels.get(&id).map(|channel| (channel.clone(), RowSelection::All));
        matching_channels.extend(whole.into_iter().filter_map(channel));
        matching_channels
    }

    async fn drop_old_events(&self) {
        let channels: Vec<_> = self.lock().channels.values().cloned().collect();
        for channels in channels.chunks(CHANNELS_PER_YIELD) {
            for channel in channels {
                channel.drop_old_events();
            }
            yield_now().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, DispatcherState> {
        // After a panic all channels end, which empties the index.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guard of the running dispatcher. If it panics, all subscriptions end with an error.
struct DispatcherGuard<'a>(&'a Dispatcher);

impl DispatcherGuard<'_> {
    /// Ends all channels. Channels added later start the dispatcher again.
    fn end(&self, error: ApiError) {
        let channels = {
            let mut state = self.0.lock();
            state.is_running = false;
            state.matcher = Matcher::default();
            std::mem::take(&mut state.channels)
        };
        let ChannelError(errors) = error.into();
        for channel in channels.into_values() {
            channel.close(errors.clone());
        }
    }
}

impl Drop for DispatcherGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(channel) = self.0.lock().channels.values().next() {
                channel.renderer.event_renderer().count_panic(); // counted once, however many channels end
            }
            self.end(ApiError::Internal(anyhow::anyhow!("the dispatcher of subscriptions panicked")));
        }
    }
}
