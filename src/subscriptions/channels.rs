//! Registry of the channels.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::{
    channel::{Channel, NewChannel, SubscriptionPipeline},
    matcher,
    members::{ChannelMembers, Membership},
    quotas::Quotas,
    render_cache::TotalRenderedBytes,
    renderer::Renderer,
};
use crate::{
    api_error::ApiError,
    auth::Caller,
    domain::api_key::ApiKeyId,
    graphql::subscriptions::{render::EventRenderer, topic::Topic},
    limits::rate_limit::CallerId,
};

/// Memory of a parsed selection, as a multiple of the size of its text.
const PARSED_DOCUMENT_FACTOR: usize = 8;

/// Identifies a channel: subscriptions with the same key have the same events.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ChannelKey {
    render_key: RenderKey,
    topic: Topic,
}

/// Identifies a rendering: channels with the same key render an event identically.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RenderKey {
    selected: Arc<str>,
    /// Set because some fields depend on the API key.
    caller: Option<ApiKeyId>,
}

impl ChannelKey {
    pub(super) fn new(event_renderer: &EventRenderer, topic: Topic, caller: &Caller) -> Self {
        Self {
            render_key: RenderKey { selected: event_renderer.selection_text().into(), caller: caller.api_key_id() },
            topic,
        }
    }

    pub(super) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Approximate memory of a channel's filter and selection, in bytes.
    fn size(&self) -> usize {
        self.render_key.selected.len() * (1 + PARSED_DOCUMENT_FACTOR) + self.topic.memory_bytes()
    }
}

/// The channels of a gateway. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Channels(Arc<Mutex<ChannelRegistry>>);

#[derive(Default)]
struct ChannelRegistry {
    channels: HashMap<Arc<ChannelKey>, Weak<Channel>>,
    /// Renderers of the channels, and of some that ended.
    renderers: HashMap<RenderKey, Weak<Renderer>>,
    rendered_bytes: TotalRenderedBytes,
}

impl Channels {
    /// Subscribes a caller to the channel of that key; creates the channel if it doesn't exist.
    ///
    /// # Errors
    /// When the caller, or all callers together, have too many channels.
    pub(super) fn join(
        &self,
        key: ChannelKey,
        event_renderer: EventRenderer,
        pipeline: &Arc<SubscriptionPipeline>,
        newest: i64,
        caller: CallerId,
    ) -> Result<Membership, ApiError> {
        let (size, quotas) = (key.size(), &pipeline.quotas);
        if let Some(joined) = self.join_existing(&key, caller, quotas) {
            return joined;
        }
        let index_keys = matcher::index_keys(&key.topic); // outside the lock, as it may take milliseconds
        if let Some(joined) = self.join_existing(&key, caller, quotas) {
            return joined;
        }
        let mut state = self.lock();
        let members = ChannelMembers::default();
        members.add(caller, || quotas.channel_of_caller(caller, size))?;
        let permit = quotas.channel(size)?;
        let events_at_once = event_renderer.batch_size();
        let renderer = state.renderer(&key.render_key, event_renderer);
        let key = Arc::new(key);
        let new =
            NewChannel { key: key.clone(), index_keys, renderer, members, permit, max_chunk_size: events_at_once };
        let channel = Channel::start(new, pipeline, newest);
        channel.state.add_member(caller);
        // Two concurrent subscriptions may each start one: both work, and later ones share the second.
        state.channels.insert(key, Arc::downgrade(&channel));
        Ok(Membership::new(channel, caller))
    }

    fn join_existing(
        &self,
        key: &ChannelKey,
        caller: CallerId,
        quotas: &Quotas,
    ) -> Option<Result<Membership, ApiError>> {
        let found = self.lock().channels.get(key).and_then(Weak::upgrade);
        let channel = found.filter(|channel| channel.state.closed().is_none())?;
        let added = channel.state.members.add(caller, || quotas.channel_of_caller(caller, key.size()));
        channel.state.add_member(caller);
        Some(added.map(|()| Membership::new(channel, caller)))
    }

    /// Removes a channel that ends.
    pub(super) fn leave(&self, channel: &Channel) {
        let mut state = self.lock();
        let key = channel.key();
        if state.channels.get(key).is_some_and(|of_key| std::ptr::eq(of_key.as_ptr(), channel)) {
            state.channels.remove(key);
        }
        if state.renderers.len() > 2 * state.channels.len() {
            state.renderers.retain(|_, renderer| renderer.strong_count() > 0);
        }
    }

    /// The channels that receive batches of the feed.
    pub(super) fn list_feed_channels(&self) -> Vec<Arc<Channel>> {
        let mut channels; // dropped after the lock is released: the last reference to a channel takes the lock
        channels = self.lock().channels.values().filter_map(Weak::upgrade).collect::<Vec<_>>();
        channels.retain(|channel| channel.state.topic().is_resumable());
        channels
    }

    /// Number of channels.
    pub(super) fn count(&self) -> usize {
        self.lock().channels.len()
    }

    fn lock(&self) -> MutexGuard<'_, ChannelRegistry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves a consistent state
    }
}

impl ChannelRegistry {
    /// The renderer that channels of this rendering share.
    fn renderer(&mut self, rendering: &RenderKey, event_renderer: EventRenderer) -> Arc<Renderer> {
        if let Some(renderer) = self.renderers.get(rendering).and_then(Weak::upgrade) {
            return renderer;
        }
        let renderer = Arc::new(Renderer::new(event_renderer, self.rendered_bytes.clone()));
        self.renderers.insert(rendering.clone(), Arc::downgrade(&renderer));
        renderer
    }
}
