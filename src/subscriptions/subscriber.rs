//! A subscriber: a place in a channel.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_graphql::Response;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Event, Next,
    catch_up::{CatchUpTask, Chunk, MissedEvents},
    channel::ChannelState,
    charge::EventCharge,
    feed::{backlog, ring_buffer::Read},
    members::Membership,
    stop::ChannelError,
};
use crate::{
    domain::feed::Place,
    limits::{Permit, rate_limit::CallerId},
};

/// Events that are handed over at once at most.
const MAX_EVENTS_PER_DELIVERY: usize = 500;

/// A subscriber.
pub struct Subscriber {
    channel: Membership,
    changed: watch::Receiver<()>,
    /// Right after the last event that was handed over.
    place: Place,
    /// Whether it has reached what the channel holds; from then on it has to keep up.
    is_live: bool,
    /// The stored events that are being read for it. Kept from one call to the next, since a call may be cancelled.
    reading: Option<CatchUpTask>,
    /// How many events of the stored feed are read at once.
    feed_events: usize,
    /// Stored events that were read and not handed over yet.
    missed: Option<(VecDeque<Event>, Place)>,
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
    pub fn reached(&self, place: Place) -> Place {
        self.0.reached(place)
    }
}

impl Subscriber {
    pub(super) fn new(channel: Membership, after: Place, charge: EventCharge, permit: Permit<CallerId>) -> Self {
        let resumable = channel.state.topic().is_resumable();
        let place = if resumable { after } else { Place::after(0) };
        Self {
            changed: channel.state.ring.watch(),
            channel,
            place,
            is_live: false,
            reading: None,
            feed_events: backlog::MAX_EVENTS,
            missed: None,
            charge,
            retry_charge_at: None,
            _permit: permit,
        }
    }

    /// The next events. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Next {
        loop {
            if let Some(at) = self.retry_charge_at {
                sleep_until(at).await;
                self.retry_charge_at = None;
            }
            if let Some(reading) = &mut self.reading {
                let read = reading.finish().await;
                self.reading = None;
                match read {
                    Ok(MissedEvents { events, until, chunk }) => {
                        self.missed = Some((events.into(), until));
                        self.feed_events = chunk.feed_events;
                    }
                    Err(ChannelError(errors)) => return Next::Failed(Box::new(Response::from_errors(errors))),
                }
            }
            if let Some((events, until)) = self.missed.take() {
                if let Some(next) = self.send_backlog(events, until) {
                    return next;
                }
                continue;
            }
            self.changed.borrow_and_update();
            let channel = &self.channel.state;
            match channel.ring.after(self.place, MAX_EVENTS_PER_DELIVERY) {
                Read::Items(items) => {
                    self.is_live = true;
                    if let Some(next) = self.send(items) {
                        return next;
                    }
                }
                Read::UpToDate => {
                    self.is_live = true;
                    if let Some(closed) = channel.closed() {
                        return Next::Failed(closed);
                    }
                    _ = self.changed.changed().await; // the sender is in the channel that we hold
                }
                Read::Overrun if !self.is_resumable() => {
                    if let Some(newest) = channel.ring.newest()
                        && let Some(next) = self.send(vec![newest])
                    {
                        return next; // only the newest is of interest
                    }
                }
                Read::Overrun if self.is_live => return Next::SlowConsumer(self.place),
                Read::Overrun => {
                    if let Some(closed) = channel.closed() {
                        return Next::Failed(closed);
                    }
                    let caller = self.charge.caller;
                    let bytes = channel.pipeline.quotas.catch_up_bytes(caller);
                    let chunk = Chunk { feed_events: self.feed_events, bytes };
                    self.reading = Some(CatchUpTask::start(channel.clone(), caller, self.place, chunk));
                }
            }
        }
    }

    /// After the last event that it was handed; none for what can't be resumed.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.is_resumable().then(|| self.channel.state.reached(self.place))
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
    fn send(&mut self, mut items: Vec<(Place, bytes::Bytes)>) -> Option<Next> {
        items.truncate(self.charged(items.len())?);
        self.place = items.last().map_or(self.place, |&(place, _)| place);
        let is_resumable = self.is_resumable();
        let event = |(place, payload)| Event { place: is_resumable.then_some(place), payload };
        Some(Next::Events(items.into_iter().map(event).collect()))
    }

    /// Stored events, in the same way. What is left is kept.
    fn send_backlog(&mut self, mut events: VecDeque<Event>, until: Place) -> Option<Next> {
        if events.is_empty() {
            self.place = until;
            return None;
        }
        let charged = self.charged(events.len().min(MAX_EVENTS_PER_DELIVERY)).unwrap_or(0);
        let sent: Vec<_> = events.drain(..charged).collect();
        self.place = sent.last().and_then(|event| event.place).unwrap_or(self.place);
        if events.is_empty() {
            self.place = until;
        } else {
            self.missed = Some((events, until));
        }
        (!sent.is_empty()).then_some(Next::Events(sent))
    }

    /// How many of so many events are charged and may be sent.
    fn charged(&mut self, count: usize) -> Option<usize> {
        let charged = self.charge.charge(count);
        charged.map_err(|wait: Duration| self.retry_charge_at = Some(Instant::now() + wait)).ok()
    }
}
