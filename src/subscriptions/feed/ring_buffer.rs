//! The newest items of a stream, for any number of readers, each at a place of its own. Nothing is held for a reader: it
//! is only a place, and whoever is slower than items are let go is told that it missed some.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::feed::FeedOffset;

/// How much a ring holds at most.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Items.
    pub items: usize,
    /// Bytes of all items.
    pub bytes: usize,
}

/// The newest items of a stream.
#[derive(Debug)]
pub struct RingBuffer<T> {
    state: Mutex<RingState<T>>,
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct RingState<T> {
    items: VecDeque<RingItem<T>>,
    bytes: usize,
    /// Whoever is before this has missed something that was let go.
    from: FeedOffset,
    /// Everything up to this was put in.
    to: FeedOffset,
}

/// One item on its way into a ring.
#[derive(Clone, Debug)]
pub struct RingItem<T> {
    /// Where it stands in the feed.
    pub offset: FeedOffset,
    /// What it takes of the bound.
    pub bytes: usize,
    /// The item, cheap to clone.
    pub value: T,
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingRead<T> {
    /// What comes next, in order; at least one.
    Items(Vec<(FeedOffset, T)>),
    /// There is nothing new.
    UpToDate,
    /// What comes next was let go.
    Overrun,
}

impl<T: Clone> RingBuffer<T> {
    /// A ring that will hold what comes after a place.
    #[must_use]
    pub fn new(begin: FeedOffset) -> Self {
        let held = RingState { items: VecDeque::new(), bytes: 0, from: begin, to: begin };
        Self { state: Mutex::new(held), changed: watch::Sender::new(()) }
    }

    /// Puts in what there is up to a place, in order, and lets the oldest items go until the rest keeps the bound: in the
    /// worst case all of them, which readers then have missed.
    pub fn push(&self, items: impl IntoIterator<Item = RingItem<T>>, to: FeedOffset, bound: RingLimits) {
        let mut held = self.lock();
        let mut any = false;
        for item in items {
            held.bytes += item.bytes;
            held.items.push_back(item);
            any = true;
        }
        held.to = held.to.max(to);
        while held.items.len() > bound.items || held.bytes > bound.bytes {
            let Some(gone) = held.items.pop_front() else { break };
            held.bytes -= gone.bytes;
            held.from = gone.offset;
        }
        drop(held);
        if any {
            self.wake();
        }
    }

    /// Moves the end on without an item.
    pub fn advance(&self, to: FeedOffset) {
        let mut held = self.lock();
        held.to = held.to.max(to);
    }

    /// Removes the items up to a place, which readers before it have missed then.
    pub fn drop_until(&self, until: FeedOffset) {
        let mut held = self.lock();
        while let Some(oldest) = held.items.front().filter(|item| item.offset <= until) {
            let (place, bytes) = (oldest.offset, oldest.bytes);
            held.items.pop_front();
            held.bytes -= bytes;
            held.from = place;
        }
        if held.items.is_empty() {
            held.items = VecDeque::new();
        }
    }

    /// Bytes of the items that are held.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// What comes after a place, not more than `most`.
    pub fn read_after(&self, place: FeedOffset, most: usize) -> RingRead<T> {
        let held = self.lock();
        if place < held.from {
            return RingRead::Overrun;
        }
        let first = held.items.partition_point(|item| item.offset <= place);
        let items: Vec<_> =
            held.items.iter().skip(first).take(most).map(|item| (item.offset, item.value.clone())).collect();
        if items.is_empty() { RingRead::UpToDate } else { RingRead::Items(items) }
    }

    /// The newest item, where one is held.
    pub fn newest(&self) -> Option<(FeedOffset, T)> {
        self.lock().items.back().map(|item| (item.offset, item.value.clone()))
    }

    /// Up to where everything was put in.
    pub fn end_offset(&self) -> FeedOffset {
        self.lock().to
    }

    /// How far a reader at this place has got: where nothing is left for it, that is the end.
    pub fn reader_offset(&self, place: FeedOffset) -> FeedOffset {
        let held = self.lock();
        let is_up_to_date = place >= held.from && held.items.back().is_none_or(|newest| newest.offset <= place);
        if is_up_to_date { place.max(held.to) } else { place }
    }

