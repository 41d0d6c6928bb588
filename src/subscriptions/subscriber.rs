//! A subscriber: a position in a channel.

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

/// Maximum number of events per delivery.
const MAX_EVENTS_PER_DELIVERY: usize = 500;

/// A subscriber.
pub struct Subscriber {
    channel: Membership,
    changed: watch::Receiver<()>,
    /// Offset of the last delivered event.
    offset: FeedOffset,
    /// Whether it has reached the events of the channel; from then on it must keep up.
    is_live: bool,
    /// The chunk of stored events being read. Kept between calls, since a call may be cancelled.
    catch_up: Option<CatchUpTask>,
    /// Maximum number of events of the stored feed per chunk.
    feed_events: usize,
    /// Stored events that were read and not delivered yet.
    backlog: Option<(VecDeque<SubscriptionEvent>, FeedOffset)>,
    charge: EventCharge,
    /// When the next charge is attempted, after the budget was exhausted.
    retry_charge_at: Option<Instant>,
    _permit: Permit<CallerId>,
}

/// Progress of the subscribers of a channel, for a transport that waits for their next event.
#[derive(Clone)]
pub struct Progress(Arc<ChannelState>);

impl Progress {
    /// Offset up to which a subscriber has received everything: without later events, the end of the channel.
    #[must_use]
    pub fn reader_offset(&self, offset: FeedOffset) -> FeedOffset {
        self.0.reader_offset(offset)
    }
}

impl Subscriber {
    pub(super) fn new(channel: Membership, after: FeedOffset, charge: EventCharge, permit: Permit<CallerId>) -> Self {
        let resumable = channel.state.topic().is_resumable();
        let offset = if resumable { after } else { FeedOffset::after(0) };
        Self {
            changed: channel.state.ring.watch(),
            channel,
            offset,
            is_live: false,
            catch_up: None,
            feed_events: backlog::MAX_CHUNK_EVENTS,
            backlog: None,
            charge,
            retry_charge_at: None,
            _permit: permit,
        }
    }

    /// The next events. Cancel-safe.
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
                    _ = self.changed.changed().await; // never fails: the channel holds the sender
                }
                RingRead::Overrun if !self.is_resumable() => {
                    if let Some(newest) = channel.ring.newest()
                        && let Some(next) = self.send(vec![newest])
                    {
                        return next; // only the newest result is sent
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

    /// Offset of its last delivered event; `None` if it can't be resumed.
    #[must_use]
    pub fn offset(&self) -> Option<FeedOffset> {
        self.is_resumable().then(|| self.channel.state.reader_offset(self.offset))
    }

    /// Progress in the channel; `None` if it can't be resumed.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.is_resumable().then(|| Progress(self.channel.state.clone()))
    }

    fn is_resumable(&self) -> bool {
        self.channel.state.topic().is_resumable()
    }

    /// Events of the channel, as many as the budget allows; `None` if it is too small for one.
    fn send(&mut self, mut items: Vec<(FeedOffset, bytes::Bytes)>) -> Option<Delivery> {
        items.truncate(self.charge(items.len())?);
        self.offset = items.last().map_or(self.offset, |&(offset, _)| offset);
        let is_resumable = self.is_resumable();
        let event = |(offset, payload)| SubscriptionEvent { offset: is_resumable.then_some(offset), payload };
        Some(Delivery::Events(items.into_iter().map(event).collect()))
    }

    /// Sends stored events in the same way. The rest is kept.
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

    /// Number of events, of `count`, that were charged and may be sent.
    fn charge(&mut self, count: usize) -> Option<usize> {
        let charged = self.charge.charge(count);
        charged.map_err(|wait: Duration| self.retry_charge_at = Some(Instant::now() + wait)).ok()
    }
}
