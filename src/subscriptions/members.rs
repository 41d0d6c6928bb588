//! The callers that subscribe to a channel.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::channel::Channel;
use crate::limits::{Permit, rate_limit::CallerId};

/// The callers of one channel, each with its number of subscriptions.
#[derive(Default)]
pub(super) struct ChannelMembers(Mutex<HashMap<CallerId, Member>>);

struct Member {
    subscriptions: usize,
    _permit: Permit<CallerId>,
}

/// A caller's subscription to a channel. The channel exists while it has any.
pub(super) struct Membership {
    channel: Arc<Channel>,
    caller: CallerId,
}

impl ChannelMembers {
    /// Adds a subscription of a caller. The first one of a caller takes a permit.
    ///
    /// # Errors
    /// When there is no permit.
    pub(super) fn add<E>(
        &self,
        caller: CallerId,
        permit: impl FnOnce() -> Result<Permit<CallerId>, E>,
    ) -> Result<(), E> {
        let mut members = self.lock();
        if let Some(member) = members.get_mut(&caller) {
            member.subscriptions += 1;
        } else {
            members.insert(caller, Member { subscriptions: 1, _permit: permit()? });
        }
        Ok(())
    }

    /// The caller with the least load; `None` when the channel is about to end.
    pub(super) fn least_loaded(&self, load: impl Fn(CallerId) -> usize) -> CallerId {
        let mut least = (usize::MAX, CallerId::Address(Ipv4Addr::UNSPECIFIED.into()));
        for &caller in self.lock().keys() {
            let load = load(caller);
            if load < least.0 {
                least = (load, caller);
            }
            if load == 0 {
                break;
            }
        }
        least.1
    }

    /// The maximum of a value over the callers.
    pub(super) fn max(&self, value: impl Fn(CallerId) -> usize) -> usize {
        self.lock().keys().map(|&caller| value(caller)).max().unwrap_or(0)
    }

    fn remove(&self, caller: CallerId) {
        let mut members = self.lock();
        if let Some(member) = members.get_mut(&caller) {
            member.subscriptions -= 1;
            if member.subscriptions == 0 {
                members.remove(&caller);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CallerId, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic leaves no partial change
    }
}

impl Membership {
    /// For a caller that was [added](ChannelMembers::add).
    pub(super) fn new(channel: Arc<Channel>, caller: CallerId) -> Self {
        Self { channel, caller }
    }
}

impl Deref for Membership {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.channel
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.channel.state.members.remove(self.caller);
    }
}
