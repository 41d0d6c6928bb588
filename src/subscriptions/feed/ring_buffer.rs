//! A ring buffer of the newest items of a stream, for any number of readers, each with an offset of its own. No item is
//! held for a reader: a reader behind the oldest item gets [`RingRead::Overrun`].

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::feed::FeedOffset;

/// Limits of a ring.
#[derive(Clone, Copy, Debug)]
pub struct RingLimits {
    /// Maximum number of items.
    pub items: usize,
    /// Maximum bytes of all items.
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
    /// Readers before this offset have missed evicted items.
    from: FeedOffset,
    /// The ring is complete up to this offset.
    to: FeedOffset,
}

/// An item to append.
#[derive(Clone, Debug)]
pub struct RingItem<T> {
    /// Its offset in the feed.
    pub offset: FeedOffset,
    /// Its size, for the limit.
    pub bytes: usize,
    /// The item, cheap to clone.
    pub value: T,
}

/// Result of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingRead<T> {
    /// The next items, in order; at least one.
    Items(Vec<(FeedOffset, T)>),
    /// There are no new items.
    UpToDate,
    /// The next item was evicted.
    Overrun,
}

impl<T: Clone> RingBuffer<T> {
    /// An empty ring that starts after an offset.
    #[must_use]
    pub fn new(begin: FeedOffset) -> Self {
        let held = RingState { items: VecDeque::new(), bytes: 0, from: begin, to: begin };
        Self { state: Mutex::new(held), changed: watch::Sender::new(()) }
    }

    /// Appends the items up to an offset, in order, and evicts the oldest items until the rest is within the limits. In
    /// the worst case all items are evicted, and readers have missed them.
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

    /// Advances the end without an item.
    pub fn advance(&self, to: FeedOffset) {
        let mut held = self.lock();
        held.to = held.to.max(to);
    }

    /// Removes the items up to an offset. Readers before it have missed them.
    pub fn drop_until(&self, until: FeedOffset) {
        let mut held = self.lock();
        while let Some(oldest) = held.items.front().filter(|item| item.offset <= until) {
            let (offset, bytes) = (oldest.offset, oldest.bytes);
            held.items.pop_front();
            held.bytes -= bytes;
            held.from = offset;
        }
        if held.items.is_empty() {
            held.items = VecDeque::new();
        }
    }

    /// Bytes of the held items.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The items after an offset, at limit `limit`.
    pub fn read_after(&self, offset: FeedOffset, limit: usize) -> RingRead<T> {
        let held = self.lock();
        if offset < held.from {
            return RingRead::Overrun;
        }
        let first = held.items.partition_point(|item| item.offset <= offset);
        let items: Vec<_> =
            held.items.iter().skip(first).take(limit).map(|item| (item.offset, item.value.clone())).collect();
        if items.is_empty() { RingRead::UpToDate } else { RingRead::Items(items) }
    }

    /// The newest held item.
    pub fn newest(&self) -> Option<(FeedOffset, T)> {
        self.lock().items.back().map(|item| (item.offset, item.value.clone()))
    }

    /// The ring is complete up to this offset.
    pub fn end_offset(&self) -> FeedOffset {
        self.lock().to
    }

    /// Offset up to which a reader has received everything: without later items, the end of the ring.
    pub fn reader_offset(&self, offset: FeedOffset) -> FeedOffset {
        let held = self.lock();
        let is_up_to_date = offset >= held.from && held.items.back().is_none_or(|newest| newest.offset <= offset);
        if is_up_to_date { offset.max(held.to) } else { offset }
    }

    /// Notified after each change: mark the value as seen, read, then wait for the next change.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Wakes all readers.
    pub fn wake(&self) {
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, RingState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // no code in here panics between two updates
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
        /// A reader gets exactly the items after its offset, or an overrun if one of them was evicted.
        #[test]
        fn readers_get_all_items_or_an_overrun(
            pushes in prop::collection::vec(prop::collection::vec(0..20_usize, 0..5), 0..20),
            (items, bytes) in (0..8_usize, 0..60_usize),
            offset in 0..40_i64,
            limit in 1..5_usize,
        ) {
            let ring = RingBuffer::new(FeedOffset::after(3));
            let mut all: Vec<(i64, usize)> = Vec::new();
            let mut number = 3;
            for push in pushes {
                let first = all.len();
                for bytes in push {
                    number += 1 + i64::from(bytes == 7); // numbers may be skipped
                    all.push((number, bytes));
                }
                let new = all[first..].iter().map(|&(number, bytes)| item(number, bytes));
                ring.push(new, FeedOffset::after(number), RingLimits { items, bytes });
            }
            // The newest items that are within the limits.
            let kept = (0..=all.len()).find(|&from| {
                all.len() - from <= items && all[from..].iter().map(|(_, bytes)| bytes).sum::<usize>() <= bytes
            }).expect("at last none");
            let gone = if kept == 0 { 3 } else { all[kept - 1].0 };
            let expected: Vec<_> =
                all.iter().filter(|(number, _)| *number > offset).take(limit).map(|&(number, _)| (FeedOffset::after(number), number)).collect();
            let read = ring.read_after(FeedOffset::after(offset), limit);
            if offset < gone {
                prop_assert_eq!(read, RingRead::Overrun);
            } else if expected.is_empty() {
                prop_assert_eq!(read, RingRead::UpToDate);
                prop_assert_eq!(ring.reader_offset(FeedOffset::after(offset)), FeedOffset::after(number.max(offset)));
            } else {
                prop_assert_eq!(read, RingRead::Items(expected));
                prop_assert_eq!(ring.reader_offset(FeedOffset::after(offset)), FeedOffset::after(offset));
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
