//! What a channel has yet to process: the numbers of batches that may concern it.
//!
//! The dispatcher adds to it, and one task of the channel at a time empties it. It holds no batches: these are in memory once, in
//! the ring of the feed. A channel with too long a list drops it and reads the feed by itself from there on, until it has
//! caught up with the dispatcher.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::task::AbortHandle;

/// How much is listed at most; a row takes 4 bytes.
const MAX_INBOX_BATCHES: usize = 256;
const MAX_INBOX_ROWS: usize = 4096;
/// Batches that are taken at once.
const MAX_BATCHES_PER_TAKE: usize = 100;

/// Rows of a batch, by their positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowSelection {
    /// Any may match.
    All,
    /// Only these may match.
    Candidates(Vec<u32>),
    /// Exactly these match.
    Matching(Vec<u32>),
}

impl RowSelection {
    fn len(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Candidates(rows) | Self::Matching(rows) => rows.len(),
        }
    }
}

/// What is to be processed next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// These batches, by their numbers.
    Batches(Vec<(i64, RowSelection)>),
    /// All batches after this one.
    ReadFeedAfter(i64),
}

/// How far the dispatcher has got.
#[derive(Debug, Default)]
pub(super) struct DispatchPosition {
    /// The batch that was matched last, or is being matched.
    pub started: AtomicI64,
    /// All batches up to this one are in the inboxes of the channels that they may concern.
    pub dispatched: AtomicI64,
}

/// What one channel has yet to process.
pub(super) struct Inbox(Mutex<InboxState>);

struct InboxState {
    batches: VecDeque<(i64, RowSelection)>,
    rows: usize,
    /// Batches up to this one are ignored: they were processed before, or need not be.
    from: i64,
    /// After which batch the channel reads the feed by itself.
    behind: Option<i64>,
    /// Whether a task empties it.
    is_running: bool,
    task: Option<AbortHandle>,
}

impl Inbox {
    /// Of a channel that begins after a batch. When the dispatcher is past that already, the channel reads what it missed by
    /// itself.
    pub(super) fn new(from: i64, position: &DispatchPosition) -> Self {
        let is_behind = position.started.load(Ordering::SeqCst) > from;
        let behind = is_behind.then_some(from);
        Self(Mutex::new(InboxState { batches: VecDeque::new(), rows: 0, from, behind, is_running: false, task: None }))
    }

    /// Adds a batch; whether a task has to be started that empties the inbox.
    pub(super) fn push(&self, number: i64, rows: RowSelection) -> bool {
        let mut state = self.lock();
        if state.behind.is_some() || number <= state.from {
            return false;
        }
        state.rows += rows.len();
        state.batches.push_back((number, rows));
        if state.batches.len() > MAX_INBOX_BATCHES || state.rows > MAX_INBOX_ROWS {
            let first = state.batches.front().map_or(number, |&(first, _)| first);
            state.fall_behind(first - 1);
        }
        !std::mem::replace(&mut state.is_running, true)
    }

    /// Whether a task has to be started at once, for a channel that begins behind.
    pub(super) fn starts_behind(&self) -> bool {
        let mut state = self.lock();
        state.behind.is_some() && !std::mem::replace(&mut state.is_running, true)
    }

    /// What the running task is to do next; none where it is to end.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.lock();
        if let Some(after) = state.behind {
            return Some(Work::ReadFeedAfter(after));
        }
        if state.batches.is_empty() {
            state.is_running = false;
            state.batches.shrink_to(4);
            return None;
        }
        let count = state.batches.len().min(MAX_BATCHES_PER_TAKE);
        let batches: Vec<_> = state.batches.drain(..count).collect();
        state.rows -= batches.iter().map(|(_, rows)| rows.len()).sum::<usize>();
        Some(Work::Batches(batches))
    }

    /// The running task reads the feed by itself after this batch.
    pub(super) fn fall_behind(&self, after: i64) {
        self.lock().fall_behind(after);
    }

    /// The running task processed all batches up to this one. When the dispatcher is not past it, the inbox is filled again from
    /// there on.
    pub(super) fn mark_processed(&self, number: i64, position: &DispatchPosition) {
        let mut state = self.lock();
        if position.started.load(Ordering::SeqCst) <= number {
            (state.behind, state.from) = (None, number);
        } else {
            state.behind = Some(number);
        }
    }

    /// Calls `when_idle` when nothing is left to process, before anything can be added.
    pub(super) fn when_idle(&self, when_idle: impl FnOnce()) {
        let state = self.lock();
        if !state.is_running && state.behind.is_none() && state.batches.is_empty() {
            when_idle();
        }
    }

    /// The task that empties it.
    pub(super) fn set_task(&self, task: AbortHandle) {
        self.lock().task = Some(task);
    }

    /// Ends the task that empties it.
    pub(super) fn abort(&self) {
        if let Some(task) = self.lock().task.take() {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // no panic leaves it half changed
    }
}

impl InboxState {
    fn fall_behind(&mut self, after: i64) {
        self.behind = Some(after);
        self.batches = VecDeque::new();
        self.rows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: i64) -> DispatchPosition {
        DispatchPosition { started: number.into(), dispatched: number.into() }
    }

    #[test]
    fn batches_are_taken_once_by_one_task() {
        let inbox = Inbox::new(5, &at(5));
        assert!(!inbox.push(5, RowSelection::All), "it is not after the beginning");
        assert!(inbox.push(6, RowSelection::Candidates(vec![1])));
        assert!(!inbox.push(7, RowSelection::All), "a task runs");
        assert_eq!(
            inbox.take(),
            Some(Work::Batches(vec![(6, RowSelection::Candidates(vec![1])), (7, RowSelection::All)]))
        );
        inbox.when_idle(|| panic!("it is being processed"));
        assert_eq!(inbox.take(), None);
        let mut idle = false;
        inbox.when_idle(|| idle = true);
        assert!(idle && inbox.push(8, RowSelection::All));
    }

    #[test]
    fn channel_that_starts_behind_the_dispatcher_reads_the_feed() {
        let (inbox, position) = (Inbox::new(5, &at(7)), at(7));
        assert!(inbox.starts_behind() && !inbox.push(8, RowSelection::All));
        position.started.store(8, Ordering::SeqCst);
        assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(5)));
        inbox.mark_processed(7, &position);
        assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(7)), "8 was not added");
        inbox.mark_processed(9, &position);
        assert_eq!(inbox.take(), None);
        assert!(!inbox.push(9, RowSelection::All), "the feed was read up to it");
        assert!(inbox.push(10, RowSelection::All));
    }

    #[test]
    fn overflowing_inbox_falls_back_to_reading_the_feed() {
        for rows in [RowSelection::All, RowSelection::Candidates(vec![0; 100])] {
            let inbox = Inbox::new(0, &at(0));
            let mut number = 0;
            while inbox.lock().behind.is_none() {
                number += 10;
                inbox.push(number, rows.clone());
                assert!(number < 10_000);
            }
            assert_eq!(inbox.take(), Some(Work::ReadFeedAfter(9)), "after what came before the first");
            assert!(inbox.lock().batches.capacity() == 0);
        }
    }
}