    /// Tells when something was put in: mark it as seen, look, and wait for the next change.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Wakes all readers.
    pub fn wake(&self) {
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, RingState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // nothing in here panics half-way
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(number: i64, bytes: usize) -> RingItem<i64> {
        RingItem { offset: FeedOffset::after(number), bytes, value: number }
    }

    proptest! {
        /// Whoever reads a ring gets exactly what comes after its place, or is told that something of it is gone.
        #[test]
        fn readers_get_all_items_or_an_overrun(
            pushes in prop::collection::vec(prop::collection::vec(0..20_usize, 0..5), 0..20),
            (items, bytes) in (0..8_usize, 0..60_usize),
            place in 0..40_i64,
            most in 1..5_usize,
        ) {
            let ring = RingBuffer::new(FeedOffset::after(3));
            let mut all: Vec<(i64, usize)> = Vec::new();
            let mut number = 3;
            for push in pushes {
                let first = all.len();
                for bytes in push {
                    number += 1 + i64::from(bytes == 7); // numbers may be left out
                    all.push((number, bytes));
                }
                let new = all[first..].iter().map(|&(number, bytes)| item(number, bytes));
                ring.push(new, FeedOffset::after(number), RingLimits { items, bytes });
            }
            // The newest that together keep the bound.
            let kept = (0..=all.len()).find(|&from| {
                all.len() - from <= items && all[from..].iter().map(|(_, bytes)| bytes).sum::<usize>() <= bytes
            }).expect("at last none");
            let gone = if kept == 0 { 3 } else { all[kept - 1].0 };
            let expected: Vec<_> =
                all.iter().filter(|(number, _)| *number > place).take(most).map(|&(number, _)| (FeedOffset::after(number), number)).collect();
            let read = ring.read_after(FeedOffset::after(place), most);
            if place < gone {
                prop_assert_eq!(read, RingRead::Overrun);
            } else if expected.is_empty() {
                prop_assert_eq!(read, RingRead::UpToDate);
                prop_assert_eq!(ring.reader_offset(FeedOffset::after(place)), FeedOffset::after(number.max(place)));
            } else {
                prop_assert_eq!(read, RingRead::Items(expected));
                prop_assert_eq!(ring.reader_offset(FeedOffset::after(place)), FeedOffset::after(place));
            }
        }
    }

    #[test]
    fn readers_before_dropped_items_get_an_overrun() {
        let ring = RingBuffer::new(FeedOffset::after(0));
        ring.push([item(1, 5), item(2, 5)], FeedOffset::after(2), RingLimits { items: 9, bytes: 99 });
        ring.drop_until(FeedOffset::after(1));
        assert_eq!(ring.read_after(FeedOffset::after(0), 9), RingRead::Overrun);
        assert_eq!(ring.read_after(FeedOffset::after(1), 9), RingRead::Items(vec![(FeedOffset::after(2), 2)]));
        ring.drop_until(FeedOffset::after(7));
        ring.advance(FeedOffset::after(9));
        ring.advance(FeedOffset::after(8));
        assert_eq!(ring.read_after(FeedOffset::after(2), 9), RingRead::UpToDate);
        assert_eq!((ring.reader_offset(FeedOffset::after(2)), ring.lock().bytes), (FeedOffset::after(9), 0));
    }

    #[tokio::test]
    async fn waiting_reader_is_woken() {
        let ring = RingBuffer::new(FeedOffset::after(0));
        let mut changed = ring.watch();
        changed.borrow_and_update();
        assert_eq!(ring.read_after(FeedOffset::after(0), 9), RingRead::UpToDate);
        ring.push([item(1, 1)], FeedOffset::after(1), RingLimits { items: 9, bytes: 9 });
        changed.changed().await.expect("the ring is there");
        assert_eq!(ring.read_after(FeedOffset::after(0), 9), RingRead::Items(vec![(FeedOffset::after(1), 1)]));
    }
}
