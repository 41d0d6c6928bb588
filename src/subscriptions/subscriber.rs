//! A subscriber: a place in a channel.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_graphql::Response;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Delivery, SubscriptionEvent,
    catch_up::{CatchUpTask, ChunkLimits, MissedEvents},
    channel::ChannelState,
    channel_error::ChannelError,
    event_charge::EventCharge,
    feed::{backlog, ring_buffer::RingRead},
    members::Membership,
};
use crate::{
    domain::feed::FeedOffset,
    limits::{Permit, rate_limit::CallerId},
};

/// Events that are handed over at once at most.
const MAX_EVENTS_PER_DELIVERY: usize = 500;

/// A subscriber.
pub struct Subscriber {
    channel: Membership,
    changed: watch::Receiver<()>,
    /// Right after the last event that was handed over.
    offset: FeedOffset,
    /// Whether it has reached what the channel holds; from then on it has to keep up.
    is_live: bool,
    /// The stored events that are being read for it. Kept from one call to the next, since a call may be cancelled.
    catch_up: Option<CatchUpTask>,
    /// How many events of the stored feed are read at once.
    feed_events: usize,
    /// Stored events that were read and not handed over yet.
    backlog: Option<(VecDeque<SubscriptionEvent>, FeedOffset)>,
    charge: EventCharge,
    /// When the caller's budget is tried again, after it did not suffice.
    retry_charge_at: Option<Instant>,
    _permit: Permit<CallerId>,
}

/// How far the subscribers of a channel get, for a transport that waits for their next event.
#[derive(Clone)]
pub struct Progress(Arc<ChannelState>);

impl Progress {
    /// How far a subscriber at this place has got: when no event follows, that is the end of the channel.
    #[must_use]
    pub fn reader_offset(&self, place: FeedOffset) -> FeedOffset {
        self.0.reader_offset(place)
    }
}

impl Subscriber {
    pub(super) fn new(channel: Membership, after: FeedOffset, charge: EventCharge, permit: Permit<CallerId>) -> Self {
        let resumable = channel.state.topic().is_resumable();
        let place = if resumable { after } else { FeedOffset::after(0) };
        Self {
            changed: channel.state.ring.watch(),
            channel,
            offset: place,
            is_live: false,
            catch_up: None,
            feed_events: backlog::MAX_CHUNK_EVENTS,
            backlog: None,
            charge,
            retry_charge_at: None,
            _permit: permit,
        }
    }

    /// The next events. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Delivery {
        loop {
            if let Some(at) = self.retry_charge_at {
                sleep_until(at).await;
                self.retry_charge_at = None;
            }
            if let Some(reading) = &mut self.catch_up {
                let read = reading.join().await;
                self.catch_up = None;
                match read {
                    Ok(MissedEvents { events, until, next_limits: chunk }) => {
                        self.backlog = Some((events.into(), until));
                        self.feed_events = chunk.feed_events;
                    }
                    Err(ChannelError(errors)) => return Delivery::Failed(Box::new(Response::from_errors(errors))),
                }
            }
            if let Some((events, until)) = self.backlog.take() {
                if let Some(next) = self.send_backlog(events, until) {
                    return next;
                }
                continue;
            }
            self.changed.borrow_and_update();
            let channel = &self.channel.state;
            match channel.ring.read_after(self.offset, MAX_EVENTS_PER_DELIVERY) {
                RingRead::Items(items) => {
                    self.is_live = true;
                    if let Some(next) = self.send(items) {
                        return next;
                    }
                }
                RingRead::UpToDate => {
                    self.is_live = true;
                    if let Some(closed) = channel.closed() {
                        return Delivery::Failed(closed);
                    }
                    _ = self.changed.changed().await; // the sender is in the channel that we hold
                }
                RingRead::Overrun if !self.is_resumable() => {
                    if let Some(newest) = channel.ring.newest()
                        && let Some(next) = self.send(vec![newest])
                    {
                        return next; // only the newest is of interest
                    }
                }
                RingRead::Overrun if self.is_live => return Delivery::SlowConsumer(self.offset),
                RingRead::Overrun => {
                    if let Some(closed) = channel.closed() {
                        return Delivery::Failed(closed);
                    }
                    let caller = self.charge.caller;
                    let bytes = channel.pipeline.quotas.catch_up_bytes(caller);
                    let chunk = ChunkLimits { feed_events: self.feed_events, bytes };
                    self.catch_up = Some(CatchUpTask::start(channel.clone(), caller, self.offset, chunk));
                }
            }
        }
    }

    /// After the last event that it was handed; none for what can't be resumed.
    #[must_use]
    pub fn offset(&self) -> Option<FeedOffset> {
        self.is_resumable().then(|| self.channel.state.reader_offset(self.offset))
    }

    /// How far they get; none for what can't be resumed.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.is_resumable().then(|| Progress(self.channel.state.clone()))
    }

    fn is_resumable(&self) -> bool {
        self.channel.state.topic().is_resumable()
    }

    /// Events of the channel, as many as the caller's budget suffices for; none when it does not suffice for one.
    fn send(&mut self, mut items: Vec<(FeedOffset, bytes::Bytes)>) -> Option<Delivery> {
        items.truncate(self.charge(items.len())?);
        self.offset = items.last().map_or(self.offset, |&(place, _)| place);
        let is_resumable = self.is_resumable();
        let event = |(place, payload)| SubscriptionEvent { offset: is_resumable.then_some(place), payload };
        Some(Delivery::Events(items.into_iter().map(event).collect()))
    }

    /// Stored events, in the same way. What is left is kept.
    fn send_backlog(&mut self, mut events: VecDeque<SubscriptionEvent>, until: FeedOffset) -> Option<Delivery> {
        if events.is_empty() {
            self.offset = until;
            return None;
        }
        let charged = self.charge(events.len().min(MAX_EVENTS_PER_DELIVERY)).unwrap_or(0);
        let sent: Vec<_> = events.drain(..charged).collect();
        self.offset = sent.last().and_then(|event| event.offset).unwrap_or(self.offset);
        if events.is_empty() {
            self.offset = until;
        } else {
            self.backlog = Some((events, until));
        }
        (!sent.is_empty()).then_some(Delivery::Events(sent))
    }

    /// How many of so many events are charged and may be sent.
    fn charge(&mut self, count: usize) -> Option<usize> {
        let charged = self.charge.charge(count);
        charged.map_err(|wait: Duration| self.retry_charge_at = Some(Instant::now() + wait)).ok()
    }
}
