//! Somebody who subscribed: a place in a channel.

use std::sync::Arc;

use async_graphql::Response;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{
    Event, Next,
    catch_up::{Missed, catch_up},
    channel::{Channel, Outlet, Stop},
};
use crate::{domain::feed::Place, feed::ring::Read};

/// Events that are handed over at once at most.
const AT_ONCE: usize = 500;

/// Somebody who subscribed.
pub struct Subscriber {
    channel: Arc<Channel>,
    changed: watch::Receiver<()>,
    /// Right after what it has heard so far.
    place: Place,
    /// Whether it has reached what the channel holds; from then on it has to keep up.
    is_live: bool,
    /// The stored events that are being read for it. Kept from one call to the next, since a call may be given up.
    missed: Option<BoxFuture<'static, Result<Missed, Stop>>>,
    _seat: OwnedSemaphorePermit,
}

/// How far those who subscribed to something get, for who can't ask them while they wait for what is next.
#[derive(Clone)]
pub struct Progress(Arc<Outlet>);

impl Progress {
    /// How far somebody has got who took all up to this place: where nothing else is left for them, that is the end.
    #[must_use]
    pub fn reached(&self, place: Place) -> Place {
        self.0.ring.reached(place)
    }
}

impl Subscriber {
    pub(super) fn new(channel: Arc<Channel>, after: Place, seat: OwnedSemaphorePermit) -> Self {
        let resumable = channel.outlet.source.topic.is_resumable();
        let place = if resumable { after } else { Place::after(0) };
        Self { changed: channel.outlet.ring.watch(), channel, place, is_live: false, missed: None, _seat: seat }
    }

    /// What comes next. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Next {
        loop {
            if let Some(missed) = &mut self.missed {
                let read = missed.await;
                self.missed = None;
                match read {
                    Ok(Missed { events, until }) => {
                        self.place = until;
                        if !events.is_empty() {
                            return Next::Events(events);
                        }
                    }
                    Err(Stop(errors)) => return Next::Failed(Box::new(Response::from_errors(errors))),
                }
            }
            self.changed.borrow_and_update();
            let outlet = &self.channel.outlet;
            match outlet.ring.after(self.place, AT_ONCE) {
                Read::Items(items) => {
                    self.is_live = true;
                    return self.hear(items);
                }
                Read::UpToDate => {
                    self.is_live = true;
                    if let Some(closed) = outlet.closed() {
                        return Next::Failed(closed);
                    }
                    _ = self.changed.changed().await; // the sender is in the channel that we hold
                }
                Read::Overrun if !self.is_resumable() => {
                    if let Some(newest) = outlet.ring.newest() {
                        return self.hear(vec![newest]); // only the newest is of interest
                    }
                }
                Read::Overrun if self.is_live => return Next::TooSlow(self.place),
                Read::Overrun => match outlet.closed() {
                    Some(closed) => return Next::Failed(closed),
                    None => self.missed = Some(Box::pin(catch_up(outlet.clone(), self.place))),
                },
            }
        }
    }

    /// After what it has heard so far; none for what can't be resumed.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.is_resumable().then(|| self.channel.outlet.ring.reached(self.place))
    }

    /// How far they get; none for what can't be resumed.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.is_resumable().then(|| Progress(self.channel.outlet.clone()))
    }

    fn is_resumable(&self) -> bool {
        self.channel.outlet.source.topic.is_resumable()
    }

    fn hear(&mut self, items: Vec<(Place, bytes::Bytes)>) -> Next {
        self.place = items.last().map_or(self.place, |&(place, _)| place);
        let is_resumable = self.is_resumable();
        let event = |(place, payload)| Event { place: is_resumable.then_some(place), payload };
        Next::Events(items.into_iter().map(event).collect())
    }
}
