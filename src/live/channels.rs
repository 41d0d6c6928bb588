//! The channels that there are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::{
    channel::{Channel, Source},
    members::{Members, Membership},
    quotas::Quotas,
};
use crate::{
    auth::Caller,
    budget::Payer,
    domain::api_key::ApiKeyId,
    error::ApiError,
    graphql::subscription::{answers::Answers, topic::Topic},
};

/// What an event's selection takes of memory beside its text, as a multiple of it: the parsed document.
const PARSED_DOCUMENT_FACTOR: usize = 8;

/// What subscriptions must have in common to be told the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// What is told of an event.
    selected: String,
    topic: Topic,
    /// What is told may depend on who is asking.
    caller: Option<ApiKeyId>,
}

impl Key {
    pub(super) fn new(answers: &Answers, topic: Topic, caller: &Caller) -> Self {
        Self { selected: answers.selected().to_owned(), topic, caller: caller.api_key() }
    }

    /// Bytes of memory that a channel's filter and selection take, about.
    fn size(&self) -> usize {
        self.selected.len() * (1 + PARSED_DOCUMENT_FACTOR) + self.topic.size()
    }
}

/// The channels of a gateway. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Channels(Arc<Mutex<HashMap<Arc<Key>, Weak<Channel>>>>);

impl Channels {
    /// Subscribes a caller to the channel of that key; a new one where there is none.
    ///
    /// # Errors
    /// When the caller, or all callers together, have too many channels.
    pub(super) fn join(
        &self,
        key: Key,
        source: Source,
        newest: i64,
        caller: Payer,
        quotas: &Quotas,
    ) -> Result<Membership, ApiError> {
        let found; // dropped after the lock is released: the last reference to a channel takes the lock
        let size = key.size();
        let mut channels = self.lock();
        found = channels.get(&key).and_then(Weak::upgrade);
        if let Some(channel) = found.as_ref().filter(|channel| channel.outlet.closed().is_none()) {
            channel.members.add(caller, || quotas.channel_of_caller(caller, size))?;
            return Ok(Membership::new(channel.clone(), caller));
        }
        let members = Members::default();
        members.add(caller, || quotas.channel_of_caller(caller, size))?;
        let permit = quotas.channel(size)?;
        let key = Arc::new(key);
        let channel = Channel::start(key.clone(), self.clone(), source, newest, members, permit);
        channels.insert(key, Arc::downgrade(&channel));
        Ok(Membership::new(channel, caller))
    }

    /// Takes a channel out, as it ends.
    pub(super) fn leave(&self, channel: &Channel) {
        let mut channels = self.lock();
        if channels.get(channel.key()).is_some_and(|of_key| std::ptr::eq(of_key.as_ptr(), channel)) {
            channels.remove(channel.key());
        }
    }

    /// The channels that tell the feed.
    pub(super) fn of_feed(&self) -> Vec<Arc<Channel>> {
        let mut channels; // dropped after the lock is: the last one of a channel takes it
        channels = self.lock().values().filter_map(Weak::upgrade).collect::<Vec<_>>();
        channels.retain(|channel| channel.outlet.source.topic.is_resumable());
        channels
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Weak<Channel>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a map is whole after any panic
    }
}
